/** All members of an orbit (see orbit.ts), by a walk over the least permutations of the stabiliser's cosets: each member once. */
import { loadTable, storeTable, swapPlaces, tableWords } from "./bitTable";
import { negationMask, orbitSize } from "./orbit";
import { ARRANGED, arrangedAt, CHAIN_BYTES, exchange, leastOfCosets, mayFollow, TABLE_BYTES } from "./orbitStabiliser";
import { sortRows } from "./sortRows";

/**
 * Writes the members of the orbit in ascending order, each max(2^n / 32, 1) u32, most significant word first.
 *
 * @param row, n, negation as in `orbitInvariant`.
 * @param out room for `capacity` members; may not overlap the row. Written only if all of them fit.
 * @param scratch 2048 + rowBytes + 8192 rowBytes / 4 bytes, rounded up to 8 (n = 7: 34,832; n = 10: 264,320), 8-byte aligned.
 * @returns the number of members, at most 2 * 10!.
 */
export function orbitMembers(row: usize, n: i32, negation: i32, out: usize, capacity: i32, scratch: usize): i32 {
  const bits = 1 << n;
  const size = <i32>orbitSize(row, n, negation, scratch);
  if (size > capacity) return size;
  const words = (bits + 31) >> 5;
  const rowBytes = (<usize>words) << 2;
  leastOfCosets(n, scratch);
  let end = walk(n, tableWords(bits), 0, scratch, 0, out, scratch);
  const sorting = scratch + CHAIN_BYTES;
  if (negation == 1) {
    // all of them have the same first bit, so negation sends them, in reverse order, to the other half
    const count = size >> 1;
    sortRows(out, count, rowBytes, words, sorting);
    const half = <usize>count * rowBytes;
    if (load<u32>(out) >> 31) {
      memory.copy(out + half, out, half);
      negateReversed(out, out + half, count, words, n);
    } else {
      negateReversed(out + half, out, count, words, n);
    }
    return size;
  }
  if (negation == 2) {
    loadTable(row, bits, scratch);
    negateTable(scratch, n, negation);
    end = walk(n, tableWords(bits), 0, scratch, 0, end, scratch);
  }
  sortRows(out, size, rowBytes, words, sorting);
  return size;
}

/** Negates a table in place. */
export function negateTable(table: usize, n: i32, negation: i32): void {
  const words = tableWords(1 << n);
  store<u64>(table, load<u64>(table) ^ negationMask(n, negation));
  for (let i = 1; i < words; i++) {
    const at = table + ((<usize>i) << 3);
    store<u64>(at, ~load<u64>(at));
  }
}

/** Fills places from `k` on in all ways that give a new member. @returns one past the last member written. */
function walk(n: i32, words: i32, k: i32, table: usize, placed: u32, out: usize, scratch: usize): usize {
  if (k == n - 1) {
    storeTable(table, 1 << n, out);
    return out + ((<usize>((1 << n) + 31) >> 5) << 2);
  }
  const arranged = scratch + ARRANGED;
  const next = scratch + <usize>(k + 1) * TABLE_BYTES;
  for (let e = k; e < n; e++) {
    const place = arrangedAt(scratch, e);
    if (!mayFollow(scratch, place, placed)) continue;
    let filled = table;
    if (e != k) {
      swapPlaces(table, next, words, k, e);
      filled = next;
    }
    exchange(arranged, k, e);
    out = walk(n, words, k + 1, filled, placed | ((<u32>1) << place), out, scratch);
    exchange(arranged, k, e);
  }
  return out;
}

/** Writes the full negation of `count` rows, the last first. */
function negateReversed(to: usize, from: usize, count: i32, words: i32, n: i32): void {
  const rowBytes = (<usize>words) << 2;
  const mask = n < 5 ? <u32>(negationMask(n, 1) >> 32) : 0xffffffff;
  for (let r = from + <usize>count * rowBytes; r > from; ) {
    r -= rowBytes;
    for (let i: usize = 0; i < rowBytes; i += 4) store<u32>(to + i, load<u32>(r + i) ^ mask);
    to += rowBytes;
  }
}
