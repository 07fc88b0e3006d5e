/**
 * Local learning coefficient `n beta (E[L(w)] - L(w*))`, `beta = 1 / ln n` [Lau et al. 2023], the expectation over the tempered
 * posterior `exp(-n beta L(w) - gamma/2 |w - w*|^2)` around the parameters w*, by stochastic gradient Langevin dynamics
 * [Welling & Teh 2011]:
 *
 *     w <- w - (epsilon / 2) (n beta grad L_batch(w) + gamma (w - w*)) + sqrt(epsilon) N(0, 1),
 *
 * n the number of points, L their mean loss. Several chains start at w*; the draws after the burn-in count. The standard error
 * comes from how the chains' means differ. Two errors are not in it: the step's (a direction of curvature h has
 * `1 / (1 - epsilon h / 4)` of its variance) and the pull's, which takes from every direction that is flat against gamma.
 * Without a given step, `epsilon = 0.1 / (n beta h + gamma)`, h the largest curvature at w*, by 20 power iterations.
 *
 * Not invariant: the learning coefficient itself is, but the pull towards w* and the noise do not follow a rescaling.
 *
 * @module
 */
import { RandomStream } from "../engine/random.ts";
import { meanOverChains, splitRHat } from "../statistics/chains.ts";
import {
  integerOption,
  type Measure,
  type MeasureContext,
  type MeasureOptions,
  type MeasureSubject,
  numberOption,
  optionValues,
  subjectOf,
} from "./measure.ts";
import { batchGradient, shuffledPoints } from "./minibatch.ts";
import { LLC_NOISE_STREAM, LLC_SHUFFLE_STREAM, LLC_STEP_STREAM } from "./streams.ts";

export const llcOptions = {
  /** Independent chains. */
  llcChains: integerOption(4, 1, 10_000),
  /** Steps of a chain that do not count. */
  llcBurnIn: integerOption(1000, 0, 1e9),
  /** Steps of a chain that count. */
  llcDraws: integerOption(2000, 4, 1e9),
  /** epsilon. Default: from the largest curvature. */
  llcStep: numberOption(undefined, 1e-300, 1e6),
  /** gamma, the pull towards w*. */
  llcLocalisation: numberOption(100, 0, 1e12),
  /** Points in a minibatch. Default: all, and nothing stochastic but the noise. */
  llcBatch: integerOption(undefined, 1, 2 ** 31),
  /** beta. Default: 1 / ln n. */
  llcBeta: numberOption(undefined, 1e-300, 1e300),
};

const POWER_ITERATIONS = 20;
/** The step times the largest curvature. */
const STEP_SHARE = 0.1;
/** Points of a chain's reported trace at the most. */
const TRACE_POINTS = 500;

/** The largest curvature in absolute value, from below. */
async function largestCurvature({ surface, w, kernels, seed, pause }: MeasureContext): Promise<number> {
  const v = new Float32Array(w.length);
  const out = new Float32Array(w.length);
  new RandomStream(kernels, seed, 0, LLC_STEP_STREAM).gaussians(v);
  let curvature = 0;
  for (let k = 0; k <= POWER_ITERATIONS; k++) {
    let squares = 0;
    for (let i = 0; i < v.length; i++) squares += v[i] * v[i];
    curvature = Math.sqrt(squares);
    if (!(curvature > 0)) return 0;
    for (let i = 0; i < v.length; i++) v[i] /= curvature;
    if (k === POWER_ITERATIONS) break;
    await surface.hessianProduct(w, v, out);
    v.set(out);
    await pause();
  }
  return curvature;
}

function check({ points }: MeasureSubject, options: MeasureOptions): void {
  if (options.llcBeta === undefined && points < 2) {
    throw new RangeError(`llcBeta: expected a number, as 1 / ln n is not defined for n = ${points} points`);
  }
}

/** A step of v, in place: towards w by the localisation, down the gradient times `scale`, and noise. */
function langevinStep(
  v: Float32Array,
  w: Float32Array,
  gradient: Float32Array,
  noise: Float32Array,
  { scale, localisation, step }: { readonly scale: number; readonly localisation: number; readonly step: number },
): void {
  const noiseScale = Math.sqrt(step);
  for (let i = 0; i < v.length; i++) {
    const force = scale * gradient[i] + localisation * (v[i] - w[i]);
    v[i] += noiseScale * noise[i] - (step / 2) * force;
  }
}

export const llc: Measure = {
  name: "llc",
  invariant: false,
  source: "Lau et al. 2023, arXiv 2308.12108",
  options: llcOptions,
  check,
  async run(context) {
    check(subjectOf(context), context.options);
    const { surface, w, kernels, seed, pause } = context;
    const options = optionValues(llcOptions, context.options);
    const { llcChains, llcBurnIn, llcDraws, llcLocalisation } = options;
    const points = surface.data.points;
    const beta = options.llcBeta ?? 1 / kernels.exports.naturalLog(points);
    const scale = points * beta;
    let { llcStep: step } = options;
    if (step === undefined) {
      const stiffness = scale * (await largestCurvature(context)) + llcLocalisation;
      step = stiffness > 0 ? STEP_SHARE / stiffness : STEP_SHARE;
    }
    const batch = Math.min(points, options.llcBatch ?? points);
    const start = await surface.loss(w);
    const gradient = new Float32Array(w.length);
    const noise = new Float32Array(w.length);
    const v = new Float32Array(w.length);
    const steps = llcBurnIn + llcDraws;
    const stride = Math.ceil(steps / TRACE_POINTS);
    const chains: Float64Array[] = [];
    const traces: number[][] = [];
    let diverged = false;
    for (let chain = 0; chain < llcChains; chain++) {
      const random = new RandomStream(kernels, seed, chain, LLC_NOISE_STREAM);
      const draws = new Float64Array(llcDraws);
      const trace: number[] = [];
      v.set(w);
      let order: Uint32Array = new Uint32Array(0);
      let epoch = 0;
      let at = 0;
      for (let t = 0; t < steps && !diverged; t++) {
        let loss: number;
        if (batch === points) loss = await surface.gradient(v, gradient);
        else {
          if (at + batch > order.length) {
            // chains have epochs of their own
            order = shuffledPoints(kernels, seed, epoch++ * llcChains + chain, LLC_SHUFFLE_STREAM, points);
            at = 0;
          }
          loss = await batchGradient(surface, v, gradient, order.subarray(at, at + batch));
          at += batch;
        }
        if (t >= llcBurnIn) draws[t - llcBurnIn] = loss;
        if (t % stride === 0) trace.push(loss);
        diverged = !Number.isFinite(loss);
        random.gaussians(noise);
        langevinStep(v, w, gradient, noise, { scale, localisation: llcLocalisation, step });
        await pause();
      }
      chains.push(draws);
      traces.push(trace);
      if (diverged) break;
    }
    const { mean, standardError } = meanOverChains(chains);
    return {
      value: diverged ? Number.NaN : scale * (mean - start),
      standardError: diverged ? Number.NaN : scale * standardError,
      /** A loss that is not finite: the step is too long. */
      diverged,
      /** Of the losses; near 1 where the chains agree. */
      rHat: diverged ? Number.NaN : splitRHat(chains),
      beta,
      points,
      step,
      localisation: llcLocalisation,
      batch,
      burnIn: llcBurnIn,
      draws: llcDraws,
      startLoss: start,
      /** The coefficient by each chain alone. */
      chains: chains.map((draws) => scale * (meanOverChains([draws]).mean - start)),
      /** Losses of each chain, the burn-in included, every `traceStride` steps. */
      traces,
      traceStride: stride,
    };
  },
};
