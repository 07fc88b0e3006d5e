/**
 * Draws samples of a Gaussian orthant and sums their weights.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { SLICE_MS } from "../engine/task.ts";

/** Samples of a block (assembly/orthant.ts). */
export const BLOCK = 16;
/** Samples whose weights are summed at once. */
const CHUNK = 256 * BLOCK;

/** What the sampler takes (assembly/orthant.ts). Plain data: it crosses to workers. */
export interface OrthantRows {
  /** Rows, a multiple of 4, of which the first `free` have noise of their own. */
  readonly n: number;
  readonly free: number;
  readonly rows: Float64Array<ArrayBuffer>;
  /** Of the second way; undefined: there is only the first. */
  readonly others: Float64Array<ArrayBuffer> | undefined;
  /** `[n][8]`. */
  readonly constants: Float64Array<ArrayBuffer>;
  /** Added to the logarithm of every weight, one a way. */
  readonly scales: readonly [number, number];
}

/** Which samples. */
export interface OrthantDraw {
  /** One a row: how the lattice moves on, in units of 2^-64. */
  readonly steps: BigUint64Array<ArrayBuffer>;
  /** Samples, a multiple of `BLOCK`. */
  readonly points: number;
  readonly seed: bigint;
  /** The lattice's shift is draw `randomisation` of this stream. */
  readonly randomisation: number;
  readonly stream: number;
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

/**
 * The sampler's plan in the module's memory, which lives until the arena is released.
 *
 * @returns its address.
 */
export function putSampler(
  kernels: Kernels,
  { n, free, rows, others, constants, scales }: OrthantRows,
  { steps, seed, randomisation, stream }: Omit<OrthantDraw, "points">,
): number {
  const { exports } = kernels;
  const address = kernels.allocate(64);
  const state = kernels.allocate(64);
  const shifts = kernels.allocate(8 * n);
  exports.seedLanes(state, Number(seed & 0xffffffffn), Number(seed >> 32n), randomisation, 0, stream);
  exports.xoshiroWords(shifts, n / 2, state);
  const words = [
    kernels.put(rows),
    others ? kernels.put(others) : 0,
    n,
    free,
    kernels.put(constants),
    kernels.put(new Uint32Array(steps.buffer, steps.byteOffset, 2 * steps.length)),
    shifts,
    kernels.allocate(exports.orthantWorkBytes(n)),
  ];
  kernels.u32(address, 8).set(words);
  kernels.f64(address + 32, 2).set(scales);
  return address;
}

/** Weights of the first `points` samples under one shift of the lattice. */
export async function sampleWeights(
  kernels: Kernels,
  rows: OrthantRows,
  draw: OrthantDraw,
  pause: () => Promise<void> | void,
): Promise<WeightSums> {
  const { exports } = kernels;
  const { points } = draw;
  const mark = kernels.mark();
  try {
    const address = putSampler(kernels, rows, draw);
    const logs = kernels.allocate(8 * CHUNK);
    const out = kernels.allocate(32);
    const blocks = blocksOf(rows.n, rows.others ? 2 : 1);
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
  } finally {
    kernels.release(mark);
  }
}
