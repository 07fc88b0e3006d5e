import { criticalSampleRatioBatch, entropyBatch, sensitivityBatch } from "../booleanComplexity";

const row: usize = memory.data(128, 16);
const scratch: usize = memory.data(128, 16);
const out: usize = memory.data(8, 16);

function sensitivity(n: i32): f64 {
  sensitivityBatch(row, 128, 1, n, out, scratch);
  return load<f64>(out);
}

function criticalSampleRatio(n: i32): f64 {
  criticalSampleRatioBatch(row, 128, 1, n, out, scratch);
  return load<f64>(out);
}

function entropy(bits: i32): f64 {
  entropyBatch(row, 128, 1, bits, out);
  return load<f64>(out);
}

describe("complexity of Boolean functions", () => {
  test("a constant has none", () => {
    memory.fill(row, 0xff, 128);
    for (let n = 5; n <= 10; n++) {
      expect<f64>(entropy(1 << n)).toBe(0);
      expect<f64>(sensitivity(n)).toBe(0);
      expect<f64>(criticalSampleRatio(n)).toBe(0);
    }
  });
  test("parity has all", () => {
    for (let n = 5; n <= 10; n++) {
      for (let i: u32 = 0; i < (<u32>1) << (n - 5); i++) {
        store<u32>(row + ((<usize>i) << 2), popcnt<u32>(i) & 1 ? 0x96696996 : 0x69969669);
      }
      expect<f64>(entropy(1 << n)).toBe(1);
      expect<f64>(sensitivity(n)).toBe(<f64>n);
      expect<f64>(criticalSampleRatio(n)).toBe(1);
    }
  });
  test("AND of 3 bits: influence 3/4, 4 critical inputs of 8", () => {
    store<u32>(row, 0x01000000);
    expect<f64>(sensitivity(3)).toBe(0.75);
    expect<f64>(criticalSampleRatio(3)).toBe(0.5);
  });
});
