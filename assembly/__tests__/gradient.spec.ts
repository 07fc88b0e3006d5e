import { sparsePoint } from "../sparseInputs";

const x: usize = memory.data(32, 16);
const out: usize = memory.data(64, 16);

describe("sparse points", () => {
  test("records of the nonzero inputs", () => {
    store<f32>(x, 0);
    store<f32>(x, 2, 4);
    store<f32>(x, 0, 8);
    store<f32>(x, -3, 12);
    expect<usize>(sparsePoint(x, 4, 160, out)).toBe(out + 16);
    expect<u32>(load<u32>(out)).toBe(160);
    expect<f32>(load<f32>(out, 4)).toBe(2);
    expect<u32>(load<u32>(out, 8)).toBe(480);
    expect<f32>(load<f32>(out, 12)).toBe(-3);
  });
});
