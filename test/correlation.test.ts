import { describe, expect, it } from "vitest";
import { correlate, pearson, spearman } from "../src/statistics/correlation.ts";

/** Anscombe's quartet (1973), first set: r = 0.81642 (to five places). */
const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5];
const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];

/** Numerical Recipes' quick generator: enough for a bootstrap in a test. */
function words(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

describe("correlation", () => {
  it("Pearson: Anscombe's first set", () => {
    expect(pearson(x, y)).toBeCloseTo(0.81642, 5);
  });

  it("Spearman: 1 - 6 sum d^2 / n (n^2 - 1) without ties, mean ranks with ties", () => {
    // ranks of y in the order of x: sum of squared differences 40
    expect(spearman(x, y)).toBeCloseTo(1 - (6 * 40) / (11 * 120), 12);
    // mean ranks 1.5 1.5 3 against 1 2 3
    expect(spearman([1, 1, 2], [1, 2, 3])).toBeCloseTo(Math.sqrt(3) / 2, 12);
  });

  it("is 1 and -1 on lines, invariant under monotone maps (Spearman), undefined for a constant", () => {
    expect(pearson([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 14);
    expect(pearson([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 14);
    expect(spearman(x, y.map(Math.exp))).toBe(spearman(x, y));
    expect(pearson([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(pearson([], [])).toBeNaN();
  });

  it("bootstrap intervals hold the value, shrink like 1 / sqrt n, and depend on the words alone", () => {
    const normal = (n: number, next: () => number) =>
      Float64Array.from({ length: n }, () => {
        let sum = -6;
        for (let k = 0; k < 12; k++) sum += next() / 2 ** 32;
        return sum;
      });
    const widths = [100, 1600].map((n) => {
      const next = words();
      const a = normal(n, next);
      const noise = normal(n, next);
      const b = a.map((v, i) => 0.6 * v + 0.8 * noise[i]);
      const result = correlate(a, b, 400, words());
      expect(correlate(a, b, 400, words())).toEqual(result);
      const [low, high] = result.pearson.ci95!;
      expect(low).toBeLessThan(result.pearson.value!);
      expect(high).toBeGreaterThan(result.pearson.value!);
      return high - low;
    });
    // the standard error of r = 0.6 is (1 - r^2) / sqrt n: widths 0.25 and 0.063
    expect(widths[0]).toBeGreaterThan(0.15);
    expect(widths[0]).toBeLessThan(0.4);
    expect(widths[1]).toBeGreaterThan(0.045);
    expect(widths[1]).toBeLessThan(0.085);
  });

  it("says null where nothing is defined", () => {
    const nothing = { value: null, ci95: null };
    expect(correlate(new Float64Array(0), new Float64Array(0), 10, words())).toEqual({
      pearson: nothing,
      spearman: nothing,
    });
    expect(correlate(Float64Array.of(1, 1), Float64Array.of(1, 2), 10, words()).pearson).toEqual(nothing);
  });
});
