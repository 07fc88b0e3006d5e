import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { type LanczosOptions, type LanczosResult, lanczos } from "../src/flatness/lanczos.ts";
import type { SymmetricOperator } from "../src/flatness/operator.ts";
import { denseEigen, tridiagonalEigen } from "../src/flatness/tridiagonal.ts";
import {
  diagonalOperator,
  gaussianMatrix,
  laplacian,
  laplacianValues,
  matrixOperator,
  streamOf,
  turnedOperator,
} from "./operators.ts";
import { jacobi } from "./reference/jacobi.ts";

const kernels = await sharedKernels();

function run(operator: SymmetricOperator, options: LanczosOptions, seed = 1): Promise<LanczosResult> {
  return lanczos(kernels, operator, options, streamOf(seed));
}

function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, error: number): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i] - expected[i])).toBeLessThanOrEqual(error);
}

const descending = (x: Float64Array): number[] => [...x].sort((a, b) => b - a);

describe("tridiagonalEigen and denseEigen", () => {
  it("the Laplacian's eigenvalues in closed form, and the eigenvectors sin(j k pi / (n + 1))", () => {
    for (const n of [1, 2, 3, 50]) {
      const d = new Float64Array(n).fill(2);
      const e = new Float64Array(n).fill(-1);
      const z = new Float64Array(n * n);
      for (let i = 0; i < n; i++) z[i * n + i] = 1;
      tridiagonalEigen(d, e, n, z);
      expectClose(descending(d), laplacianValues(n), 1e-14);
      for (let i = 0; i < n; i++) {
        const k = Math.round((Math.acos(1 - d[i] / 2) * (n + 1)) / Math.PI);
        const scale = Math.sqrt(2 / (n + 1)) * Math.sin((k * Math.PI) / (n + 1));
        const sign = Math.sign(z[i * n] * scale);
        for (let j = 0; j < n; j++) {
          const entry = Math.sqrt(2 / (n + 1)) * Math.sin(((j + 1) * k * Math.PI) / (n + 1));
          expect(z[i * n + j] * sign).toBeCloseTo(entry, 12);
        }
      }
    }
  });

  it("splits where couplings are 0, and keeps scales from 1e-150 to 1e150", () => {
    for (const scale of [1e-150, 1, 1e150]) {
      const d = Float64Array.of(3, 1, 1, 0, -2).map((x) => x * scale);
      tridiagonalEigen(
        d,
        Float64Array.of(0, 2, 0, 0, 0).map((x) => x * scale),
      );
      expectClose(
        descending(d).map((x) => x / scale),
        [3, 3, 0, -1, -2],
        1e-14,
      );
    }
  });

  it("random, rank-deficient and diagonal matrices: as Jacobi's rotations say, A x = lambda x, x orthonormal", () => {
    const n = 30;
    const g = gaussianMatrix(n, 3);
    const low = g.map((row) => g.map((other) => row.slice(0, 4).reduce((sum, a, k) => sum + a * other[k], 0)));
    for (const matrix of [g, low, g.map((row, i) => row.map((_, j) => (i === j ? i : 0)))]) {
      const { values, vectors } = denseEigen(Float64Array.from(matrix.flat()), n);
      const expected = jacobi(matrix).values;
      const size = Math.max(...expected.map(Math.abs));
      expectClose(descending(values), expected, 1e-14 * n * size);
      for (let i = 0; i < n; i++) {
        const x = vectors.subarray(i * n, (i + 1) * n);
        matrix.forEach((row, j) => {
          const ax = row.reduce((sum, a, k) => sum + a * x[k], 0);
          expect(Math.abs(ax - values[i] * x[j])).toBeLessThan(1e-14 * n * size);
        });
        for (let k = 0; k <= i; k++) {
          const inner = x.reduce((sum, a, j) => sum + a * vectors[k * n + j], 0);
          expect(inner).toBeCloseTo(k === i ? 1 : 0, 13);
        }
      }
    }
  });
});

describe("lanczos", () => {
  it("finds the Laplacian's ends, whose eigenvalues crowd there", async () => {
    const n = 400;
    const values = laplacianValues(n);
    const largest = await run(laplacian(n), { count: 5, which: "largest", tolerance: 1e-8 });
    expect(largest.converged).toBe(true);
    expect(largest.restarts).toBeGreaterThan(0);
    expectClose(largest.values, values.slice(0, 5), 4e-8);
    const smallest = await run(laplacian(n), { count: 3, which: "smallest", tolerance: 1e-8 });
    expect(smallest.converged).toBe(true);
    expectClose(smallest.values, values.slice(-3).reverse(), 4e-8);
  });

  it("gives negative, largest and largest in magnitude in their orders", async () => {
    const spectrum = Float64Array.from({ length: 200 }, (_, i) => (i < 195 ? i / 400 : [-7, -3, 2, 4, 5][i - 195]));
    const operator = turnedOperator(spectrum, 5);
    const cases = { largest: [5, 4, 2], smallest: [-7, -3, 0], magnitude: [-7, 5, 4] } as const;
    for (const [which, expected] of Object.entries(cases)) {
      const result = await run(operator, {
        count: 3,
        which: which as keyof typeof cases,
        tolerance: 1e-7,
        products: 4000,
      });
      expect(result.converged).toBe(true);
      expectClose(result.values, expected, 1e-6);
    }
  });

  it("random matrices: eigenvalues and eigenvectors as Jacobi's, for every k near n too", async () => {
    const n = 24;
    const matrix = gaussianMatrix(n, 7);
    const expected = jacobi(matrix);
    for (const count of [1, 5, 22, 23, 24]) {
      const result = await run(matrixOperator(matrix), { count, which: "largest", tolerance: 0 });
      expect(result.converged).toBe(true);
      expectClose(result.values, expected.values.slice(0, count), 1e-12);
      for (let i = 0; i < count; i++) {
        const inner = expected.vectors[i].reduce((sum, x, j) => sum + x * result.vectors[i * n + j], 0);
        expect(Math.abs(inner)).toBeCloseTo(1, 10);
        expect(result.residuals[i]).toBeLessThan(1e-11);
      }
    }
  });

  it("goes on where the subspace is invariant: multiples, low rank, the identity, zero, size 1", async () => {
    const multiple = await run(diagonalOperator([5, 5, 5, 4, 3, 2]), { count: 4, which: "largest" });
    expect(multiple).toMatchObject({ converged: true });
    expectClose(multiple.values, [5, 5, 5, 4], 1e-12);

    const spectrum = new Float64Array(300);
    spectrum.set([9, 4, 1, -2]);
    const low = await run(turnedOperator(spectrum, 2), { count: 6, which: "magnitude" });
    expect(low.converged).toBe(true);
    expect(low.products).toBeLessThan(25);
    expectClose(low.values, [9, 4, -2, 1, 0, 0], 1e-12);

    const identity = await run(diagonalOperator(new Float64Array(100).fill(1)), { count: 3, which: "largest" });
    expect(identity.converged).toBe(true);
    expectClose(identity.values, [1, 1, 1], 1e-14);

    const zero = await run(diagonalOperator(new Float64Array(50)), { count: 2, which: "magnitude" });
    expect(zero).toMatchObject({ converged: true, norm: 0 });
    expect([...zero.values]).toEqual([0, 0]);

    const one = await run(diagonalOperator([-3]), { count: 1, which: "largest" });
    expect(one.converged).toBe(true);
    expectClose(one.values, [-3], 1e-15);
    expectClose(one.vectors.map(Math.abs), [1], 1e-15);
  });

  it("finds copies of a multiple eigenvalue that one direction does not see, unless told not to", async () => {
    for (const copies of [2, 3, 5]) {
      const spectrum = Float64Array.from({ length: 300 }, (_, i) => (i < copies ? 10 : i === copies ? 9 : i / 60));
      for (const count of [copies, copies + 1]) {
        const result = await run(turnedOperator(spectrum, copies), { count, which: "largest" }, count);
        expect(result.converged).toBe(true);
        expectClose(result.values, spectrum.slice(0, count), 1e-3);
      }
    }
    const spectrum = Float64Array.from({ length: 300 }, (_, i) => (i < 2 ? -10 : i === 2 ? 9 : i / 100));
    const operator = turnedOperator(spectrum, 5);
    const twice = await run(operator, { count: 2, which: "magnitude" });
    expect(twice.converged).toBe(true);
    expectClose(twice.values, [-10, -10], 1e-3);
    const once = await run(operator, { count: 2, which: "magnitude", confirm: false });
    expectClose(once.values, [-10, 9], 1e-3);
    expect(once.products).toBeLessThan(twice.products);
  });

  it("resolves a cluster", async () => {
    const spectrum = Float64Array.from({ length: 300 }, (_, i) => (i < 4 ? 10 - 1e-3 * i : (i % 50) / 10 + 1e-4 * i));
    const result = await run(turnedOperator(spectrum, 3), { count: 4, which: "largest", tolerance: 1e-6 });
    expect(result.converged).toBe(true);
    expectClose(result.values, [10, 9.999, 9.998, 9.997], 1e-5);
  });

  it("measures its residuals, each of which bounds the distance to an eigenvalue, and says when the cap was too small", async () => {
    const n = 500;
    const values = laplacianValues(n);
    for (const products of [1, 2, 10, 40, 65, 90]) {
      const result = await run(laplacian(n), { count: 3, which: "largest", tolerance: 1e-6, products });
      expect(result.converged).toBe(false);
      expect(result.products).toBe(products + Math.min(3, products));
      result.values.forEach((value, i) => {
        const x = result.vectors.subarray(i * n, (i + 1) * n);
        const ax = new Float64Array(n);
        laplacian(n).apply(x.slice(), ax);
        const residual = Math.sqrt(ax.reduce((sum, y, j) => sum + (y - value * x[j]) ** 2, 0));
        expect(result.residuals[i]).toBeCloseTo(residual, 12);
        expect(Math.min(...values.map((v) => Math.abs(v - value)))).toBeLessThanOrEqual(residual + 1e-12);
      });
      expect(Math.max(...result.residuals)).toBeGreaterThan(4e-6);
    }
  });

  it("is a function of its seed, to the bit", async () => {
    const a = await run(laplacian(100), { count: 2, which: "largest" }, 9);
    const b = await run(laplacian(100), { count: 2, which: "largest" }, 9);
    expect(a).toEqual(b);
  });

  it("says what is wrong with bad input", async () => {
    const operator = laplacian(10);
    await expect(run(operator, { count: 0, which: "largest" })).rejects.toThrow(
      "count: expected an integer from 1 to 10",
    );
    await expect(run(operator, { count: 11, which: "largest" })).rejects.toThrow(RangeError);
    await expect(run(operator, { count: 1, which: "biggest" as never })).rejects.toThrow('got "biggest"');
    await expect(run(operator, { count: 1, which: "largest", tolerance: -1 })).rejects.toThrow("tolerance");
    await expect(run(operator, { count: 1, which: "largest", products: 0 })).rejects.toThrow("products");
    await expect(run(operator, { count: 4, which: "largest", basis: 5 })).rejects.toThrow("basis");
    await expect(run(operator, { count: 1, which: "largest", confirm: 1 as never })).rejects.toThrow("confirm");
    await expect(run({ size: 3 } as never, { count: 1, which: "largest" })).rejects.toThrow("operator");
    await expect(run(diagonalOperator([1, Number.NaN]), { count: 1, which: "largest" })).rejects.toThrow("not finite");
    await expect(run(diagonalOperator(new Float64Array(2 ** 22)), { count: 100, which: "largest" })).rejects.toThrow(
      "1 GiB",
    );
  });
});
