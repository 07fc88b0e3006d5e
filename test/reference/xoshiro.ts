/** xoshiro128++ 1.0 (Blackman & Vigna, ACM TOMS 2021), one lane, from the authors' public-domain C. */
import type { Block } from "./philox.ts";

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

export class Xoshiro128PlusPlus {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  constructor(state: Block) {
    [this.#s0, this.#s1, this.#s2, this.#s3] = state;
  }

  /** The next u32. */
  next(): number {
    const result = (rotl((this.#s0 + this.#s3) | 0, 7) + this.#s0) >>> 0;
    const t = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= t;
    this.#s3 = rotl(this.#s3, 11);
    return result;
  }
}
