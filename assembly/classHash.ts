/** A hash that functions of one symmetry class share, so that draws of one body in the same class can be counted. */
import { orbitInvariant } from "./orbit";
import { keyHash } from "./table";

/**
 * @param key `words` u32, as in `tableInsert`.
 * @param points number of points (bits of the key).
 * @param bits number of input bits if the class includes their permutations, else 0.
 * @param negation 0 none, 1 all bits, 2 all bits but that of point 0.
 * @param scratch `words` u32.
 * @returns equal for functions of one class; functions of different classes may share it (a variance taken over
 *   shared hashes is then too large, never too small).
 */
export function classHash(key: usize, words: i32, points: i32, bits: i32, negation: i32, scratch: usize): u64 {
  if (bits > 0) return orbitInvariant(key, bits, negation);
  if (negation == 0) return keyHash(key, words);
  // fold f and its negation: hash the one of the two whose last counted bit is 0
  const last = points - 1;
  if (((load<u32>(key + ((<usize>(last >> 5)) << 2)) >> (31 - (last & 31))) & 1) == 0) return keyHash(key, words);
  for (let i = 0; i < words; i++) {
    let mask: u32 = 0xffffffff;
    const rest = points - (i << 5);
    if (rest < 32) mask <<= 32 - rest;
    if (negation == 2 && i == 0) mask &= 0x7fffffff;
    store<u32>(scratch + ((<usize>i) << 2), load<u32>(key + ((<usize>i) << 2)) ^ mask);
  }
  return keyHash(scratch, words);
}
