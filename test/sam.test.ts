import { describe, expect, it } from "vitest";
import type { Measure, MeasureOptions } from "../src/flatness/measure.ts";
import { asam, sam } from "../src/flatness/sam.ts";
import { contextOf, gaussianVector, randomSurface } from "./randomSurface.ts";
import { rescaled } from "./reference/plainSurface.ts";
import { QuadraticSurface } from "./reference/quadraticSurface.ts";

/**
 * Largest `sum a_i (x_i - c_i)^2 / 2` over `|x / s|_2 <= rho`, a >= 0, centred at x = 0: the secular equation. With
 * `A = a s^2`, `C = c / s`: `u = A C / (A - mu)` (signs apart), mu > max A such that |u| = rho.
 */
function ellipsoidMaximum(a: readonly number[], c: readonly number[], s: readonly number[], rho: number): number {
  const A = a.map((v, i) => v * s[i] * s[i]);
  const g = a.map((v, i) => -v * c[i] * s[i]);
  const norm = (mu: number) => Math.sqrt(g.reduce((sum, v, i) => sum + (v / (mu - A[i])) ** 2, 0));
  let low = Math.max(...A);
  let high = low + Math.sqrt(g.reduce((sum, v) => sum + v * v, 0)) / rho + 1;
  for (let k = 0; k < 200; k++) {
    const mu = (low + high) / 2;
    if (norm(mu) > rho) low = mu;
    else high = mu;
  }
  const u = g.map((v, i) => v / (high - A[i]));
  return u.reduce((sum, v, i) => sum + g[i] * v + (A[i] * v * v) / 2, 0);
}

describe("sam and asam", () => {
  const n = 20;
  const a = Array.from({ length: n }, (_, i) => 1 + i / 4);

  it("on a convex quadratic: the trust-region problem's solution, by its secular equation", async () => {
    for (const seed of [1, 2, 3]) {
      const w = gaussianVector(n, seed);
      const centre = [...gaussianVector(n, seed + 10)];
      const surface = new QuadraticSurface(Float64Array.from(a), centre);
      const c = centre.map((v, i) => v - w[i]);
      const cases: Array<[Measure, MeasureOptions, number[]]> = [
        [sam, { samRho: 0.5 }, a.map(() => 1)],
        [asam, { asamRho: 0.7 }, Array.from(w, Math.abs)],
        [asam, { asamRho: 0.7, asamEta: 0.01 }, Array.from(w, (x) => Math.abs(x) + 0.01)],
      ];
      for (const [measure, options, scale] of cases) {
        const rho = Object.values(options)[0] as number;
        const expected = ellipsoidMaximum(a, c, scale, rho);
        const result = await measure.run(contextOf(surface, w, options));
        expect(result.value / expected).toBeCloseTo(1, 5);
        expect(result.ballShare).toBeLessThanOrEqual(1);
        expect(result.oneStep as number).toBeLessThanOrEqual(result.value);
        const slope = Math.sqrt(a.reduce((sum, v, i) => sum + (v * c[i] * scale[i]) ** 2, 0));
        expect(result.firstOrder).toBeCloseTo(rho * slope, 4);
      }
    }
  });

  it("at a minimum, where the gradient is 0: half the largest eigenvalue times rho^2", async () => {
    const w = gaussianVector(n, 4);
    const surface = new QuadraticSurface(Float64Array.from(a), w);
    const result = await sam.run(contextOf(surface, w, { samRho: 0.1, samIterations: 500 }));
    expect(result.value / ((0.01 * a[n - 1]) / 2)).toBeCloseTo(1, 4);
    expect(result.oneStep).toBe(0);
  });

  it("on a concave quadratic whose maximum lies inside: that maximum", async () => {
    const w = gaussianVector(n, 5);
    const centre = Float64Array.from(w, (x) => x + 0.01);
    const surface = new QuadraticSurface(
      Float64Array.from(a, (v) => -v),
      centre,
    );
    const rise = a.reduce((sum, v) => sum + (v * 0.01 ** 2) / 2, 0);
    expect((await sam.run(contextOf(surface, w, { samRho: 0.5 }))).value / rise).toBeCloseTo(1, 4);
  });

  it("asam leaves weights that are 0 alone, and stays as it is under rescaling; sam does not, nor asam with eta", async () => {
    const { surface, w } = randomSurface({ layers: [4, 7, 6, 1], loss: "bce", points: 20, seed: 6 });
    w[3] = 0;
    w[40] = 0;
    const v = rescaled(surface.network, w, 1, 5.9);
    const before = await asam.run(contextOf(surface, w));
    const after = await asam.run(contextOf(surface, v));
    expect(after.value / before.value).toBeCloseTo(1, 4);
    expect(before.invariant).toBe(true);
    const maximiser = before.maximiser as Float32Array;
    expect([maximiser[3], maximiser[40]]).toEqual([0, 0]);
    const samRatio = (await sam.run(contextOf(surface, v))).value / (await sam.run(contextOf(surface, w))).value;
    expect(Math.abs(Math.log(samRatio))).toBeGreaterThan(0.5);
    const options = { asamEta: 0.5 };
    const shifted = await asam.run(contextOf(surface, w, options));
    expect(shifted.invariant).toBe(false);
    const ratio = (await asam.run(contextOf(surface, v, options))).value / shifted.value;
    expect(Math.abs(Math.log(ratio))).toBeGreaterThan(0.2);
  });

  it("on networks: more than random points of the sphere", async () => {
    const { surface, w } = randomSurface({ layers: [5, 8, 3], loss: "ce", points: 24, seed: 7 });
    const result = await sam.run(contextOf(surface, w, { samRho: 0.3 }));
    for (let k = 0; k < 100; k++) {
      const z = gaussianVector(w.length, 50 + k);
      const norm = Math.sqrt(z.reduce((sum, v) => sum + v * v, 0));
      const x = w.map((v, i) => v + (0.3 * z[i]) / norm);
      expect(await surface.loss(x)).toBeLessThan(result.maximalLoss as number);
    }
  });
});
