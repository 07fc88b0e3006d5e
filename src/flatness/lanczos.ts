/**
 * Some eigenvalues and eigenvectors of a symmetric operator: Lanczos with full re-orthogonalisation and thick restarts
 * [Wu & Simon 2000].
 *
 * A start meets every eigenspace in one direction alone, so it finds a multiple eigenvalue once. What has converged is
 * therefore confirmed: a new random direction, orthogonal to it, starts again. Where what it finds belongs among the
 * eigenvalues asked for, another follows; else it ends once its first eigenvalue is known to a tenth of its distance.
 *
 * @module
 */
import { checkChoice, checkInteger, checkNumber, show } from "../engine/checks.ts";
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
  /** Whether to look for further copies of multiple eigenvalues, which about doubles the products. Default true. */
  readonly confirm?: boolean;
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
  /** Whether all `count` residuals are within the tolerance, and the products sufficed to confirm them. */
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

/** What comes first has the least key. */
function key(which: WhichEigenvalues, value: number): number {
  return which === "largest" ? -value : which === "smallest" ? value : -Math.abs(value);
}

function order(which: WhichEigenvalues, values: Float64Array): number[] {
  return Array.from(values, (_, i) => i).sort(
    (i, j) => key(which, values[i]) - key(which, values[j]) || values[j] - values[i],
  );
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
  const confirm = options.confirm ?? true;
  if (typeof confirm !== "boolean") throw new TypeError(`confirm: expected true or false, got ${show(confirm)}`);
  const limit = Math.min(n, largestBasis(n));
  const least = Math.min(n, count + 2);
  if (least > limit) throw new RangeError(`count: ${count} vectors of ${n} numbers do not fit in 1 GiB`);
  const m = checkInteger("basis", options.basis ?? Math.min(limit, 3 * count + 60), least, limit);

  return Basis.use(kernels, n, m, async (basis) => {
    const projected = new Float64Array(m * m);
    const parts = new Float64Array(m);
    const noise = new Float32Array(n);
    let held = 0;
    let products = 0;
    let restarts = 0;
    let done = false;
    /** What was found when the last new direction was taken, if one was. */
    let known: Float64Array | undefined;
    let values = new Float64Array(0);
    let vectors = new Float64Array(0);
    let chosen: number[] = [];
    let norm = 0;
    /** Goes on with the Ritz vectors of the first `kept` chosen values alone. */
    const hold = (kept: number): void => {
      const weights = new Float64Array(kept * held);
      projected.fill(0);
      for (let i = 0; i < kept; i++) {
        weights.set(vectors.subarray(chosen[i] * held, (chosen[i] + 1) * held), i * held);
        projected[i * m + i] = values[chosen[i]];
      }
      basis.combine(weights, kept, held);
      held = kept;
    };
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
        if (complete) done = true;
        if (complete || over) break;
        const scale = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        const residual = (i: number): number => rest * Math.abs(vectors[i * held + held - 1]);
        const top = chosen.slice(0, count);
        const within = Math.max(tolerance, ROUNDING) * scale;
        const now = Float64Array.from(top, (i) => values[i]);
        const unchanged = known?.length === count && known.every((x, i) => Math.abs(x - now[i]) <= 2 * within);
        if (invariant) {
          // says nothing about what lies outside: done if one more direction changes nothing
          if (held > count && unchanged) {
            done = true;
            break;
          }
          known = now;
        } else if (held > count && top.every((i) => residual(i) <= within)) {
          const next = chosen[count];
          const gap = key(which, values[next]) - key(which, values[top[count - 1]]);
          if (!confirm || (unchanged && residual(next) <= Math.max(within, gap / 10))) {
            done = true;
            break;
          }
          if (!unchanged) {
            known = now;
            hold(count);
            newDirection(basis, held, random, noise);
            continue;
          }
        }
      }
      if (full) {
        hold(Math.min(m - 1, count + ((m - count) >> 1)));
        restarts++;
      }
      if (invariant) newDirection(basis, held, random, noise);
      else basis.keep(held, rest);
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
      converged: done && found === count && residuals.every((r) => r <= allowed),
      products,
      restarts,
      norm: scale,
    };
  });
}
