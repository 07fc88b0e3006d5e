/**
 * Average sensitivity of a Boolean function.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { type FunctionRows, overRows } from "./rows.ts";

/**
 * Average sensitivity, also total influence: mean over the inputs of the number of neighbours, at Hamming distance 1, with
 * another output.
 *
 * @param rows functions of n bits, `points` = 2^n.
 * @returns for each row, from 0 (constant) to n (parity).
 * @see Kahn, Kalai & Linial 1988 (FOCS 29, 68).
 */
export function sensitivityOfRows(kernels: Kernels, rows: FunctionRows): Float64Array<ArrayBuffer> {
  return overRows(kernels, rows, 128, (address, stride, count, out, scratch) =>
    kernels.exports.sensitivityBatch(address, stride, count, Math.log2(rows.points), out, scratch),
  );
}
