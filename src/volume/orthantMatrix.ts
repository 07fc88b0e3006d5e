/**
 * From a kernel and labels to the correlations whose orthant is asked for.
 *
 * @module
 */

import { certainPoints } from "./covariance.ts";

/** `P(X > 0)` is asked for, X Gaussian with these correlations. */
export interface OrthantMatrix {
  /** Variables left. */
  readonly size: number;
  /** `[size][size]`, signed by the labels; the diagonal is 1. */
  readonly correlations: Float64Array<ArrayBuffer>;
  /** Why the probability is exactly 0; undefined: it is not known to be. */
  readonly impossible: string | undefined;
}

/**
 * Signs a covariance by the labels, scales it to unit variances, and drops points that another decides: those that are its
 * multiples, and those that are always 0.
 *
 * @param kernel `[m][m]`, row-major, checked; the lower triangle counts.
 * @param signs m of 1 and -1.
 * @param added to the diagonal.
 * @throws RangeError if it is plainly indefinite.
 */
export function orthantMatrix(kernel: Float64Array, signs: Float64Array, added: number): OrthantMatrix {
  const m = signs.length;
  const dropped = new Set<number>();
  if (added === 0) {
    const { impossible, idle, repeated } = certainPoints(kernel, signs);
    if (impossible !== undefined) return { size: 0, correlations: new Float64Array(0), impossible };
    for (const i of [...idle, ...repeated]) dropped.add(i);
  }
  const kept = Array.from({ length: m }, (_, i) => i).filter((i) => !dropped.has(i));
  const size = kept.length;
  const variances = kept.map((i) => kernel[i * m + i] + added);
  const correlations = new Float64Array(size * size);
  kept.forEach((i, a) => {
    for (let b = 0; b < a; b++) {
      const correlation = kernel[i * m + kept[b]] / Math.sqrt(variances[a] * variances[b]);
      const signed = Math.max(-1, Math.min(1, correlation)) * signs[i] * signs[kept[b]];
      correlations[a * size + b] = signed;
      correlations[b * size + a] = signed;
    }
    correlations[a * size + a] = 1;
  });
  return { size, correlations, impossible: undefined };
}
