/**
 * Entropy of a function's outputs.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { type FunctionRows, overRows } from "./rows.ts";

/**
 * `H = -p log2 p - (1-p) log2(1-p)`, p the fraction of ones.
 *
 * @returns H for each row, in bits, from 0 (constant) to 1 (balanced).
 * @see Valle-Pérez, Camargo & Louis 2019 (arXiv 1805.08522), appendix on complexity measures.
 */
export function entropyOfRows(kernels: Kernels, rows: FunctionRows): Float64Array<ArrayBuffer> {
  return overRows(kernels, rows, 0, (address, stride, count, out) =>
    kernels.exports.entropyBatch(address, stride, count, rows.points, out),
  );
}
