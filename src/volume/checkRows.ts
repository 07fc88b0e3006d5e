/**
 * Rows that another process wrote.
 *
 * @module
 */
import type { RowShape } from "./rows.ts";

/**
 * Checks rows from elsewhere: functions in ascending order, sums that can be.
 *
 * @param draws output layers for a body.
 * @param last the key before the first row; set to that of the last one.
 * @returns the samples.
 * @throws RangeError saying what is wrong.
 */
export function checkRows(
  rows: Uint32Array,
  { words, stride, clustered }: RowShape,
  draws: number,
  last: { key: Uint32Array | undefined },
): number {
  let samples = 0;
  let before = last.key;
  let offset = 0;
  for (let at = 0; at < rows.length; at += stride) {
    let order = before ? 0 : 1;
    for (let w = 0; before && order === 0 && w < words; w++) order = rows[at + w] - before[offset + w];
    if (order <= 0) throw new RangeError("functions that are not in ascending order");
    before = rows;
    offset = at;
    const sum = (s: number): number => rows[at + words + 2 * s] + rows[at + words + 2 * s + 1] * 2 ** 32;
    const count = sum(0);
    const sound = count >= 1 && (!clustered || (sum(1) >= count && sum(2) >= sum(1) && sum(2) <= count * draws));
    if (!sound) throw new RangeError("a count that cannot be");
    samples += count;
  }
  last.key = rows.slice(rows.length - stride, rows.length - stride + words);
  if (samples > 2 ** 53) throw new RangeError("a count that cannot be");
  return samples;
}
