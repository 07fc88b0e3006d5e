/**
 * Lempel-Ziv complexity.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { type FunctionRows, overRows } from "./rows.ts";

/**
 * `K(x) = log2(m)` if all m bits are equal, else `log2(m) (N_w(x) + N_w(reverse of x)) / 2`, N_w the number of words of the
 * LZ76 parse, the last one counted whether complete or not.
 *
 * @returns K for each row, in bits. A string of one bit has K = 0.
 * @see Dingle, Camargo & Louis 2018 (Nature Communications 9, 761); Kaspar & Schuster 1987 (Physical Review A 36, 842).
 */
export function lempelZivOfRows(kernels: Kernels, rows: FunctionRows): Float64Array<ArrayBuffer> {
  const { points } = rows;
  return overRows(kernels, rows, 16 * Math.ceil(points / 64) + 8, (address, stride, count, out, scratch) =>
    kernels.exports.lempelZivBatch(address, stride, count, points, out, scratch),
  );
}
