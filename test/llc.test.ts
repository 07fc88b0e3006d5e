import { describe, expect, it } from "vitest";
import { llc } from "../src/flatness/llc.ts";
import { meanOverChains, splitRHat } from "../src/statistics/chains.ts";
import { crossingExpectation, normalCrossing, reducedRank, reducedRankCoefficient } from "./llcSurfaces.ts";
import { contextOf, gaussianVector, randomSurface } from "./randomSurface.ts";
import { QuadraticSurface } from "./reference/quadraticSurface.ts";

describe("chains", () => {
  it("split R-hat of Bayesian Data Analysis 11.4, by hand", () => {
    // halves [1 2] [3 4] [3 4] [5 6]: means 1.5 3.5 3.5 5.5, B = 2 * 8 / 3, W = 1/2
    expect(
      splitRHat([
        [1, 2, 3, 4],
        [3, 4, 5, 6],
      ]),
    ).toBeCloseTo(Math.sqrt(0.5 + 16 / 3 / (2 * 0.5)), 14);
    const chains = [1, 2, 3].map((seed) => gaussianVector(4000, seed));
    expect(Math.abs(splitRHat(chains) - 1)).toBeLessThan(0.005);
    expect(splitRHat([chains[0], chains[1].map((x) => x + 1)])).toBeGreaterThan(1.1);
    expect(splitRHat([[1, 1, 1, 1]])).toBeNaN();
  });

  it("mean over chains: standard deviation of the means over root C", () => {
    expect(
      meanOverChains([
        [1, 3],
        [4, 4],
        [6, 6],
      ]),
    ).toEqual({ mean: 4, standardError: Math.sqrt(4 / 3) });
    expect(meanOverChains([[1, 3]]).standardError).toBeNaN();
  });
});

describe("llc", () => {
  it("quadratics: sum of n beta h / (n beta h + gamma) / 2 [closed form, with the step's own bias], within 5 errors", async () => {
    const curvature = Float64Array.of(8, 4, 2, 1, 0.5, 0);
    const w = gaussianVector(6, 1);
    const options = { llcBeta: 10, llcStep: 0.02, llcLocalisation: 4, llcBurnIn: 500, llcDraws: 10_000, llcChains: 6 };
    const result = await llc.run(contextOf(new QuadraticSurface(curvature, w, 3), w, options));
    // a direction's stationary variance is 1 / (p (1 - epsilon p / 4)), p = n beta h + gamma
    const expected = curvature.reduce((sum, h) => {
      const p = 10 * h + 4;
      return sum + (10 * h) / (2 * p * (1 - (0.02 * p) / 4));
    }, 0);
    expect(Math.abs(result.value - expected) / result.standardError!).toBeLessThan(5);
    expect(result.standardError! / expected).toBeLessThan(0.03);
    expect(result.rHat as number).toBeLessThan(1.02);
    expect(result.startLoss).toBeCloseTo(3, 6);
    expect(result.chains).toHaveLength(6);
    expect((result.chains as number[]).reduce((sum, v) => sum + v, 0) / 6).toBeCloseTo(result.value, 10);
    const traces = result.traces as number[][];
    expect(traces[0]).toHaveLength(Math.ceil(10_500 / (result.traceStride as number)));
    expect(traces[0][0]).toBeCloseTo(3, 6);
  });

  it("chooses a step of 0.1 over the largest curvature, and beta = 1 / ln n", async () => {
    const w = new Float32Array(4);
    const surface = new QuadraticSurface(Float64Array.of(50, 5, 1, 0.1), w);
    const many = Object.assign(Object.create(surface) as QuadraticSurface, { data: { ...surface.data, points: 400 } });
    const result = await llc.run(contextOf(many, w, { llcBurnIn: 0, llcDraws: 4 }));
    expect(result.beta).toBeCloseTo(1 / Math.log(400), 14);
    expect((result.step as number) / (0.1 / ((400 / Math.log(400)) * 50 + 100))).toBeCloseTo(1, 4);
    const call = llc.run(contextOf(surface, w));
    await expect(call).rejects.toThrow("llcBeta: expected a number, as 1 / ln n is not defined for n = 1 points");
  });

  it("normal crossings w1^2a w2^2b: the posterior's expectation by quadrature, which tends to 1 / (2 max(a, b))", async () => {
    const options = {
      llcBeta: 0.2,
      llcStep: 2e-4,
      llcLocalisation: 10,
      llcBurnIn: 3000,
      llcDraws: 20_000,
      llcChains: 6,
    };
    for (const [a, b] of [
      [1, 1],
      [1, 2],
      [2, 1],
    ]) {
      const result = await llc.run(contextOf(normalCrossing(a, b, 1000), new Float32Array(2), options));
      const expected = crossingExpectation(a, b, 200, 10);
      expect(Math.abs(result.value - expected) / result.standardError!, `${a} ${b}`).toBeLessThan(5);
      expect(result.standardError! / expected).toBeLessThan(0.25);
      const known = 1 / (2 * Math.max(a, b));
      const late = crossingExpectation(a, b, 1e12, 1);
      // of multiplicity 2 it tends as 1 / ln n
      expect(late - known).toBeGreaterThan(a === b ? -1.1 / Math.log(1e12) : -0.001);
      expect(late - known).toBeLessThan(0);
    }
  });

  it("reduced-rank regression: Aoyagi & Watanabe's coefficients, to 7 %, far from half the parameters", async () => {
    // inputs, hidden, outputs, rank; of multiplicity 1
    for (const sides of [
      [2, 1, 2, 1],
      [2, 2, 2, 0],
      [3, 3, 3, 1],
    ] as const) {
      const { surface, w } = reducedRank(sides, 1000);
      const options = { llcBeta: 10, llcStep: 5e-6, llcLocalisation: 1, llcBurnIn: 5000, llcDraws: 20_000 };
      const result = await llc.run(contextOf(surface, w, options));
      const known = reducedRankCoefficient(sides);
      expect(known).toBe({ "2121": 1.5, "2220": 1.5, "3331": 4 }[sides.join("")]);
      expect(Math.abs(result.value / known - 1), sides.join()).toBeLessThan(0.07);
    }
  });

  it("minibatches: the same number, to the noise of both", async () => {
    const { surface, w } = randomSurface({ layers: [2, 3, 1], loss: "bce", points: 24, seed: 3 });
    const options = { llcStep: 2e-3, llcLocalisation: 20, llcBurnIn: 200, llcDraws: 2000, llcChains: 4 };
    const full = await llc.run(contextOf(surface, w, options));
    const batch = await llc.run(contextOf(surface, w, { ...options, llcBatch: 8 }));
    expect(batch.batch).toBe(8);
    const error = Math.hypot(full.standardError!, batch.standardError!);
    expect(Math.abs(full.value - batch.value) / error).toBeLessThan(6);
  });

  it("says so where it diverges", async () => {
    const surface = new QuadraticSurface(Float64Array.of(100, 1), new Float32Array(2), 0);
    const result = await llc.run(contextOf(surface, new Float32Array(2), { llcBeta: 10, llcStep: 1 }));
    expect(result.diverged).toBe(true);
    expect(result.value).toBeNaN();
  });
});
