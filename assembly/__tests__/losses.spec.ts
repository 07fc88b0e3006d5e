import { BCE, CE, lossBlock, lossCurvature, MSE } from "../losses";

const z: usize = memory.data(32, 16);
const t: usize = memory.data(32, 16);
const d: usize = memory.data(32, 16);
const p: usize = memory.data(32, 16);

describe("losses of one point", () => {
  test("BCE at logit 0", () => {
    store<f32>(z, 0);
    store<f32>(t, 1);
    expect<bool>(abs(lossBlock(BCE, z, 16, 1, t, 0, 1, 1, d, p) - 0.6931471805599453) < 1e-15).toBe(true);
    expect<f32>(load<f32>(d)).toBe(-0.5);
    store<f32>(z, 2);
    lossCurvature(BCE, p, z, 16, 1, 1, 1, d);
    expect<f32>(load<f32>(d)).toBe(0.5);
  });

  test("softmax of equal logits", () => {
    for (let o: usize = 0; o < 16; o += 4) store<f32>(z + o, 7);
    store<f32>(t, 3);
    expect<bool>(abs(lossBlock(CE, z, 16, 4, t, 0, 1, 1, d, p) - 1.3862943611198906) < 1e-15).toBe(true);
    expect<f32>(load<f32>(d)).toBe(0.25);
    expect<f32>(load<f32>(d, 12)).toBe(-0.75);
  });

  test("half the squared error", () => {
    store<f32>(z, 3);
    store<f32>(z, 1, 4);
    store<f32>(t, 1);
    store<f32>(t, 1, 4);
    expect<f64>(lossBlock(MSE, z, 16, 2, t, 0, 1, 0.5, d, 0)).toBe(2);
    expect<f32>(load<f32>(d)).toBe(1);
  });
});
