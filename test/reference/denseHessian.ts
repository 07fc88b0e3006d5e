/** A Hessian as a whole matrix in plain f64, and what can be said of it without an eigensolver. */
import type { PlainSurface } from "./plainSurface.ts";

/** Rows of the Hessian, or of the Gauss-Newton matrix, at w: one product a row. */
export function denseHessian(surface: PlainSurface, w: ArrayLike<number>, gaussNewton = false): Float64Array[] {
  const unit = new Float64Array(surface.size);
  return Array.from({ length: surface.size }, (_, i) => {
    const row = new Float64Array(surface.size);
    unit[i] = 1;
    if (gaussNewton) surface.gaussNewtonAt(w, unit, row);
    else surface.hessianAt(w, unit, row);
    unit[i] = 0;
    return row;
  });
}

export const traceOf = (rows: readonly Float64Array[]): number => rows.reduce((sum, row, i) => sum + row[i], 0);

export const frobeniusOf = (rows: readonly Float64Array[]): number =>
  Math.sqrt(rows.reduce((sum, row) => sum + row.reduce((part, x) => part + x * x, 0), 0));

/**
 * Whether every eigenvalue of `sign A` is below `bound`: whether `bound I - sign A` has a Cholesky factor [Golub & Van Loan,
 * 4.2]. It reads the lower triangle. Rounding matters for bounds within about n 1e-16 |A| of an eigenvalue.
 */
export function isBelow(rows: readonly Float64Array[], bound: number, sign: 1 | -1): boolean {
  const n = rows.length;
  const factor: Float64Array[] = [];
  for (let i = 0; i < n; i++) {
    const own = new Float64Array(i + 1);
    for (let j = 0; j <= i; j++) {
      const other = j < i ? factor[j] : own;
      let sum = (i === j ? bound : 0) - sign * rows[i][j];
      for (let k = 0; k < j; k++) sum -= own[k] * other[k];
      if (j < i) own[j] = sum / other[j];
      else if (sum > 0) own[i] = Math.sqrt(sum);
      else return false;
    }
    factor.push(own);
  }
  return true;
}

/** v' A v / v' v: no more than the largest eigenvalue, no less than the smallest. */
export function rayleigh(rows: readonly Float64Array[], v: ArrayLike<number>): number {
  let [above, below] = [0, 0];
  rows.forEach((row, i) => {
    for (let j = 0; j < row.length; j++) above += v[i] * row[j] * v[j];
    below += v[i] * v[i];
  });
  return above / below;
}
