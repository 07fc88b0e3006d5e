import { exponential } from "../logarithm";
import { inverseMills, logNormalCdf, normalCdf, normalDensity, normalExcess, tailVariance } from "../normal";

describe("normal distribution", () => {
  test("at 0", () => {
    expect<f64>(normalCdf(0)).toBeCloseTo(0.5, 15);
    expect<f64>(normalDensity(0)).toBeCloseTo(0.3989422804014327, 15);
    expect<f64>(logNormalCdf(0)).toBeCloseTo(-0.6931471805599453, 15);
    expect<f64>(inverseMills(0)).toBeCloseTo(0.7978845608028654, 15);
    expect<f64>(normalExcess(0)).toBeCloseTo(0.7978845608028654, 15);
    expect<f64>(tailVariance(0)).toBeCloseTo(0.3633802276324186, 15);
  });

  test("far out", () => {
    expect<f64>(logNormalCdf(-40)).toBeCloseTo(-804.6084420137538, 10);
    expect<f64>(normalCdf(-50)).toBe(0);
    expect<f64>(normalCdf(50)).toBe(1);
    expect<f64>(exponential(1)).toBeCloseTo(2.718281828459045, 14);
  });
});
