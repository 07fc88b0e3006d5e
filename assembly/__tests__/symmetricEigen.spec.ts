import { tridiagonalRow, tridiagonalTile, tridiagonalVectors } from "../symmetricEigen";

const a: usize = memory.data(64, 16);
const work: usize = memory.data(192, 16);
const d: usize = memory.data(32, 16);
const e: usize = memory.data(32, 16);

describe("tridiagonalRow, tridiagonalTile, tridiagonalVectors", () => {
  test("[[0, 0, 3], [0, 0, 4], [3, 4, 0]]: coupling -5, diagonal 0", () => {
    // rows 0 and 1 have 2 entries each, row 2 has 4
    memory.fill(a, 0, 64);
    memory.fill(work, 0, 192);
    store<f64>(a + 32, 3);
    store<f64>(a + 32, 4, 8);
    for (let i = 2; i >= 0; i--) {
      const half = tridiagonalRow(a, i, work, work + 48, work + 96, work + 144, d, e);
      if (i > 0) {
        tridiagonalTile(a, i, 0, work, work + 48, work + 96, work + 144);
        tridiagonalVectors(i, half, work, work + 48, work + 96, work + 144);
      }
    }
    expect<f64>(load<f64>(e, 16)).toBe(-5);
    expect<f64>(load<f64>(d, 16)).toBe(0);
    expect<f64>(load<f64>(d)).toBeCloseTo(0, 12);
  });
});
