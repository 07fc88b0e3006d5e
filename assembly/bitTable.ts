/**
 * A function's bits as u64 words, for kernels that shift and swap whole words.
 *
 * Input `i` is bit `63 - i % 64` of word `i >> 6`; with fewer than 64 bits the low ones are zero. A *place* `p` is a bit of
 * the input's number: 0 the least significant, so place `p` is feature bit `n - 1 - p`. Within a word the inputs with
 * `x_p = 1` stand 2^p bits below their neighbours with `x_p = 0`.
 */

/** Bits of a word whose inputs have x_p = 1, p = 0..5. */
export const PLACE_MASKS: usize = memory.data<u64>([
  0x5555555555555555, 0x3333333333333333, 0x0f0f0f0f0f0f0f0f, 0x00ff00ff00ff00ff, 0x0000ffff0000ffff,
  0x00000000ffffffff,
]);

/** u64 words of a string of `bits` bits. */
export function tableWords(bits: i32): i32 {
  return (bits + 63) >> 6;
}

/** Word `i` of a row of u32 words with the most significant first; the row has both of its u32. */
export function loadWord(row: usize, i: usize): u64 {
  return rotl<u64>(load<u64>(row + (i << 3)), 32);
}

/**
 * Reads a row into a table.
 *
 * @param row ceil(bits / 32) u32, most significant word first, 4-byte aligned.
 * @param out ceil(bits / 64) u64; may not overlap the row.
 */
export function loadTable(row: usize, bits: i32, out: usize): void {
  const words = (bits + 31) >> 5;
  const pairs = <usize>(words >> 1);
  for (let i: usize = 0; i < pairs; i++) store<u64>(out + (i << 3), loadWord(row, i));
  if (words & 1) store<u64>(out + (pairs << 3), (<u64>load<u32>(row + (pairs << 3))) << 32);
}

/** Writes a table back as a row: the inverse of `loadTable`. */
export function storeTable(table: usize, bits: i32, row: usize): void {
  const words = (bits + 31) >> 5;
  const pairs = <usize>(words >> 1);
  for (let i: usize = 0; i < pairs; i++) store<u64>(row + (i << 3), rotl<u64>(load<u64>(table + (i << 3)), 32));
  if (words & 1) store<u32>(row + (pairs << 3), <u32>(load<u64>(table + (pairs << 3)) >> 32));
}

/** Copies `words` u64. (memory.copy of a few bytes is a slow call in V8.) */
export function copyTable(to: usize, from: usize, words: i32): void {
  for (let end = from + ((<usize>words) << 3); from < end; from += 8, to += 8) store<u64>(to, load<u64>(from));
}

/**
 * The function with two of its input bits exchanged.
 *
 * @param table, out 2^max(n - 6, 0) u64; no overlap.
 * @param a, b places, a < b.
 */
export function swapPlaces(table: usize, out: usize, words: i32, a: i32, b: i32): void {
  const bytes = (<usize>words) << 3;
  if (b < 6) {
    const shift = <u64>((1 << b) - (1 << a));
    const mask = ~load<u64>(PLACE_MASKS + ((<usize>a) << 3)) & load<u64>(PLACE_MASKS + ((<usize>b) << 3));
    for (let i: usize = 0; i < bytes; i += 8) {
      const w = load<u64>(table + i);
      const t = ((w >> shift) ^ w) & mask;
      store<u64>(out + i, w ^ t ^ (t << shift));
    }
    return;
  }
  const high: usize = (<usize>8) << (b - 6);
  if (a < 6) {
    const shift = <u64>(1 << a);
    const mask = load<u64>(PLACE_MASKS + ((<usize>a) << 3));
    for (let i: usize = 0; i < bytes; i += 8) {
      if (i & high) continue;
      const w0 = load<u64>(table + i);
      const w1 = load<u64>(table + i + high);
      const t = ((w1 >> shift) ^ w0) & mask;
      store<u64>(out + i, w0 ^ t);
      store<u64>(out + i + high, w1 ^ (t << shift));
    }
    return;
  }
  const low: usize = (<usize>8) << (a - 6);
  const both = high | low;
  for (let i: usize = 0; i < bytes; i += 8) {
    const bits = i & both;
    store<u64>(out + i, load<u64>(table + (bits == low || bits == high ? i ^ both : i)));
  }
}

/** Whether exchanging places a < b leaves the function as it is. */
export function isSymmetric(table: usize, words: i32, a: i32, b: i32): bool {
  const bytes = (<usize>words) << 3;
  if (b < 6) {
    const shift = <u64>((1 << b) - (1 << a));
    const mask = ~load<u64>(PLACE_MASKS + ((<usize>a) << 3)) & load<u64>(PLACE_MASKS + ((<usize>b) << 3));
    for (let i: usize = 0; i < bytes; i += 8) {
      const w = load<u64>(table + i);
      if (((w >> shift) ^ w) & mask) return false;
    }
    return true;
  }
  const high: usize = (<usize>8) << (b - 6);
  if (a < 6) {
    const shift = <u64>(1 << a);
    const mask = load<u64>(PLACE_MASKS + ((<usize>a) << 3));
    for (let i: usize = 0; i < bytes; i += 8) {
      if (i & high) continue;
      if (((load<u64>(table + i + high) >> shift) ^ load<u64>(table + i)) & mask) return false;
    }
    return true;
  }
  const low: usize = (<usize>8) << (a - 6);
  for (let i: usize = 0; i < bytes; i += 8) {
    if ((i & (high | low)) == low && load<u64>(table + i) != load<u64>(table + (i ^ (high | low)))) return false;
  }
  return true;
}

/** Number of inputs with x_p = 1 and output 1. */
export function cofactorOnes(table: usize, words: i32, p: i32): i32 {
  const bytes = (<usize>words) << 3;
  let ones: u64 = 0;
  if (p < 6) {
    const mask = load<u64>(PLACE_MASKS + ((<usize>p) << 3));
    for (let i: usize = 0; i < bytes; i += 8) ones += popcnt<u64>(load<u64>(table + i) & mask);
  } else {
    const step: usize = (<usize>8) << (p - 6);
    for (let i: usize = step; i < bytes; i += 8) if (i & step) ones += popcnt<u64>(load<u64>(table + i));
  }
  return <i32>ones;
}

/** The word at byte `i` of the function that is 1 where flipping x_p changes the output. */
export function derivativeWord(table: usize, i: usize, p: i32): u64 {
  const w = load<u64>(table + i);
  if (p >= 6) return w ^ load<u64>(table + (i ^ ((<usize>8) << (p - 6))));
  const mask = load<u64>(PLACE_MASKS + ((<usize>p) << 3));
  const shift = <u64>(1 << p);
  const t = ((w >> shift) ^ w) & mask;
  return t | (t << shift);
}
