/**
 * Runs a kernel that gives one number a function over many functions, in pieces that fit the arena.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";

/** Functions as rows of u32 words, most significant word first: a table's rows or keys alone. */
export interface FunctionRows {
  /** Length a multiple of `stride`; only the first `ceil(points / 32)` u32 of each row are read. */
  readonly data: Uint32Array;
  /** u32 from one row to the next. */
  readonly stride: number;
  /** Bits of a function; those past them in its last word are zero. */
  readonly points: number;
}

/** Small enough to stay in a second-level cache. */
const PIECE_BYTES = 256 * 1024;

/**
 * @param run the kernel: rows and output (f64) by address, `strideBytes` between rows.
 * @returns one number a row.
 */
export function overRows(
  kernels: Kernels,
  rows: FunctionRows,
  scratchBytes: number,
  run: (address: number, strideBytes: number, count: number, out: number, scratch: number) => void,
): Float64Array<ArrayBuffer> {
  const { data, stride } = rows;
  const total = data.length / stride;
  const result = new Float64Array(total);
  if (total === 0) return result;
  return kernels.scoped(() => {
    const capacity = Math.min(total, Math.max(1, Math.floor(PIECE_BYTES / (4 * stride))));
    const address = kernels.allocate(4 * stride * capacity);
    const out = kernels.allocate(8 * capacity);
    const scratch = kernels.allocate(scratchBytes);
    for (let first = 0; first < total; first += capacity) {
      const count = Math.min(capacity, total - first);
      kernels.u32(address, stride * count).set(data.subarray(stride * first, stride * (first + count)));
      run(address, 4 * stride, count, out, scratch);
      result.set(kernels.f64(out, count), first);
    }
    return result;
  });
}
