import { choleskyRows, choleskySolve, inverseDiagonal } from "../choleskyRows";

const a: usize = memory.data(128, 16);
const inverse: usize = memory.data(32, 16);
const b: usize = memory.data(32, 16);
const scratch: usize = memory.data(128, 16);

describe("choleskyRows, choleskySolve, inverseDiagonal", () => {
  test("I + e e' of four: first pivot root 2, inverse I - e e' / 5", () => {
    for (let i = 0; i < 16; i++) store<f64>(a + ((<usize>i) << 3), i % 5 == 0 ? 2 : 1);
    expect<i32>(choleskyRows(a, 32, 0, 4, inverse)).toBe(-1);
    expect<f64>(load<f64>(a)).toBeCloseTo(Math.SQRT2, 14);
    for (let i: usize = 0; i < 32; i += 8) store<f64>(b + i, 5);
    choleskySolve(a, 4, 32, inverse, b);
    for (let i: usize = 0; i < 32; i += 8) expect<f64>(load<f64>(b + i)).toBeCloseTo(1, 12);
    inverseDiagonal(a, 4, 32, inverse, 0, 4, scratch, b);
    for (let i: usize = 0; i < 32; i += 8) expect<f64>(load<f64>(b + i)).toBeCloseTo(0.8, 12);
  });
});
