import { gaussians, xoshiroWords } from "../gaussian";
import { seedLanes } from "../philox";

const state: usize = memory.data(64, 16);
const scale: usize = memory.data(32 * 16, 16);
const out: usize = memory.data(32 * 16, 16);

describe("xoshiroWords", () => {
  test("rand_xoshiro's known answer for state 1, 2, 3, 4, in lane 3", () => {
    for (let word: usize = 0; word < 4; word++) store<u32>(state + 16 * word + 12, <u32>word + 1);
    xoshiroWords(out, 4, state);
    expect<u32>(load<u32>(out, 12)).toBe(641);
    expect<u32>(load<u32>(out, 28)).toBe(1573767);
    expect<u32>(load<u32>(out, 44)).toBe(3222811527);
    expect<u32>(load<u32>(out, 60)).toBe(3517856514);
  });
});

describe("gaussians", () => {
  test("finite, within 6.6605, times their scales; scale 0 gives 0", () => {
    for (let i: usize = 0; i < 128; i++) store<f32>(scale + 4 * i, i == 5 ? 0 : i == 6 ? 1024 : 1);
    seedLanes(state, 1, 2, 3, 4, 5);
    gaussians(out, scale, 16, state);
    let sum: f32 = 0;
    for (let i: usize = 0; i < 128; i++) {
      const z = load<f32>(out + 4 * i) / (i == 6 ? 1024 : 1);
      expect<bool>(abs(z) <= 6.6605).toBe(true);
      sum += z * z;
    }
    expect<f32>(abs(load<f32>(out, 20))).toBe(0);
    // chi-square with 127 degrees of freedom, 5 standard deviations
    expect<bool>(abs(sum - 127) < 5 * 16).toBe(true);
  });

  test("two calls go on where one would", () => {
    for (let i: usize = 0; i < 128; i++) store<f32>(scale + 4 * i, 1);
    seedLanes(state, 1, 2, 3, 4, 5);
    gaussians(out, scale, 2, state);
    const last = load<u32>(out, 60);
    seedLanes(state, 1, 2, 3, 4, 5);
    gaussians(out, scale, 1, state);
    gaussians(out, scale, 1, state);
    expect<u32>(load<u32>(out, 28)).toBe(last);
  });
});
