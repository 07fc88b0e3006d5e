/**
 * The largest Gaussian noise that the training error bears: the largest sigma with `E_u[train error(w + sigma u)] <= 0.1`
 * [Jiang et al. 2020, after Neyshabur et al. 2017], and its magnitude-aware form, in which `u_i` has the standard
 * deviation `sqrt(sigma^2 w_i^2 + epsilon^2)`.
 *
 * Not invariant: the noise does not follow a rescaling. The magnitude-aware form's does where epsilon is 0, the default here;
 * the paper has epsilon = 1e-3.
 *
 * The expectation is a mean over draws of u that are the same for every sigma (common random numbers), so that it is one
 * function of sigma, searched from large sigma down in factors of 2 and then bisected in log sigma. The standard error
 * carries the draws' own spread through its slope: `se(ln sigma) = se(mean error) / (d mean error / d ln sigma)`.
 *
 * @module
 */
import { RandomStream } from "../engine/random.ts";
import { integerOption, type Measure, type MeasureContext, numberOption, optionValues } from "./measure.ts";
import { PAC_BAYES_STREAM } from "./streams.ts";

export const pacBayesOptions = {
  /** Mean training error that is borne. */
  pacBayesError: numberOption(0.1, 0, 1),
  /** Draws of u. */
  pacBayesDraws: integerOption(100, 2, 1e9),
  /** Relative width at which the bisection stops. */
  pacBayesTolerance: numberOption(1e-3, 1e-12, 1),
  /** Standard deviation that the magnitude-aware form adds to every parameter. */
  pacBayesEpsilon: numberOption(0, 0, 1e6),
};

interface Sigma {
  readonly value: number;
  readonly standardError: number;
  /** `1 / sigma^2`, the form in which it enters the bounds. */
  readonly inverseSquare: number;
  readonly inverseSquareStandardError: number;
  /** Mean training error at sigma. */
  readonly meanError: number;
  readonly evaluations: number;
}

/** Where the search begins and where it gives up, in units of its scale. */
const TOP = 16;
const HIGHEST = 2 ** 30;
const LOWEST = 2 ** -30;

/** Bytes of draws that are kept, so that they are drawn once for all sigmas; those beyond are drawn anew. */
const KEPT_BYTES = 2 ** 26;

/** The draws u: standard Gaussian, a function of the seed. */
class Draws {
  readonly #context: MeasureContext;
  readonly #kept: Float32Array[] = [];
  readonly #scratch: Float32Array;

  constructor(context: MeasureContext) {
    this.#context = context;
    this.#scratch = new Float32Array(context.w.length);
  }

  /** Draw k, valid until the next call. */
  at(k: number): Float32Array {
    if (this.#kept[k]) return this.#kept[k];
    const { kernels, seed } = this.#context;
    const keep = (k + 1) * this.#scratch.byteLength <= KEPT_BYTES;
    const noise = keep ? new Float32Array(this.#scratch.length) : this.#scratch;
    new RandomStream(kernels, seed, k, PAC_BAYES_STREAM).gaussians(noise);
    if (keep) this.#kept[k] = noise;
    return noise;
  }
}

// functions of their own: engines leave the loops of async functions unoptimised

function fillWith(out: Float64Array, value: (i: number) => number): void {
  for (let i = 0; i < out.length; i++) out[i] = value(i);
}

/** `out = w + deviations noise`. */
function perturb(w: Float32Array, deviations: Float64Array, noise: Float32Array, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = w[i] + deviations[i] * noise[i];
}

/**
 * @param deviation standard deviation of each parameter's noise at a sigma.
 * @param scale sigma of the order of the parameters.
 */
async function largestSigma(
  context: MeasureContext,
  draws: Draws,
  deviation: (sigma: number, i: number) => number,
  scale: number,
): Promise<Sigma> {
  const { surface, w, kernels, pause } = context;
  const { naturalLog } = kernels.exports;
  const { pacBayesError, pacBayesDraws, pacBayesTolerance } = optionValues(pacBayesOptions, context.options);
  const point = new Float32Array(w.length);
  const deviations = new Float64Array(w.length);
  let evaluations = 0;

  /**
   * The mean error; undefined if it is more than `most`: as soon as the first draws' errors are too many, the others cannot make
   * up for them.
   */
  const errorsAt = async (
    sigma: number,
    most = Number.POSITIVE_INFINITY,
  ): Promise<{ readonly mean: number; readonly standardError: number } | undefined> => {
    fillWith(deviations, (i) => deviation(sigma, i));
    let sum = 0;
    let squares = 0;
    for (let k = 0; k < pacBayesDraws; k++) {
      const noise = draws.at(k);
      perturb(w, deviations, noise, point);
      const { error } = await surface.evaluate(point);
      sum += error;
      squares += error * error;
      evaluations++;
      await pause();
      if (sum / pacBayesDraws > most) return undefined;
    }
    const mean = sum / pacBayesDraws;
    const variance = Math.max(0, (squares - sum * mean) / (pacBayesDraws - 1));
    return { mean, standardError: Math.sqrt(variance / pacBayesDraws) };
  };
  const meanAt = async (sigma: number): Promise<number> => (await errorsAt(sigma))?.mean ?? Number.NaN;
  const result = (value: number, standardError: number, meanError: number): Sigma => ({
    value,
    standardError,
    inverseSquare: 1 / (value * value),
    inverseSquareStandardError: (2 * standardError) / (value * value * value),
    meanError,
    evaluations,
  });

  let high = TOP * scale;
  while (await errorsAt(high, pacBayesError)) {
    high *= 2;
    // an error that no noise exceeds
    if (high > HIGHEST * scale) return result(Number.POSITIVE_INFINITY, Number.NaN, pacBayesError);
  }
  let low = high / 2;
  let borne = await errorsAt(low, pacBayesError);
  for (; !borne; borne = await errorsAt(low, pacBayesError)) {
    // already the parameters themselves err more often
    if (low < LOWEST * scale) return result(0, 0, await meanAt(low));
    high = low;
    low /= 2;
  }
  while (high > low * (1 + pacBayesTolerance)) {
    const middle = Math.sqrt(low * high);
    if (middle <= low || middle >= high) break;
    const errors = await errorsAt(middle, pacBayesError);
    if (errors) {
      low = middle;
      borne = errors;
    } else high = middle;
  }
  const { mean, standardError } = borne;
  let slope = 0;
  for (let factor = 1.1; slope <= 0 && factor < 100; factor *= factor) {
    const above = await meanAt(low * factor);
    const below = await meanAt(low / factor);
    slope = (above - below) / (2 * naturalLog(factor));
  }
  return result(low, slope > 0 ? (low * standardError) / slope : Number.NaN, mean);
}

export const pacBayesSigma: Measure = {
  name: "pac-bayes-sigma",
  invariant: false,
  source: "Jiang et al. 2020, arXiv 1912.02178",
  options: pacBayesOptions,
  losses: ["bce", "ce"],
  async run(context) {
    const { w } = context;
    const { pacBayesEpsilon, pacBayesDraws, pacBayesError } = optionValues(pacBayesOptions, context.options);
    let squares = 0;
    for (let i = 0; i < w.length; i++) squares += w[i] * w[i];
    const scale = Math.sqrt(squares / w.length) || 1;
    const draws = new Draws(context);
    const plain = await largestSigma(context, draws, (sigma) => sigma, scale);
    const variance = pacBayesEpsilon * pacBayesEpsilon;
    const magnitude = await largestSigma(
      context,
      draws,
      (sigma, i) => Math.sqrt(sigma * sigma * w[i] * w[i] + variance),
      1,
    );
    return {
      ...plain,
      maximalError: pacBayesError,
      draws: pacBayesDraws,
      magnitudeAware: { ...magnitude, epsilon: pacBayesEpsilon, invariant: pacBayesEpsilon === 0 },
    };
  },
};
