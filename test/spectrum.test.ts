import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { spectrum } from "../src/flatness/spectrum.ts";
import {
  diagonalOperator,
  gaussianMatrix,
  laplacian,
  laplacianValues,
  matrixOperator,
  turnedOperator,
} from "./operators.ts";
import { jacobi } from "./reference/jacobi.ts";

const kernels = await sharedKernels();

function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, error: number): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i] - expected[i])).toBeLessThanOrEqual(error);
}

describe("spectrum", () => {
  it("random matrices of every small size: as Jacobi's rotations say, at any scale", async () => {
    for (let n = 1; n <= 12; n++) {
      const matrix = gaussianMatrix(n, n);
      const expected = jacobi(matrix).values;
      for (const scale of [1, 1e-200, 1e200]) {
        const scaled = matrix.map((row) => row.map((x) => x * scale));
        const { values, asymmetry, products } = await spectrum(kernels, matrixOperator(scaled));
        expectClose(
          values.map((x) => x / scale),
          expected,
          1e-13,
        );
        expect(asymmetry).toBe(0);
        expect(products).toBe(n);
      }
    }
    const matrix = gaussianMatrix(81, 1);
    const { values, trace, frobenius } = await spectrum(kernels, matrixOperator(matrix));
    expectClose(values, jacobi(matrix).values, 1e-12);
    expect(trace).toBeCloseTo(
      matrix.reduce((sum, row, i) => sum + row[i], 0),
      10,
    );
    expect(frobenius).toBeCloseTo(Math.sqrt(matrix.flat().reduce((sum, x) => sum + x * x, 0)), 10);
  });

  it("matrices wider than a tile: a turned diagonal comes back, with its multiples, zeros and negatives", async () => {
    for (const n of [513, 700]) {
      const given = Float64Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 0 : i % 5 === 0 ? 2 : i / 100 - 3));
      const { values } = await spectrum(kernels, turnedOperator(given, 4));
      expectClose(values, given.sort().reverse(), 1e-12);
    }
  });

  it("the Laplacian, diagonal, zero and rank-one matrices", async () => {
    const n = 150;
    expectClose((await spectrum(kernels, laplacian(n))).values, laplacianValues(n), 1e-13);
    expectClose((await spectrum(kernels, diagonalOperator([3, -1, 7, 0]))).values, [7, 3, 0, -1], 0);
    expect(await spectrum(kernels, diagonalOperator(new Float64Array(3)))).toMatchObject({ trace: 0, frobenius: 0 });
    const u = Float64Array.from({ length: n }, (_, i) => i + 1);
    const norm = u.reduce((sum, x) => sum + x * x, 0);
    const one = {
      size: n,
      apply(v: Float64Array, out: Float64Array) {
        const inner = v.reduce((sum, x, i) => sum + x * u[i], 0);
        for (let i = 0; i < n; i++) out[i] = u[i] * inner;
      },
    };
    const { values } = await spectrum(kernels, one);
    expect(values[0] / norm).toBeCloseTo(1, 13);
    expectClose(values.slice(1), new Float64Array(n - 1), 1e-13 * norm);
  });

  it("reports asymmetry, and takes the symmetric part", async () => {
    const { values, asymmetry } = await spectrum(
      kernels,
      matrixOperator([
        [4, 1.5],
        [0.5, 4],
      ]),
    );
    expectClose(values, [5, 3], 1e-14);
    expect(asymmetry).toBe(0.25);
  });

  it("says what is wrong with bad input", async () => {
    await expect(spectrum(kernels, diagonalOperator(new Float64Array(5001)))).rejects.toThrow(
      "up to 5000 parameters, got 5001",
    );
    await expect(spectrum(kernels, diagonalOperator([1, Number.POSITIVE_INFINITY]))).rejects.toThrow("not finite");
    await expect(spectrum(kernels, null as never)).rejects.toThrow(TypeError);
  });

  it("pauses often", async () => {
    let pauses = 0;
    await spectrum(kernels, laplacian(60), () => {
      pauses++;
    });
    expect(pauses).toBeGreaterThan(120);
  });
});
