/** Draws from the Gaussian kernel for the tests of its distribution (the quick ones and test/slow). */
import type { Kernels } from "../src/engine/kernels.ts";
import { gaussianPairF64 } from "./reference/gaussian.ts";

const low = (x: bigint): number => Number(x & 0xffffffffn);
const high = (x: bigint): number => Number((x >> 32n) & 0xffffffffn);

/** Numbers a network index is asked for in these tests: about what 7-40-40-1 takes. */
const PER_INDEX = 2048;

/** Unit Gaussians; a returned view is valid until the next call. */
export class GaussianSource {
  readonly #kernels: Kernels;
  readonly #state: number;
  #out = 0;
  #scale = 0;
  #capacity = 0;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
    this.#state = kernels.allocate(64);
  }

  #reserve(count: number): void {
    if (count <= this.#capacity) return;
    this.#out = this.#kernels.allocate(4 * count);
    this.#scale = this.#kernels.allocate(4 * count);
    this.#kernels.f32(this.#scale, count).fill(1);
    this.#capacity = count;
  }

  #seed(seed: bigint, index: bigint, stream: number): void {
    this.#kernels.exports.seedLanes(this.#state, low(seed), high(seed), low(index), high(index), stream);
  }

  /** `count` (a multiple of 8) of one index. */
  draw(seed: bigint, index: bigint, stream: number, count: number): Float32Array {
    this.#seed(seed, index, stream);
    return this.more(count);
  }

  /** The next `count` where the last `draw` stopped. */
  more(count: number): Float32Array {
    this.#reserve(count);
    this.#kernels.exports.gaussians(this.#out, this.#scale, count / 8, this.#state);
    return this.#kernels.f32(this.#out, count);
  }

  scaled(seed: bigint, index: bigint, stream: number, scale: Float32Array): Float32Array {
    return this.#kernels.scoped(() => {
      const at = this.#kernels.put(scale);
      const out = this.#kernels.allocate(scale.byteLength);
      this.#seed(seed, index, stream);
      this.#kernels.exports.gaussians(out, at, scale.length / 8, this.#state);
      return this.#kernels.f32(out, scale.length).slice();
    });
  }

  /** Calls `visit` with 2048 numbers of each of consecutive indices until `count` are done. */
  visit(seed: bigint, count: number, visit: (z: Float32Array) => void, from = { index: 0n, stream: 0 }): void {
    for (let i = 0; i < count / PER_INDEX; i++) {
      visit(this.draw(seed, from.index + BigInt(i), from.stream, PER_INDEX));
    }
  }

  /** `count` numbers of consecutive indices, in an array of their own. */
  many(seed: bigint, count: number, from: { index?: bigint; stream?: number } = {}): Float32Array<ArrayBuffer> {
    const all = new Float32Array(count);
    let at = 0;
    this.visit(
      seed,
      count,
      (z) => {
        all.set(z, at);
        at += z.length;
      },
      { index: from.index ?? 0n, stream: from.stream ?? 0 },
    );
    return all;
  }

  /** The first eight numbers of each of `indices` indices. */
  firstGroups(seed: bigint, indices: number): Float32Array {
    const all = new Float32Array(8 * indices);
    for (let i = 0; i < indices; i++) all.set(this.draw(seed, BigInt(i), 0, 8), 8 * i);
    return all;
  }

  /** How many of `count` draws lie above each threshold, and below its negative. */
  tails(
    seed: bigint,
    count: number,
    thresholds: readonly number[],
  ): { above: number[]; below: number[]; largest: number } {
    // ascending thresholds: one count a bin, summed at the end
    const above = thresholds.map(() => 0);
    const below = thresholds.map(() => 0);
    const first = thresholds[0];
    let largest = 0;
    this.visit(seed, count, (z) => {
      for (let i = 0; i < z.length; i++) {
        const size = Math.abs(z[i]);
        if (size <= first) continue;
        let t = 1;
        while (t < thresholds.length && size > thresholds[t]) t++;
        (z[i] > 0 ? above : below)[t - 1]++;
        if (size > largest) largest = size;
      }
    });
    for (let t = thresholds.length - 2; t >= 0; t--) {
      above[t] += above[t + 1];
      below[t] += below[t + 1];
    }
    return { above, below, largest };
  }
}

/** z-scores of the sample moments of orders 1 to 8: [order, score]. */
export function momentScores(source: GaussianSource, seed: bigint, count: number): Array<readonly [number, number]> {
  const sums = new Float64Array(9);
  source.visit(seed, count, (z) => {
    for (let i = 0; i < z.length; i++) {
      const x = z[i];
      const x2 = x * x;
      const x4 = x2 * x2;
      sums[1] += x;
      sums[2] += x2;
      sums[3] += x * x2;
      sums[4] += x4;
      sums[5] += x * x4;
      sums[6] += x2 * x4;
      sums[7] += x * x2 * x4;
      sums[8] += x4 * x4;
    }
  });
  const moment = (order: number): number => (order % 2 ? 0 : order === 0 ? 1 : (order - 1) * moment(order - 2));
  return [1, 2, 3, 4, 5, 6, 7, 8].map((order) => {
    const variance = moment(2 * order) - moment(order) ** 2;
    return [order, (sums[order] / count - moment(order)) / Math.sqrt(variance / count)] as const;
  });
}

/** The words (a, b) that the pairs of `count` Gaussians (a multiple of 8) are made of, in the order of the pairs. */
export function rawWords(
  kernels: Kernels,
  seed: bigint,
  index: bigint,
  stream: number,
  count: number,
): { a: Uint32Array; b: Uint32Array } {
  return kernels.scoped(() => {
    const state = kernels.allocate(64);
    const out = kernels.allocate(4 * count);
    kernels.exports.seedLanes(state, low(seed), high(seed), low(index), high(index), stream);
    kernels.exports.xoshiroWords(out, count / 4, state);
    const words = kernels.u32(out, count);
    const a = new Uint32Array(count / 2);
    const b = new Uint32Array(count / 2);
    for (let i = 0; i < count / 2; i++) {
      a[i] = words[8 * (i >> 2) + (i & 3)];
      b[i] = words[8 * (i >> 2) + 4 + (i & 3)];
    }
    return { a, b };
  });
}

/** Largest errors of the kernel against f64 Box-Muller from the same words. */
export interface TransformErrors {
  /** |z - exact| where the radius sqrt(z0^2 + z1^2) is above 0.5 */
  aboveHalf: number;
  /** |z - exact| anywhere: near radius 0, u is so close to 1 that its rounding to 24 bits is most of ln u */
  everywhere: number;
  /** |r - exact| / exact where the radius r is above 0.5 */
  radius: number;
}

export function transformErrors(kernels: Kernels, seed: bigint, count: number): TransformErrors {
  const errors: TransformErrors = { aboveHalf: 0, everywhere: 0, radius: 0 };
  const source = new GaussianSource(kernels);
  const piece = 2 ** 18;
  for (let index = 0n; index < BigInt(count / piece); index++) {
    const { a, b } = rawWords(kernels, seed, index, 0, piece);
    const z = source.draw(seed, index, 0, piece);
    for (let i = 0; i < piece / 2; i++) {
      const at = 8 * (i >> 2) + (i & 3);
      const [x, y] = gaussianPairF64(a[i], b[i]);
      const error = Math.max(Math.abs(z[at] - x), Math.abs(z[at + 4] - y));
      if (error > errors.everywhere) errors.everywhere = error;
      const r2 = x * x + y * y;
      if (r2 < 0.25) continue;
      if (error > errors.aboveHalf) errors.aboveHalf = error;
      const relative = Math.abs(Math.sqrt((z[at] ** 2 + z[at + 4] ** 2) / r2) - 1);
      if (relative > errors.radius) errors.radius = relative;
    }
  }
  return errors;
}
