/** Laplace's method against the plain algorithm and closed forms. */
import { describe, expect, it } from "vitest";
import { expectationPropagation } from "../src/volume/expectationPropagation.ts";
import { type LaplaceOptions, laplace } from "../src/volume/laplace.ts";
import { nngpKernel } from "../src/volume/nngpKernel.ts";
import { equicorrelated, matrixOf, randomCovariance, randomSigns, rowsOf, smooth } from "./covariances.ts";
import { laplaceOf } from "./reference/gaussianProcess.ts";

async function run(kernel: Float64Array, labels: ArrayLike<number> | string, options: LaplaceOptions = {}) {
  const result = await laplace(kernel, labels, { workers: 0, ...options });
  expect(result.converged).toBe(true);
  return result;
}

describe("laplace", () => {
  it.each([
    ["random", randomCovariance(20, 1), randomSigns(20, 1)],
    ["equicorrelated", equicorrelated(15, 0.9, 3), randomSigns(15, 3)],
    ["smooth", smooth(20, 3, 2), Array.from({ length: 20 }, (_, i) => (i < 9 ? -1 : 1))],
    ["small", randomCovariance(9, 2).map((x) => 1e-3 * x), randomSigns(9, 2)],
  ] as Array<[string, Float64Array, number[]]>)("%s: as Rasmussen & Williams 2006, 3.1", async (_n, kernel, labels) => {
    const { logP } = await run(kernel, labels);
    // the objective is flat at its peak: a change of 1e-10 in it leaves the determinant to about its root
    expect(Math.abs(logP - laplaceOf(rowsOf(kernel), labels))).toBeLessThan(1e-6);
  });

  it("one point of a small variance v: ½ up to v^2, the exact value", async () => {
    // by hand: the peak f = v phi(0) / Phi(0) + O(v^2); the first order terms cancel
    for (const v of [1e-3, 1e-4]) {
      expect(Math.abs((await run(Float64Array.of(v), [1])).logP + Math.LN2)).toBeLessThan(v * v);
    }
  });

  it("the Boolean system: near expectation propagation, and marked as an approximation", async () => {
    const { kernel } = await nngpKernel({ depth: 2 }, { bits: 7 });
    for (const f of ["0".repeat(32), "7f7f37173f3713113717110113110000"]) {
      const result = await run(kernel, f);
      const { logP } = await expectationPropagation(kernel, f, { likelihood: "probit", workers: 0 });
      expect(Math.abs(result.logP / logP - 1)).toBeLessThan(0.05);
      expect(result).toMatchObject({ method: "laplace", approximation: true, jitter: 0 });
      expect(result).not.toHaveProperty("standardError");
    }
  });

  it("on a huge K: Newton's steps are shortened where they overshoot", async () => {
    const kernel = randomCovariance(25, 6).map((x) => 1e6 * x);
    const labels = randomSigns(25, 6);
    const { logP } = await run(kernel, labels, { maxIterations: 1000 });
    expect(logP).toBeLessThan(0);
    expect(logP).toBeGreaterThan(-200);
  });

  it("has the same bits here and in a worker, and pinned ones", async () => {
    const kernel = randomCovariance(60, 7);
    const labels = randomSigns(60, 7);
    const here = await run(kernel, labels);
    expect((await run(kernel, labels, { workers: 1 })).logP).toBe(here.logP);
    const { kernel: boolean4 } = await nngpKernel({ depth: 2 }, { bits: 4 });
    expect((await run(boolean4, "6996")).logP).toMatchInlineSnapshot(`-14.239065023146503`);
  });

  it("refuses", async () => {
    await expect(laplace([1, 0, 0, 1], [1, 0, 1])).rejects.toThrow(/kernel: expected 3 x 3 = 9 numbers/);
    await expect(laplace(equicorrelated(3, -0.7), [1, 1, 0], { workers: 0 })).rejects.toThrow(/positive semidefinite/);
    await expect(laplace([1], [1], { likelihood: "heaviside" } as never)).rejects.toThrow(
      /options.likelihood: no such/,
    );
    expect(
      (
        await laplace(
          matrixOf(1, () => 1e4),
          [1],
          { maxIterations: 1, workers: 0 },
        )
      ).converged,
    ).toBe(false);
  });
});
