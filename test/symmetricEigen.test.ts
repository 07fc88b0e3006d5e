import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { gaussianMatrix } from "./operators.ts";
import { tridiagonalise } from "./reference/symmetricEigen.ts";

const kernels = await sharedKernels();

/** The kernel's diagonal and couplings of a matrix, stored as its contract says. */
function run(matrix: readonly (readonly number[])[]): { d: number[]; e: number[] } {
  const n = matrix.length;
  return kernels.scoped(() => {
    const numbers: number[] = [];
    matrix.forEach((row, i) => {
      for (let j = 0; j < i - (i % 2) + 2; j++) numbers.push(j <= i ? row[j] : Number.NaN);
    });
    const a = kernels.put(Float64Array.from(numbers));
    const [v, q, x, p, d, e] = Array.from({ length: 6 }, () => kernels.allocate(8 * (n + 2 + (n % 2))));
    for (let i = n - 1; i >= 0; i--) {
      const half = kernels.exports.tridiagonalRow(a, i, v, q, x, p, d, e);
      for (let tile = 0; tile < i; tile += 512) kernels.exports.tridiagonalTile(a, i, tile, v, q, x, p);
      if (i > 0) kernels.exports.tridiagonalVectors(i, half, v, q, x, p);
    }
    return { d: [...kernels.f64(d, n)], e: [...kernels.f64(e, n)] };
  });
}

function expectSame(matrix: readonly (readonly number[])[], error: number): void {
  const got = run(matrix);
  const expected = tridiagonalise(matrix);
  for (let i = 0; i < matrix.length; i++) {
    expect(Math.abs(got.d[i] - expected.d[i])).toBeLessThanOrEqual(error);
    expect(Math.abs(got.e[i] - expected.e[i])).toBeLessThanOrEqual(error);
  }
}

describe("tridiagonalRow, tridiagonalTile, tridiagonalVectors", () => {
  it("equals explicit reflections, for odd and even sizes; the unused entries are never read", () => {
    for (const n of [1, 2, 3, 4, 5, 8, 17, 30]) expectSame(gaussianMatrix(n, n), 1e-12);
  });

  it("leaves tridiagonal and diagonal matrices as they are", () => {
    const n = 9;
    const band = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (__, j) => (i === j ? i : Math.abs(i - j) === 1 ? 1 / (i + j) : 0)),
    );
    const { d, e } = run(band);
    expect(d).toEqual(band.map((row, i) => row[i]));
    expect(e.slice(1)).toEqual(band.slice(1).map((row, i) => row[i]));
  });

  it("by hand: [[0, 0, 3], [0, 0, 4], [3, 4, 0]] has the coupling -5", () => {
    const { d, e } = run([
      [0, 0, 3],
      [0, 0, 4],
      [3, 4, 0],
    ]);
    expect(e[2]).toBeCloseTo(-5, 14);
    expect(d[2]).toBe(0);
    for (const x of [d[0], d[1], e[1]]) expect(Math.abs(x)).toBeLessThan(1e-15);
  });
});
