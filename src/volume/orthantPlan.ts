/**
 * What is done once before a Gaussian orthant is sampled: its variables are ordered, and the sampler is tilted.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import type { Task } from "../engine/task.ts";
import { richtmyerSteps } from "./lattice.ts";
import { type OrthantRows, sampleWeights } from "./orthantSampler.ts";
import { gaussianSites, type SecondWay, secondWay } from "./orthantSites.ts";
import { solveTilt, type Tilt } from "./orthantTilt.ts";
import { packSymmetric } from "./panels.ts";

/** The pilot's shift of the lattice: another stream than the estimate's, which the choice must not depend on. */
const PILOT_STREAM = 0x341;
const PILOT_SAMPLES = 1024;
/**
 * Shares of the sites' precisions and shifts that are tried. Where the orthant is likely, its shape is far from a Gaussian's,
 * and a share of them serves better.
 */
const STRENGTHS = [1, 0.5, 0.25];

/** Plain data: it crosses to workers. */
export interface OrthantPlanArguments {
  /** `[size][size]` correlations; P(X > 0) is asked for. */
  readonly correlations: Float64Array<ArrayBuffer>;
  readonly size: number;
  readonly tilting: boolean;
  /** Share of the sites' precisions; 0: no second way; undefined: a pilot says. */
  readonly sites: number | undefined;
  readonly seed: bigint;
}

/** How to sample, and what was met. */
export interface OrthantPlan {
  readonly rows: OrthantRows;
  /** Share of the sites' precisions that the second way takes; 0: there is only the first. */
  readonly siteStrength: number;
  /** No logarithm of a weight of the first way is above it, and so not that of the probability. */
  readonly bound: number;
  /** Steps of Newton's method, and the largest entry of what it left. */
  readonly iterations: number;
  readonly residual: number;
  /** Variables with noise of their own. */
  readonly free: number;
  /** The lowest conditional variance that was met, of unit variances: below 0 by rounding, or the matrix is indefinite. */
  readonly lowest: number;
  /** Largest conditional covariance of variables without noise of their own: 0 but for rounding, or the matrix is indefinite. */
  readonly leftOver: number;
}

/** Conditional variance, of unit variances, that is 0 to rounding. */
export function varianceTolerance(size: number): number {
  return size * 2 ** -46;
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
  async run({ kernels, pause }, { correlations, size, tilting, sites: strength, seed }) {
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

    const inOrder = packedInOrder(correlations, size, order.slice(0, free));
    const sites = tilting && strength !== 0 ? await gaussianSites(kernels, free, inOrder.slice(), pause) : undefined;
    let tilt: Tilt = { h: new Float64Array(free), bound: 0, iterations: 0, residual: 0 };
    if (tilting) {
      const deviations = Float64Array.from({ length: free }, (_, i) => lower[i][i]);
      tilt = await solveTilt(kernels, free, inOrder, deviations, pause);
    }
    const plain = packed(size, free, lower, tilt, undefined);
    const trial = async (share: number): Promise<OrthantRows | undefined> => {
      if (!sites) return undefined;
      const part = { precision: sites.precision.map((x) => share * x), shift: sites.shift.map((x) => share * x) };
      const second = await secondWay(kernels, lower.slice(0, free), part, pause);
      return second && packed(size, free, lower, tilt, second);
    };
    let chosen: { rows: OrthantRows; siteStrength: number } = { rows: plain, siteStrength: 0 };
    if (strength === undefined) {
      chosen = await bestOf(kernels, plain, trial, seed, pause);
    } else {
      const rows = await trial(strength);
      if (rows) chosen = { rows, siteStrength: strength };
    }
    await pause();
    const { bound, iterations, residual } = tilt;
    return { ...chosen, bound, iterations, residual, free, lowest, leftOver };
  },
  transfer: ({ rows: { rows, others, constants } }) => [
    rows.buffer,
    constants.buffer,
    ...(others ? [others.buffer] : []),
  ],
};

/** The correlations of some variables, by panels. */
function packedInOrder(correlations: Float64Array, size: number, order: readonly number[]): Float64Array<ArrayBuffer> {
  const matrix = new Float64Array(order.length ** 2);
  order.forEach((p, i) => {
    for (let j = 0; j < order.length; j++) matrix[i * order.length + j] = correlations[p * size + order[j]];
  });
  return packSymmetric(matrix, order.length);
}

/** The rows with the most effective samples in a pilot. */
async function bestOf(
  kernels: Kernels,
  plain: OrthantRows,
  trial: (share: number) => Promise<OrthantRows | undefined>,
  seed: bigint,
  pause: () => Promise<void> | void,
): Promise<{ rows: OrthantRows; siteStrength: number }> {
  const draw = { steps: richtmyerSteps(plain.n), points: PILOT_SAMPLES, seed, randomisation: 0, stream: PILOT_STREAM };
  const effective = async (rows: OrthantRows): Promise<number> => {
    const { sum, squares } = await sampleWeights(kernels, rows, draw, pause);
    return sum > 0 ? (sum * sum) / squares : 0;
  };
  let chosen = { rows: plain, siteStrength: 0 };
  // two products in place of one: worth it if they double what is effective
  let best = 2 * (await effective(plain));
  if (best > PILOT_SAMPLES) return chosen;
  for (const siteStrength of STRENGTHS) {
    const rows = await trial(siteStrength);
    const reached = rows ? await effective(rows) : 0;
    if (rows && reached > best) {
      best = reached;
      chosen = { rows, siteStrength };
    }
    // no other can be much better
    if (reached > PILOT_SAMPLES / 2) break;
  }
  return chosen;
}

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
function packed(
  size: number,
  free: number,
  lower: Float64Array[],
  { h }: Tilt,
  second: SecondWay | undefined,
): OrthantRows {
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
  return { n, free, rows, others, constants, scales: [first, second?.constant ?? 0] };
}
