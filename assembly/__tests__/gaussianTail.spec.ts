import { hazard, logUpperTail, noiseRow, tailRow, upperQuantile, upperTail } from "../gaussianTail";

const t: usize = memory.data(128, 16);
const tails: usize = memory.data(128, 16);
const points: usize = memory.data(128, 16);
const out: usize = memory.data(128, 16);
const scratch: usize = memory.data(512, 16);

describe("the Gaussian tail", () => {
  test("at 0, and back by the quantile", () => {
    expect<f64>(upperTail(0)).toBeCloseTo(0.5, 14);
    expect<f64>(hazard(0)).toBeCloseTo(0.7978845608028654, 14);
    expect<f64>(upperQuantile(-logUpperTail(40))).toBeCloseTo(40, 12);
  });

  test("a row of bounds from -8 to 37: draws halve the tail above them", () => {
    for (let i = 0; i < 16; i++) {
      store<f64>(t + ((<usize>i) << 3), 3.0 * <f64>i - 8.0);
      store<f64>(points + ((<usize>i) << 3), 0.5);
    }
    tailRow(t, tails, scratch);
    noiseRow(t, tails, points, out, scratch);
    for (let i: usize = 0; i < 128; i += 8) {
      const halved = logUpperTail(load<f64>(t + i)) - logUpperTail(load<f64>(out + i));
      expect<f64>(halved).toBeCloseTo(0.6931471805599453, 11);
    }
  });
});
