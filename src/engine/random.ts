/**
 * Random numbers of the module's own generator: stream, index and seed say which, to the bit.
 *
 * @module
 */
import type { Kernels } from "./kernels.ts";

const low = (x: bigint): number => Number(x & 0xffffffffn);
const high = (x: bigint): number => Number((x >> 32n) & 0xffffffffn);

/** A seed for work that is the `index`-th of its kind: 53 bits, so a safe integer. */
export function derivedSeed(kernels: Kernels, seed: bigint, index: number, stream: number): number {
  return kernels.scoped(() => {
    const at = kernels.allocate(64);
    kernels.exports.seedLanes(at, low(seed), high(seed), index >>> 0, Math.floor(index / 2 ** 32), stream);
    const [first, second] = kernels.u32(at, 2);
    return (first >>> 11) * 2 ** 32 + second;
  });
}

/** The numbers of draw `index` of a stream. */
export class RandomStream {
  readonly #kernels: Kernels;
  readonly #state: Uint32Array;

  constructor(kernels: Kernels, seed: bigint, index: number, stream: number) {
    this.#kernels = kernels;
    this.#state = kernels.scoped(() => {
      const at = kernels.allocate(64);
      kernels.exports.seedLanes(at, low(seed), high(seed), index >>> 0, Math.floor(index / 2 ** 32), stream);
      return kernels.u32(at, 16).slice();
    });
  }

  #words(vectors: number): Uint32Array {
    const kernels = this.#kernels;
    return kernels.scoped(() => {
      const state = kernels.put(this.#state);
      const out = kernels.allocate(16 * vectors);
      kernels.exports.xoshiroWords(out, vectors, state);
      this.#state.set(kernels.u32(state, 16));
      return kernels.u32(out, 4 * vectors).slice();
    });
  }

  /** Independent standard Gaussians. */
  gaussians(out: Float32Array): void {
    const kernels = this.#kernels;
    const groups = Math.ceil(out.length / 8);
    kernels.scoped(() => {
      const state = kernels.put(this.#state);
      const scale = kernels.allocate(32 * groups);
      const at = kernels.allocate(32 * groups);
      kernels.f32(scale, 8 * groups).fill(1);
      kernels.exports.gaussians(at, scale, groups, state);
      this.#state.set(kernels.u32(state, 16));
      out.set(kernels.f32(at, out.length));
    });
  }

  /** -1 or 1. */
  signs(out: Float32Array): void {
    const words = this.#words(Math.ceil(out.length / 128));
    for (let i = 0; i < out.length; i++) out[i] = (words[i >> 5] >>> (i & 31)) & 1 ? 1 : -1;
  }

  /** Uniform in (0, 1). */
  uniforms(out: Float64Array): void {
    const words = this.#words(Math.ceil(out.length / 2));
    for (let i = 0; i < out.length; i++)
      out[i] = ((words[2 * i] >>> 6) * 2 ** 26 + (words[2 * i + 1] >>> 6) + 0.5) / 2 ** 52;
  }
}
