/**
 * All eigenvalues of a symmetric operator: its matrix by one product a column, tridiagonalised in WebAssembly, then QL.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { checkedProduct, checkOperator, type Pause, type SymmetricOperator } from "./operator.ts";
import { tridiagonalEigenvalues } from "./tridiagonal.ts";

/** Parameters at the most: the matrix then takes 100 MB. */
export const SPECTRUM_LIMIT = 5000;

/** Columns that one call works on, as in assembly/symmetricEigen.ts. */
const TILE = 512;

/** The exact spectrum. */
export interface Spectrum {
  /** From the largest down. */
  readonly values: Float64Array;
  /** Trace of the matrix, summed before any rounding of the solver. */
  readonly trace: number;
  /** Frobenius norm of the matrix. */
  readonly frobenius: number;
  /** Largest `|A_ij - A_ji|`, as a share of the largest `|A_ij|`: what rounding in the products made of symmetry. */
  readonly asymmetry: number;
  readonly products: number;
}

/** First number of row i: rows i and i + 1, i even, have i + 2 numbers each (assembly/symmetricEigen.ts). */
function rowStart(i: number): number {
  const even = i - (i % 2);
  return (even * (even + 2)) / 2 + (i % 2) * (even + 2);
}

/**
 * The matrix is symmetrised, (A + A') / 2. Eigenvalues are exact to some roundings of the norm.
 *
 * @throws TypeError, RangeError for bad arguments; Error for a product with entries that are not finite.
 */
export async function spectrum(
  kernels: Kernels,
  operator: SymmetricOperator,
  pause: Pause = () => {},
): Promise<Spectrum> {
  checkOperator(operator);
  const n = operator.size;
  if (n > SPECTRUM_LIMIT) {
    throw new RangeError(`operator.size: the exact spectrum is for up to ${SPECTRUM_LIMIT} parameters, got ${n}`);
  }
  return kernels.another(async (own) => {
    const numbers = rowStart(2 * Math.ceil(n / 2));
    const matrix = own.allocate(8 * numbers);
    const length = 8 * (n + 2 + (n % 2));
    const [v, q, x, p, d, e] = Array.from({ length: 6 }, () => own.allocate(length));
    const a = own.f64(matrix, numbers);

    const unit = new Float64Array(n);
    const column = new Float64Array(n);
    let largest = 0;
    let difference = 0;
    let trace = 0;
    let squares = 0;
    for (let j = 0; j < n; j++) {
      unit[j] = 1;
      await checkedProduct(operator, unit, column);
      unit[j] = 0;
      const row = rowStart(j);
      for (let i = 0; i < j; i++) {
        const other = a[row + i];
        const here = column[i];
        difference = Math.max(difference, Math.abs(here - other));
        largest = Math.max(largest, Math.abs(here), Math.abs(other));
        const mean = other / 2 + here / 2;
        a[row + i] = mean;
        squares += 2 * mean * mean;
      }
      trace += column[j];
      squares += column[j] * column[j];
      largest = Math.max(largest, Math.abs(column[j]));
      for (let i = j; i < n; i++) a[rowStart(i) + j] = column[i];
      await pause();
    }
    const result = {
      trace,
      frobenius: Math.sqrt(squares),
      asymmetry: largest > 0 ? difference / largest : 0,
      products: n,
    };
    if (largest === 0) return { values: new Float64Array(n), ...result };

    // a power of 2, which costs no digits
    let scale = 1;
    while (largest * scale >= 2) scale /= 2;
    while (largest * scale < 1) scale *= 2;
    for (let i = 0; i < n; i++) {
      const row = rowStart(i);
      for (let j = 0; j <= i; j++) a[row + j] *= scale;
      if (i % 256 === 255) await pause();
    }
    for (let i = n - 1; i >= 0; i--) {
      const half = own.exports.tridiagonalRow(matrix, i, v, q, x, p, d, e);
      for (let tile = 0; tile < i; tile += TILE) {
        own.exports.tridiagonalTile(matrix, i, tile, v, q, x, p);
        await pause();
      }
      if (i > 0) own.exports.tridiagonalVectors(i, half, v, q, x, p);
    }
    const values = own.f64(d, n).slice();
    const couplings = new Float64Array(n);
    couplings.set(own.f64(e, n).subarray(1));
    await tridiagonalEigenvalues(values, couplings, pause);
    values.sort();
    values.reverse();
    for (let i = 0; i < n; i++) values[i] /= scale;
    return { values, ...result };
  });
}
