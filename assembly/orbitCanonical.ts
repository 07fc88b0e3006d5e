/**
 * The canonical member of an orbit (see orbit.ts): the smallest of those members
 * - that are 0 on input 0 (mode 1), or that have fewer ones than zeros past input 0 (mode 2), and
 * - whose numbers of ones with x_j = 1 do not increase with j.
 *
 * Why not simply the smallest member: the counts settle most of the permutation at once, where small members all start
 * with the same zeros (a threshold function of 10 bits: 1 microsecond in place of 3,000).
 */
import { copyTable, loadTable, storeTable, swapPlaces, tableWords } from "./bitTable";
import { negatesToCanonical } from "./orbit";
import { negateTable } from "./orbitMembers";
import {
  ARRANGED,
  arrangedAt,
  CHAIN_BYTES,
  exchange,
  leastOfCosets,
  mayFollow,
  onesAt,
  stabiliserChain,
  TABLE_BYTES,
} from "./orbitStabiliser";

/**
 * Writes the canonical member.
 *
 * @param row, n, negation as in `orbitInvariant`.
 * @param out max(2^n / 32, 1) u32; may be the row itself.
 * @param scratch 2048 bytes, 8-byte aligned.
 */
export function orbitCanonical(row: usize, n: i32, negation: i32, out: usize, scratch: usize): void {
  const bits = 1 << n;
  const words = tableWords(bits);
  const best = scratch + CHAIN_BYTES;
  loadTable(row, bits, scratch);
  if (negatesToCanonical(row, n, negation)) negateTable(scratch, n, negation);
  stabiliserChain(n, scratch);
  leastOfCosets(n, scratch);
  if (sortPlaces(n, words, best, scratch)) {
    greedy(n, words, 0, scratch, best, scratch);
    search(n, words, 0, scratch, 0, best, scratch);
    storeTable(best, bits, out);
  } else {
    storeTable(scratch, bits, out);
  }
}

/** Arranges the places by their ones, fewest first. @returns whether two have as many. */
function sortPlaces(n: i32, words: i32, spare: usize, scratch: usize): bool {
  let ties = false;
  let from = scratch;
  let to = spare;
  for (let k = 0; k < n; k++) {
    let least = k;
    for (let e = k + 1; e < n; e++) if (onesAt(scratch, e) < onesAt(scratch, least)) least = e;
    if (k > 0 && onesAt(scratch, least) == onesAt(scratch, k - 1)) ties = true;
    if (least == k) continue;
    swapPlaces(from, to, words, k, least);
    exchange(scratch + ARRANGED, k, least);
    const next = from;
    from = to;
    to = next;
  }
  if (from != scratch) copyTable(scratch, from, words);
  return ties;
}

/** Compares the first 2^places bits. @returns negative, 0 or positive. */
function compareStart(a: usize, b: usize, places: i32): i32 {
  if (places < 6) {
    const shift = <u64>(64 - (1 << places));
    const x = load<u64>(a) >> shift;
    const y = load<u64>(b) >> shift;
    return i32(x > y) - i32(x < y);
  }
  const end = (<usize>8) << (places - 6);
  for (let i: usize = 0; i < end; i += 8) {
    const x = load<u64>(a + i);
    const y = load<u64>(b + i);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

/** Fills the places from `k` on, each by what has the right ones and makes the bits that it settles smallest; leaves the table at `best`. */
function greedy(n: i32, words: i32, k: i32, table: usize, best: usize, scratch: usize): void {
  const trial = scratch + 10 * TABLE_BYTES;
  copyTable(best, table, words);
  for (; k < n - 1; k++) {
    for (let e = k + 1; e < n && onesAt(scratch, e) == onesAt(scratch, k); e++) {
      swapPlaces(best, trial, words, k, e);
      if (compareStart(trial, best, k + 1) < 0) copyTable(best, trial, words);
    }
  }
}

/** Visits the members that start with the filled places of `table` and could be smaller than the best. */
function search(n: i32, words: i32, k: i32, table: usize, placed: u32, best: usize, scratch: usize): void {
  if (k == n - 1) {
    if (compareStart(table, best, n) < 0) copyTable(best, table, words);
    return;
  }
  const arranged = scratch + ARRANGED;
  const next = scratch + <usize>(k + 1) * TABLE_BYTES;
  const ones = onesAt(scratch, k);
  for (let e = k; e < n && onesAt(scratch, e) == ones; e++) {
    const place = arrangedAt(scratch, e);
    if (!mayFollow(scratch, place, placed)) continue;
    let filled = table;
    if (e != k) {
      swapPlaces(table, next, words, k, e);
      filled = next;
    }
    const order = compareStart(filled, best, k + 1);
    if (order > 0) continue;
    exchange(arranged, k, e);
    if (order < 0) greedy(n, words, k + 1, filled, best, scratch);
    search(n, words, k + 1, filled, placed | ((<u32>1) << place), best, scratch);
    exchange(arranged, k, e);
  }
}
