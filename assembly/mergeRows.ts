/** Merges sorted rows of several runs into one sorted run; rows of equal keys become one whose sums are added. */
import { compareKeys } from "./sortRows";
import { copyRow } from "./table";

/** `mergeRows` stopped because the output has no room for the next row. */
export const OUTPUT_FULL: i32 = -1;
/** All cursors are exhausted. */
export const DONE: i32 = -2;

function sift(heap: usize, size: i32, at: i32, words: i32): void {
  const cursor = load<u32>(heap + ((<usize>at) << 2));
  const key = <usize>load<u32>(<usize>cursor);
  while (true) {
    let child = 2 * at + 1;
    if (child >= size) break;
    let address = heap + ((<usize>child) << 2);
    if (child + 1 < size) {
      const left = <usize>load<u32>(<usize>load<u32>(address));
      const right = <usize>load<u32>(<usize>load<u32>(address, 4));
      if (compareKeys(right, left, words, 0) < 0) {
        child++;
        address += 4;
      }
    }
    const other = load<u32>(address);
    if (compareKeys(key, <usize>load<u32>(<usize>other), words, 0) <= 0) break;
    store<u32>(heap + ((<usize>at) << 2), other);
    at = child;
  }
  store<u32>(heap + ((<usize>at) << 2), cursor);
}

/**
 * Goes on until a cursor runs out, the output is full, or all is done.
 *
 * @param cursors `count` pairs of u32: next row, end. A cursor with next = end takes no part.
 * @param heap scratch, 4 * count bytes.
 * @param state +0 u32: where the next output row goes (updated); +4 u32: start of the output; +8 u32: its end.
 *   The last row before +0 is still open: an equal key is added to it.
 * @param stride bytes a row: `words` u32 of key, then u64 sums.
 * @returns index of a cursor that ran out, or OUTPUT_FULL, or DONE.
 */
export function mergeRows(cursors: usize, count: i32, heap: usize, state: usize, words: i32, stride: usize): i32 {
  let size = 0;
  for (let i = 0; i < count; i++) {
    const cursor = cursors + ((<usize>i) << 3);
    if (load<u32>(cursor) < load<u32>(cursor, 4)) {
      store<u32>(heap + ((<usize>size) << 2), <u32>cursor);
      size++;
    }
  }
  for (let i = (size >> 1) - 1; i >= 0; i--) sift(heap, size, i, words);
  let out = <usize>load<u32>(state);
  const outStart = <usize>load<u32>(state, 4);
  const outEnd = <usize>load<u32>(state, 8);
  const keyBytes = (<usize>words) << 2;
  while (size > 0) {
    const cursor = <usize>load<u32>(heap);
    const row = <usize>load<u32>(cursor);
    if (out > outStart && compareKeys(out - stride, row, words, 0) == 0) {
      for (let i = keyBytes; i < stride; i += 8) {
        store<u64>(out - stride + i, load<u64>(out - stride + i) + load<u64>(row + i));
      }
    } else {
      if (out + stride > outEnd) {
        store<u32>(state, <u32>out);
        return OUTPUT_FULL;
      }
      copyRow(out, row, stride);
      out += stride;
    }
    const next = row + stride;
    store<u32>(cursor, <u32>next);
    if (next >= <usize>load<u32>(cursor, 4)) {
      store<u32>(state, <u32>out);
      return <i32>((cursor - cursors) >> 3);
    }
    sift(heap, size, 0, words);
  }
  store<u32>(state, <u32>out);
  return DONE;
}
