import { rowDot, sparseDense, sumRow, sumSigns } from "../sparseRow";

const a: usize = memory.data(64, 16);
const b: usize = memory.data(64, 16);
const row: usize = memory.data(64, 16);
const masks: usize = memory.data(16, 16);
const weights: usize = memory.data(16 * 16, 16);
const zeros: usize = memory.data(160, 16);
const out: usize = memory.data(128, 16);

describe("sparseRow", () => {
  test("sumRow adds, and finds the negative lanes; negating keeps zeros inactive", () => {
    for (let u: usize = 0; u < 16; u++) {
      store<f32>(a + 4 * u, <f32>u);
      store<f32>(b + 4 * u, -3);
    }
    sumRow(a, b, row, 16, masks);
    expect<u64>(load<u64>(masks)).toBe(0b0111);
    expect<f32>(load<f32>(row, 8)).toBe(-1);
    sumRow(a, 0, row, 16, masks);
    expect<u64>(load<u64>(masks)).toBe(0xfffe);
    expect<f32>(load<f32>(row, 8)).toBe(-2);
  });

  test("sparseDense: z = b + W relu on the active units, and a single output on it", () => {
    for (let u: usize = 0; u < 16; u++) {
      store<f32>(row + 4 * u, u < 3 ? -(<f32>(u + 1)) : 5);
      for (let k: usize = 0; k < 4; k++) store<f32>(weights + 16 * u + 4 * k, u < 3 ? <f32>k : 1000);
    }
    store<u64>(masks, 0b0111);
    for (let k: usize = 0; k < 4; k++) store<f32>(a + 4 * k, k == 3 ? -100 : 1);
    sparseDense(row, masks, 1, weights, 16, a, zeros, 4, zeros, out, 0);
    // relu values 1, 2, 3: sum 6
    expect<f32>(load<f32>(out, 0)).toBe(1);
    expect<f32>(load<f32>(out, 8)).toBe(13);
    expect<f32>(load<f32>(out, 12)).toBe(-82);
    for (let k: usize = 0; k < 4; k++) store<f32>(b + 4 * k, 2);
    sparseDense(row, masks, 1, weights, 16, a, zeros, 4, zeros, out, b);
    expect<f32>(load<f32>(out, 8)).toBe(26);
    expect<f32>(load<f32>(out, 12)).toBe(0);
  });

  test("rowDot and sumSigns", () => {
    for (let u: usize = 0; u < 4; u++) {
      store<f32>(row + 4 * u, u == 1 ? 1 : -2);
      store<f32>(b + 4 * u, 3);
    }
    rowDot(row, 4, b, out);
    expect<f32>(load<f32>(out, 0)).toBe(6);
    expect<f32>(load<f32>(out, 4)).toBe(0);
    // sums of row i: i - 4 in lane i % 4
    memory.fill(out, 0, 128);
    for (let i: usize = 0; i < 8; i++) store<f32>(out + 16 * i + 4 * (i & 3), <f32>i - 4);
    expect<i32>(sumSigns(out, 16, 0)).toBe(0b00000111);
    expect<i32>(sumSigns(out, 16, 1.5)).toBe(0b00011111);
  });
});
