/**
 * Sorts table rows by key, in place: American flag sort [McIlroy, Bostic & McIlroy 1993] over the key's bytes, most
 * significant first, insertion sort for short stretches.
 */
import { copyRow } from "./table";

const SHORT: usize = 20;

/** Compares two keys from word `from` on. @returns negative, 0 or positive. */
export function compareKeys(a: usize, b: usize, words: i32, from: i32): i32 {
  for (let i = from; i < words; i++) {
    const x = load<u32>(a + ((<usize>i) << 2));
    const y = load<u32>(b + ((<usize>i) << 2));
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

function swapRows(a: usize, b: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 8 <= bytes; i += 8) {
    const x = load<u64>(a + i);
    store<u64>(a + i, load<u64>(b + i));
    store<u64>(b + i, x);
  }
  if (i < bytes) {
    const x = load<u32>(a + i);
    store<u32>(a + i, load<u32>(b + i));
    store<u32>(b + i, x);
  }
}

/**
 * @param rows `count` rows of `stride` bytes (a multiple of 4), key of `words` u32 first.
 * @param scratch `stride` rounded up to 8, plus `8192 * words`, bytes.
 */
export function sortRows(rows: usize, count: i32, stride: usize, words: i32, scratch: usize): void {
  sortFrom(rows, rows + <usize>count * stride, stride, words, 0, scratch, scratch + ((stride + 7) & ~7));
}

function sortFrom(first: usize, end: usize, stride: usize, words: i32, byte: i32, row: usize, counts: usize): void {
  const bytes = words << 2;
  while (byte < bytes) {
    if (end - first <= SHORT * stride) {
      for (let p = first + stride; p < end; p += stride) {
        if (compareKeys(p - stride, p, words, byte >> 2) <= 0) continue;
        copyRow(row, p, stride);
        let q = p;
        do {
          copyRow(q, q - stride, stride);
          q -= stride;
        } while (q > first && compareKeys(q - stride, row, words, byte >> 2) > 0);
        copyRow(q, row, stride);
      }
      return;
    }
    // byte b of the big-endian key is byte b ^ 3 of its little-endian words
    const at = <usize>(byte ^ 3);
    memory.fill(counts, 0, 1024);
    for (let p = first; p < end; p += stride) {
      const slot = counts + ((<usize>load<u8>(p + at)) << 2);
      store<u32>(slot, load<u32>(slot) + 1);
    }
    if (<usize>load<u32>(counts + ((<usize>load<u8>(first + at)) << 2)) * stride == end - first) {
      byte++;
      continue;
    }
    // counts -> [next free address | end address] of each bucket
    const ends = counts + 1024;
    let address = first;
    for (let i: usize = 0; i < 1024; i += 4) {
      const size = <usize>load<u32>(counts + i) * stride;
      store<u32>(counts + i, <u32>address);
      address += size;
      store<u32>(ends + i, <u32>address);
    }
    for (let i: usize = 0; i < 1024; i += 4) {
      const bucketEnd = <usize>load<u32>(ends + i);
      let p = <usize>load<u32>(counts + i);
      while (p < bucketEnd) {
        const digit = (<usize>load<u8>(p + at)) << 2;
        if (digit == i) {
          p += stride;
        } else {
          const target = <usize>load<u32>(counts + digit);
          swapRows(p, target, stride);
          store<u32>(counts + digit, <u32>(target + stride));
        }
      }
    }
    let start = first;
    for (let i: usize = 0; i < 1024; i += 4) {
      const bucketEnd = <usize>load<u32>(ends + i);
      if (bucketEnd - start > stride) sortFrom(start, bucketEnd, stride, words, byte + 1, row, counts + 2048);
      start = bucketEnd;
    }
    return;
  }
}
