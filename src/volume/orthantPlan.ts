/**
 * What is done once before a Gaussian orthant is sampled: its variables are ordered, and the sampler is tilted.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import type { Task } from "../engine/task.ts";
import { solveTilt, type Tilt } from "./orthantTilt.ts";

/** Plain data: it crosses to workers. */
export interface OrthantPlanArguments {
  /** `[size][size]` correlations; P(X > 0) is asked for. */
  readonly correlations: Float64Array<ArrayBuffer>;
  readonly size: number;
  readonly tilting: boolean;
}

/** What the sampler takes (assembly/orthant.ts). */
export interface OrthantPlan {
  /** Rows, a multiple of 4, of which the first `free` have noise of their own. */
  readonly n: number;
  readonly free: number;
  readonly rows: Float64Array<ArrayBuffer>;
  readonly start: Float64Array<ArrayBuffer>;
  readonly slopes: Float64Array<ArrayBuffer>;
  /** To be added to the logarithm of every weight. */
  readonly constant: number;
  /** No weight's logarithm is above it, and so not that of the probability. */
  readonly bound: number;
  /** Steps of Newton's method, and the largest entry of what it left. */
  readonly iterations: number;
  readonly residual: number;
  /** The lowest conditional variance that was met, of unit variances: below 0 by rounding, or the matrix is indefinite. */
  readonly lowest: number;
  /** Largest conditional covariance of variables without noise of their own: 0 but for rounding, or the matrix is indefinite. */
  readonly leftOver: number;
}

/** Conditional variance, of unit variances, that is 0 to rounding. */
export function varianceTolerance(size: number): number {
  return size * 2 ** -49;
}

interface Factor {
  /** Variables with noise of their own, as chosen; then the others. */
  readonly order: number[];
  readonly free: number;
  /** Addresses: the correlations, and the factor's columns, as rows of `stride` bytes. */
  readonly matrix: number;
  readonly columns: number;
  readonly stride: number;
  readonly lowest: number;
  readonly leftOver: number;
}

export const orthantPlanTask: Task<OrthantPlanArguments, OrthantPlan> = {
  name: "orthantPlan",
  async run({ kernels, pause }, { correlations, size, tilting }) {
    const factor = await orderedFactor(kernels, correlations, size, pause);
    const { order, free, columns, stride, matrix, lowest, leftOver } = factor;
    const entry = (address: number, row: number): Float64Array => kernels.f64(address + row * stride, size);
    // L by rows, in the order
    const lower = Array.from({ length: size }, () => new Float64Array(free));
    for (let j = 0; j < free; j++) {
      const column = entry(columns, j);
      for (let i = j; i < size; i++) lower[i][j] = column[order[i]];
    }
    const deviations = Float64Array.from({ length: free }, (_, i) => lower[i][i]);
    let tilt: Tilt = { h: new Float64Array(free), bound: 0, iterations: 0, residual: 0 };
    if (tilting) {
      const among = (i: number, j: number): number =>
        kernels.f64(matrix + order[i] * stride, size)[order[j]] / (deviations[i] * deviations[j]);
      tilt = await solveTilt(kernels, free, among, pause);
    }
    await pause();
    return { ...packed(size, free, lower, tilt), ...tilt, lowest, leftOver };
  },
  transfer: ({ rows, start, slopes }) => [rows.buffer, start.buffer, slopes.buffer],
};

/** Cholesky's factor of the correlations, in the order that it finds (assembly/orthantOrder.ts). */
async function orderedFactor(
  kernels: Kernels,
  correlations: Float64Array,
  size: number,
  pause: () => Promise<void> | void,
): Promise<Factor> {
  const { exports } = kernels;
  const stride = 32 * Math.ceil(size / 4);
  const matrix = kernels.allocate(size * stride);
  const columns = kernels.allocate(size * stride);
  const [mean, variance, done, coefficients] = Array.from({ length: 4 }, () => kernels.allocate(stride));
  for (let i = 0; i < size; i++) {
    kernels.f64(matrix + i * stride, size).set(correlations.subarray(i * size, (i + 1) * size));
  }
  kernels.f64(variance, size).fill(1);
  const tolerance = varianceTolerance(size);
  const order: number[] = [];
  const condition = (k: number, p: number): number => {
    const column = columns + k * stride;
    kernels.f64(column, size).set(kernels.f64(matrix + p * stride, size));
    exports.orthantCoefficients(columns, stride, order.length, p, coefficients);
    exports.addRows64(column, columns, order.length, stride, coefficients, stride);
    return column;
  };
  let lowest = 1;
  for (;;) {
    const p = exports.orthantNext(size, mean, variance, done, tolerance);
    if (p < 0) break;
    const column = condition(order.length, p);
    exports.orthantPivot(size, column, p, mean, variance, done);
    order.push(p);
    await pause();
  }
  const free = order.length;
  const isDone = kernels.f64(done, size).slice();
  const others = Array.from({ length: size }, (_, i) => i).filter((i) => isDone[i] === 0);
  let leftOver = 0;
  for (const p of others) {
    lowest = Math.min(lowest, kernels.f64(variance, size)[p]);
    const column = condition(free, p);
    const left = kernels.f64(column, size);
    for (const i of others) leftOver = Math.max(leftOver, Math.abs(left[i]));
    await pause();
  }
  return { order: [...order, ...others], free, matrix, columns, stride, lowest, leftOver };
}

/** The sampler's rows and constants from the factor L and the tilt h: noise is shifted by `mu = C' h`, `C = L / diag - I`. */
function packed(size: number, free: number, lower: Float64Array[], { h }: Tilt) {
  const n = 4 * Math.ceil(size / 4);
  const mu = new Float64Array(free);
  for (let i = 0; i < free; i++) {
    const scale = h[i] / lower[i][i];
    for (let j = 0; j < i; j++) mu[j] += lower[i][j] * scale;
  }
  let constant = 0;
  for (let i = 0; i < free; i++) constant += mu[i] * (mu[i] / 2 + h[i]);
  const start = new Float64Array(n).fill(-1);
  const slopes = new Float64Array(n);
  slopes.set(h);
  const rows = new Float64Array((n / 4) * (n / 4 + 1) * 8);
  for (let i = 0; i < size; i++) {
    const row = lower[i];
    const group = i - (i % 4);
    const base = (group / 4) * (group / 4 + 1) * 8 + (i % 4);
    const before = Math.min(i, free);
    const scale = i < free ? -1 / row[i] : -1;
    let sum = i < free ? -mu[i] : 0;
    for (let j = 0; j < before; j++) {
      const entry = row[j] * scale;
      rows[base + 4 * j] = entry;
      sum += entry * mu[j];
    }
    start[i] = sum;
  }
  return { n, free, rows, start, slopes, constant };
}
