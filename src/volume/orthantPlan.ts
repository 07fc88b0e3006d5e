/**
 * What is done once before a Gaussian orthant is sampled: its variables are ordered, and the sampler is tilted.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import type { Task } from "../engine/task.ts";
import { gaussianSites, type SecondWay, secondWay } from "./orthantSites.ts";
import { solveTilt, type Tilt } from "./orthantTilt.ts";

/** Plain data: it crosses to workers. */
export interface OrthantPlanArguments {
  /** `[size][size]` correlations; P(X > 0) is asked for. */
  readonly correlations: Float64Array<ArrayBuffer>;
  readonly size: number;
  readonly tilting: boolean;
  readonly sites: boolean;
}

/** What the sampler takes (assembly/orthant.ts). */
export interface OrthantPlan {
  /** Rows, a multiple of 4, of which the first `free` have noise of their own. */
  readonly n: number;
  readonly free: number;
  readonly rows: Float64Array<ArrayBuffer>;
  /** Of the second way; undefined: there is only the first. */
  readonly others: Float64Array<ArrayBuffer> | undefined;
  /** `[n][8]`. */
  readonly constants: Float64Array<ArrayBuffer>;
  /** Added to the logarithm of every weight, one a way. */
  readonly scales: readonly [number, number];
  /** No logarithm of a weight of the first way is above it, and so not that of the probability. */
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
  /** Address of the factor's columns, as rows of `stride` bytes, until the arena is released to `mark`. */
  readonly columns: number;
  readonly mark: number;
  readonly stride: number;
  readonly lowest: number;
  readonly leftOver: number;
}

export const orthantPlanTask: Task<OrthantPlanArguments, OrthantPlan> = {
  name: "orthantPlan",
  async run({ kernels, pause }, { correlations, size, tilting, sites: wanted }) {
    const factor = await orderedFactor(kernels, correlations, size, pause);
    const { order, free, columns, stride, lowest, leftOver } = factor;
    // L by rows, in the order
    const lower = Array.from({ length: size }, () => new Float64Array(free));
    for (let j = 0; j < free; j++) {
      const column = kernels.f64(columns + j * stride, size);
      for (let i = j; i < size; i++) lower[i][j] = column[order[i]];
      if (j % 64 === 63) await pause();
    }
    kernels.release(factor.mark);

    const rows = 4 * Math.ceil(free / 4);
    const matrix = kernels.allocate(rows * 8 * rows);
    for (let i = 0; i < free; i++) {
      const row = kernels.f64(matrix + i * 8 * rows, free);
      for (let j = 0; j < free; j++) row[j] = correlations[order[i] * size + order[j]];
      if (i % 64 === 63) await pause();
    }
    const sites = tilting && wanted ? await gaussianSites(kernels, free, matrix, 8 * rows, pause) : undefined;
    const second = sites && (await secondWay(kernels, lower.slice(0, free), sites, pause));
    let tilt: Tilt = { h: new Float64Array(free), bound: 0, iterations: 0, residual: 0 };
    if (tilting) {
      const deviations = Float64Array.from({ length: free }, (_, i) => lower[i][i]);
      tilt = await solveTilt(kernels, free, matrix, deviations, pause);
    }
    await pause();
    const { bound, iterations, residual } = tilt;
    return { ...packed(size, free, lower, tilt, second), bound, iterations, residual, lowest, leftOver };
  },
  transfer: ({ rows, others, constants }) => [rows.buffer, constants.buffer, ...(others ? [others.buffer] : [])],
};

/** Cholesky's factor of the correlations, in the order that it finds (assembly/orthantOrder.ts). */
async function orderedFactor(
  kernels: Kernels,
  correlations: Float64Array,
  size: number,
  pause: () => Promise<void> | void,
): Promise<Factor> {
  const { exports } = kernels;
  const mark = kernels.mark();
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
  return { order: [...order, ...others], free, columns, mark, stride, lowest, leftOver };
}

/** The sampler's rows and constants from the factor L and the tilt h: noise is shifted by `mu = C' h`, `C = L / diag - I`. */
function packed(size: number, free: number, lower: Float64Array[], { h }: Tilt, second: SecondWay | undefined) {
  const n = 4 * Math.ceil(size / 4);
  const mu = new Float64Array(free);
  for (let i = 0; i < free; i++) {
    const scale = h[i] / lower[i][i];
    for (let j = 0; j < i; j++) mu[j] += lower[i][j] * scale;
  }
  let first = 0;
  for (let i = 0; i < free; i++) first += mu[i] * (mu[i] / 2 + h[i]);
  const constants = new Float64Array(8 * n);
  const rows = new Float64Array((n / 4) * (n / 4 + 1) * 8);
  const others = second && new Float64Array(rows.length);
  for (let i = 0; i < size; i++) {
    const row = lower[i];
    const group = (i - (i % 4)) / 4;
    const base = group * (group + 1) * 8 + (i % 4);
    const before = Math.min(i, free);
    const scale = i < free ? -1 / row[i] : -1;
    for (let j = 0; j < before; j++) rows[base + 4 * j] = row[j] * scale;
    if (i >= free) continue;
    constants.set([0, mu[i], h[i]], 8 * i);
    if (!second || !others) continue;
    for (let j = 0; j < i; j++) others[base + 4 * j] = second.rows[i][j];
    constants.set([second.start[i], second.scale[i], second.linear[i], second.square[i]], 8 * i + 3);
  }
  // rows that fill the last four are always right
  for (let i = size; i < n; i++) constants[8 * i] = -1;
  return { n, free, rows, others, constants, scales: [first, second?.constant ?? 0] as const };
}
