/** Covariance matrices and labels for tests of Gaussian orthants. */
import { gaussianMatrix, streamOf } from "./operators.ts";

/** `[n][n]` of a function of row and column. */
export function matrixOf(n: number, entry: (i: number, j: number) => number): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: n * n }, (_, at) => entry(Math.floor(at / n), at % n));
}

/** As rows of plain numbers. */
export function rowsOf(matrix: Float64Array): number[][] {
  const n = Math.round(Math.sqrt(matrix.length));
  return Array.from({ length: n }, (_, i) => [...matrix.subarray(i * n, (i + 1) * n)]);
}

/** `G G' / n + ridge I` for a Gaussian G: positive definite, every entry different. */
export function randomCovariance(n: number, seed: number, ridge = 0): Float64Array<ArrayBuffer> {
  const g = gaussianMatrix(n, seed);
  return matrixOf(n, (i, j) => {
    const [a, b] = i < j ? [i, j] : [j, i];
    return g[a].reduce((sum, x, k) => sum + x * g[b][k], 0) / n + (i === j ? ridge : 0);
  });
}

/** Equal correlations. */
export function equicorrelated(n: number, rho: number, variance = 1): Float64Array<ArrayBuffer> {
  return matrixOf(n, (i, j) => variance * (i === j ? 1 : rho));
}

/** A squared-exponential kernel on a line: smooth, and all but singular. */
export function smooth(n: number, length: number, variance = 1): Float64Array<ArrayBuffer> {
  return matrixOf(n, (i, j) => variance * Math.exp(-(((i - j) / length) ** 2) / 2));
}

/** -1 or 1. */
export function randomSigns(n: number, seed: number): number[] {
  const signs = new Float32Array(n);
  streamOf(seed).signs(signs);
  return [...signs];
}
