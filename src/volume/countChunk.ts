/**
 * The task that counts the functions of a stretch of bodies: what a worker does.
 *
 * @module
 */
import { booleanPoints, type Points } from "../data/points.ts";
import type { Kernels } from "../engine/kernels.ts";
import { SLICE_MS, type Task } from "../engine/task.ts";
import type { Network } from "../network/network.ts";
import { makePlan, type SymmetryClass } from "../network/plan.ts";
import { rowShape } from "./rows.ts";

/** Plain data: it crosses to workers. */
export interface CountChunkArguments {
  readonly network: Network;
  /** Given points `[points][features]`, row-major; undefined: all Boolean inputs. */
  readonly data: Float32Array | undefined;
  readonly points: number;
  readonly seedLow: number;
  readonly seedHigh: number;
  readonly firstBody: number;
  readonly bodies: number;
  readonly draws: number;
  readonly symmetry: SymmetryClass;
}

/** Sorted rows. */
export interface CountChunkResult {
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Milliseconds that sampling took, without the sorting. */
  readonly milliseconds: number;
}

/** Random streams: one number for each use of the generator. */
export const PARAMETER_STREAM = 0;

const FIRST_CAPACITY = 1 << 12;
const MAXIMUM_LOAD = 0.6;

/** The hash table of assembly/table.ts, which this side makes room for. */
class Table {
  header: number;
  #capacity = FIRST_CAPACITY;

  constructor(
    readonly kernels: Kernels,
    readonly words: number,
    readonly strideBytes: number,
  ) {
    this.header = this.#make(FIRST_CAPACITY);
  }

  #make(capacity: number): number {
    const rows = this.kernels.allocate(capacity * this.strideBytes);
    const header = this.kernels.allocate(16);
    this.kernels.u32(header, 4).set([rows, capacity - 1, 0, this.strideBytes]);
    return header;
  }

  get used(): number {
    return this.kernels.u32(this.header, 4)[2];
  }

  /** Makes room for `more` new functions. */
  reserve(more: number): void {
    const need = (this.used + more) / MAXIMUM_LOAD;
    if (need <= this.#capacity) return;
    while (this.#capacity < need) this.#capacity *= 2;
    const larger = this.#make(this.#capacity);
    this.kernels.exports.tableMove(this.header, larger, this.words);
    this.header = larger;
  }

  /** The rows in ascending order of their functions; the table cannot be used afterwards. */
  sorted(): Uint32Array<ArrayBuffer> {
    const { kernels, words, strideBytes } = this;
    const count = kernels.exports.tableCompact(this.header, words);
    const rows = kernels.u32(this.header, 1)[0];
    const scratch = kernels.allocate(strideBytes + 16 + 8192 * words);
    kernels.exports.sortRows(rows, count, strideBytes, words, scratch);
    return kernels.u32(rows, (count * strideBytes) / 4).slice();
  }
}

export const countChunk: Task<CountChunkArguments, CountChunkResult> = {
  name: "countChunk",
  async run({ kernels, pause }, args) {
    const { network, draws } = args;
    const { data } = args;
    const points: Points = data
      ? { kind: "points", count: args.points, features: network.layers[0], values: () => data.slice() }
      : booleanPoints(network.layers[0]);
    const shape = rowShape(points.count, draws > 1);
    const plan = makePlan(kernels, network, points, draws, args.symmetry);
    const table = new Table(kernels, shape.words, 4 * shape.stride);
    const started = performance.now();
    let done = 0;
    let slice = 16;
    while (done < args.bodies) {
      const bodies = Math.min(slice, args.bodies - done);
      table.reserve(bodies * draws);
      const first = args.firstBody + done;
      const before = performance.now();
      kernels.exports.sampleFunctions(
        plan.address,
        table.header,
        args.seedLow,
        args.seedHigh,
        first >>> 0,
        Math.floor(first / 2 ** 32),
        PARAMETER_STREAM,
        bodies,
      );
      const elapsed = performance.now() - before;
      done += bodies;
      if (elapsed < SLICE_MS / 2) slice = Math.min(slice * 2, 1 << 16);
      else if (elapsed > SLICE_MS * 2 && slice > 1) slice = Math.ceil(slice / 2);
      await pause();
    }
    const milliseconds = performance.now() - started;
    return { rows: table.sorted(), milliseconds };
  },
  transfer: (result) => [result.rows.buffer],
};
