/**
 * Minimax exponential tilting of a Gaussian orthant [Botev, "The normal law under linear restrictions", JRSS-B 79, 2017].
 *
 * With `L = D (I + C)` the Cholesky factor, noise `zeta_i` shifted by `mu_i` must exceed `t_i = l_i - mu_i`, `l = -C x`, and a
 * sample's weight is `exp psi(x, mu)`, `psi = sum mu_i^2 / 2 - x_i mu_i + ln Q(t_i)`. Botev solves for the saddle point of psi,
 * 2 (m - 1) equations. They are fewer: stationarity gives `mu = C' h`, `x = mu + h`, with the hazards `h_i = phi / Q (t_i)`, and
 * what remains is `t - h + B h = 0`, `B = (I + C)(I + C)' = D^-1 (covariance) D^-1`, the gradient with respect to h of
 *
 *     F(h) = h' B h / 2 + sum t_i h_i - h_i^2 / 2 + ln Q(t_i),
 *
 * which is strictly convex (the derivative of `h - t` by h is below 0) and equals psi at the saddle point. For every t and
 * `mu = C' h(t)` no weight is above exp F, since each factor `Q(t_i) exp(h_i t_i)` is largest where the hazard is h_i: so
 * `P <= exp F`, even where the iteration has not ended.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";

/** The solution. */
export interface Tilt {
  /** Hazards, one a variable. */
  readonly h: Float64Array<ArrayBuffer>;
  /** F: an upper bound of the logarithm of every weight. */
  readonly bound: number;
  readonly iterations: number;
  /** Largest entry of `t - h + B h`. */
  readonly residual: number;
}

const MOST_ITERATIONS = 200;
/** Residual, of `1 + |t|`, at which it ends: weights change by its square. */
const CONVERGED = 1e-9;
/** Slopes of the hazard are kept above it, so that their roots can be divided by. */
const LOWEST_SLOPE = 1e-280;
/** Rows of the factorisation by one call. */
const ROWS = 32;

/**
 * Newton's method in t with a line search on F; its systems are symmetric, `(I - S^2 + S B S) y = -S r`, `S^2` the slopes of the
 * hazard, `t += y / S`.
 *
 * @param matrix the covariance, `4 ceil(n / 4)` rows of as many f64; becomes B.
 * @param deviations the diagonal D of its Cholesky factor.
 */
export async function solveTilt(
  kernels: Kernels,
  n: number,
  matrix: number,
  deviations: Float64Array,
  pause: () => Promise<void> | void,
): Promise<Tilt> {
  const { exports } = kernels;
  const rows = 4 * Math.ceil(n / 4);
  const stride = 8 * rows;
  const b = matrix;
  const system = kernels.allocate(rows * stride);
  const [tAt, hAt, slopeAt, productAt, rightAt, inverseAt] = Array.from({ length: 6 }, () => kernels.allocate(stride));
  const view = (address: number): Float64Array => kernels.f64(address, n);
  for (let i = 0; i < n; i++) {
    const row = view(b + i * stride);
    for (let j = 0; j < n; j++) row[j] /= deviations[i] * deviations[j];
    if (i % 64 === 63) await pause();
  }
  /** Hazards, F and the residual at t. */
  const evaluate = (t: Float64Array): { value: number; residual: Float64Array; largest: number } => {
    view(tAt).set(t);
    let value = exports.orthantHazards(tAt, n, hAt, slopeAt);
    exports.rowDots64(b, n, stride, hAt, stride, productAt);
    const h = view(hAt);
    const product = view(productAt);
    const residual = new Float64Array(n);
    let largest = 0;
    for (let i = 0; i < n; i++) {
      value += (h[i] * product[i]) / 2;
      residual[i] = t[i] - h[i] + product[i];
      largest = Math.max(largest, Math.abs(residual[i]) / (1 + Math.abs(t[i])));
    }
    return { value, residual, largest };
  };

  let t = new Float64Array(n);
  let now = evaluate(t);
  let iterations = 0;
  while (now.largest > CONVERGED && iterations < MOST_ITERATIONS) {
    const slopes = Float64Array.from(view(slopeAt), (x) => Math.min(1, Math.max(LOWEST_SLOPE, x)));
    const roots = slopes.map(Math.sqrt);
    const right = kernels.f64(rightAt, rows).fill(0);
    for (let i = 0; i < n; i++) right[i] = -roots[i] * now.residual[i];
    for (let i = 0; i < rows; i++) {
      const to = kernels.f64(system + i * stride, rows);
      const from = kernels.f64(b + i * stride, rows);
      if (i < n) for (let j = 0; j < i; j++) to[j] = roots[i] * from[j] * roots[j];
      to[i] = i < n ? 1 - slopes[i] + slopes[i] * from[i] : 1;
      if (i % 64 === 63) await pause();
    }
    let failed = -1;
    for (let i = 0; i < rows && failed < 0; i += ROWS) {
      failed = exports.choleskyRows(system, stride, i, Math.min(i + ROWS, rows), inverseAt);
      await pause();
    }
    if (failed >= 0) break;
    exports.choleskySolve(system, rows, stride, inverseAt, rightAt);
    const y = view(rightAt).slice();
    let descent = 0;
    for (let i = 0; i < n; i++) descent += now.residual[i] * roots[i] * y[i];
    let step = 1;
    let next = now;
    let moved = t;
    do {
      moved = t.map((x, i) => x + (step * y[i]) / roots[i]);
      next = evaluate(moved);
      step /= 2;
    } while (!(next.value <= now.value + 2e-4 * step * descent + 1e-13 * Math.abs(now.value)) && step > 1e-12);
    iterations++;
    // rounding is all that is left
    const stuck = step <= 1e-12 || (next.largest >= now.largest && next.value >= now.value);
    if (stuck) {
      evaluate(t);
      break;
    }
    t = moved;
    now = next;
    await pause();
  }
  return { h: view(hAt).slice() as Float64Array<ArrayBuffer>, bound: now.value, iterations, residual: now.largest };
}
