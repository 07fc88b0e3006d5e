import { expMinusOne, logOnePlus, naturalLog } from "../logarithm";

describe("logarithm", () => {
  test("exact where the answer is", () => {
    expect<f64>(naturalLog(1)).toBe(0);
    expect<f64>(naturalLog(0)).toBe(-Infinity);
    expect<f64>(logOnePlus(0)).toBe(0);
    expect<f64>(expMinusOne(0)).toBe(0);
    expect<f64>(expMinusOne(-Infinity)).toBe(-1);
  });

  test("small arguments keep their digits", () => {
    expect<f64>(logOnePlus(1e-20)).toBe(1e-20);
    expect<f64>(expMinusOne(-1e-20)).toBe(-1e-20);
    expect<bool>(abs(naturalLog(2) - 0.6931471805599453) < 1e-16).toBe(true);
  });
});
