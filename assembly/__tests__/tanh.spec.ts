import { tanh4, tanhArray } from "../tanh";

const x: usize = memory.data(64, 16);

describe("tanh", () => {
  test("odd, saturated at 1, NaN stays", () => {
    const y = tanh4(f32x4(0.5, -0.5, f32.NaN, 100));
    expect<f32>(f32x4.extract_lane(y, 0)).toBe(-f32x4.extract_lane(y, 1));
    expect<bool>(abs(f32x4.extract_lane(y, 0) - 0.46211717) < 3e-7).toBe(true);
    expect<bool>(isNaN(f32x4.extract_lane(y, 2))).toBe(true);
    expect<f32>(f32x4.extract_lane(y, 3)).toBe(1);
  });

  test("arrays in place, no further than asked", () => {
    for (let i: usize = 0; i < 16; i++) store<f32>(x + 4 * i, 1);
    tanhArray(x, x, 2);
    expect<bool>(abs(load<f32>(x, 28) - 0.76159416) < 3e-7).toBe(true);
    expect<f32>(load<f32>(x, 32)).toBe(1);
  });
});
