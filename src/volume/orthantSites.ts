/**
 * Gaussian sites for the constraints of an orthant, by some parallel sweeps of expectation propagation [Rasmussen & Williams
 * 2006, section 3.6], and what they make of the sampler.
 *
 * The sites only say where samples are drawn; weights are exact for any, so that the sweeps need not converge.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";

/** `exp(-precision x^2 / 2 + shift x)` in place of `x > 0`, for every variable. */
export interface Sites {
  readonly precision: Float64Array;
  readonly shift: Float64Array;
}

/** Constants of the sampler's second way (assembly/orthant.ts). */
export interface SecondWay {
  /** M by rows: row k has its first k entries. */
  readonly rows: Float64Array[];
  readonly start: Float64Array;
  readonly scale: Float64Array;
  readonly linear: Float64Array;
  readonly square: Float64Array;
  readonly constant: number;
}

const SWEEPS = 16;
const DAMPING = 0.8;
/** Relative change of the precisions at which the sweeps end. */
const CONVERGED = 1e-3;
/** Precisions of unit variances are kept above it: variances are differences divided by them. */
const LOWEST_PRECISION = 1e-8;
/** Rows of a factorisation by one call. */
const ROWS = 32;

type Pause = () => Promise<void> | void;

/** Sites of `x > 0` for unit Gaussians with correlations `matrix`: `n` rows of `stride` bytes; undefined if the sweeps broke down. */
export async function gaussianSites(
  kernels: Kernels,
  n: number,
  matrix: number,
  stride: number,
  pause: Pause,
): Promise<Sites | undefined> {
  const { exports } = kernels;
  const rows = stride / 8;
  const mark = kernels.mark();
  const system = kernels.allocate(rows * stride);
  const scratch = kernels.allocate(4 * stride);
  const [inverseAt, diagonalAt, vectorAt, productAt] = Array.from({ length: 4 }, () => kernels.allocate(stride));
  /** `matrix v` of n numbers. */
  const product = (v: ArrayLike<number>): Float64Array => {
    kernels.f64(vectorAt, rows).fill(0).set(v);
    exports.rowDots64(matrix, n, stride, vectorAt, stride, productAt);
    return kernels.f64(productAt, n).slice();
  };
  const precision = new Float64Array(n).fill(LOWEST_PRECISION);
  const shift = new Float64Array(n);
  try {
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      const roots = precision.map(Math.sqrt);
      for (let i = 0; i < rows; i++) {
        const to = kernels.f64(system + i * stride, rows);
        const from = kernels.f64(matrix + Math.min(i, n - 1) * stride, rows);
        if (i < n) for (let j = 0; j < i; j++) to[j] = roots[i] * from[j] * roots[j];
        else to.fill(0);
        to[i] = i < n ? 1 + precision[i] : 1;
        if (i % 64 === 63) await pause();
      }
      if (!(await factorise(kernels, system, rows, stride, inverseAt, pause))) return undefined;
      for (let i = 0; i < rows; i += ROWS) {
        exports.inverseDiagonal(system, rows, stride, inverseAt, i, Math.min(i + ROWS, rows), scratch, diagonalAt);
        await pause();
      }
      // mean of the posterior, K (shift - S^1/2 B^-1 S^1/2 K shift)
      const right = kernels.f64(vectorAt, rows);
      const towards = product(shift);
      right.fill(0);
      for (let i = 0; i < n; i++) right[i] = roots[i] * towards[i];
      exports.choleskySolve(system, rows, stride, inverseAt, vectorAt);
      const solved = kernels.f64(vectorAt, n).slice();
      const mean = product(shift.map((x, i) => x - roots[i] * solved[i]));
      const diagonal = kernels.f64(diagonalAt, n);
      let change = 0;
      let largest = 0;
      for (let i = 0; i < n; i++) {
        const variance = (1 - diagonal[i]) / precision[i];
        const cavity = 1 / variance - precision[i];
        if (!(cavity > 0)) continue;
        const cavityMean = (mean[i] / variance - shift[i]) / cavity;
        const z = cavityMean * Math.sqrt(cavity);
        const h = exports.inverseMills(z);
        const left = z > 0 ? 1 - h * (h + z) : exports.tailVariance(-z);
        const matched = cavityMean + h / Math.sqrt(cavity);
        const wanted = Math.max(LOWEST_PRECISION, cavity / left - cavity);
        if (!Number.isFinite(wanted) || !Number.isFinite(matched)) continue;
        change = Math.max(change, Math.abs(wanted - precision[i]));
        largest = Math.max(largest, wanted);
        precision[i] += DAMPING * (wanted - precision[i]);
        shift[i] += DAMPING * ((matched * cavity) / left - cavityMean * cavity - shift[i]);
      }
      await pause();
      if (change <= CONVERGED * largest) break;
    }
    return { precision, shift };
  } finally {
    kernels.release(mark);
  }
}

async function factorise(
  kernels: Kernels,
  matrix: number,
  rows: number,
  stride: number,
  inverse: number,
  pause: Pause,
): Promise<boolean> {
  for (let i = 0; i < rows; i += ROWS) {
    if (kernels.exports.choleskyRows(matrix, stride, i, Math.min(i + ROWS, rows), inverse) >= 0) return false;
    await pause();
  }
  return true;
}

/**
 * What sites of `X = L z` make of the sampler. With all sites, z has the precision `P = I + L' T L = U U'`, U upper triangular,
 * and given those before it `z_k` has the mean `(g_k - sum_{j<k} U_jk z_j) / U_kk` and the variance `1 / U_kk^2`, `U g = L' shift`.
 * Site k is taken out again before the truncation, and enters the weight as its mean under what is left.
 *
 * @param lower L by rows.
 */
export async function secondWay(
  kernels: Kernels,
  lower: readonly Float64Array[],
  { precision, shift }: Sites,
  pause: Pause,
): Promise<SecondWay | undefined> {
  const { exports } = kernels;
  const n = precision.length;
  const rows = 4 * Math.ceil(n / 4);
  const stride = 8 * rows;
  const mark = kernels.mark();
  try {
    // from the last variable to the first, so that U is a lower triangle
    const columns = kernels.allocate(n * stride);
    const system = kernels.allocate(rows * stride);
    const inverseAt = kernels.allocate(stride);
    const roots = precision.map(Math.sqrt);
    for (let j = 0; j < n; j++) {
      const column = kernels.f64(columns + (n - 1 - j) * stride, n);
      for (let i = j; i < n; i++) column[i] = lower[i][j] * roots[i];
      if (j % 64 === 63) await pause();
    }
    for (let i = 0; i < rows; i++) {
      const row = system + i * stride;
      if (i < n) exports.rowDots64(columns, i + 1, stride, columns + i * stride, stride, row);
      kernels.f64(row, rows)[i] += 1;
      await pause();
    }
    if (!(await factorise(kernels, system, rows, stride, inverseAt, pause))) return undefined;
    const towards = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) towards[n - 1 - j] += lower[i][j] * shift[i];
    const g = new Float64Array(n);
    let constant = 0;
    for (let i = 0; i < n; i++) {
      const row = kernels.f64(system + i * stride, n);
      let sum = towards[i];
      for (let j = 0; j < i; j++) sum -= row[j] * g[j];
      g[i] = sum / row[i];
      constant += (g[i] * g[i]) / 2 - exports.naturalLog(row[i]);
    }
    await pause();
    const way = {
      rows: lower.map((_, k) => new Float64Array(k)),
      start: new Float64Array(n),
      scale: new Float64Array(n),
      linear: new Float64Array(n),
      square: new Float64Array(n),
    };
    for (let k = 0; k < n; k++) {
      const deviation = lower[k][k];
      const site = precision[k] * deviation * deviation;
      const push = shift[k] * deviation;
      const u = kernels.f64(system + (n - 1 - k) * stride, n)[n - 1 - k];
      const cavity = u * u - site;
      const scale = 1 / Math.sqrt(cavity);
      way.scale[k] = scale;
      way.start[k] = scale * (push - u * g[n - 1 - k]);
      way.square[k] = site / (2 * u * u);
      way.linear[k] = push / (u * u * scale);
      constant += (exports.naturalLog((u * u) / cavity) - (push * push) / (u * u)) / 2;
      const row = way.rows[k];
      const ratio = (scale * u * u) / deviation;
      for (let j = 0; j < k; j++) {
        const across = kernels.f64(system + (n - 1 - j) * stride, n)[n - 1 - k];
        row[j] = scale * u * across - ratio * lower[k][j];
      }
      if (k % 16 === 15) await pause();
    }
    return { ...way, constant };
  } finally {
    kernels.release(mark);
  }
}
