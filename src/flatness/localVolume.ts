/**
 * Local volume: the prior mass of the star-shaped region around the parameters in which the loss rises, or the function
 * changes, by less than a cutoff [Scherlis & Belrose 2025]. The value is its natural logarithm.
 *
 * **Derivation.** In units of the prior's standard deviations, `z = w / sigma`, the prior is a standard Gaussian in n
 * dimensions, and the region is `{z0 + r u : |u| = 1, 0 <= r < R(u)}`, R(u) the radius at which the ray u leaves it. In polar
 * coordinates around z0 its mass is
 *
 *     M = (2 pi)^(-n/2) exp(-|z0|^2 / 2) A E_u [I(u)],   I(u) = integral over 0 <= r <= R(u) of r^(n-1) exp(-r z0.u - r^2 / 2),
 *
 * u uniform on the sphere, whose area is `A = 2 pi^(n/2) / Gamma(n/2)`. So
 * `ln M = ln 2 - (n/2) ln 2 - lnGamma(n/2) - |z0|^2 / 2 + ln E_u [I(u)]`; src/flatness/radialIntegral.ts has ln I.
 *
 * **Preconditioner.** Directions may be drawn as `u = P x / |P x|`, x Gaussian, for any invertible P. Their density relative to
 * the uniform one is `|det P|^-1 (|u| / |P^-1 u|)^n` [Tyler 1987, the angular central Gaussian], so each I(u) gets the weight
 * `|det P| (|x| / |P x|)^n`, and the mean of weighted I stays an unbiased estimate of `E_u [I(u)]`: P acts on the right, on
 * the isotropic x, and changes the variance alone. Where the region is a small ellipsoid `{v' H v <= c}` and
 * `P = H^(-1/2)` up to a rotation, every draw is the same and the estimate exact. `diagonal` takes the diagonal of the
 * curvature (of the loss its Hessian, else the Gauss-Newton matrix) in these units, `hessian` all of it, both plus a damping
 * that keeps flat directions at the prior's own size: `2 cutoff / n`, from `c / lambda = n`, the prior's squared radius.
 *
 * The mean of I is unbiased; its logarithm, like every such estimate, lies low when few draws carry the mean, and its standard
 * error saturates at 1 then: `effectiveSamples` tells, and `reliable` says no below ten. In hundreds of dimensions that is the
 * rule where the region is not an ellipsoid: such a value is what the best of the draws bears out, a lower bound of the mass
 * for practical purposes, as the authors say of theirs. Draws of ln I, whose mean is a lower bound in expectation [Jensen],
 * are summarised beside it.
 *
 * Not invariant: the prior stays when the parameters are rescaled.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { RandomStream } from "../engine/random.ts";
import { priorDeviations } from "../network/priorDeviations.ts";
import { logGamma } from "../statistics/logGamma.ts";
import type { LossSurface } from "../training/surface.ts";
import {
  choiceOption,
  integerOption,
  type Measure,
  type MeasureContext,
  type MeasureOptions,
  type MeasureSubject,
  numberOption,
  optionValues,
  subjectOf,
} from "./measure.ts";
import {
  type CurvatureProduct,
  diagonalPreconditioner,
  fullPreconditioner,
  type Preconditioner,
} from "./preconditioner.ts";
import { logRadialIntegral, radialReach } from "./radialIntegral.ts";
import { DAMPING_STREAM, LOCAL_VOLUME_STREAM } from "./streams.ts";

export const localVolumeOptions = {
  /**
   * What may change by less than the cutoff: the `loss`; `kl`, the mean Kullback-Leibler divergence of the outputs'
   * distribution from that at w; or `function`, the share of points whose predicted class changes.
   */
  localVolumeCriterion: choiceOption("loss", ["loss", "kl", "function"]),
  /** The cutoff; 0 is meant for `function`: no point changes. */
  localVolumeCutoff: numberOption(0.01, 0, 1e300),
  /** Directions drawn. */
  localVolumeDirections: integerOption(100, 2, 1e9),
  localVolumePreconditioner: choiceOption("none", ["none", "diagonal", "hessian"]),
  /** Added to the curvature, in units of the prior. Default: 2 cutoff / n, and for `function` the mean curvature. */
  localVolumeDamping: numberOption(undefined, 1e-300, 1e300),
  /** Curvature products for the diagonal. */
  localVolumeProducts: integerOption(200, 1, 1e9),
  /** Precision of ln I of a ray: radii are found to this over n. */
  localVolumeTolerance: numberOption(1e-3, 1e-9, 1),
};

/** The most parameters that a full preconditioner takes: its matrix and factor have 25 million entries. */
const LARGEST_FULL = 5000;

/** Mean over the points of the Kullback-Leibler divergence of q from p, given their outputs [points][outputs]. */
export function meanDivergence(
  kernels: Kernels,
  lossName: LossSurface["lossName"],
  p: Float32Array,
  q: Float32Array,
  outputs: number,
): number {
  const { expMinusOne, logOnePlus, naturalLog } = kernels.exports;
  const exp = (x: number): number => expMinusOne(x) + 1;
  const points = p.length / outputs;
  let sum = 0;
  if (lossName === "mse") {
    for (let i = 0; i < p.length; i++) sum += ((q[i] - p[i]) * (q[i] - p[i])) / 2;
    return sum / points;
  }
  if (lossName === "bce") {
    const softplus = (x: number): number => Math.max(x, 0) + logOnePlus(exp(-Math.abs(x)));
    for (let i = 0; i < p.length; i++) {
      const e = exp(-Math.abs(p[i]));
      const one = p[i] >= 0 ? 1 / (1 + e) : e / (1 + e);
      sum += one * (p[i] - q[i]) + softplus(q[i]) - softplus(p[i]);
    }
    return sum / points;
  }
  const logSum = (z: Float32Array, at: number): number => {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < outputs; k++) most = Math.max(most, z[at + k]);
    let total = 0;
    for (let k = 0; k < outputs; k++) total += exp(z[at + k] - most);
    return most + naturalLog(total);
  };
  for (let at = 0; at < p.length; at += outputs) {
    const sumP = logSum(p, at);
    sum += logSum(q, at) - sumP;
    for (let k = 0; k < outputs; k++) sum += exp(p[at + k] - sumP) * (p[at + k] - q[at + k]);
  }
  return sum / points;
}

/** Predicted class of each point. */
function classes(z: Float32Array, outputs: number): Uint32Array {
  const out = new Uint32Array(z.length / outputs);
  for (let i = 0; i < out.length; i++) {
    if (outputs === 1) out[i] = Number(z[i] > 0);
    else for (let k = 1; k < outputs; k++) if (z[i * outputs + k] > z[i * outputs + out[i]]) out[i] = k;
  }
  return out;
}

/** How much a criterion changes at given parameters. */
async function changeAt(
  { surface, w, kernels }: MeasureContext,
  criterion: "loss" | "kl" | "function",
): Promise<(x: Float32Array) => Promise<number>> {
  if (criterion === "loss") {
    const start = await surface.loss(w);
    return async (x) => (await surface.loss(x)) - start;
  }
  const { layers } = surface.network;
  const outputs = layers[layers.length - 1];
  // outputs may be a view that the next call overwrites
  const before = (await surface.outputs(w)).slice();
  if (criterion === "kl") {
    return async (x) => meanDivergence(kernels, surface.lossName, before, await surface.outputs(x), outputs);
  }
  const predicted = classes(before, outputs);
  return async (x) => {
    const now = classes(await surface.outputs(x), outputs);
    let changed = 0;
    for (let i = 0; i < now.length; i++) if (now[i] !== predicted[i]) changed++;
    return changed / now.length;
  };
}

/** Effective samples from which on the delta method's error is taken seriously. */
const RELIABLE = 10;

/** Doublings or halvings of the first guess before a ray is given up. */
const LONGEST_SEARCH = 200;

/**
 * The radius at which a ray leaves the region: the first sign change that doubling (or halving) a guess brackets, narrowed by
 * regula falsi [Dowell & Jarratt 1971, the Illinois form] on the square root of the rise, which is linear for a quadratic.
 *
 * @param excess at a radius: at most 0 inside, and above 0 outside.
 * @param cap where the prior has nothing left.
 * @param tolerance relative.
 */
async function exitRadius(
  excess: (r: number) => Promise<number>,
  guess: number,
  cap: number,
  tolerance: number,
): Promise<number> {
  let low = 0;
  let atLow = -1;
  let high = cap;
  let atHigh = 1;
  let r = Math.min(guess, cap);
  let value = await excess(r);
  if (value <= 0) {
    while (value <= 0) {
      low = r;
      atLow = value;
      if (r >= cap) return cap;
      r = Math.min(2 * r, cap);
      value = await excess(r);
    }
    high = r;
    atHigh = value;
  } else {
    let search = 0;
    while (value > 0) {
      high = r;
      atHigh = value;
      if (search++ === LONGEST_SEARCH) return 0;
      r /= 2;
      value = await excess(r);
    }
    low = r;
    atLow = value;
  }
  let last = 0;
  for (let step = 0; high - low > tolerance * high; step++) {
    const least = (tolerance * high) / 2;
    // a function that jumps, or is flat on one side, is bisected
    r = step % 3 === 2 ? (low + high) / 2 : low - (atLow * (high - low)) / (atHigh - atLow);
    r = Math.max(low + least, Math.min(high - least, r));
    if (r <= low || r >= high) break;
    value = await excess(r);
    if (value <= 0) {
      low = r;
      atLow = value;
      if (last < 0) atHigh /= 2;
      last = -1;
    } else {
      high = r;
      atHigh = value;
      if (last > 0) atLow /= 2;
      last = 1;
    }
  }
  return (low + high) / 2;
}

/**
 * Which parameters are dimensions: a prior of variance 0 holds the others at 0.
 *
 * @throws RangeError where the prior has no mass, or an option does not fit.
 */
function freeParameters({ network, w }: MeasureSubject, given: MeasureOptions): Uint32Array {
  const options = optionValues(localVolumeOptions, given);
  const { localVolumeCriterion: criterion } = options;
  if (options.localVolumeCutoff === 0 && criterion !== "function") {
    throw new RangeError(`localVolumeCutoff: expected a positive number for the criterion "${criterion}", got 0`);
  }
  const deviations = priorDeviations(network);
  const free: number[] = [];
  for (let i = 0; i < w.length; i++) {
    if (deviations[i] > 0) free.push(i);
    else if (w[i] !== 0) {
      throw new RangeError(`parameters[${i}]: expected 0, as the prior's variance there is 0, got ${w[i]}`);
    }
  }
  const n = free.length;
  if (n === 0) throw new RangeError("network: expected a prior of positive variance");
  if (options.localVolumePreconditioner === "hessian" && n > LARGEST_FULL) {
    throw new RangeError(
      `localVolumePreconditioner: expected "none" or "diagonal" above ${LARGEST_FULL} parameters, got "hessian"`,
    );
  }
  return Uint32Array.from(free);
}

export const localVolume: Measure = {
  name: "local-volume",
  invariant: false,
  source: "Scherlis & Belrose 2025, arXiv 2501.18812",
  options: localVolumeOptions,
  check: freeParameters,
  async run(context) {
    const { surface, w, kernels, seed, pause } = context;
    const { naturalLog, expMinusOne } = kernels.exports;
    const options = optionValues(localVolumeOptions, context.options);
    const { localVolumeCriterion: criterion, localVolumeCutoff: cutoff, localVolumeDirections: directions } = options;
    const index = freeParameters(subjectOf(context), context.options);
    const n = index.length;
    const deviations = priorDeviations(surface.network);
    let distance = 0;
    for (const i of index) distance += (w[i] / deviations[i]) ** 2;

    let products = 0;
    const v32 = new Float32Array(w.length);
    const out32 = new Float32Array(w.length);
    const curvature: CurvatureProduct = async (v, out) => {
      v32.fill(0);
      for (let j = 0; j < n; j++) v32[index[j]] = v[j] * deviations[index[j]];
      if (criterion === "loss") await surface.hessianProduct(w, v32, out32);
      else await surface.gaussNewtonProduct(w, v32, out32);
      for (let j = 0; j < n; j++) out[j] = out32[index[j]] * deviations[index[j]];
      products++;
      await pause();
    };
    const { localVolumePreconditioner: kind } = options;
    let preconditioner: Preconditioner | undefined;
    let damping: number | undefined;
    if (kind !== "none") {
      damping = options.localVolumeDamping;
      if (damping === undefined && criterion === "function") {
        // the mean of the curvature's diagonal
        const signs = new Float32Array(n);
        const out = new Float64Array(n);
        let trace = 0;
        for (let probe = 0; probe < 10; probe++) {
          new RandomStream(kernels, seed, probe, DAMPING_STREAM).signs(signs);
          const v = Float64Array.from(signs);
          await curvature(v, out);
          for (let j = 0; j < n; j++) trace += (v[j] * out[j]) / 10;
        }
        damping = trace > 0 ? trace / n : 1;
      }
      damping ??= (2 * cutoff) / n;
      if (kind === "diagonal") {
        const { localVolumeProducts } = options;
        preconditioner = await diagonalPreconditioner(kernels, n, curvature, damping, localVolumeProducts, seed);
      } else {
        const full = await fullPreconditioner(kernels, n, curvature, damping, pause);
        preconditioner = full;
        damping = full.damping;
      }
    }

    const change = await changeAt(context, criterion);
    const z = new Float32Array(n);
    const u = new Float64Array(n);
    const point = w.slice();
    let evaluations = 1;
    const excess = async (r: number): Promise<number> => {
      for (let j = 0; j < n; j++) point[index[j]] = w[index[j]] + r * u[j] * deviations[index[j]];
      evaluations++;
      const rise = await change(point);
      await pause();
      if (criterion === "function") return rise <= cutoff ? -1 : 1;
      // what is not finite lies outside
      if (!(rise < 100 * cutoff)) return 9;
      return Math.sqrt(Math.max(0, rise) / cutoff) - 1;
    };

    const logs = new Float64Array(directions);
    const radii = new Float64Array(directions);
    let capped = 0;
    let guess = 0;
    for (let k = 0; k < directions; k++) {
      new RandomStream(kernels, seed, k, LOCAL_VOLUME_STREAM).gaussians(z);
      let before = 0;
      for (let j = 0; j < n; j++) {
        u[j] = z[j];
        before += u[j] * u[j];
      }
      preconditioner?.apply(u);
      let after = 0;
      for (let j = 0; j < n; j++) after += u[j] * u[j];
      const length = Math.sqrt(after);
      let along = 0;
      for (let j = 0; j < n; j++) {
        u[j] /= length;
        along += (u[j] * w[index[j]]) / deviations[index[j]];
      }
      const weight = preconditioner ? preconditioner.logDeterminant + (n / 2) * naturalLog(before / after) : 0;
      const cap = radialReach(n, along);
      radii[k] = await exitRadius(excess, guess || cap / 1024, cap, options.localVolumeTolerance / n);
      if (radii[k] >= cap) capped++;
      guess = radii[k];
      logs[k] = weight + logRadialIntegral(kernels, n, along, radii[k]);
    }

    const constant = naturalLog(2) - (n / 2) * naturalLog(2) - logGamma(kernels, n / 2) - distance / 2;
    let most = Number.NEGATIVE_INFINITY;
    for (const log of logs) most = Math.max(most, log);
    if (most === Number.NEGATIVE_INFINITY) throw new Error("local-volume: every ray leaves the region at once");
    let sum = 0;
    let squares = 0;
    let sumLogs = 0;
    let squaresLogs = 0;
    for (const log of logs) {
      const x = expMinusOne(log - most) + 1;
      sum += x;
      squares += x * x;
      sumLogs += log - most;
      squaresLogs += (log - most) * (log - most);
    }
    const effectiveSamples = (sum * sum) / squares;
    const varianceLogs = Math.max(0, (squaresLogs - (sumLogs * sumLogs) / directions) / (directions - 1));
    const mean = sum / directions;
    const variance = Math.max(0, (squares - sum * mean) / (directions - 1));
    const value = constant + most + naturalLog(mean);
    const sorted = radii.slice().sort();
    return {
      /** Natural logarithm of the mass. */
      value,
      /** Of the logarithm, by the delta method: reliable where many draws share the mean. */
      standardError: Math.sqrt(variance / directions) / mean,
      log10: value / naturalLog(10),
      /** `(sum I)^2 / sum I^2`: of how many equal draws the mean is worth. */
      effectiveSamples,
      /** Whether the standard error can be believed. */
      reliable: effectiveSamples >= RELIABLE,
      /** Mean of the logarithms of the draws: a lower bound in expectation. */
      meanLog: constant + most + sumLogs / directions,
      /** Their standard deviation. */
      logSpread: Math.sqrt(varianceLogs),
      dimensions: n,
      directions,
      criterion,
      cutoff,
      preconditioner: kind,
      damping,
      /** In units of the prior's standard deviations. */
      radius: { least: sorted[0], median: sorted[directions >> 1], most: sorted[directions - 1] },
      /** Share of the rays that end where the prior does. */
      capped: capped / directions,
      evaluations,
      products,
    };
  },
};
