/** Complexity of Boolean functions by counting: entropy, average sensitivity, critical sample ratio; one f64 a function. */
import { derivativeWord, loadTable, tableWords } from "./bitTable";

/**
 * Entropy in bits of the outputs, H(p) = -p log2 p - (1-p) log2(1-p), p = ones / m.
 *
 * @param rows strings of `bits` bits (at least 1): ceil(bits / 32) u32, unused low bits zero; `stride` bytes apart.
 * @param out f64 for each row.
 */
export function entropyBatch(rows: usize, stride: usize, count: i32, bits: i32, out: usize): void {
  const bytes = (<usize>((bits + 31) >> 5)) << 2;
  const m = <f64>bits;
  for (let end = out + ((<usize>count) << 3); out < end; out += 8, rows += stride) {
    let ones = 0;
    for (let q: usize = 0; q < bytes; q += 4) ones += popcnt<i32>(load<i32>(rows + q));
    let h: f64 = 0;
    if (ones > 0 && ones < bits) {
      const p = <f64>ones / m;
      const q = <f64>(bits - ones) / m;
      h = -(p * NativeMath.log2(p) + q * NativeMath.log2(q));
    }
    store<f64>(out, h);
  }
}

/**
 * Average sensitivity (total influence): mean over the inputs of the number of neighbours, at Hamming distance 1, with
 * another output. From 0 to n.
 *
 * @param rows functions of n bits (1 to 10), `stride` bytes apart.
 * @param out f64 for each row.
 * @param scratch 128 bytes.
 */
export function sensitivityBatch(rows: usize, stride: usize, count: i32, n: i32, out: usize, scratch: usize): void {
  const m = 1 << n;
  const bytes = (<usize>tableWords(m)) << 3;
  for (let end = out + ((<usize>count) << 3); out < end; out += 8, rows += stride) {
    loadTable(rows, m, scratch);
    let changes: u64 = 0;
    for (let p = 0; p < n; p++) {
      for (let q: usize = 0; q < bytes; q += 8) changes += popcnt<u64>(derivativeWord(scratch, q, p));
    }
    store<f64>(out, <f64>changes / <f64>m);
  }
}

/**
 * Critical sample ratio: fraction of the inputs with at least one neighbour, at Hamming distance 1, with another output.
 *
 * @param rows, out, scratch as in `sensitivityBatch`.
 */
export function criticalSampleRatioBatch(
  rows: usize,
  stride: usize,
  count: i32,
  n: i32,
  out: usize,
  scratch: usize,
): void {
  const m = 1 << n;
  const bytes = (<usize>tableWords(m)) << 3;
  for (let end = out + ((<usize>count) << 3); out < end; out += 8, rows += stride) {
    loadTable(rows, m, scratch);
    let critical: u64 = 0;
    for (let q: usize = 0; q < bytes; q += 8) {
      let word: u64 = 0;
      for (let p = 0; p < n; p++) word |= derivativeWord(scratch, q, p);
      critical += popcnt<u64>(word);
    }
    store<f64>(out, <f64>critical / <f64>m);
  }
}
