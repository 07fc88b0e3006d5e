/**
 * Random bits of bootstrap intervals: the same in every run, so that the same records give the same intervals.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";

/** Stream of the generator for bootstrap draws (0 is the parameters'). */
const BOOTSTRAP_STREAM = 0x1001;

/** The generator's words at seed 0 in the bootstrap's stream. */
export function bootstrapWords(kernels: Kernels): () => number {
  const vectors = 1024;
  const mark = kernels.mark();
  const state = kernels.allocate(64);
  kernels.exports.seedLanes(state, 0, 0, 0, 0, BOOTSTRAP_STREAM);
  const seeded = kernels.u32(state, 16).slice();
  kernels.release(mark);
  let words = new Uint32Array(0);
  let at = 0;
  return () => {
    if (at === words.length) {
      const place = kernels.mark();
      const again = kernels.put(seeded);
      const buffer = kernels.allocate(16 * vectors);
      kernels.exports.xoshiroWords(buffer, vectors, again);
      words = kernels.u32(buffer, 4 * vectors).slice();
      seeded.set(kernels.u32(again, 16));
      kernels.release(place);
      at = 0;
    }
    return words[at++];
  };
}
