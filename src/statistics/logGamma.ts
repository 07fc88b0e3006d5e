/**
 * The logarithm of the gamma function in plain arithmetic over the module's own logarithm: the same bits on every engine.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";

/** `B_2k / (2k (2k - 1))` of Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];
/** From here on the series is exact to f64. */
const LARGE = 16;
const HALF_LOG_TWO_PI = 0.9189385332046728;

/**
 * ln Gamma(x), x > 0: Stirling's series, after the recurrence `Gamma(x) = Gamma(x + 1) / x` where x is small
 * [Abramowitz & Stegun, 6.1.15 and 6.1.41]. Error below 1e-14 relative to max(1, |ln Gamma(x)|).
 */
export function logGamma(kernels: Kernels, x: number): number {
  const { naturalLog } = kernels.exports;
  let product = 1;
  let t = x;
  while (t < LARGE) {
    product *= t;
    t += 1;
  }
  const inverse = 1 / t;
  const square = inverse * inverse;
  let series = 0;
  for (let k = STIRLING.length - 1; k >= 0; k--) series = series * square + STIRLING[k];
  return (t - 0.5) * naturalLog(t) - t + HALF_LOG_TWO_PI + series * inverse - naturalLog(product);
}
