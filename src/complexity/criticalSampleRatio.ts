/**
 * Critical sample ratio of a Boolean function.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { type FunctionRows, overRows } from "./rows.ts";

/**
 * Fraction of the inputs that have at least one neighbour, at Hamming distance 1, with another output.
 *
 * @param rows functions of n bits, `points` = 2^n.
 * @returns for each row, from 0 (constant) to 1.
 * @see Arpit et al. 2017 (arXiv 1706.05394); for Boolean inputs Valle-Pérez, Camargo & Louis 2019 (arXiv 1805.08522).
 */
export function criticalSampleRatioOfRows(kernels: Kernels, rows: FunctionRows): Float64Array<ArrayBuffer> {
  return overRows(kernels, rows, 128, (address, stride, count, out, scratch) =>
    kernels.exports.criticalSampleRatioBatch(address, stride, count, Math.log2(rows.points), out, scratch),
  );
}
