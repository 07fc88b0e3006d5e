import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { entropyOf } from "../src/statistics/entropy.ts";
import { clusteredProportion, wilsonInterval } from "../src/statistics/intervals.ts";

const kernels = await sharedKernels();

describe("wilsonInterval", () => {
  // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I, method 3
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("of %i in %i is [%f, %f]", (successes, trials, low, high) => {
    const interval = wilsonInterval(successes, trials);
    expect(interval[0]).toBeCloseTo(low, 4);
    expect(interval[1]).toBeCloseTo(high, 4);
  });

  it("is symmetric under success and failure, within [0, 1], and contains k / n", () => {
    for (const n of [1, 2, 10, 1e6, 1e12]) {
      for (const k of [0, 1, Math.floor(n / 3), n - 1, n]) {
        const [low, high] = wilsonInterval(k, n);
        const [mirrorLow, mirrorHigh] = wilsonInterval(n - k, n);
        expect(low).toBeCloseTo(1 - mirrorHigh, 12);
        expect(high).toBeCloseTo(1 - mirrorLow, 12);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(k / n).toBeGreaterThanOrEqual(low);
        expect(k / n).toBeLessThanOrEqual(high);
      }
    }
    expect(wilsonInterval(0, 50)[0]).toBe(0);
    expect(wilsonInterval(50, 50)[1]).toBe(1);
  });

  it("solves |k/n - p| = z sqrt(p (1 - p) / n) at both ends [Wilson 1927]", () => {
    for (const [k, n] of [
      [3, 40],
      [50, 100],
      [999, 1000],
      [12.5, 77.3],
    ]) {
      for (const p of wilsonInterval(k, n)) {
        expect(Math.abs(k / n - p)).toBeCloseTo(1.959963984540054 * Math.sqrt((p * (1 - p)) / n), 12);
      }
    }
  });
});

describe("clusteredProportion", () => {
  it("gives the variance of the cluster means, by hand", () => {
    // clusters of 4 with 0, 1, 1, 4 successes: mean 1.5, s^2 = (2.25 + .25 + .25 + 6.25) / 3 = 3
    const { probability, standardError, designEffect } = clusteredProportion(6, 18, 4, 4);
    expect(probability).toBe(6 / 16);
    expect(standardError).toBeCloseTo(Math.sqrt(3 / (4 * 16)), 14);
    expect(designEffect).toBeCloseTo(3 / (4 * 16) / ((6 / 16) * (10 / 16) * (1 / 16)), 14);
  });

  it("is 1 + (m - 1) ICC: m for clusters that are all or nothing, about 1 for independent draws", () => {
    // half of 1000 clusters of 8 all successes
    expect(clusteredProportion(4000, 500 * 64, 1000, 8).designEffect).toBeCloseTo(8 * (1000 / 999), 10);
    // expected sum of squares of Binomial(8, 1/2): 8/4 + 16 = 18 a cluster
    expect(clusteredProportion(4000, 18 * 1000, 1000, 8).designEffect).toBeCloseTo(1000 / 999, 10);
  });

  it("falls back to independence where there is nothing to estimate from", () => {
    expect(clusteredProportion(2, 4, 1, 4)).toMatchObject({ probability: 0.5, designEffect: 1 });
    expect(clusteredProportion(0, 0, 10, 4)).toMatchObject({ probability: 0, standardError: 0, designEffect: 1 });
    expect(clusteredProportion(40, 160, 10, 4)).toMatchObject({ probability: 1, standardError: 0, designEffect: 1 });
  });
});

/** A small generator for simulations of the estimators (Marsaglia's xorshift32). */
function uniform(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

function frequenciesOf(counts: readonly number[]): Map<number, number> {
  const map = new Map<number, number>();
  for (const count of counts) if (count > 0) map.set(count, (map.get(count) ?? 0) + 1);
  return map;
}

describe("entropyOf", () => {
  it("is ln S for S functions seen equally often, and 0 for one", () => {
    const even = entropyOf([[100, 8]], 800, kernels);
    expect(even.plugIn).toBeCloseTo(Math.log(8), 14);
    expect(even.millerMadow).toBeCloseTo(Math.log(8) + 7 / 1600, 14);
    expect(even.chaoShen).toBeCloseTo(Math.log(8), 10);
    expect(entropyOf([[50, 1]], 50, kernels)).toEqual({ plugIn: 0, millerMadow: 0, chaoShen: 0 });
  });

  it("equals the definitions on a small table: counts 5, 3, 1, 1", () => {
    const { plugIn, millerMadow, chaoShen } = entropyOf(frequenciesOf([5, 3, 1, 1]), 10, kernels);
    const direct = [0.5, 0.3, 0.1, 0.1].reduce((h, p) => h - p * Math.log(p), 0);
    expect(plugIn).toBeCloseTo(direct, 14);
    expect(millerMadow).toBeCloseTo(direct + 3 / 20, 14);
    // Chao & Shen 2003, equation 7: coverage 1 - 2/10, Horvitz-Thompson
    const covered = [0.4, 0.24, 0.08, 0.08];
    expect(chaoShen).toBeCloseTo(
      covered.reduce((h, p) => h - (p * Math.log(p)) / (1 - (1 - p) ** 10), 0),
      14,
    );
  });

  it("has no Chao-Shen estimate if every sample is a singleton", () => {
    const { plugIn, chaoShen } = entropyOf([[1, 20]], 20, kernels);
    expect(plugIn).toBeCloseTo(Math.log(20), 14);
    expect(chaoShen).toBeNaN();
  });

  it("in simulation the corrections beat the plug-in, and Chao-Shen is within 3 % where a third is unseen", () => {
    // 200 functions, p ~ 1 / rank, 250 samples; means over 400 runs, whose standard errors are below 0.01 nats
    const weights = Array.from({ length: 200 }, (_, i) => 1 / (i + 1));
    const total = weights.reduce((a, b) => a + b);
    const exact = weights.reduce((h, w) => h - (w / total) * Math.log(w / total), 0);
    const cumulative: number[] = [];
    weights.reduce((sum, w, i) => {
      cumulative[i] = sum + w / total;
      return cumulative[i];
    }, 0);
    const random = uniform(12345);
    const runs = 400;
    const mean = { plugIn: 0, millerMadow: 0, chaoShen: 0 };
    for (let run = 0; run < runs; run++) {
      const counts = new Array<number>(200).fill(0);
      for (let i = 0; i < 250; i++) {
        const u = random();
        counts[cumulative.findIndex((c) => u < c)]++;
      }
      const estimate = entropyOf(frequenciesOf(counts), 250, kernels);
      mean.plugIn += estimate.plugIn / runs;
      mean.millerMadow += estimate.millerMadow / runs;
      mean.chaoShen += estimate.chaoShen / runs;
    }
    expect(exact - mean.plugIn).toBeGreaterThan(0.2);
    expect(Math.abs(mean.millerMadow - exact)).toBeLessThan(exact - mean.plugIn);
    expect(Math.abs(mean.chaoShen - exact)).toBeLessThan(0.03 * exact);
    expect(Math.abs(mean.chaoShen - exact)).toBeLessThan(Math.abs(mean.millerMadow - exact));
  });

  it("takes counts of 10^12 without losing digits", () => {
    const { plugIn } = entropyOf(
      [
        [1e12, 1],
        [3e12, 1],
      ],
      4e12,
      kernels,
    );
    expect(plugIn).toBeCloseTo(-0.25 * Math.log(0.25) - 0.75 * Math.log(0.75), 13);
  });
});

describe("logarithm kernels", () => {
  it("agree with the host's within 2 units in the last place, ends included", () => {
    const { naturalLog, logOnePlus, expMinusOne } = kernels.exports;
    const close = (got: number, expected: number): void => {
      if (Object.is(got, expected)) return;
      expect(Math.abs(got - expected)).toBeLessThanOrEqual(Math.abs(expected) * 2 ** -51);
    };
    for (let e = -300; e <= 300; e += 0.37) {
      const x = 10 ** e;
      close(naturalLog(x), Math.log(x));
      close(logOnePlus(x), Math.log1p(x));
      if (e < 0) close(logOnePlus(-x), Math.log1p(-x));
      if (e < 2) close(expMinusOne(x), Math.expm1(x));
      if (e < 2) close(expMinusOne(-x), Math.expm1(-x));
    }
    expect(naturalLog(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(naturalLog(1)).toBe(0);
    expect(naturalLog(-1)).toBeNaN();
    expect(logOnePlus(-1)).toBe(Number.NEGATIVE_INFINITY);
    expect(expMinusOne(Number.NEGATIVE_INFINITY)).toBe(-1);
    expect(expMinusOne(0)).toBe(0);
  });
});
