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

/**
 * @param deviation standard deviation of each parameter's noise at a sigma.
 * @param scale sigma of the order of the parameters.
 */
async function largestSigma(
  context: MeasureContext,
  deviation: (sigma: number, i: number) => number,
  scale: number,
): Promise<Sigma> {
  const { surface, w, kernels, seed, pause } = context;
  const { naturalLog } = kernels.exports;
  const { pacBayesError, pacBayesDraws, pacBayesTolerance } = optionValues(pacBayesOptions, context.options);
  const noise = new Float32Array(w.length);
  const point = new Float32Array(w.length);
  let evaluations = 0;

  const errorsAt = async (sigma: number): Promise<{ mean: number; standardError: number }> => {
    let sum = 0;
    let squares = 0;
    for (let k = 0; k < pacBayesDraws; k++) {
      new RandomStream(kernels, seed, k, PAC_BAYES_STREAM).gaussians(noise);
      for (let i = 0; i < point.length; i++) point[i] = w[i] + deviation(sigma, i) * noise[i];
      const { error } = await surface.evaluate(point);
      sum += error;
      squares += error * error;
      evaluations++;
      await pause();
    }
    const mean = sum / pacBayesDraws;
    const variance = Math.max(0, (squares - sum * mean) / (pacBayesDraws - 1));
    return { mean, standardError: Math.sqrt(variance / pacBayesDraws) };
  };
  const result = (value: number, standardError: number, meanError: number): Sigma => ({
    value,
    standardError,
    inverseSquare: 1 / (value * value),
    inverseSquareStandardError: (2 * standardError) / (value * value * value),
    meanError,
    evaluations,
  });

  let high = TOP * scale;
  while ((await errorsAt(high)).mean <= pacBayesError) {
    high *= 2;
    // an error that no noise exceeds
    if (high > HIGHEST * scale) return result(Number.POSITIVE_INFINITY, Number.NaN, pacBayesError);
  }
  let low = high;
  for (;;) {
    low /= 2;
    const { mean } = await errorsAt(low);
    if (mean <= pacBayesError) break;
    high = low;
    // already the parameters themselves err more often
    if (low < LOWEST * scale) return result(0, 0, mean);
  }
  while (high > low * (1 + pacBayesTolerance)) {
    const middle = Math.sqrt(low * high);
    if (middle <= low || middle >= high) break;
    if ((await errorsAt(middle)).mean <= pacBayesError) low = middle;
    else high = middle;
  }
  const { mean, standardError } = await errorsAt(low);
  let slope = 0;
  for (let factor = 1.1; slope <= 0 && factor < 100; factor *= factor) {
    const above = (await errorsAt(low * factor)).mean;
    const below = (await errorsAt(low / factor)).mean;
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
    const plain = await largestSigma(context, (sigma) => sigma, scale);
    const variance = pacBayesEpsilon * pacBayesEpsilon;
    const magnitude = await largestSigma(context, (sigma, i) => Math.sqrt(sigma * sigma * w[i] * w[i] + variance), 1);
    return {
      ...plain,
      maximalError: pacBayesError,
      draws: pacBayesDraws,
      magnitudeAware: { ...magnitude, epsilon: pacBayesEpsilon, invariant: pacBayesEpsilon === 0 },
    };
  },
};
