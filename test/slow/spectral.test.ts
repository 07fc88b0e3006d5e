import { describe, expect, it } from "vitest";
import type { MeasureOptions, MeasureResult } from "../../src/flatness/measure.ts";
import { spectralMeasures } from "../../src/flatness/spectralMeasures.ts";
import { contextOf, randomSurface } from "../randomSurface.ts";

describe("7-40-40-1 on 64 points", () => {
  const { surface, w } = randomSurface({ layers: [7, 40, 40, 1], loss: "bce", points: 64, seed: 1 });
  const run = (name: string, options: MeasureOptions = {}, seed = 1n): Promise<MeasureResult> =>
    spectralMeasures.find((measure) => measure.name === name)!.run(contextOf(surface, w, options, seed));

  it("iterative measures agree with the exact spectrum: the norm to 1e-4, the trace within 3 standard errors", async () => {
    const exact = await run("spectrum");
    const eigenvalues = exact.eigenvalues as Float64Array;
    expect(eigenvalues).toHaveLength(2001);
    const norm = await run("spectral-norm");
    expect(norm.converged).toBe(true);
    expect(Math.abs(norm.value / exact.value - 1)).toBeLessThan(1e-4);
    const top = await run("top-eigenvalues", { eigenCount: 10, eigenNegative: 3 });
    expect(top.converged).toBe(true);
    (top.eigenvalues as number[]).forEach((x, i) => {
      expect(Math.abs(x - eigenvalues[i])).toBeLessThan(1e-4 * exact.value);
    });
    (top.smallest as { eigenvalues: number[] }).eigenvalues.forEach((x, i) => {
      expect(Math.abs(x - eigenvalues[2000 - i])).toBeLessThan(1e-4 * exact.value);
    });
    // fixed seeds; 3 standard errors have an error rate of 0.5 % each with Student's 39 degrees of freedom, so 5 % in all
    for (let seed = 1n; seed <= 5n; seed++) {
      const trace = await run("trace", {}, seed);
      expect(Math.abs(trace.value - (exact.trace as number))).toBeLessThan(3 * trace.standardError!);
      const frobenius = await run("frobenius", {}, seed);
      expect(Math.abs(frobenius.value - (exact.frobenius as number))).toBeLessThan(3 * frobenius.standardError!);
    }
    const density = await run("spectral-density");
    const share = eigenvalues.filter((x) => Math.abs(x) > (density.threshold as number)).length / eigenvalues.length;
    expect(Math.abs(density.value - share)).toBeLessThan(4 * density.standardError! + 2 / 2001);
  });
});
