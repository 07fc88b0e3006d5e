/**
 * Intervals for a proportion.
 *
 * @module
 */

/** The 97.5 % point of the standard normal distribution. */
export const Z_95 = 1.959963984540054;

/**
 * Wilson's score interval for a proportion [Wilson 1927; Brown, Cai & DasGupta 2001].
 *
 * @param successes k >= 0, may be fractional when `trials` is an effective number.
 * @param trials n > 0.
 * @param z normal quantile; default: 95 % two-sided.
 * @returns lower and upper end, within [0, 1].
 * @example
 * wilsonInterval(3, 100); // [0.0103, 0.0845]
 */
export function wilsonInterval(successes: number, trials: number, z = Z_95): [number, number] {
  const p = successes / trials;
  const z2 = z * z;
  const denominator = 1 + z2 / trials;
  const centre = (p + z2 / (2 * trials)) / denominator;
  const half = (z / denominator) * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials * trials));
  // at k = 0 and k = n an end is exactly 0 or 1; rounding must not say otherwise
  return [successes <= 0 ? 0 : Math.max(0, centre - half), successes >= trials ? 1 : Math.min(1, centre + half)];
}

/** An estimate of a proportion from clusters of equal size. */
export interface ClusteredProportion {
  readonly probability: number;
  /** Standard error of `probability`. */
  readonly standardError: number;
  /** Variance inflation over independent draws, `1 + (m - 1) ICC`. */
  readonly designEffect: number;
}

/**
 * A proportion from `clusters` clusters of `size` draws each, c_b successes in cluster b: the ratio-free cluster estimator
 * `var(p) = s^2(c) / (clusters size^2)` [Cochran, Sampling Techniques, 1977, sections 9.3 and 11.2].
 *
 * @param successes sum of c_b.
 * @param squares sum of c_b^2.
 */
export function clusteredProportion(
  successes: number,
  squares: number,
  clusters: number,
  size: number,
): ClusteredProportion {
  const trials = clusters * size;
  const probability = successes / trials;
  const simple = (probability * (1 - probability)) / trials;
  if (clusters < 2 || simple === 0) return { probability, standardError: Math.sqrt(simple), designEffect: 1 };
  const variance = Math.max(0, (squares - (successes * successes) / clusters) / (clusters - 1));
  const square = variance / (clusters * size * size);
  return { probability, standardError: Math.sqrt(square), designEffect: square / simple };
}
