/**
 * Lempel-Ziv complexity of bit strings: the number of words of the LZ76 parse [Lempel & Ziv 1976; Kaspar & Schuster 1987].
 * A word is the shortest prefix of what is left that has no earlier occurrence (one that may run into the word itself);
 * what is left at the end counts as a word, complete or not.
 *
 * Up to 128 bits, the positions where an occurrence may start are a set of bits in registers: each further bit of the
 * string drops those where it does not go on, in m steps in all. Longer strings find, 64 positions at a time, those where
 * the next 8 bits occur, and compare from there by whole words.
 */
import { loadTable, loadWord, tableWords } from "./bitTable";

/** Strings of at most this many bits stay in two registers. */
const SHORT: i32 = 128;

function reverseWord(x: u64): u64 {
  x = ((x >> 1) & 0x5555555555555555) | ((x & 0x5555555555555555) << 1);
  x = ((x >> 2) & 0x3333333333333333) | ((x & 0x3333333333333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f0f0f0f0f) | ((x & 0x0f0f0f0f0f0f0f0f) << 4);
  x = ((x >> 8) & 0x00ff00ff00ff00ff) | ((x & 0x00ff00ff00ff00ff) << 8);
  x = ((x >> 16) & 0x0000ffff0000ffff) | ((x & 0x0000ffff0000ffff) << 16);
  return rotl<u64>(x, 32);
}

/** The first `count` (1 to 64) bits of a word. */
function leading(count: i32): u64 {
  return ~(<u64>0) << (<u64>(64 - count));
}

/** Words of a string of `bits` (1 to 128) bits: bit `i` is bit 127 - i of x0 x1. */
function parseShort(x0: u64, x1: u64, bits: i32): i32 {
  let words = 1;
  let at = 1;
  // what is left of the string, its next bit foremost
  let y0 = (x0 << 1) | (x1 >> 63);
  let y1 = x1 << 1;
  while (at < bits) {
    let c0 = leading(min(at, 64));
    let c1: u64 = at > 64 ? leading(at - 64) : 0;
    let s0 = x0;
    let s1 = x1;
    do {
      const next = <u64>(<i64>y0 >> 63);
      c0 &= ~(s0 ^ next);
      c1 &= ~(s1 ^ next);
      s0 = (s0 << 1) | (s1 >> 63);
      s1 <<= 1;
      y0 = (y0 << 1) | (y1 >> 63);
      y1 <<= 1;
      at++;
    } while ((c0 | c1) != 0 && at < bits);
    words++;
  }
  return words;
}

/** The 64 bits of a table from position `at` on. */
function windowAt(table: usize, at: i32): u64 {
  const word = table + ((<usize>(at >> 6)) << 3);
  const shift = <u64>(at & 63);
  return (load<u64>(word) << shift) | ((load<u64>(word, 8) >> 1) >> (63 - shift));
}

/** Number of equal bits from positions i and `at` > i on, at most `limit`. */
function matchLength(table: usize, i: i32, at: i32, limit: i32): i32 {
  let length = 0;
  do {
    const different = windowAt(table, i + length) ^ windowAt(table, at + length);
    if (different != 0) {
      length += <i32>clz<u64>(different);
      break;
    }
    length += 64;
  } while (length < limit);
  return min(length, limit);
}

/** The longest match of what is left at `at` that starts earlier, at most `limit` bits. */
function longestMatch(table: usize, at: i32, limit: i32): i32 {
  const next = <i64>windowAt(table, at);
  const t0 = <u64>(next >> 63);
  const t1 = <u64>((next << 1) >> 63);
  const t2 = <u64>((next << 2) >> 63);
  const t3 = <u64>((next << 3) >> 63);
  const t4 = <u64>((next << 4) >> 63);
  const t5 = <u64>((next << 5) >> 63);
  const t6 = <u64>((next << 6) >> 63);
  const t7 = <u64>((next << 7) >> 63);
  // whether the first 1, 2, ... bits occur anywhere
  let any1: u64 = 0;
  let any2: u64 = 0;
  let any3: u64 = 0;
  let any4: u64 = 0;
  let any5: u64 = 0;
  let any6: u64 = 0;
  let any7: u64 = 0;
  let longest = 0;
  for (let start = 0; start < at; start += 64, table += 8) {
    const x = load<u64>(table);
    const y = load<u64>(table, 8);
    let c = ~(x ^ t0);
    if (at - start < 64) c &= leading(at - start);
    any1 |= c;
    c &= ~(((x << 1) | (y >> 63)) ^ t1);
    any2 |= c;
    c &= ~(((x << 2) | (y >> 62)) ^ t2);
    any3 |= c;
    c &= ~(((x << 3) | (y >> 61)) ^ t3);
    any4 |= c;
    c &= ~(((x << 4) | (y >> 60)) ^ t4);
    any5 |= c;
    c &= ~(((x << 5) | (y >> 59)) ^ t5);
    any6 |= c;
    c &= ~(((x << 6) | (y >> 58)) ^ t6);
    any7 |= c;
    c &= ~(((x << 7) | (y >> 57)) ^ t7);
    while (c != 0) {
      const i = <i32>clz<u64>(c);
      c ^= <u64>0x8000000000000000 >> <u64>i;
      longest = max(longest, matchLength(table, i, at - start, limit));
      if (longest == limit) return limit;
    }
  }
  if (longest == 0) {
    // matches are nested: where 3 bits occur, so do 2
    longest =
      i32(any1 != 0) +
      i32(any2 != 0) +
      i32(any3 != 0) +
      i32(any4 != 0) +
      i32(any5 != 0) +
      i32(any6 != 0) +
      i32(any7 != 0);
  }
  return min(longest, limit);
}

/** Words of a string as a table followed by one u64 that is zero. */
function parseLong(table: usize, bits: i32): i32 {
  let words = 1;
  for (let at = 1; at < bits; words++) at += longestMatch(table, at, bits - at) + 1;
  return words;
}

/** Reverses the string of `bits` bits in `table` into `out` (no overlap). */
function reverseTable(table: usize, bits: i32, out: usize): void {
  const words = tableWords(bits);
  const bytes = (<usize>words) << 3;
  for (let q: usize = 0; q < bytes; q += 8) store<u64>(out + q, reverseWord(load<u64>(table + bytes - 8 - q)));
  const shift = <u64>((words << 6) - bits);
  if (shift == 0) return;
  for (let q: usize = 0; q < bytes; q += 8) {
    const next: u64 = q + 8 < bytes ? load<u64>(out + q, 8) >> (64 - shift) : 0;
    store<u64>(out + q, (load<u64>(out + q) << shift) | next);
  }
}

/**
 * Words of the parse of one string, read from its first bit on.
 *
 * @param row ceil(bits / 32) u32, first bit the highest of the first word, unused low bits zero.
 * @param bits at least 1.
 * @param scratch 2 ceil(bits / 64) + 1 u64.
 */
export function lempelZivWords(row: usize, bits: i32, scratch: usize): i32 {
  loadTable(row, bits, scratch);
  return parseTable(scratch, bits);
}

/** Words of the parse of the reversed string; arguments as in `lempelZivWords`. */
export function lempelZivWordsReversed(row: usize, bits: i32, scratch: usize): i32 {
  const forward = scratch + ((<usize>(tableWords(bits) + 1)) << 3);
  loadTable(row, bits, forward);
  reverseTable(forward, bits, scratch);
  return parseTable(scratch, bits);
}

function parseTable(table: usize, bits: i32): i32 {
  if (bits <= SHORT) return parseShort(load<u64>(table), bits > 64 ? load<u64>(table, 8) : 0, bits);
  store<u64>(table + ((<usize>tableWords(bits)) << 3), 0);
  return parseLong(table, bits);
}

/**
 * K = log2(m) if all bits are equal, else log2(m) (forward words + words of the reverse) / 2
 * [Dingle, Camargo & Louis 2018], of many strings of m bits.
 *
 * @param rows strings as in `lempelZivWords`, `stride` bytes apart.
 * @param bits m, at least 1.
 * @param out f64 for each string.
 * @param scratch 2 ceil(bits / 64) + 1 u64.
 */
export function lempelZivBatch(rows: usize, stride: usize, count: i32, bits: i32, out: usize, scratch: usize): void {
  const log = NativeMath.log2(<f64>bits);
  for (let end = out + ((<usize>count) << 3); out < end; out += 8, rows += stride) {
    store<f64>(out, log * halfWords(rows, bits, scratch));
  }
}

/** Half the words of both parses; 1 if all bits are equal. */
function halfWords(row: usize, bits: i32, scratch: usize): f64 {
  if (bits > SHORT) {
    if (isConstant(row, bits, scratch)) return 1;
    return <f64>(lempelZivWords(row, bits, scratch) + lempelZivWordsReversed(row, bits, scratch)) * 0.5;
  }
  let x0: u64;
  let x1: u64 = 0;
  let r0: u64;
  let r1: u64 = 0;
  if (bits <= 64) {
    x0 = bits > 32 ? loadWord(row, 0) : (<u64>load<u32>(row)) << 32;
    if (x0 == 0 || x0 == leading(bits)) return 1;
    r0 = reverseWord(x0) << (<u64>(64 - bits));
  } else {
    x0 = loadWord(row, 0);
    x1 = bits > 96 ? loadWord(row, 1) : (<u64>load<u32>(row, 8)) << 32;
    if ((x0 | x1) == 0 || (x0 == ~(<u64>0) && x1 == leading(bits - 64))) return 1;
    r0 = reverseWord(x1);
    r1 = reverseWord(x0);
    if (bits < SHORT) {
      const shift = <u64>(SHORT - bits);
      r0 = (r0 << shift) | (r1 >> (64 - shift));
      r1 <<= shift;
    }
  }
  return <f64>(parseShort(x0, x1, bits) + parseShort(r0, r1, bits)) * 0.5;
}

function isConstant(row: usize, bits: i32, scratch: usize): bool {
  loadTable(row, bits, scratch);
  const last = scratch + ((<usize>(tableWords(bits) - 1)) << 3);
  const full = <u64>(<i64>load<u64>(scratch) >> 63);
  for (let q = scratch; q < last; q += 8) if (load<u64>(q) != full) return false;
  return load<u64>(last) == (full & leading(((bits - 1) & 63) + 1));
}
