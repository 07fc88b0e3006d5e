/**
 * One randomisation of a Gaussian orthant's samples: what a worker does.
 *
 * @module
 */
import { SLICE_MS, type Task } from "../engine/task.ts";
import type { OrthantPlan } from "./orthantPlan.ts";

/** Random shifts of the lattice. */
const SHIFT_STREAM = 0x340;
/** Samples of a block (assembly/orthant.ts). */
export const BLOCK = 16;
/** Samples whose weights are summed at once. */
const CHUNK = 256 * BLOCK;

/** Plain data: it crosses to workers. */
export interface OrthantArguments {
  readonly plan: OrthantPlan;
  /** One a row: how the lattice moves on, in units of 2^-64. */
  readonly steps: BigUint64Array<ArrayBuffer>;
  /** Samples, a multiple of `BLOCK`. */
  readonly points: number;
  readonly seed: bigint;
  readonly randomisation: number;
}

/** Weights `exp(largest) x`, by the sums of x and x^2. */
export interface WeightSums {
  /** Logarithm of the largest; -Infinity: all are 0. */
  readonly largest: number;
  readonly sum: number;
  readonly squares: number;
}

/** Both together, in this order. */
export function joinWeights(a: WeightSums, b: WeightSums, exponential: (x: number) => number): WeightSums {
  if (b.largest === Number.NEGATIVE_INFINITY) return a;
  if (a.largest === Number.NEGATIVE_INFINITY) return b;
  const largest = Math.max(a.largest, b.largest);
  const x = exponential(a.largest - largest);
  const y = exponential(b.largest - largest);
  return { largest, sum: a.sum * x + b.sum * y, squares: a.squares * x * x + b.squares * y * y };
}

/** No weights. */
export const NO_WEIGHTS: WeightSums = { largest: Number.NEGATIVE_INFINITY, sum: 0, squares: 0 };

/** Blocks that take about as long as a call of a kernel should. */
function blocksOf(n: number, ways: number): number {
  const nanoseconds = BLOCK * n * ways * (0.1 * n + 30);
  return Math.max(1, Math.floor((SLICE_MS * 1e6) / 2 / nanoseconds));
}

export const orthantTask: Task<OrthantArguments, WeightSums> = {
  name: "orthant",
  async run({ kernels, pause }, { plan, steps, points, seed, randomisation }) {
    const { exports } = kernels;
    const { n, free, others, scales } = plan;
    const address = kernels.allocate(64);
    const state = kernels.allocate(64);
    const shifts = kernels.allocate(8 * n);
    exports.seedLanes(state, Number(seed & 0xffffffffn), Number(seed >> 32n), randomisation, 0, SHIFT_STREAM);
    exports.xoshiroWords(shifts, n / 2, state);
    const words = [
      kernels.put(plan.rows),
      others ? kernels.put(others) : 0,
      n,
      free,
      kernels.put(plan.constants),
      kernels.put(new Uint32Array(steps.buffer, steps.byteOffset, 2 * steps.length)),
      shifts,
      kernels.allocate(exports.orthantWorkBytes(n)),
    ];
    const logs = kernels.allocate(8 * CHUNK);
    const out = kernels.allocate(32);
    kernels.u32(address, 8).set(words);
    kernels.f64(address + 32, 2).set(scales);
    const blocks = blocksOf(n, others ? 2 : 1);
    let total = NO_WEIGHTS;
    for (let first = 0; first < points; first += CHUNK) {
      const chunk = Math.min(CHUNK, points - first);
      for (let at = 0; at < chunk; at += blocks * BLOCK) {
        const now = Math.min(blocks, (chunk - at) / BLOCK);
        exports.orthantBlocks(address, (first + at) / BLOCK, now, logs + 8 * at);
        await pause();
      }
      exports.weightSums(logs, chunk, out);
      const [largest, sum, squares] = kernels.f64(out, 3);
      total = joinWeights(total, { largest, sum, squares }, exports.exponential);
    }
    return total;
  },
  transfer: () => [],
};
