import { matmul, packBytes, packRowsBytes } from "../matmul";

const a: usize = memory.data(64, 16);
const b: usize = memory.data(64, 16);
const c: usize = memory.data(64, 16);
const packA: usize = memory.data(65536, 16);
const packB: usize = memory.data(16384, 16);

describe("matrix product", () => {
  test("2 x 3 by 3 x 2, and added", () => {
    for (let i: usize = 0; i < 6; i++) {
      store<f32>(a + 4 * i, f32(i + 1));
      store<f32>(b + 4 * i, f32(i));
    }
    matmul(a, 12, 4, b, 8, 4, c, 16, 2, 2, 3, 0, packA, packB);
    // [[1, 2, 3], [4, 5, 6]] by [[0, 1], [2, 3], [4, 5]]
    expect<f32>(load<f32>(c)).toBe(16);
    expect<f32>(load<f32>(c, 4)).toBe(22);
    expect<f32>(load<f32>(c, 16)).toBe(34);
    expect<f32>(load<f32>(c, 20)).toBe(49);
    matmul(a, 12, 4, b, 8, 4, c, 16, 2, 2, 3, 1, packA, packB);
    expect<f32>(load<f32>(c, 20)).toBe(98);
  });

  test("scratch sizes", () => {
    expect<i32>(packRowsBytes()).toBe(65536);
    expect<i32>(packBytes(9)).toBe(16384);
  });
});
