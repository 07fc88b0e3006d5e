import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { evenGrid, spectralDensity } from "../src/flatness/density.ts";
import { diagonalOperator, gaussianMatrix, laplacian, matrixOperator, streamOf, turnedOperator } from "./operators.ts";

const kernels = await sharedKernels();

describe("spectralDensity", () => {
  it("two clusters at 1 and 5 carry half the mass each", async () => {
    const clusters = Float64Array.from({ length: 400 }, (_, i) => (i % 2 ? 5 : 1) + 0.1 * (((i * 7) % 40) / 40 - 0.5));
    // signs see a diagonal operator's clusters exactly
    const diagonal = await spectralDensity(kernels, diagonalOperator(clusters), { steps: 40 }, streamOf(1));
    for (const [low, high] of [
      [0.9, 1.1],
      [4.9, 5.1],
    ]) {
      const { value, standardError } = diagonal.mass(low, high);
      expect(value).toBeCloseTo(0.5, 10);
      expect(standardError).toBeLessThan(1e-10);
    }
    const turned = await spectralDensity(kernels, turnedOperator(clusters, 3), { probes: 40, steps: 40 }, streamOf(2));
    const one = turned.mass(0.9, 1.1);
    const five = turned.mass(4.9, 5.1);
    expect(one.value + five.value).toBeCloseTo(1, 10);
    // 4.5 standard errors: an error rate of 1e-5
    expect(one.standardError).toBeGreaterThan(0);
    expect(one.standardError).toBeLessThan(0.02);
    expect(Math.abs(one.value - 0.5)).toBeLessThan(4.5 * one.standardError);
    expect(turned.range()[0]).toBeGreaterThanOrEqual(0.95 - 1e-12);
    expect(turned.range()[1]).toBeLessThanOrEqual(5.05 + 1e-12);
  });

  it("exact clusters end the steps early, with exact weights", async () => {
    const values = Float64Array.from({ length: 60 }, (_, i) => (i < 15 ? 5 : i < 20 ? -2 : 0));
    const density = await spectralDensity(kernels, diagonalOperator(values), { probes: 3 }, streamOf(1));
    expect(density.products).toBe(9);
    for (const { nodes, weights } of density.probes) {
      [-2, 0, 5].forEach((node, i) => {
        expect(nodes[i]).toBeCloseTo(node, 12);
      });
      [5 / 60, 40 / 60, 15 / 60].forEach((weight, i) => {
        expect(weights[i]).toBeCloseTo(weight, 12);
      });
    }
  });

  it("moments to 2 steps - 1 are those of z' A^k z: the mean eigenvalue of the Laplacian, within its error", async () => {
    const n = 200;
    const density = await spectralDensity(kernels, laplacian(n), { probes: 50, steps: 4 }, streamOf(3));
    // tr A / n = 2, tr A^2 / n = (4 n + 2 (n - 1)) / n
    for (const [power, exact] of [
      [1, 2],
      [2, (6 * n - 2) / n],
    ]) {
      const { value, standardError } = density.mean((x) => x ** power);
      expect(Math.abs(value - exact)).toBeLessThan(4.5 * standardError);
    }
  });

  it("a Gaussian matrix has the semicircle's mass", async () => {
    const n = 200;
    const density = await spectralDensity(
      kernels,
      matrixOperator(gaussianMatrix(n, 5)),
      { probes: 6, steps: 60 },
      streamOf(4),
    );
    const radius = 2 * Math.sqrt(n);
    // semicircle on [-R, R]: mass of |x| <= R / 2 is 1/3 + sqrt(3) / (2 pi) = 0.6090
    const { value } = density.mass(-radius / 2, radius / 2);
    expect(Math.abs(value - 0.609)).toBeLessThan(0.03);
  });

  it("the smoothed density integrates to 1 and is the sum of Gaussians", async () => {
    const density = await spectralDensity(kernels, diagonalOperator([1, 1, 5, 5]), { probes: 2 }, streamOf(5));
    const grid = evenGrid(-3, 9, 1201);
    const { density: y, standardError } = density.smooth(grid, 0.5);
    expect(y.reduce((a, b) => a + b) * 0.01).toBeCloseTo(1, 10);
    grid.forEach((x, i) => {
      const gauss = (c: number): number => Math.exp(-((x - c) ** 2) / 0.5) / Math.sqrt(2 * Math.PI * 0.25);
      expect(y[i]).toBeCloseTo((gauss(1) + gauss(5)) / 2, 12);
      expect(standardError[i]).toBeLessThan(1e-12);
    });
  });

  it("standard errors of a mass are calibrated over 200 seeds", async () => {
    const values = Float64Array.from({ length: 60 }, (_, i) => (i < 20 ? 1 : 3));
    const operator = turnedOperator(values, 6);
    let within = 0;
    for (let seed = 0; seed < 200; seed++) {
      const density = await spectralDensity(kernels, operator, { probes: 30, steps: 10 }, streamOf(seed));
      const { value, standardError } = density.mass(0, 2);
      if (Math.abs(value - 1 / 3) <= 2 * standardError) within++;
    }
    // Student's t with 29 degrees of freedom: 189 of 200, standard deviation 3.2; an error rate of 1e-5
    expect(within).toBeGreaterThanOrEqual(174);
  });

  it("says what is wrong with bad input", async () => {
    const run = (options: object) => spectralDensity(kernels, laplacian(10), options, streamOf(1));
    await expect(run({ probes: 1 })).rejects.toThrow("probes: expected an integer from 2");
    await expect(run({ steps: 11 })).rejects.toThrow("steps: expected an integer from 1 to 10, got 11");
    await expect(run({ steps: "4" })).rejects.toThrow(TypeError);
    const density = await run({});
    expect(() => density.smooth([0], 0)).toThrow("width");
    expect(() => evenGrid(1, 0, 5)).toThrow(RangeError);
  });
});
