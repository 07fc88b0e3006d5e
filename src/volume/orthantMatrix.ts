/**
 * From a kernel and labels to the correlations whose orthant is asked for.
 *
 * @module
 */

/** Relative departure from symmetry, and of a correlation from 1, that rounding explains. */
const ROUNDING = 1e-9;
/** Correlations this close to 1 are 1: one point, up to a factor. */
const SAME = 2 ** -50;
/** Of proportional points: how far their correlations with a third may be apart. */
const PROPORTIONAL = 1e-6;

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
 * Checks a covariance, signs it by the labels, scales it to unit variances, and drops points that another decides: those that
 * are its multiples, and those that are always 0.
 *
 * @param kernel `[m][m]`, row-major, finite.
 * @param signs m of 1 and -1.
 * @param added to the diagonal.
 * @throws RangeError if it is not symmetric, or plainly indefinite.
 */
export function orthantMatrix(kernel: Float64Array, signs: Float64Array, added: number): OrthantMatrix {
  const m = signs.length;
  const name = (i: number, j: number): string => `kernel[${i}][${j}]`;
  const indefinite = (what: string): never => {
    throw new RangeError(`kernel: expected a positive semidefinite matrix, got ${what}`);
  };
  const variances = new Float64Array(m);
  for (let i = 0; i < m; i++) {
    variances[i] = kernel[i * m + i] + added;
    if (!(variances[i] >= 0)) indefinite(`${name(i, i)} = ${kernel[i * m + i]}`);
  }
  const impossible: string[] = [];
  const kept: number[] = [];
  const all = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < i; j++) {
      const a = kernel[i * m + j];
      const b = kernel[j * m + i];
      const scale = Math.sqrt(variances[i]) * Math.sqrt(variances[j]);
      if (Math.abs(a - b) > ROUNDING * Math.max(scale, Math.abs(a))) {
        throw new RangeError(`kernel: expected a symmetric matrix, got ${name(i, j)} = ${a} and ${name(j, i)} = ${b}`);
      }
      const mean = a / 2 + b / 2;
      if (Math.abs(mean) > scale * (1 + ROUNDING)) {
        indefinite(
          `${name(i, j)} = ${mean} beside ${name(i, i)} = ${variances[i]} and ${name(j, j)} = ${variances[j]}`,
        );
      }
      // the root of the product, not the product of roots: 1 exactly for equal points
      const correlation = scale === 0 ? 0 : mean / Math.sqrt(variances[i] * variances[j]);
      const signed = Math.max(-1, Math.min(1, correlation)) * signs[i] * signs[j];
      all[i * m + j] = signed;
      all[j * m + i] = signed;
    }
    all[i * m + i] = 1;
  }
  for (let i = 0; i < m; i++) {
    if (variances[i] === 0) {
      // the function is 0 there, and its bit false
      if (signs[i] > 0) impossible.push(`point ${i} has the variance 0, so its bit cannot be 1`);
      continue;
    }
    const twin = kept.find((j) => Math.abs(all[i * m + j]) >= 1 - SAME);
    if (twin === undefined) {
      kept.push(i);
      continue;
    }
    const factor = all[i * m + twin] > 0 ? 1 : -1;
    for (let k = 0; k < m; k++) {
      if (Math.abs(all[i * m + k] - factor * all[twin * m + k]) > PROPORTIONAL) {
        indefinite(`points ${twin} and ${i} with correlation ${factor} that differ in theirs with point ${k}`);
      }
    }
    if (factor < 0) {
      impossible.push(`points ${twin} and ${i} have the correlation 1 or -1, and labels that contradict it`);
    }
  }
  const size = kept.length;
  const correlations = new Float64Array(size * size);
  kept.forEach((i, a) => {
    kept.forEach((j, b) => {
      correlations[a * size + b] = all[i * m + j];
    });
  });
  return { size, correlations, impossible: impossible[0] };
}
