/**
 * Gaussian sites for the constraints of an orthant, by some iterations of expectation propagation, and what they make of the
 * sampler.
 *
 * The sites only say where samples are drawn; weights are exact for any, so that the iteration need not converge.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import type { Sites } from "./covarianceMember.ts";
import { iterate } from "./epTask.ts";
import { allocateFactor, factorise, lowerIndex, lowerSize, type Pause, panelsOf } from "./panels.ts";

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

const MOST_ITERATIONS = 16;
/** Change of the moments, in units of the marginals' deviations, at which it ends. */
const CONVERGED = 1e-3;

/**
 * Sites of `x > 0` for unit Gaussians; undefined if they were not found.
 *
 * @param correlations by panels; used up.
 */
export async function gaussianSites(
  kernels: Kernels,
  size: number,
  correlations: Float64Array<ArrayBuffer>,
  pause: Pause,
): Promise<Sites | undefined> {
  const mark = kernels.mark();
  try {
    const { sites, indefinite } = await iterate(
      kernels,
      {
        size,
        covariance: correlations,
        signs: new Float64Array(size).fill(1),
        noise: 0,
        start: undefined,
        maxIterations: MOST_ITERATIONS,
        tolerance: CONVERGED,
        damping: 1,
        slack: 0,
        helpers: [],
      },
      pause,
    );
    return indefinite < 0 ? sites : undefined;
  } finally {
    kernels.release(mark);
  }
}

/** Row i of `I + products` into a triangle by panels, the diagonal tile in full. */
function putRow(triangle: Float64Array, i: number, products: Float64Array): void {
  const own = i - (i & 3);
  for (let j = 0; j <= i; j++) {
    triangle[lowerIndex(i, j)] = products[j] + Number(i === j);
    if (j >= own) triangle[lowerIndex(j, i)] = triangle[lowerIndex(i, j)];
  }
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
  const panels = panelsOf(n);
  const stride = 32 * panels;
  const mark = kernels.mark();
  try {
    // from the last variable to the first, so that U is a lower triangle
    const columns = kernels.allocate(n * stride);
    const products = kernels.allocate(stride);
    const factor = allocateFactor(kernels, panels);
    const system = kernels.f64(factor.lower, lowerSize(panels));
    const roots = precision.map(Math.sqrt);
    for (let j = 0; j < n; j++) {
      const column = kernels.f64(columns + (n - 1 - j) * stride, n);
      for (let i = j; i < n; i++) column[i] = lower[i][j] * roots[i];
      if (j % 64 === 63) await pause();
    }
    for (let i = 0; i < n; i++) {
      exports.rowDots64(columns, i + 1, stride, columns + i * stride, stride, products);
      putRow(system, i, kernels.f64(products, i + 1));
      if (i % 16 === 15) await pause();
    }
    for (let i = n; i < 4 * panels; i++) system[lowerIndex(i, i)] = 1;
    if ((await factorise(kernels, factor, pause)) >= 0) return undefined;
    const towards = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) towards[n - 1 - j] += lower[i][j] * shift[i];
    const g = new Float64Array(n);
    let constant = 0;
    for (let i = 0; i < n; i++) {
      const diagonal = system[lowerIndex(i, i)];
      let sum = towards[i];
      for (let j = 0; j < i; j++) sum -= system[lowerIndex(i, j)] * g[j];
      g[i] = sum / diagonal;
      constant += (g[i] * g[i]) / 2 - exports.naturalLog(diagonal);
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
      const u = system[lowerIndex(n - 1 - k, n - 1 - k)];
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
        const across = system[lowerIndex(n - 1 - j, n - 1 - k)];
        row[j] = scale * u * across - ratio * lower[k][j];
      }
      if (k % 16 === 15) await pause();
    }
    return { ...way, constant };
  } finally {
    kernels.release(mark);
  }
}
