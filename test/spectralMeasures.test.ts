import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { checkMeasureOptions, type MeasureOptions, type MeasureResult } from "../src/flatness/measure.ts";
import { spectralMeasures } from "../src/flatness/spectralMeasures.ts";
import { defineNetwork } from "../src/network/network.ts";
import { LocalSurface } from "../src/training/localSurface.ts";
import type { LossSurface } from "../src/training/surface.ts";
import { contextOf, gaussianVector, randomSurface } from "./randomSurface.ts";
import { rescaled } from "./reference/plainSurface.ts";
import { QuadraticSurface } from "./reference/quadraticSurface.ts";

function run(
  name: string,
  surface: LossSurface,
  w: Float32Array,
  options: MeasureOptions = {},
  seed = 1n,
): Promise<MeasureResult> {
  const measure = spectralMeasures.find((m) => m.name === name)!;
  return measure.run(contextOf(surface, w, options, seed));
}

const sum = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0);

describe("spectral measures of a quadratic, whose Hessian is known", () => {
  const n = 150;
  // 2^-i, which f32 holds, and two negative ones
  const values = Float64Array.from({ length: n }, (_, i) => (i < 10 ? 2 ** (5 - i) : i < 12 ? -(i - 9) / 4 : 0));
  const surface = new QuadraticSurface(values, new Float64Array(n));
  const w = gaussianVector(n, 1);

  it("spectral-norm, top-eigenvalues and log-product", async () => {
    const norm = await run("spectral-norm", surface, w);
    expect(norm).toMatchObject({ converged: true });
    expect(norm.value / 32).toBeCloseTo(1, 6);
    expect(Math.abs((norm.eigenvector as Float32Array)[0])).toBeCloseTo(1, 5);
    const top = await run("top-eigenvalues", surface, w, { eigenCount: 4, eigenNegative: 2, eigenTolerance: 1e-6 });
    expect(top).toMatchObject({ converged: true, smallest: { converged: true } });
    (top.eigenvalues as number[]).forEach((x, i) => {
      expect(x).toBeCloseTo(values[i], 4);
    });
    const { eigenvalues } = top.smallest as { eigenvalues: number[] };
    expect(eigenvalues[0]).toBeCloseTo(-0.5, 4);
    expect(eigenvalues[1]).toBeCloseTo(-0.25, 4);
    const without = await run("top-eigenvalues", surface, w, { eigenNegative: 0 });
    expect(without.smallest).toBeUndefined();
    // 2^5 ... 2^-4: 5 ln 2
    const product = await run("log-product", surface, w, { eigenCount: 10, eigenTolerance: 1e-6 });
    expect(product).toMatchObject({ resolved: 10, converged: true });
    expect(product.value).toBeCloseTo(5 * Math.LN2, 3);
    expect(Math.abs(product.value - 5 * Math.LN2)).toBeLessThanOrEqual((product.errorBound as number) + 1e-6);
  });

  it("log-product has no value where an eigenvalue of the k is not positive", async () => {
    const few = new QuadraticSurface(Float64Array.of(4, 2, -1, -3), new Float64Array(4));
    const result = await run("log-product", few, gaussianVector(4, 2), { eigenCount: 3 });
    expect(result.value).toBeNaN();
    expect(result.resolved).toBe(2);
    expect(result.resolvedLogProduct).toBeCloseTo(Math.log(8), 5);
  });

  it("trace, frobenius, ggn-trace, ggn-top, spectrum and spectral-density", async () => {
    for (const name of ["trace", "ggn-trace"]) {
      // signs are exact on a diagonal; Hutch++ captures the rank
      for (const traceMethod of ["hutch++", "hutchinson"]) {
        const result = await run(name, surface, w, { traceProducts: 60, traceMethod });
        expect(result.value).toBeCloseTo(sum(values), 3);
        expect(result).toMatchObject({ method: traceMethod, exact: false });
      }
    }
    const frobenius = await run("frobenius", surface, w);
    expect(frobenius.value).toBeCloseTo(Math.sqrt(sum(values.map((x) => x * x))), 3);
    expect((await run("ggn-top", surface, w, { eigenCount: 2 })).eigenvalues).toHaveLength(2);
    const all = await run("spectrum", surface, w);
    expect(all).toMatchObject({ value: 32, asymmetry: 0, trace: sum(values) });
    const eigenvalues = all.eigenvalues as Float64Array;
    [...values.toSorted().reverse()].forEach((x, i) => {
      expect(Math.abs(eigenvalues[i] - x)).toBeLessThan(1e-13);
    });
    const density = await run("spectral-density", surface, w, { densityProbes: 4, densityThreshold: 0.01 });
    // above 0.32: 2^5 ... 2^-1 and -1/2
    expect(density.value).toBeCloseTo(8 / n, 6);
    expect((density.mean as MeasureResult).value).toBeCloseTo(sum(values) / n, 6);
    expect(density.grid).toHaveLength(400);
  });
});

describe("spectral measures of networks", () => {
  const { surface, w } = randomSurface({ layers: [7, 9, 8, 1], loss: "bce", points: 16, seed: 3 });

  it("iterative ones agree with the exact spectrum within their own errors", async () => {
    const exact = await run("spectrum", surface, w);
    const eigenvalues = exact.eigenvalues as Float64Array;
    expect(exact.asymmetry as number).toBeLessThan(1e-6);
    expect(sum(eigenvalues)).toBeCloseTo(exact.trace as number, 10);
    const norm = await run("spectral-norm", surface, w);
    expect(Math.abs(norm.value / exact.value - 1)).toBeLessThan(1e-4);
    const top = await run("top-eigenvalues", surface, w, { eigenCount: 6, eigenNegative: 3 });
    expect(top.converged).toBe(true);
    (top.eigenvalues as number[]).forEach((x, i) => {
      expect(Math.abs(x - eigenvalues[i])).toBeLessThan(1e-4 * exact.value);
    });
    const negative = (top.smallest as { eigenvalues: number[] }).eigenvalues;
    negative.forEach((x, i) => {
      expect(Math.abs(x - eigenvalues[eigenvalues.length - 1 - i])).toBeLessThan(1e-4 * exact.value);
    });
    for (const seed of [1n, 2n, 3n]) {
      for (const traceMethod of ["hutch++", "hutchinson"]) {
        const trace = await run("trace", surface, w, { traceProducts: 60, traceMethod }, seed);
        expect(trace.exact).toBe(false);
        // 4.5 standard errors: 6 trials, an error rate of 1e-3 with Student's 19 degrees of freedom
        expect(Math.abs(trace.value - (exact.trace as number))).toBeLessThan(4.5 * trace.standardError!);
      }
      const frobenius = await run("frobenius", surface, w, {}, seed);
      expect(Math.abs(frobenius.value - (exact.frobenius as number))).toBeLessThan(4.5 * frobenius.standardError!);
      const density = await run("spectral-density", surface, w, { densityProbes: 20, densitySteps: 60 }, seed);
      const share = eigenvalues.filter((x) => Math.abs(x) > (density.threshold as number)).length / eigenvalues.length;
      expect(Math.abs(density.value - share)).toBeLessThan(4.5 * density.standardError!);
    }
  });

  it("ReLU: the Gauss-Newton matrix has the Hessian's trace, and no negative eigenvalue", async () => {
    const all = { traceProducts: surface.size };
    const trace = await run("trace", surface, w, all);
    const ggn = await run("ggn-trace", surface, w, all);
    expect(ggn).toMatchObject({ exact: true, standardError: 0 });
    expect(Math.abs(ggn.value / trace.value - 1)).toBeLessThan(1e-5);
    const top = await run("ggn-top", surface, w, { eigenCount: 5 });
    for (const x of top.eigenvalues as number[]) expect(x).toBeGreaterThan(0);
  });

  it("traces are exact unless a number of products is asked for, or the Hessian is tanh's", async () => {
    for (const activation of ["relu", "tanh"] as const) {
      const { surface: plain, w } = randomSurface({
        layers: [7, 9, 8, 1],
        loss: "bce",
        activation,
        points: 16,
        seed: 3,
      });
      const own = new LocalSurface(
        await sharedKernels(),
        defineNetwork({ layers: [7, 9, 8, 1], activation }),
        plain.data,
        "bce",
      );
      const expected = (name: string) => run(name, own, w, { traceProducts: own.size });
      for (const name of ["trace", "ggn-trace"]) {
        const result = await run(name, own, w);
        const { value } = await expected(name);
        if (name === "trace" && activation === "tanh") {
          expect(result).toMatchObject({ method: "hutch++", products: 120, exact: false });
          // 4.5 standard errors, as above
          expect(Math.abs(result.value - value)).toBeLessThan(4.5 * result.standardError!);
          continue;
        }
        expect(result).toMatchObject({ method: "exact", products: 0, exact: true, standardError: 0 });
        expect(Math.abs(result.value / value - 1)).toBeLessThan(1e-5);
        expect(await run(name, own, w, { traceMethod: "exact", traceProducts: 30 })).toEqual(result);
        expect(await run(name, own, w, { traceProducts: 30 })).toMatchObject({ method: "hutch++", exact: false });
      }
    }
  });

  it("none is invariant under rescaling, as they say", async () => {
    const v = rescaled(surface.network, w, 1, 5.9);
    for (const measure of spectralMeasures) {
      if (measure.name === "spectral-density") continue;
      const options = { eigenCount: 3, traceProducts: surface.size, frobeniusProducts: surface.size };
      const before = await run(measure.name, surface, w, options);
      const after = await run(measure.name, surface, v, options);
      expect(measure.invariant).toBe(false);
      expect(Math.abs(after.value / before.value - 1)).toBeGreaterThan(0.05);
    }
  });

  it("is a function of the seed, to the bit", async () => {
    for (const name of ["spectral-norm", "trace", "frobenius"]) {
      expect(await run(name, surface, w, {}, 5n)).toEqual(await run(name, surface, w, {}, 5n));
    }
  });

  it("says when it has not converged, and what is wrong with options", async () => {
    expect(await run("spectral-norm", surface, w, { eigenProducts: 2 })).toMatchObject({ converged: false });
    await expect(run("trace", surface, w, { traceProducts: 1 })).rejects.toThrow(
      "traceProducts: expected an integer from 6",
    );
    await expect(run("trace", surface, w, { traceMethod: "exact" })).rejects.toThrow("no exact trace");
    const { check: checkTrace } = spectralMeasures.find(({ name }) => name === "trace")!;
    const tanh = defineNetwork({ layers: [7, 9, 1], activation: "tanh" });
    expect(() => checkTrace!({ network: tanh, w, points: 1 }, { traceMethod: "exact" })).toThrow(
      "traceMethod: the Hessian of a tanh network has no exact trace; expected auto, hutch++ or hutchinson",
    );
    await expect(run("top-eigenvalues", surface, w, { eigenCount: 0 })).rejects.toThrow("eigenCount");
    await expect(run("spectral-norm", surface, w, { eigenTolerance: "small" })).rejects.toThrow(TypeError);
    await expect(run("spectral-density", surface, w, { densityProbes: 1 })).rejects.toThrow("densityProbes");
    expect(() => checkMeasureOptions(spectralMeasures, { k: 3 })).toThrow("options.k: no such option");
    const large = new QuadraticSurface(new Float64Array(5001), new Float64Array(5001));
    const { check } = spectralMeasures.find(({ name }) => name === "spectrum")!;
    const subject = { network: large.network, w: new Float32Array(5001), points: 1 };
    expect(() => check!(subject, {})).toThrow("up to 5000 parameters, got 5001");
    await expect(run("spectrum", large, new Float32Array(5001))).rejects.toThrow("up to 5000 parameters");
  });
});
