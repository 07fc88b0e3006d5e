/** Factors, solves, inverses and products of symmetric matrices against plain loops and closed forms. */
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { cholesky } from "../src/volume/cholesky.ts";
import { addGram } from "../src/volume/nngpKernel.ts";
import {
  allocateFactor,
  type Factor,
  factorise,
  inverseNorms,
  lowerIndex,
  lowerSize,
  packSymmetric,
  panelsOf,
  unpackSymmetric,
} from "../src/volume/panels.ts";
import { matrixOf, randomCovariance, rowsOf } from "./covariances.ts";
import { gaussianMatrix, streamOf } from "./operators.ts";
import { backward, choleskyOf, forward } from "./reference/gaussianProcess.ts";

const kernels = await sharedKernels();

const SIZES = [1, 2, 3, 4, 5, 8, 31, 130, 261];

/** NaN counts as the largest. */
function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

function gaussians(n: number, seed: number): Float64Array {
  const values = new Float32Array(n);
  streamOf(seed).gaussians(values);
  return Float64Array.from(values);
}

/** Factors in place, and lends the factor. */
async function withFactor(matrix: Float64Array, body: (factor: Factor, size: number) => Promise<void> | void) {
  const n = Math.round(Math.sqrt(matrix.length));
  const mark = kernels.mark();
  const factor = allocateFactor(kernels, panelsOf(n));
  const values = kernels.f64(factor.lower, lowerSize(factor.panels));
  values.set(packSymmetric(matrix, n));
  for (let i = n; i < 4 * factor.panels; i++) values[lowerIndex(i, i)] = 1;
  expect(await factorise(kernels, factor, () => {})).toBe(-1);
  await body(factor, 4 * factor.panels);
  kernels.release(mark);
}

describe("cholesky", () => {
  it.each(SIZES)("of a random matrix of %i rows equals the textbook's loops", async (n) => {
    const matrix = randomCovariance(n, n, 1);
    const { lower, failed } = await cholesky(kernels, matrix, n);
    expect(failed).toBe(-1);
    const expected = choleskyOf(rowsOf(matrix)).flat();
    // backward stable: n roundings of an entry of about 1, the condition below 10
    expect(largestDifference(lower!, expected)).toBeLessThan(n * 1e-15);
  });

  it("by hand, and min(i, j) has a factor of ones", async () => {
    expect((await cholesky(kernels, [4, 12, -16, 12, 37, -43, -16, -43, 98], 3)).lower).toEqual(
      Float64Array.of(2, 0, 0, 6, 1, 0, -8, 5, 3),
    );
    const n = 533;
    const { lower } = await cholesky(
      kernels,
      matrixOf(n, (i, j) => 1 + Math.min(i, j)),
      n,
    );
    expect(
      largestDifference(
        lower!,
        matrixOf(n, (i, j) => (j <= i ? 1 : 0)),
      ),
    ).toBe(0);
  });

  it.each([
    [9, 7],
    [300, 299],
    [300, 128],
  ])("of an indefinite matrix of %i rows tells that row %i fails", async (n, row) => {
    const matrix = matrixOf(n, (i, j) => 1 + Math.min(i, j) - (i === j && i === row ? 2 : 0));
    expect(await cholesky(kernels, matrix, n)).toEqual({ lower: undefined, failed: row });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 0, -1])(
    "of a matrix with %d on its diagonal fails there",
    async (x) => {
      const matrix = matrixOf(12, (i, j) => (i === j ? (i === 6 ? x : 1) : 0));
      expect((await cholesky(kernels, matrix, 12)).failed).toBe(6);
    },
  );

  it("awaits the pause", async () => {
    let pauses = 0;
    const n = 1024;
    const matrix = matrixOf(n, (i, j) => 1 + Math.min(i, j));
    await cholesky(kernels, matrix, n, async () => {
      pauses++;
    });
    expect(pauses).toBeGreaterThan(0);
  });
});

describe("solves and products", () => {
  it.each(SIZES)("vectors of %i numbers: forward, backward, A x", async (n) => {
    const matrix = randomCovariance(n, n, 1);
    const rows = rowsOf(matrix);
    const l = choleskyOf(rows);
    const b = gaussians(n, 7);
    await withFactor(matrix, ({ lower, inverses, panels }, size) => {
      const y = kernels.allocate(8 * size);
      const out = kernels.allocate(8 * size);
      const packed = kernels.put(packSymmetric(matrix, n));
      const expectClose = (at: number, expected: readonly number[]): void => {
        expect(largestDifference(kernels.f64(at, n), expected)).toBeLessThan(n * 1e-14);
      };
      kernels.f64(y, n).set(b);
      kernels.exports.forwardSolve(lower, inverses, panels, y);
      expectClose(y, forward(l, [...b]));
      kernels.exports.backwardSolve(lower, inverses, panels, y);
      expectClose(y, backward(l, forward(l, [...b])));
      kernels.f64(y, size).fill(0);
      kernels.f64(y, n).set(b);
      kernels.exports.symmetricProduct(packed, panels, y, out);
      expectClose(
        out,
        rows.map((row) => row.reduce((sum, a, j) => sum + a * b[j], 0)),
      );
    });
  });

  it.each(SIZES)("diagonal of the inverse of %i rows, with the same bits in one run or in several", async (n) => {
    const matrix = randomCovariance(n, n, 1);
    const l = choleskyOf(rowsOf(matrix));
    const identity = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => Number(i === j)));
    const expected = identity.map((unit) => forward(l, unit).reduce((sum, x) => sum + x * x, 0));
    await withFactor(matrix, async (factor, size) => {
      const out = kernels.allocate(8 * size);
      await inverseNorms(kernels, factor, 0, factor.panels, out, () => {});
      const whole = kernels.f64(out, size).slice();
      expect(largestDifference(whole.subarray(0, n), expected)).toBeLessThan(n * 1e-14);
      const cuts = [0, Math.floor(factor.panels / 5), Math.floor(factor.panels / 2), factor.panels];
      for (let part = 0; part < 3; part++) {
        await inverseNorms(kernels, factor, cuts[part], cuts[part + 1], out, () => {});
        const length = 4 * (cuts[part + 1] - cuts[part]);
        expect(kernels.f64(out, length)).toEqual(whole.subarray(4 * cuts[part], 4 * cuts[part] + length));
      }
    });
  });

  it.each([
    [1, 1],
    [5, 3],
    [37, 300],
    [130, 513],
  ])("Gram matrix of %i points in %i dimensions, equal points with equal bits", async (points, features) => {
    const g = gaussianMatrix(Math.max(points, features), 3);
    const x = g.slice(0, points).map((row) => row.slice(0, features));
    if (points > 4) x[points - 1] = x[0];
    const mark = kernels.mark();
    const lower = kernels.allocate(8 * lowerSize(panelsOf(points)));
    await addGram(kernels, lower, x.flat(), points, () => {});
    const gram = unpackSymmetric(kernels.f64(lower, lowerSize(panelsOf(points))), points);
    kernels.release(mark);
    const exact = matrixOf(points, (i, j) => x[i].reduce((sum, value, k) => sum + value * x[j][k], 0));
    expect(largestDifference(gram, exact)).toBeLessThan(features * 1e-14);
    if (points > 4) expect(gram.slice(-points)).toEqual(gram.slice(0, points));
  });

  it("packs and unpacks", () => {
    for (const n of SIZES) {
      const matrix = randomCovariance(n, n);
      expect(unpackSymmetric(packSymmetric(matrix, n), n)).toEqual(matrix);
    }
  });
});
