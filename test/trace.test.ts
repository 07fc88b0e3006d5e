import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import type { SymmetricOperator } from "../src/flatness/operator.ts";
import { type Estimate, frobeniusNorm, type TraceOptions, trace } from "../src/flatness/trace.ts";
import { diagonalOperator, gaussianMatrix, laplacian, matrixOperator, streamOf, turnedOperator } from "./operators.ts";

const kernels = await sharedKernels();

function traceOf(operator: SymmetricOperator, options: TraceOptions, seed = 1): Promise<Estimate> {
  return trace(kernels, operator, options, streamOf(seed));
}

const sum = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => a + b, 0);

/** Root mean squared error over seeds, and how many errors are within 2 of the stated standard errors. */
async function over(
  seeds: number,
  exact: number,
  run: (seed: number) => Promise<Estimate>,
): Promise<{ error: number; within: number; meanError: number; variance: number }> {
  let squares = 0;
  let total = 0;
  let within = 0;
  let variance = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const { value, standardError } = await run(seed);
    squares += (value - exact) ** 2;
    total += value - exact;
    variance += standardError ** 2 / seeds;
    if (Math.abs(value - exact) <= 2 * standardError) within++;
  }
  return { error: Math.sqrt(squares / seeds), within, meanError: total / seeds, variance };
}

describe("trace", () => {
  const decaying = Float64Array.from({ length: 300 }, (_, i) => 100 / (i + 1) ** 2);
  const operator = turnedOperator(decaying, 11);

  it("Hutch++ beats Hutchinson at equal products on a decaying spectrum, tenfold", async () => {
    const hutchinson = await over(40, sum(decaying), (seed) =>
      traceOf(operator, { products: 60, method: "hutchinson" }, seed),
    );
    const better = await over(40, sum(decaying), (seed) => traceOf(operator, { products: 60 }, seed));
    expect(better.error).toBeLessThan(hutchinson.error / 10);
  });

  it("Hutchinson's variance is that of the closed form, 2 (|A|_F^2 - sum of a_ii^2) / products", async () => {
    const n = 40;
    const matrix = gaussianMatrix(n, 4);
    const diagonal = matrix.map((row, i) => row[i]);
    const frobenius = matrix.flat().reduce((s, x) => s + x * x, 0);
    const variance = (2 * (frobenius - diagonal.reduce((s, x) => s + x * x, 0))) / 20;
    const found = await over(200, sum(diagonal), (seed) =>
      traceOf(matrixOperator(matrix), { products: 20, method: "hutchinson" }, seed),
    );
    // a variance over 200 seeds has a relative standard error of about 0.1: 5 of them
    expect(found.error ** 2 / variance).toBeGreaterThan(0.5);
    expect(found.error ** 2 / variance).toBeLessThan(1.5);
    expect(found.variance / variance).toBeGreaterThan(0.85);
    expect(found.variance / variance).toBeLessThan(1.15);
  });

  it("standard errors are calibrated over 200 seeds: unbiased, and 2 of them cover", async () => {
    for (const method of ["hutch++", "hutchinson"] as const) {
      const found = await over(200, sum(decaying), (seed) => traceOf(operator, { products: 90, method }, seed));
      // Student's t with 29 degrees of freedom has 94.5 % within 2, a Gaussian 95.4 %: 189 of 200, standard deviation 3.2;
      // 174 is 4.6 of them below, an error rate of 1e-5
      expect(found.within).toBeGreaterThanOrEqual(174);
      // 4.5 standard errors of the mean, an error rate of 1e-5
      expect(Math.abs(found.meanError)).toBeLessThan(4.5 * (found.error / Math.sqrt(200)));
    }
  });

  it("Hutch++ is exact where the rank is at most a third of the products", async () => {
    const spectrum = new Float64Array(200);
    spectrum.set([8, -3, 2, 1, 0.5]);
    const { value, standardError, products } = await traceOf(turnedOperator(spectrum, 2), { products: 30 });
    expect(value).toBeCloseTo(8.5, 10);
    expect(standardError).toBeLessThan(1e-10);
    expect(products).toBeLessThanOrEqual(30);
  });

  it("signs are exact on diagonal operators; as many products as columns are exact for all", async () => {
    const diagonal = await traceOf(diagonalOperator(decaying), { products: 4, method: "hutchinson" });
    expect(diagonal.value / sum(decaying)).toBeCloseTo(1, 12);
    expect(diagonal.standardError).toBeLessThan(1e-9);
    expect(await traceOf(laplacian(50), { products: 50 })).toEqual({
      value: 100,
      standardError: 0,
      products: 50,
      exact: true,
    });
    expect(await traceOf(diagonalOperator([-3]), {})).toMatchObject({ value: -3, exact: true, products: 1 });
    expect(await traceOf(diagonalOperator(new Float64Array(500)), {})).toMatchObject({ value: 0, standardError: 0 });
  });

  it("says what is wrong with bad input", async () => {
    await expect(traceOf(laplacian(10), { products: 5 })).rejects.toThrow("products: expected an integer from 6");
    await expect(traceOf(laplacian(10), { method: "exact" as never })).rejects.toThrow('got "exact"');
    await expect(traceOf(laplacian(1e7), { products: 1000 })).rejects.toThrow("1 GiB");
    await expect(traceOf(diagonalOperator([1, Number.NaN]), {})).rejects.toThrow("not finite");
    await expect(frobeniusNorm(laplacian(10), { products: 1 }, streamOf(1))).rejects.toThrow(RangeError);
  });
});

describe("frobeniusNorm", () => {
  it("is that of the matrix: within its error over 200 seeds, exact with as many products as columns", async () => {
    const n = 60;
    // squares of the Laplacian's entries: 4 n + 2 (n - 1)
    const exact = Math.sqrt(4 * n + 2 * (n - 1));
    const found = await over(200, exact, (seed) => frobeniusNorm(laplacian(n), { products: 40 }, streamOf(seed)));
    // 95 % of 200 are 190, standard deviation 3.1: an error rate of 1e-5
    expect(found.within).toBeGreaterThanOrEqual(175);
    expect(found.error ** 2 / found.variance).toBeGreaterThan(0.5);
    expect(found.error ** 2 / found.variance).toBeLessThan(1.5);
    const all = await frobeniusNorm(laplacian(n), { products: n }, streamOf(1));
    expect(all).toMatchObject({ exact: true, standardError: 0, products: n });
    expect(all.value).toBeCloseTo(exact, 13);
    expect(await frobeniusNorm(diagonalOperator(new Float64Array(9)), {}, streamOf(1))).toMatchObject({ value: 0 });
  });
});
