import { lempelZivBatch, lempelZivWords, lempelZivWordsReversed } from "../lempelZiv";

const row: usize = memory.data(128, 16);
const scratch: usize = memory.data(512, 16);
const out: usize = memory.data(16, 16);

describe("lempelZivWords", () => {
  test("Kaspar & Schuster 1987: 0.001.10.100.1000.101", () => {
    store<u32>(row, 0x1a450000);
    expect<i32>(lempelZivWords(row, 16, scratch)).toBe(6);
  });
  test("a constant is 0.000..., whatever its length", () => {
    memory.fill(row, 0, 128);
    expect<i32>(lempelZivWords(row, 1, scratch)).toBe(1);
    expect<i32>(lempelZivWords(row, 128, scratch)).toBe(2);
    expect<i32>(lempelZivWords(row, 1024, scratch)).toBe(2);
    expect<i32>(lempelZivWordsReversed(row, 1024, scratch)).toBe(2);
  });
  test("0^127 1 is 0.0...01, its reverse 1.0.0...0", () => {
    memory.fill(row, 0, 128);
    store<u32>(row, 1, 12);
    expect<i32>(lempelZivWords(row, 128, scratch)).toBe(2);
    expect<i32>(lempelZivWordsReversed(row, 128, scratch)).toBe(3);
  });
});

describe("lempelZivBatch", () => {
  test("constants have K = log2(m), others the mean of both directions times log2(m)", () => {
    memory.fill(row, 0, 128);
    store<u32>(row, 1, 12);
    lempelZivBatch(row + 16, 16, 1, 128, out, scratch);
    expect<f64>(load<f64>(out)).toBe(7);
    lempelZivBatch(row, 16, 2, 128, out, scratch);
    expect<f64>(load<f64>(out)).toBe(17.5);
    expect<f64>(load<f64>(out, 8)).toBe(7);
  });
});
