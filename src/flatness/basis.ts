/**
 * Orthonormal f64 vectors in the memory of a WebAssembly instance of their own, with the kernels that orthogonalise
 * against them.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";

/** Bytes that the vectors of one basis may take. */
export const BASIS_BYTES = 2 ** 30;
/** Numbers of a piece of all vectors that `combine` works on at a time. */
const PIECE = 512;

function strideOf(size: number): number {
  return Math.ceil(size / 4) * 32;
}

/** How many vectors of `size` numbers a basis may hold. */
export function largestBasis(size: number): number {
  return Math.floor(BASIS_BYTES / strideOf(size)) - 2;
}

/** Up to `capacity` vectors, and one, `work`, that is worked on. Nothing is allocated later, so views stay valid. */
export class Basis {
  readonly size: number;
  readonly capacity: number;
  readonly work: Float64Array;
  readonly #kernels: Kernels;
  readonly #rows: number;
  readonly #stride: number;
  readonly #work: number;
  readonly #coefficients: number;
  readonly #scratch: number;

  private constructor(kernels: Kernels, size: number, capacity: number) {
    this.size = size;
    this.capacity = capacity;
    this.#kernels = kernels;
    this.#stride = strideOf(size);
    this.#rows = kernels.allocate(capacity * this.#stride);
    this.#work = kernels.allocate(this.#stride);
    this.#coefficients = kernels.allocate(8 * capacity);
    this.#scratch = kernels.allocate(8 * PIECE * capacity);
    this.work = kernels.f64(this.#work, size);
  }

  /**
   * Runs `body` with a basis, whose memory is free afterwards.
   *
   * @throws RangeError if the vectors take more memory than there is.
   */
  static use<T>(kernels: Kernels, size: number, capacity: number, body: (basis: Basis) => Promise<T>): Promise<T> {
    return kernels.another((own) => body(new Basis(own, size, capacity)));
  }

  /** A view of vector j. */
  row(j: number): Float64Array {
    return this.#kernels.f64(this.#rows + j * this.#stride, this.size);
  }

  /** |work|. */
  norm(): number {
    this.#kernels.exports.rowDots64(this.#work, 1, this.#stride, this.#work, this.#stride, this.#coefficients);
    return Math.sqrt(this.#kernels.f64(this.#coefficients, 1)[0]);
  }

  /**
   * Takes from `work` its parts along the first `count` vectors, twice, so that it is orthogonal to them to rounding
   * [Giraud, Langou, Rozloznik & van den Eshof 2005].
   *
   * @param parts gets their coefficients, if given.
   */
  orthogonalise(count: number, parts?: Float64Array): void {
    const { exports } = this.#kernels;
    const c = this.#kernels.f64(this.#coefficients, count);
    parts?.fill(0, 0, count);
    for (let time = 0; time < 2; time++) {
      exports.rowDots64(this.#rows, count, this.#stride, this.#work, this.#stride, this.#coefficients);
      for (let j = 0; j < count; j++) {
        if (parts) parts[j] += c[j];
        c[j] = -c[j];
      }
      exports.addRows64(this.#work, this.#rows, count, this.#stride, this.#coefficients, this.#stride);
    }
  }

  /** Vector j = work / norm. */
  keep(j: number, norm: number): void {
    const row = this.row(j);
    for (let i = 0; i < row.length; i++) row[i] = this.work[i] / norm;
  }

  /**
   * Replaces the first `kept` vectors by combinations of the first `count`.
   *
   * @param weights vector i's are `weights[i count .. i count + count - 1]`.
   */
  combine(weights: Float64Array, kept: number, count: number): void {
    const kernels = this.#kernels;
    const c = kernels.f64(this.#coefficients, count);
    for (let first = 0; first < this.#stride; first += 8 * PIECE) {
      const bytes = Math.min(8 * PIECE, this.#stride - first);
      const scratch = kernels.f64(this.#scratch, PIECE * kept);
      scratch.fill(0);
      for (let i = 0; i < kept; i++) {
        c.set(weights.subarray(i * count, (i + 1) * count));
        kernels.exports.addRows64(
          this.#scratch + 8 * PIECE * i,
          this.#rows + first,
          count,
          this.#stride,
          this.#coefficients,
          bytes,
        );
      }
      for (let i = 0; i < kept; i++) {
        kernels
          .f64(this.#rows + i * this.#stride + first, bytes / 8)
          .set(scratch.subarray(i * PIECE, i * PIECE + bytes / 8));
      }
    }
  }
}
