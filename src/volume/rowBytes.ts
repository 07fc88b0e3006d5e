/**
 * Rows of a table as the bytes that its digests are taken of.
 *
 * @module
 */
import type { RowShape } from "./rows.ts";

/**
 * For each row the function's bits (big-endian, ceil(bits / 8) bytes) and its first `sums` sums (8 bytes each, little-endian).
 *
 * @param sums 1: the count alone; 3: the cluster sums too, in a clustered table.
 */
export function rowBytes(
  rows: Uint32Array,
  { words, stride }: RowShape,
  bits: number,
  sums: 1 | 3,
): Uint8Array<ArrayBuffer> {
  const keyBytes = Math.ceil(bits / 8);
  const count = rows.length / stride;
  const size = keyBytes + 8 * sums;
  const bytes = new Uint8Array(count * size + 4 * words);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let r = 0; r < rows.length; r += stride) {
    // bits past the last byte of the key are overwritten by the sums
    for (let w = 0; w < words; w++) view.setUint32(at + 4 * w, rows[r + w], false);
    for (let s = 0; s < 2 * sums; s++) view.setUint32(at + keyBytes + 4 * s, rows[r + words + s], true);
    at += size;
  }
  return bytes.subarray(0, at);
}
