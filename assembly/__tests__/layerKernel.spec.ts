import { affineKernel, layerKernel } from "../layerKernel";

const a: usize = memory.data(128, 16);
const diagonal: usize = memory.data(32, 16);

describe("layer kernels", () => {
  test("ReLU: half the variance, and orthogonal points share 1 / 2 pi of it", () => {
    memory.fill(a, 0, 128);
    for (let r: usize = 0; r < 4; r++) {
      store<f64>(a + 40 * r, 1);
      store<f64>(diagonal + 8 * r, 1);
    }
    layerKernel(a, diagonal, 0, 1, 0, 2, 1);
    expect<f64>(load<f64>(a)).toBe(2);
    expect<f64>(load<f64>(a, 8)).toBeCloseTo(1 + 0.3183098861837907, 14);
  });

  test("erf: 2 / pi asin(2 / 3)", () => {
    store<f64>(a, 1);
    store<f64>(diagonal, 1);
    layerKernel(a, diagonal, 0, 1, 1, 1, 0);
    expect<f64>(load<f64>(a)).toBeCloseTo(0.4645590552, 9);
  });

  test("the first layer", () => {
    store<f64>(a, 3);
    affineKernel(a, 0, 1, 2, 1);
    expect<f64>(load<f64>(a)).toBe(7);
  });
});
