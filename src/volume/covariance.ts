/**
 * Checks of a covariance matrix and of the labels at its points, shared by what computes Gaussian orthants.
 *
 * @module
 */
import { parseFunction } from "../data/functions.ts";
import { show } from "../engine/checks.ts";
import { packSymmetric } from "./panels.ts";

/** Points at the most: factorising then takes some 0.2 s, and the matrix 32 MB. */
export const COVARIANCE_LIMIT = 2000;
/** Largest `|K_ij - K_ji|` that is taken for rounding, as a share of the largest variance: a kernel in f32 passes. */
export const SYMMETRY_TOLERANCE = 1e-6;
/** Largest `-eigenvalue` that is taken for rounding, as a share of the largest variance. */
export const DEFINITENESS_TOLERANCE = 1e-6;

/** A checked covariance and signs: plain data. */
export interface Orthant {
  /** Points. */
  readonly size: number;
  /** The covariance by panels (src/volume/panels.ts), 4-row padded. */
  readonly covariance: Float64Array<ArrayBuffer>;
  /** -1 or 1. */
  readonly signs: Float64Array<ArrayBuffer>;
  /** Largest variance. */
  readonly scale: number;
}

/**
 * Labels as signs. Two-valued: 0 and 1, -1 and 1, or booleans; or a function in hex, point 0 first.
 *
 * @throws TypeError, RangeError naming `labels`.
 */
export function checkLabels(labels: unknown, count?: number): Float64Array<ArrayBuffer> {
  if (typeof labels === "string") {
    if (count === undefined) throw new TypeError("labels: expected an array, got a function in hex");
    const words = parseFunction("labels", labels, count);
    return Float64Array.from({ length: count }, (_, i) => ((words[i >> 5] >>> (31 - (i & 31))) & 1 ? 1 : -1));
  }
  const list = labels as ArrayLike<unknown> | null;
  if (typeof list !== "object" || list === null || typeof list.length !== "number") {
    throw new TypeError(`labels: expected an array of two-valued labels, got ${show(labels)}`);
  }
  if (list.length === 0) throw new RangeError("labels: expected at least one, got none");
  let zero = -1;
  let minus = -1;
  const signs = new Float64Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const label = list[i];
    if (typeof label !== "number" && typeof label !== "boolean") {
      throw new TypeError(`labels[${i}]: expected 0 or 1, -1 or 1, or a boolean, got ${show(label)}`);
    }
    const value = Number(label);
    if (value !== 0 && value !== 1 && value !== -1) {
      throw new RangeError(`labels[${i}]: expected 0 or 1, or -1 or 1, got ${show(label)}`);
    }
    if (value === 0) zero = i;
    if (value === -1) minus = i;
    signs[i] = value === 1 ? 1 : -1;
  }
  if (zero >= 0 && minus >= 0) {
    throw new RangeError(`labels: expected two values, got 0 (at ${zero}) beside -1 (at ${minus})`);
  }
  return signs;
}

/** Entries compared at a time, in a square, so that the transposed ones are in the cache. */
const SQUARE = 64;

/**
 * Checks a covariance matrix: square, finite, symmetric to `SYMMETRY_TOLERANCE`, no negative variance, no correlation beyond 1. Where rounding
 * left it not quite symmetric, its lower triangle counts.
 *
 * That it is positive semidefinite is found when it is factorised.
 *
 * @param kernel `[size][size]`.
 * @throws TypeError, RangeError naming `kernel`.
 */
export function checkCovariance(kernel: unknown, size: number): number {
  const matrix = kernel as ArrayLike<number> | null;
  if (typeof matrix !== "object" || matrix === null || typeof matrix.length !== "number") {
    throw new TypeError(`kernel: expected an array of numbers, got ${show(kernel)}`);
  }
  if (size > COVARIANCE_LIMIT) {
    throw new RangeError(`labels: expected at most ${COVARIANCE_LIMIT} points, got ${size}`);
  }
  if (matrix.length !== size * size) {
    throw new RangeError(
      `kernel: expected ${size} x ${size} = ${size * size} numbers for ${size} labels, got ${matrix.length}`,
    );
  }
  let scale = 0;
  for (let i = 0; i < size; i++) {
    const variance = matrix[i * size + i];
    if (typeof variance !== "number" || !Number.isFinite(variance) || variance < 0) {
      throw new RangeError(`kernel[${i}][${i}]: expected a finite variance, 0 or more, got ${show(variance)}`);
    }
    scale = Math.max(scale, variance);
  }
  const slack = SYMMETRY_TOLERANCE * scale;
  for (let i0 = 0; i0 < size; i0 += SQUARE) {
    for (let j0 = 0; j0 <= i0; j0 += SQUARE) {
      for (let i = i0; i < Math.min(size, i0 + SQUARE); i++) {
        for (let j = j0; j < Math.min(i, j0 + SQUARE); j++) {
          const value = matrix[i * size + j];
          const other = matrix[j * size + i];
          if (!Number.isFinite(value) || !Number.isFinite(other)) {
            const [r, c] = Number.isFinite(value) ? [j, i] : [i, j];
            throw new RangeError(`kernel[${r}][${c}]: expected a finite number, got ${show(matrix[r * size + c])}`);
          }
          if (Math.abs(value - other) > slack) {
            throw new RangeError(
              `kernel: expected a symmetric matrix, got ${value} at [${i}][${j}] and ${other} at [${j}][${i}]`,
            );
          }
          const bound = Math.sqrt(matrix[i * size + i]) * Math.sqrt(matrix[j * size + j]);
          if (Math.abs(value) > bound + slack) {
            throw new RangeError(
              `kernel: expected a positive semidefinite matrix, got ${value} at [${i}][${j}], ` +
                `more than its variances ${matrix[i * size + i]} and ${matrix[j * size + j]} allow`,
            );
          }
        }
      }
    }
  }
  return scale;
}

/**
 * Checks a covariance with labels, and packs it.
 *
 * @throws TypeError, RangeError.
 */
export function checkOrthant(kernel: unknown, labels: unknown): Orthant {
  const length = (kernel as ArrayLike<number> | null)?.length;
  const count = typeof length === "number" ? Math.round(Math.sqrt(length)) : undefined;
  const signs = checkLabels(labels, count);
  const size = signs.length;
  const scale = checkCovariance(kernel, size);
  return { size, covariance: packSymmetric(kernel as ArrayLike<number>, size), signs, scale };
}

/** Points whose outputs are certain, or another's multiples. */
export interface CertainPoints {
  /** Why no output has these signs: then P = 0, exactly. */
  readonly impossible: string | undefined;
  /** Points whose output is 0 for certain, and so is their label. They do not narrow anything. */
  readonly idle: number[];
  /** Points whose output is a multiple of an earlier one's, with the sign that its label asks for. Nor do they. */
  readonly repeated: number[];
}

/**
 * What can be read off the matrix: a variance of 0, and two points of which one's output is always a multiple of the other's.
 *
 * @param kernel `[size][size]`, checked; `signs` -1 or 1. An output is labelled 1 if it is above 0.
 * @throws RangeError naming `kernel` if outputs are multiples and their covariances with a third are not.
 */
export function certainPoints(kernel: ArrayLike<number>, signs: ArrayLike<number>): CertainPoints {
  const size = signs.length;
  const idle: number[] = [];
  const repeated: number[] = [];
  const zero = (reason: string): CertainPoints => ({ impossible: reason, idle, repeated });
  for (let i = 0; i < size; i++) {
    const variance = kernel[i * size + i];
    if (variance === 0) {
      if (signs[i] > 0) return zero(`point ${i}: its output is 0 with certainty, which is label 0, not 1`);
      idle.push(i);
      continue;
    }
    for (let j = 0; j < i; j++) {
      const value = kernel[i * size + j];
      const other = kernel[j * size + j];
      // the square of the correlation
      if (other === 0 || (value / variance) * (value / other) < 1 - SAME) continue;
      checkMultiple(kernel, size, i, j);
      if (signs[i] === (value < 0 ? -1 : 1) * signs[j]) {
        repeated.push(i);
        break;
      }
      const same = Math.abs(value) === variance && variance === other;
      if (value > 0) {
        return zero(
          same
            ? `points ${j} and ${i} are the same, and their labels differ`
            : `the outputs at points ${j} and ${i} are positive multiples of each other, and their labels differ`,
        );
      }
      return zero(
        `the outputs at points ${j} and ${i} are each other's negative${same ? "" : " multiples"}, and their labels are equal`,
      );
    }
  }
  return { impossible: undefined, idle, repeated };
}

/** Correlations whose square is this close to 1 are 1: K of multiples holds four roundings. */
const SAME = 2 ** -49;
/** Largest difference between the correlations of two such points with a third that rounding, also in f32, explains. */
const PROPORTIONAL = 1e-6;

/** Checks that point i, whose correlation with j is 1 or -1, has j's correlations with all others. */
function checkMultiple(kernel: ArrayLike<number>, size: number, i: number, j: number): void {
  const value = kernel[i * size + j];
  const [variance, other] = [kernel[i * size + i], kernel[j * size + j]];
  const factor = value / other;
  for (let k = 0; k < size; k++) {
    const difference = Math.abs(kernel[i * size + k] - factor * kernel[j * size + k]);
    if (difference > PROPORTIONAL * Math.sqrt(variance) * Math.sqrt(kernel[k * size + k])) {
      throw new RangeError(
        `kernel: expected a positive semidefinite matrix, got points ${j} and ${i} with correlation ${Math.sign(value)} ` +
          `that differ in theirs with point ${k}`,
      );
    }
  }
}

/**
 * The error for a matrix whose factorisation failed.
 *
 * @param row whose pivot is not positive.
 * @param iteration in which it happened; 0: before any, for K with `DEFINITENESS_TOLERANCE` on its diagonal.
 */
export function indefinite(row: number, iteration: number): RangeError {
  const why =
    iteration === 0
      ? "but it has an eigenvalue well below 0"
      : `but rounding leaves it indefinite, and these labels, all but impossible, need what is lost (iteration ${iteration}; ` +
        "a kernel in f64, or something added to its diagonal, would help)";
  return new RangeError(
    `kernel: expected a positive semidefinite matrix, ${why}: the pivot of row ${row} is not positive`,
  );
}
