import fc from "fast-check";
import { sampleCorrelation, sampleRankCorrelation } from "simple-statistics";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { correlateFew } from "../src/statistics/correlateFew.ts";
import { correlate, kendall, pearson, spearman } from "../src/statistics/correlation.ts";
import { granulatedKendall } from "../src/statistics/granulatedKendall.ts";
import { leaveOneOutKendall, leaveOneOutPearson, leaveOneOutSpearman } from "../src/statistics/leaveOneOut.ts";

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

/** Pairs with many ties. */
const tied = fc
  .array(fc.tuple(fc.nat(4), fc.nat(4)), { minLength: 3, maxLength: 12 })
  .map((pairs) => [Float64Array.from(pairs, ([a]) => a), Float64Array.from(pairs, ([, b]) => b)] as const);

describe("published examples", () => {
  // R's cor.test: Hollander & Wolfe (1973), p. 187: tuna's lightness and quality
  const tuna = [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1];
  const quality = [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8];

  it("R's cor.test: r = 0.5711816, tau = 0.4444444, rho = 0.6", () => {
    expect(pearson(tuna, quality)).toBeCloseTo(0.5711816, 7);
    expect(kendall(tuna, quality)).toBeCloseTo(0.4444444, 7);
    expect(spearman(tuna, quality)).toBeCloseTo(0.6, 12);
  });

  it("SciPy's documentation, with ties: kendalltau -0.47140452, spearmanr 0.82078268", () => {
    expect(kendall([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])).toBeCloseTo(-0.47140452079103173, 14);
    expect(spearman([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(0.8207826816681233, 14);
  });

  it("simple-statistics, with ties and without", () => {
    const near = (mine: number, theirs: number): void => {
      if (Number.isNaN(mine)) expect(theirs).toBeNaN();
      else expect(mine).toBeCloseTo(theirs, 10);
    };
    const free = fc
      .uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 3, maxLength: 30 })
      .map((a) => [Float64Array.from(a), Float64Array.from(a, (v, i) => ((v * v) % 97) + i / 7)] as const);
    fc.assert(
      fc.property(fc.oneof(tied, free), ([a, b]) => {
        near(pearson(a, b), sampleCorrelation([...a], [...b]));
        near(spearman(a, b), sampleRankCorrelation([...a], [...b]));
      }),
      { seed: 1, numRuns: 400 },
    );
  });

  it("tau-b is 1 for the same order with the same ties, -1 for the reverse, NaN for a constant", () => {
    expect(kendall([1, 1, 2, 3], [5, 5, 6, 9])).toBeCloseTo(1, 14);
    expect(kendall([1, 1, 2, 3], [9, 9, 6, 5])).toBeCloseTo(-1, 14);
    expect(kendall([1, 1], [1, 2])).toBeNaN();
    expect(kendall([], [])).toBeNaN();
  });
});

describe("leave one out", () => {
  it.each([
    ["pearson", leaveOneOutPearson, pearson],
    ["spearman", leaveOneOutSpearman, spearman],
    ["kendall", leaveOneOutKendall, kendall],
  ] as const)("%s: as computed anew without each pair, ties or not", (_, quick, slow) => {
    fc.assert(
      fc.property(tied, ([a, b]) => {
        const out = new Float64Array(a.length);
        quick(a, b, out);
        for (let i = 0; i < a.length; i++) {
          const rest = (v: Float64Array): Float64Array => v.filter((_, k) => k !== i);
          const expected = slow(rest(a), rest(b));
          // sums of squares of small integers less one: a constant rest may leave rounding instead of 0
          if (Number.isNaN(expected)) expect(Number.isNaN(out[i]) || Math.abs(out[i]) <= 1).toBe(true);
          else expect(out[i]).toBeCloseTo(expected, 10);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("correlateFew", () => {
  it("has the coefficients' values, intervals around them, and depends on the words alone", async () => {
    const kernels = await sharedKernels();
    const [a, b] = [Float64Array.from(x), Float64Array.from(y)];
    const result = correlateFew(a, b, 500, words(), kernels);
    expect(result.pearson.value).toBe(pearson(x, y));
    expect(result.spearman.value).toBe(spearman(x, y));
    expect(result.kendall.value).toBe(kendall(x, y));
    for (const { value, ci95 } of Object.values(result)) {
      expect(ci95![0]).toBeLessThan(value!);
      expect(ci95![1]).toBeGreaterThan(value!);
      expect(ci95![0]).toBeGreaterThanOrEqual(-1);
      expect(ci95![1]).toBeLessThanOrEqual(1);
    }
    expect(correlateFew(a, b, 500, words(), kernels)).toEqual(result);
    // Node and Chromium
    expect(result.kendall.ci95).toMatchInlineSnapshot(`
      [
        0.42772568035857295,
        0.8212220770473355,
      ]
    `);
    // Fisher's own interval for normal pairs is [0.42, 0.95]
    expect(result.pearson.ci95![0]).toBeGreaterThan(0);
  });

  it("turns with the sign, and is 0 to 0 for what cannot be said", async () => {
    const kernels = await sharedKernels();
    const [a, b] = [Float64Array.from(x), Float64Array.from(y)];
    const up = correlateFew(a, b, 200, words(), kernels);
    const down = correlateFew(
      a,
      b.map((v) => -v),
      200,
      words(),
      kernels,
    );
    expect(down.spearman.value).toBeCloseTo(-up.spearman.value!, 14);
    // the quantiles of t change places
    expect(down.spearman.ci95![0]).toBeCloseTo(-up.spearman.ci95![1], 12);
    const nothing = { value: null, ci95: null };
    const empty = new Float64Array(0);
    expect(correlateFew(empty, empty, 10, words(), kernels).kendall).toEqual(nothing);
    expect(
      correlateFew(
        a.map(() => 1),
        b,
        10,
        words(),
        kernels,
      ).pearson,
    ).toEqual(nothing);
    // a perfect order has no spread to estimate
    expect(correlateFew(b, b, 100, words(), kernels).spearman).toEqual({ value: 1, ci95: null });
    // nor have four pairs
    expect(correlateFew(a.slice(0, 4), b.slice(0, 4), 100, words(), kernels).pearson.ci95).toBeNull();
  });
});

describe("granulatedKendall", () => {
  it("follows Jiang et al. (2020): groups that agree in all other axes, their mean, the mean over axes", () => {
    // 2 x 2 trainings: rate 1, 2; batch 8, 16
    const axes = [
      { name: "rate", values: [1, 2, 1, 2] },
      { name: "batch", values: [8, 8, 16, 16] },
    ];
    // along the rate: right at batch 8, wrong at 16; along the batch: right at both
    const measure = [1, 2, 3, 4];
    const accuracy = [1, 2, 6, 5];
    expect(granulatedKendall(measure, accuracy, axes)).toEqual({
      value: 0.5,
      axes: [
        { name: "rate", value: 0, groups: 2 },
        { name: "batch", value: 1, groups: 2 },
      ],
    });
  });

  it("catches a measure that follows one hyper-parameter alone", () => {
    const rates = Array.from({ length: 24 }, (_, i) => i % 2);
    const sizes = Array.from({ length: 24 }, (_, i) => i >> 1);
    const axes = [
      { name: "rate", values: rates },
      { name: "size", values: sizes },
    ];
    const accuracy = sizes.map((size, i) => 100 * rates[i] + size);
    // the whole Kendall's is 12 * 12 / (24 * 23 / 2)
    expect(kendall(rates, accuracy)).toBeGreaterThan(0.7);
    expect(granulatedKendall(rates, accuracy, axes)).toMatchObject({
      value: 0.5,
      axes: [{ value: 1 }, { value: 0, groups: 2 }],
    });
  });

  it("leaves out repetitions, and axes without pairs; null for nothing", () => {
    const axes = [
      { name: "size", values: [0, 0, 1] },
      { name: "optimiser", values: ["sgd", "sgd", "sgd"] },
    ];
    expect(granulatedKendall([5, 9, 7], [1, 2, 3], axes)).toEqual({
      value: 0,
      axes: [
        { name: "size", value: 0, groups: 1 },
        { name: "optimiser", value: null, groups: 0 },
      ],
    });
    expect(granulatedKendall([], [], [{ name: "a", values: [] }]).value).toBeNull();
  });
});
