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
import { CovarianceMember } from "./covarianceMember.ts";
import { lowerIndex, type Pause } from "./panels.ts";

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
/**
 * Newton's method in t with a line search on F; its systems are symmetric, `(I + S (B - I) S) y = -S r`, `S^2` the slopes of the
 * hazard, `t += y / S`.
 *
 * @param covariance by panels; used up.
 * @param deviations the diagonal D of its Cholesky factor.
 */
export async function solveTilt(
  kernels: Kernels,
  n: number,
  covariance: Float64Array<ArrayBuffer>,
  deviations: Float64Array,
  pause: Pause,
): Promise<Tilt> {
  const { exports } = kernels;
  toExcess(covariance, deviations);
  const excess = new CovarianceMember(kernels, covariance, n, pause);
  const [tAt, hAt, slopeAt] = Array.from({ length: 3 }, () => kernels.allocate(32 * excess.panels));
  const view = (address: number): Float64Array => kernels.f64(address, n);
  /** Hazards, F and the residual at t. */
  const evaluate = (t: Float64Array): { value: number; residual: Float64Array; largest: number } => {
    view(tAt).set(t);
    let value = exports.orthantHazards(tAt, n, hAt, slopeAt);
    const h = view(hAt);
    const product = excess.times(h);
    const residual = new Float64Array(n);
    let largest = 0;
    for (let i = 0; i < n; i++) {
      value += (h[i] * (product[i] + h[i])) / 2;
      residual[i] = t[i] + product[i];
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
    if ((await excess.prepare(slopes)) >= 0) break;
    const y = excess.solve(now.residual.map((r, i) => -roots[i] * r));
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

/** A covariance by panels becomes `D^-1 (covariance) D^-1 - I`. */
function toExcess(covariance: Float64Array, deviations: Float64Array): void {
  for (let i = 0; i < deviations.length; i++) {
    // the diagonal tile is there in full
    const end = Math.min(deviations.length, i - (i & 3) + 4);
    for (let j = 0; j < end; j++) {
      const at = lowerIndex(i, j);
      covariance[at] = covariance[at] / (deviations[i] * deviations[j]) - Number(i === j);
    }
  }
}
