import { noiseRow, tailRow, upperQuantile } from "../gaussianTail";
import { logNormalCdf } from "../normal";

const t: usize = memory.data(128, 16);
const tails: usize = memory.data(128, 16);
const points: usize = memory.data(128, 16);
const out: usize = memory.data(128, 16);
const scratch: usize = memory.data(512, 16);

describe("the Gaussian tail", () => {
  test("the quantile takes the logarithm back", () => {
    expect<f64>(upperQuantile(0.6931471805599453)).toBeCloseTo(0, 14);
    expect<f64>(upperQuantile(-logNormalCdf(-40))).toBeCloseTo(40, 12);
  });

  test("a row of bounds from -8 to 37: draws halve the tail above them", () => {
    for (let i = 0; i < 16; i++) {
      store<f64>(t + ((<usize>i) << 3), 3.0 * <f64>i - 8.0);
      store<f64>(points + ((<usize>i) << 3), 0.5);
    }
    tailRow(t, tails, scratch);
    noiseRow(t, tails, points, out, scratch);
    for (let i: usize = 0; i < 128; i += 8) {
      const halved = logNormalCdf(-load<f64>(t + i)) - logNormalCdf(-load<f64>(out + i));
      expect<f64>(halved).toBeCloseTo(0.6931471805599453, 11);
    }
  });
});
