/**
 * Linear maps P that turn an isotropic Gaussian into directions in which a quadratic approximation of the loss is flat:
 * `P = L'^-1`, `L L' = A + lambda`, A the curvature (its diagonal, or all of it).
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { RandomStream } from "../engine/random.ts";
import { PRECONDITIONER_STREAM } from "./streams.ts";

/** `v = P x`, and ln |det P|. */
export interface Preconditioner {
  apply(x: Float64Array): void;
  readonly logDeterminant: number;
}

/** `out = A v` in f64 vectors. */
export type CurvatureProduct = (v: Float64Array, out: Float64Array) => Promise<void>;

/**
 * The diagonal of A: exact where `size` products are allowed, else the mean of `s * (A s)` over random signs s
 * [Bekas, Kokiopoulou & Saad 2007]; negative entries count as 0.
 */
export async function diagonalPreconditioner(
  kernels: Kernels,
  size: number,
  product: CurvatureProduct,
  damping: number,
  products: number,
  seed: bigint,
): Promise<Preconditioner> {
  const diagonal = new Float64Array(size);
  const v = new Float64Array(size);
  const out = new Float64Array(size);
  if (size <= products) {
    for (let i = 0; i < size; i++) {
      v.fill(0);
      v[i] = 1;
      await product(v, out);
      diagonal[i] = out[i];
    }
  } else {
    const signs = new Float32Array(size);
    for (let probe = 0; probe < products; probe++) {
      new RandomStream(kernels, seed, probe, PRECONDITIONER_STREAM).signs(signs);
      v.set(signs);
      await product(v, out);
      for (let i = 0; i < size; i++) diagonal[i] += (v[i] * out[i]) / products;
    }
  }
  const factor = diagonal.map((a) => 1 / Math.sqrt(Math.max(0, a) + damping));
  let logDeterminant = 0;
  for (let i = 0; i < size; i++) logDeterminant += kernels.exports.naturalLog(factor[i]);
  return {
    apply(x) {
      for (let i = 0; i < size; i++) x[i] *= factor[i];
    },
    logDeterminant,
  };
}

/**
 * Cholesky's factor in place, the lower triangle row by row: row i begins at i (i + 1) / 2.
 *
 * @returns whether the matrix is positive definite.
 */
async function choleskyInPlace(a: Float64Array, size: number, pause: () => Promise<void> | void): Promise<boolean> {
  for (let i = 0; i < size; i++) {
    const row = (i * (i + 1)) / 2;
    for (let j = 0; j <= i; j++) {
      const other = (j * (j + 1)) / 2;
      let sum = a[row + j];
      for (let k = 0; k < j; k++) sum -= a[row + k] * a[other + k];
      if (j < i) a[row + j] = sum / a[other + j];
      else if (sum > 0) a[row + i] = Math.sqrt(sum);
      else return false;
    }
    if (i % 16 === 15) await pause();
  }
  return true;
}

/**
 * All of A. Where `A + lambda` is not positive definite, lambda is multiplied by 4 until it is
 * [Nocedal & Wright 2006, algorithm 3.3].
 *
 * @returns also the lambda that was enough.
 */
export async function fullPreconditioner(
  kernels: Kernels,
  size: number,
  product: CurvatureProduct,
  damping: number,
  pause: () => Promise<void> | void,
): Promise<Preconditioner & { readonly damping: number }> {
  const matrix = new Float64Array((size * (size + 1)) / 2);
  const v = new Float64Array(size);
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    v.fill(0);
    v[i] = 1;
    await product(v, out);
    // column i of a symmetric matrix: the mean of both triangles, which differ by rounding
    for (let j = 0; j < size; j++) {
      const [high, low] = j > i ? [j, i] : [i, j];
      matrix[(high * (high + 1)) / 2 + low] += j === i ? out[j] : out[j] / 2;
    }
  }
  let lambda = damping;
  let factor = matrix;
  for (;;) {
    factor = matrix.slice();
    for (let i = 0; i < size; i++) factor[(i * (i + 1)) / 2 + i] += lambda;
    if (await choleskyInPlace(factor, size, pause)) break;
    lambda *= 4;
    if (!(lambda < 1e300)) throw new Error("the curvature has entries that are not finite");
  }
  let logDeterminant = 0;
  for (let i = 0; i < size; i++) logDeterminant -= kernels.exports.naturalLog(factor[(i * (i + 1)) / 2 + i]);
  return {
    apply(x) {
      // L' v = x, from the last row up
      for (let i = size - 1; i >= 0; i--) {
        const row = (i * (i + 1)) / 2;
        x[i] /= factor[row + i];
        for (let k = 0; k < i; k++) x[k] -= factor[row + k] * x[i];
      }
    },
    logDeterminant,
    damping: lambda,
  };
}
