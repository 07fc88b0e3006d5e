/**
 * Shards: disjoint stretches of a count that together are the whole.
 *
 * @module
 */
import { checkInteger } from "../engine/checks.ts";

/** The samples of a shard: what `countFunctions` takes. */
export interface ShardRange {
  readonly firstSample: number;
  readonly samples: number;
}

/**
 * Shard `index` of `of`, 1 the first: stretches of whole bodies that differ by one body at most, in order.
 *
 * @param whole the samples of all shards; multiples of `outputDraws`.
 * @throws TypeError, RangeError naming `shard`.
 * @example
 * shardRange({ firstSample: 0, samples: 1_000_000 }, 1, 3, 64); // { firstSample: 31250, samples: 15625 }
 */
export function shardRange(whole: ShardRange, outputDraws: number, index: number, of: number): ShardRange {
  const bodies = whole.samples / outputDraws;
  checkInteger("shard", of, 1, bodies);
  checkInteger("shard", index, 1, of);
  // not bodies * index / of: that product may not be exact
  const size = Math.floor(bodies / of);
  const longer = bodies % of;
  const before = (index - 1) * size + Math.min(index - 1, longer);
  return {
    firstSample: whole.firstSample + before * outputDraws,
    samples: (size + (index <= longer ? 1 : 0)) * outputDraws,
  };
}
