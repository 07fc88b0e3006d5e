/**
 * Some eigenvalues and eigenvectors of a symmetric operator: Lanczos with full re-orthogonalisation and thick restarts
 * [Wu & Simon 2000].
 *
 * A random start meets every eigenspace in one direction, so copies of a multiple eigenvalue are found where the subspace
 * becomes invariant (a new random direction then goes on) or by rounding, and may otherwise count once.
 *
 * @module
 */
import { checkChoice, checkInteger, checkNumber } from "../engine/checks.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { RandomStream } from "../engine/random.ts";
import { Basis, largestBasis } from "./basis.ts";
import { checkedProduct, checkOperator, type Pause, type SymmetricOperator } from "./operator.ts";
import { denseEigen } from "./tridiagonal.ts";

/** Largest, most negative, or largest in magnitude. */
export type WhichEigenvalues = "largest" | "smallest" | "magnitude";

/** What `lanczos` takes. */
export interface LanczosOptions {
  /** Eigenvalues, 1 to size. */
  readonly count: number;
  readonly which: WhichEigenvalues;
  /** Residual `|A x - lambda x|` asked for, as a share of the spectral norm. Default 1e-4. */
  readonly tolerance?: number;
  /** Products at the most; `count` more then measure the residuals. Default 1000. */
  readonly products?: number;
  /** Vectors held at a time. Default: 3 count + 60, or what 1 GiB holds. */
  readonly basis?: number;
}

/** Eigenpairs in the order asked for. There are fewer than `count` only if the products did not suffice for as many. */
export interface LanczosResult {
  readonly values: Float64Array;
  /** Unit vectors: vector i is `vectors[i size .. i size + size - 1]`. */
  readonly vectors: Float64Array;
  /** `|A x - lambda x|`, measured. An eigenvalue lies within it of each value. */
  readonly residuals: Float64Array;
  /** Whether all `count` residuals are within the tolerance. */
  readonly converged: boolean;
  /** Products, those for the residuals included. */
  readonly products: number;
  readonly restarts: number;
  /** Largest magnitude of an eigenvalue met: what the tolerance is relative to. */
  readonly norm: number;
}

/** A new direction after orthogonalising, relative to what it was: below this it is rounding. */
const ROUNDING = 1e-13;
/** Steps between looks at the convergence. */
const LOOK = 10;

function order(which: WhichEigenvalues, values: Float64Array): number[] {
  const key = (i: number): number =>
    which === "largest" ? -values[i] : which === "smallest" ? values[i] : -Math.abs(values[i]);
  return Array.from(values, (_, i) => i).sort((i, j) => key(i) - key(j) || values[j] - values[i]);
}

/** Puts a random unit vector, orthogonal to the first `count`, at row `count`. */
function newDirection(basis: Basis, count: number, random: RandomStream, noise: Float32Array): void {
  for (;;) {
    random.gaussians(noise);
    basis.work.set(noise);
    const before = basis.norm();
    basis.orthogonalise(count);
    const after = basis.norm();
    // in the last dimensions little remains: once more for the digits
    if (!(after > 1e-6 * before)) continue;
    basis.orthogonalise(count);
    basis.keep(count, basis.norm());
    return;
  }
}

/**
 * Eigenpairs of an operator.
 *
 * @param random start and new directions.
 * @throws TypeError, RangeError for bad arguments; Error for a product with entries that are not finite.
 */
export async function lanczos(
  kernels: Kernels,
  operator: SymmetricOperator,
  options: LanczosOptions,
  random: RandomStream,
  pause: Pause = () => {},
): Promise<LanczosResult> {
  checkOperator(operator);
  const n = operator.size;
  const count = checkInteger("count", options.count, 1, n);
  const which = checkChoice("which", options.which, ["largest", "smallest", "magnitude"]);
  const tolerance = checkNumber("tolerance", options.tolerance ?? 1e-4, 0, 1);
  const cap = checkInteger("products", options.products ?? 1000, 1, 1e9);
  const limit = Math.min(n, largestBasis(n));
  const least = Math.min(n, count + 2);
  if (least > limit) throw new RangeError(`count: ${count} vectors of ${n} numbers do not fit in 1 GiB`);
  const m = checkInteger("basis", options.basis ?? Math.min(limit, 3 * count + 60), least, limit);

  const basis = await Basis.create(kernels, n, m);
  const projected = new Float64Array(m * m);
  const parts = new Float64Array(m);
  const noise = new Float32Array(n);
  let held = 0;
  let products = 0;
  let restarts = 0;
  let broken = false;
  let atLastBreak: Float64Array | undefined;
  let values = new Float64Array(0);
  let vectors = new Float64Array(0);
  let chosen: number[] = [];
  let norm = 0;
  newDirection(basis, 0, random, noise);
  for (;;) {
    await checkedProduct(operator, basis.row(held), basis.work);
    products++;
    const before = basis.norm();
    basis.orthogonalise(held + 1, parts);
    for (let i = 0; i <= held; i++) {
      projected[i * m + held] = parts[i];
      projected[held * m + i] = parts[i];
    }
    held++;
    norm = Math.max(norm, before);
    let rest = basis.norm();
    const complete = held === n;
    const invariant = complete || rest <= ROUNDING * norm;
    if (invariant) rest = 0;
    const full = held === m;
    const over = products >= cap;
    if (complete || over || full || (held >= count && (invariant || held % LOOK === 0))) {
      const pairs = denseEigen(projected, held, m);
      values = pairs.values as Float64Array<ArrayBuffer>;
      vectors = pairs.vectors as Float64Array<ArrayBuffer>;
      chosen = order(which, values);
      if (complete || over) break;
      const scale = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      const fits = (i: number): boolean => rest * Math.abs(vectors[i * held + held - 1]) <= tolerance * scale;
      if (invariant) {
        // an invariant subspace says nothing about what lies outside: done if one more direction changes nothing
        const now = Float64Array.from(chosen.slice(0, count), (i) => values[i]);
        const last = atLastBreak;
        atLastBreak = now;
        if (held > count && last?.length === count && last.every((x, i) => Math.abs(x - now[i]) <= tolerance * scale)) {
          break;
        }
      } else if (held >= count && chosen.slice(0, broken ? count + 1 : count).every(fits)) break;
    }
    if (full) {
      const kept = Math.min(m - 1, count + ((m - count) >> 1));
      const weights = new Float64Array(kept * held);
      projected.fill(0);
      for (let i = 0; i < kept; i++) {
        weights.set(vectors.subarray(chosen[i] * held, (chosen[i] + 1) * held), i * held);
        projected[i * m + i] = values[chosen[i]];
      }
      basis.combine(weights, kept, held);
      held = kept;
      restarts++;
    }
    if (invariant) {
      broken = true;
      newDirection(basis, held, random, noise);
    } else basis.keep(held, rest);
    await pause();
  }

  const found = Math.min(count, held);
  const weights = new Float64Array(found * held);
  for (let i = 0; i < found; i++) {
    weights.set(vectors.subarray(chosen[i] * held, (chosen[i] + 1) * held), i * held);
  }
  basis.combine(weights, found, held);
  const top = Float64Array.from(chosen.slice(0, found), (i) => values[i]);
  const scale = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const residuals = new Float64Array(found);
  const eigenvectors = new Float64Array(found * n);
  for (let i = 0; i < found; i++) {
    const x = basis.row(i);
    await checkedProduct(operator, x, basis.work);
    products++;
    for (let j = 0; j < n; j++) basis.work[j] -= top[i] * x[j];
    residuals[i] = basis.norm();
    eigenvectors.set(x, i * n);
    await pause();
  }
  // an operator of f64 has residuals of rounding even where the tolerance is 0
  const allowed = Math.max(tolerance, ROUNDING) * scale;
  return {
    values: top,
    vectors: eigenvectors,
    residuals,
    converged: found === count && residuals.every((r) => r <= allowed),
    products,
    restarts,
    norm: scale,
  };
}
