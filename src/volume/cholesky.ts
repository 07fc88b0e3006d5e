/**
 * Cholesky factors of row-major matrices.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { allocateFactor, factorise, lowerIndex, lowerSize, type Pause, packSymmetric, panelsOf } from "./panels.ts";

/** A factor, or the row that has none. */
export interface Cholesky {
  /** L of `A = L L'`, `[n][n]`, zeros above the diagonal; undefined if A is not positive definite. */
  readonly lower: Float64Array<ArrayBuffer> | undefined;
  /** First row whose pivot is not positive, or -1. */
  readonly failed: number;
}

/**
 * Factors a symmetric positive definite matrix. Its lower triangle is read.
 *
 * @param matrix `[n][n]`.
 * @param pause awaited every few milliseconds.
 */
export async function cholesky(
  kernels: Kernels,
  matrix: ArrayLike<number>,
  n: number,
  pause: Pause = () => {},
): Promise<Cholesky> {
  const mark = kernels.mark();
  try {
    const panels = panelsOf(n);
    const factor = allocateFactor(kernels, panels);
    const values = kernels.f64(factor.lower, lowerSize(panels));
    values.set(packSymmetric(matrix, n));
    for (let i = n; i < 4 * panels; i++) values[lowerIndex(i, i)] = 1;
    const failed = await factorise(kernels, factor, pause);
    if (failed >= 0) return { lower: undefined, failed };
    const lower = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      const start = lowerIndex(i, 0);
      for (let j = 0; j <= i; j++) lower[i * n + j] = values[start + 4 * j];
    }
    return { lower, failed };
  } finally {
    kernels.release(mark);
  }
}
