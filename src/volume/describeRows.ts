/**
 * The task that finds orbit sizes and Lempel-Ziv complexities of a stretch of rows: what a worker does.
 *
 * @module
 */
import { lempelZivOfRows } from "../complexity/lempelZiv.ts";
import { type FunctionRows, overRows } from "../complexity/rows.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { Task } from "../engine/task.ts";
import type { SymmetryClass } from "../network/plan.ts";

/** Plain data: it crosses to workers. */
export interface DescribeRowsArguments {
  /** Rows of `stride` u32, whose first ceil(bits / 32) are the function. */
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly stride: number;
  readonly bits: number;
  readonly symmetry: SymmetryClass;
}

/** One number a row. */
export interface DescribeRowsResult {
  /** Functions in the orbit under the symmetries of the prior. */
  readonly orbitSizes: Uint32Array<ArrayBuffer>;
  /** Lempel-Ziv complexity of the bits (Dingle, Camargo & Louis 2018). */
  readonly complexities: Float64Array<ArrayBuffer>;
}

/** Scratch of `orbitSizeBatch` (assembly/orbit.ts). */
const ORBIT_SCRATCH_BYTES = 2048;
/** Rows between two pauses: some milliseconds. */
const SLICE_ROWS = 1024;

function orbitSizesOfRows(kernels: Kernels, rows: FunctionRows, { bits, negation }: SymmetryClass): Float64Array {
  // without permutations an orbit is a function and, where that is a symmetry, its negation
  if (bits === 0) return new Float64Array(rows.data.length / rows.stride).fill(negation === 0 ? 1 : 2);
  return overRows(kernels, rows, ORBIT_SCRATCH_BYTES, (address, stride, count, out, scratch) =>
    kernels.exports.orbitSizeBatch(address, stride, count, bits, negation, out, scratch),
  );
}

export const describeRows: Task<DescribeRowsArguments, DescribeRowsResult> = {
  name: "describeRows",
  async run({ kernels, pause }, { rows, stride, bits, symmetry }) {
    const count = rows.length / stride;
    const orbitSizes = new Uint32Array(count);
    const complexities = new Float64Array(count);
    for (let first = 0; first < count; first += SLICE_ROWS) {
      const n = Math.min(SLICE_ROWS, count - first);
      const slice = { data: rows.subarray(first * stride, (first + n) * stride), stride, points: bits };
      complexities.set(lempelZivOfRows(kernels, slice), first);
      orbitSizes.set(orbitSizesOfRows(kernels, slice, symmetry), first);
      await pause();
    }
    return { orbitSizes, complexities };
  },
  transfer: (result) => [result.orbitSizes.buffer, result.complexities.buffer],
};
