/**
 * Trace and Frobenius norm of a symmetric operator from a number of products that is fixed beforehand.
 *
 * Where the products suffice for every column of the matrix, they are spent so, and the result is exact.
 *
 * @module
 */
import { checkChoice, checkInteger } from "../engine/checks.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { RandomStream } from "../engine/random.ts";
import { Basis, largestBasis } from "./basis.ts";
import { checkedProduct, checkOperator, type Pause, type SymmetricOperator } from "./operator.ts";

/** A Monte Carlo number. */
export interface Estimate {
  readonly value: number;
  /** 0 where the value is exact. */
  readonly standardError: number;
  readonly products: number;
  readonly exact: boolean;
}

export type TraceMethod = "hutch++" | "hutchinson";

/** What `trace` takes. */
export interface TraceOptions {
  /** At least 2 for Hutchinson's estimator, 6 for Hutch++, or the size. Default 120. */
  readonly products?: number;
  /** Default "hutch++". */
  readonly method?: TraceMethod;
}

/** Mean and standard error of the mean. */
function meanOf(samples: Float64Array): { mean: number; standardError: number } {
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  const squares = samples.reduce((sum, x) => sum + (x - mean) * (x - mean), 0);
  return { mean, standardError: Math.sqrt(squares / (samples.length - 1) / samples.length) };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** `of(e_j, A e_j)`, summed over the columns. */
async function sumOverColumns(
  operator: SymmetricOperator,
  of: (unit: Float64Array, column: Float64Array) => number,
  pause: Pause,
): Promise<number> {
  const n = operator.size;
  const unit = new Float64Array(n);
  const column = new Float64Array(n);
  let sum = 0;
  for (let j = 0; j < n; j++) {
    unit[j] = 1;
    await checkedProduct(operator, unit, column);
    sum += of(unit, column);
    unit[j] = 0;
    await pause();
  }
  return sum;
}

/** `of(z, A z)` for random signs z. */
async function samples(
  operator: SymmetricOperator,
  count: number,
  random: RandomStream,
  of: (z: Float64Array, product: Float64Array) => number,
  pause: Pause,
): Promise<Float64Array> {
  const signs = new Float32Array(operator.size);
  const z = new Float64Array(operator.size);
  const product = new Float64Array(operator.size);
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    random.signs(signs);
    z.set(signs);
    await checkedProduct(operator, z, product);
    out[i] = of(z, product);
    await pause();
  }
  return out;
}

/**
 * The trace: Hutch++ [Meyer, Musco, Musco & Woodruff 2021, algorithm 1] or Hutchinson's mean of `z' A z`, z random signs.
 *
 * Hutch++ spends a third of its products on the range of A (`Q` = an orthonormal basis of `A S`, S random signs), a third
 * on the exact `tr Q' A Q`, and a third on Hutchinson's estimator of the rest. Unbiased; the standard error is that of the
 * last third, given Q.
 *
 * @throws TypeError, RangeError for bad arguments; Error for a product with entries that are not finite.
 */
export async function trace(
  kernels: Kernels,
  operator: SymmetricOperator,
  options: TraceOptions,
  random: RandomStream,
  pause: Pause = () => {},
): Promise<Estimate> {
  checkOperator(operator);
  const n = operator.size;
  const method = checkChoice("method", options.method ?? "hutch++", ["hutch++", "hutchinson"]);
  const products = checkInteger("products", options.products ?? 120, Math.min(n, method === "hutch++" ? 6 : 2), 1e9);
  if (products >= n) {
    const value = await sumOverColumns(operator, dot, pause);
    return { value, standardError: 0, products: n, exact: true };
  }
  if (method === "hutchinson") {
    const { mean, standardError } = meanOf(await samples(operator, products, random, dot, pause));
    return { value: mean, standardError, products, exact: false };
  }

  const sketch = Math.floor(products / 3);
  if (sketch > largestBasis(n)) {
    throw new RangeError(`products: ${sketch} vectors of ${n} numbers do not fit in 1 GiB, got ${products}`);
  }
  return Basis.use(kernels, n, sketch, async (basis) => {
    const signs = new Float32Array(n);
    const z = new Float64Array(n);
    const product = new Float64Array(n);
    let rank = 0;
    for (let i = 0; i < sketch; i++) {
      random.signs(signs);
      z.set(signs);
      await checkedProduct(operator, z, basis.work);
      const before = basis.norm();
      basis.orthogonalise(rank);
      const after = basis.norm();
      // what lies in the span of the others is rounding
      if (after > 1e-12 * before) {
        // little remained: once more, or its direction would not be orthogonal
        for (let i = 0; i < basis.work.length; i++) basis.work[i] /= after;
        basis.orthogonalise(rank);
        basis.keep(rank, basis.norm());
        rank++;
      }
      await pause();
    }
    let captured = 0;
    for (let i = 0; i < rank; i++) {
      const q = basis.row(i);
      await checkedProduct(operator, q, product);
      captured += dot(q, product);
      await pause();
    }
    const probes = products - 2 * sketch;
    const rest = new Float64Array(probes);
    for (let i = 0; i < probes; i++) {
      random.signs(signs);
      basis.work.set(signs);
      basis.orthogonalise(rank);
      await checkedProduct(operator, basis.work, product);
      rest[i] = dot(basis.work, product);
      await pause();
    }
    const { mean, standardError } = meanOf(rest);
    return { value: captured + mean, standardError, products: sketch + rank + probes, exact: false };
  });
}

/** What `frobeniusNorm` takes. */
export interface FrobeniusOptions {
  /** At least 2, or the size. Default 60. */
  readonly products?: number;
}

/**
 * The Frobenius norm, `sqrt(E |A z|^2)` over random signs z. The standard error is that of the mean square over twice the
 * root; the root's bias is of second order in it.
 *
 * @throws TypeError, RangeError for bad arguments; Error for a product with entries that are not finite.
 */
export async function frobeniusNorm(
  operator: SymmetricOperator,
  options: FrobeniusOptions,
  random: RandomStream,
  pause: Pause = () => {},
): Promise<Estimate> {
  checkOperator(operator);
  const n = operator.size;
  const products = checkInteger("products", options.products ?? 60, Math.min(n, 2), 1e9);
  const square = (_: Float64Array, product: Float64Array): number => dot(product, product);
  if (products >= n) {
    const value = Math.sqrt(await sumOverColumns(operator, square, pause));
    return { value, standardError: 0, products: n, exact: true };
  }
  const { mean, standardError } = meanOf(await samples(operator, products, random, square, pause));
  const value = Math.sqrt(mean);
  return { value, standardError: value > 0 ? standardError / (2 * value) : 0, products, exact: false };
}
