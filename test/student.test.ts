/** Quantiles of Student's t against published tables [Abramowitz & Stegun 1964, table 26.10; NIST handbook 1.3.6.7.2]. */
import { describe, expect, it } from "vitest";
import { student975 } from "../src/statistics/student.ts";

describe("student975", () => {
  it.each([
    [1, 12.706],
    [2, 4.303],
    [3, 3.182],
    [4, 2.776],
    [5, 2.571],
    [6, 2.447],
    [7, 2.365],
    [8, 2.306],
    [9, 2.262],
    [10, 2.228],
    [11, 2.201],
    [12, 2.179],
    [15, 2.131],
    [20, 2.086],
    [30, 2.042],
    [60, 2.0],
    [120, 1.98],
    [1e9, 1.96],
  ])("%d degrees of freedom: %f", (degrees, value) => {
    expect(Math.abs(student975(degrees) - value)).toBeLessThanOrEqual(0.0005);
  });

  it("has the density's integral 0.95 between its signs", () => {
    for (const v of [1, 2, 7, 10, 11, 14, 40]) {
      // by Simpson's rule: gamma((v + 1) / 2) / (sqrt(v pi) gamma(v / 2)) by recursion from v = 1 or 2
      let ratio = v % 2 === 1 ? 1 / Math.PI : 1 / (2 * Math.SQRT2);
      for (let k = v % 2 === 1 ? 1 : 2; k < v; k += 2) ratio *= ((k + 1) / k) * Math.sqrt(k / (k + 2));
      const t = student975(v);
      const n = 20_000;
      let sum = 0;
      for (let i = 0; i <= n; i++) {
        const x = -t + (2 * t * i) / n;
        sum += (i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) * (1 + (x * x) / v) ** (-(v + 1) / 2);
      }
      expect((ratio * sum * 2 * t) / n / 3).toBeCloseTo(0.95, 6);
    }
  });

  it("refuses what is no number of degrees", () => {
    expect(() => student975(0)).toThrow(/^degrees: /);
  });
});
