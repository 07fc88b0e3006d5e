import { probitDerivatives, siteMoments, sumOfLogs } from "../sites";

const at: usize = memory.data(64, 16);
const sums: usize = memory.data(16, 16);

describe("sites", () => {
  test("one point of variance 2, the step: a half-normal's moments", () => {
    store<f64>(at, 1);
    store<f64>(at, 1, 8);
    store<f64>(at, 2, 16);
    store<f64>(at, 0, 24);
    store<f64>(at, 0, 32);
    siteMoments(1, 0, at, at + 8, at + 16, at + 24, at + 32, at + 40, at + 48, sums);
    expect<f64>(load<f64>(sums)).toBeCloseTo(-0.6931471805599453, 14);
    // 1 / (2 (1 - 2 / pi)) - 1 / 2
    expect<f64>(load<f64>(at, 40)).toBeCloseTo(0.8759692, 6);
    // the mean is sqrt(2 / pi) standard deviations off
    expect<f64>(load<f64>(sums, 8)).toBeCloseTo(0.7978845608, 9);
  });

  test("derivatives at 0: slope sqrt(2 / pi), curvature its square", () => {
    store<f64>(at, -1);
    store<f64>(at, 0, 8);
    expect<f64>(probitDerivatives(1, at, at + 8, at + 16, at + 24)).toBeCloseTo(-0.6931471805599453, 14);
    expect<f64>(load<f64>(at, 16)).toBeCloseTo(-0.7978845608028654, 14);
    expect<f64>(load<f64>(at, 24)).toBeCloseTo(0.6366197723675814, 14);
  });

  test("sum of logarithms", () => {
    store<f64>(at, 2);
    store<f64>(at, 0.5, 8);
    expect<f64>(sumOfLogs(at, 2)).toBeCloseTo(0, 15);
  });
});
