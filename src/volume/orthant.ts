/**
 * The probability that a Gaussian vector has given signs, unbiased and with a standard error: a function's volume at infinite
 * width.
 *
 * @module
 */
import { checkChoice, checkInteger, checkNumber, checkOptions, checkSeed, show } from "../engine/checks.ts";
import { fullBuild, sharedKernels } from "../engine/module.ts";
import { Pool } from "../engine/pool.ts";
import { onBuild } from "../engine/task.ts";
import { checkCovariance, checkLabels } from "./covariance.ts";
import { richtmyerSteps } from "./lattice.ts";
import { orthantMatrix } from "./orthantMatrix.ts";
import { type OrthantPlan, orthantPlanTask, varianceTolerance } from "./orthantPlan.ts";
import { BLOCK, joinWeights, NO_WEIGHTS, type WeightSums } from "./orthantSampler.ts";
import { orthantTask } from "./orthantTask.ts";

/** What `orthantProbability` takes. */
export interface OrthantOptions {
  /** `heaviside`: the volume itself; `probit`: of f plus unit Gaussian noise, which is the orthant of K + I. Default `heaviside`. */
  readonly likelihood?: "heaviside" | "probit";
  /** Samples in all, rounded up to a multiple of 16 a randomisation. Default 2^17. */
  readonly samples?: number;
  /** Independent shifts of the lattice; the error comes from their spread. Default 32. */
  readonly randomisations?: number;
  /** Whether samples are tilted towards the orthant; without, they are Genz's. Default true. */
  readonly tilting?: boolean;
  /**
   * Whether three of four samples may be drawn towards Gaussian sites (expectation propagation's) for the signs to come, each
   * weighted as of the mixture; a pilot of other samples says whether, and with what share of the sites' precisions. A
   * number: that share, above 0 and at most 1, without a pilot. Default true, if tilted.
   */
  readonly sites?: boolean | number;
  /** Default 0. */
  readonly seed?: number | bigint;
  /** Workers of the call's own pool; 0: the calling thread. Default: the machine's threads. */
  readonly workers?: number;
  /** A pool to use instead; it is left open. */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
  /** Called when the plan stands, and after every randomisation. */
  readonly onProgress?: (progress: OrthantProgress) => void;
}

/** How far a call is. */
export interface OrthantProgress {
  /** Randomisations done, and their number. */
  readonly done: number;
  readonly total: number;
}

/** An estimate. */
export interface OrthantProbability {
  readonly method: "orthant" | "orthant-probit";
  /** Natural logarithm of the mean weight; -Infinity if the probability is exactly 0; undefined if no sample had a weight. */
  readonly logP: number | undefined;
  readonly log10P: number | undefined;
  /** Of logP, from the spread of the randomisations' means. */
  readonly standardError: number | undefined;
  /** `(sum w)^2 / sum w^2`: independent samples without weights that would be as good. */
  readonly effectiveSampleSize: number;
  /** Largest weight over the sum of all. Above 2 % the standard error is too small; of samples that are tilted only, well before. */
  readonly largestWeightShare: number;
  /** P is at most exp of it: the tilting's saddle point [Botev 2017]; 0 without tilting. */
  readonly logPUpperBound: number;
  /** What speaks against believing it; empty: nothing. */
  readonly warnings: readonly string[];
  /** Samples that were drawn, and over how many randomisations. */
  readonly samples: number;
  readonly randomisations: number;
  /** Added to the diagonal: nothing. Variables without noise of their own enter as indicators. */
  readonly jitter: 0;
  /** Points whose value those before them decide to rounding: their signs are looked at, not sampled. */
  readonly determined: number;
  /** Share of the sites' precisions that was used; 0: samples are tilted only. */
  readonly siteStrength: number;
  readonly reordered: true;
}

const OPTIONS = [
  "likelihood",
  "samples",
  "randomisations",
  "tilting",
  "sites",
  "seed",
  "workers",
  "pool",
  "signal",
  "onProgress",
];
/** Random shifts of the lattice. */
const SHIFT_STREAM = 0x340;
/** Share of the largest weight above which the error is not to be believed. */
const LARGE_SHARE = 0.02;
/** Days of work. */
const MOST_SAMPLES = 2 ** 36;

/**
 * `P(y_i f_i > 0 for all i)`, `f ~ N(0, K)`, by separation of variables [Genz 1992] in the order of Gibson, Glasbey & Elston
 * [1994], under minimax exponential tilting [Botev 2017], on randomly shifted lattices. P is unbiased, logP up to half its
 * variance. A result is a function of the arguments and the seed, to the bit.
 *
 * Points that are multiples of one another count once; a kernel that is singular otherwise is sampled on its range.
 *
 * @param kernel covariance K, `[m][m]`, row-major, m at most 2000.
 * @param labels m labels, 0 and 1 (1: f > 0), -1 and 1 or booleans; or the function in hex, point 0 first.
 * @throws TypeError, RangeError naming the argument; the signal's reason; an Error if a worker died.
 * @example
 * const { logP, standardError } = await orthantProbability(Float64Array.of(1, 0.5, 0.5, 1), [1, 0]); // log(1 / 6)
 */
export async function orthantProbability(
  kernel: Float64Array,
  labels: ArrayLike<number | boolean> | string,
  options: OrthantOptions = {},
): Promise<OrthantProbability> {
  checkOptions("options", options, OPTIONS);
  const signs = checkLabels(labels, Math.round(Math.sqrt(kernel?.length)));
  if (!(kernel instanceof Float64Array)) {
    throw new TypeError(`kernel: expected a Float64Array of [m][m], got ${show(kernel)}`);
  }
  checkCovariance(kernel, signs.length);
  const likelihood = checkChoice("likelihood", options.likelihood ?? "heaviside", ["heaviside", "probit"]);
  const randomisations = checkInteger("randomisations", options.randomisations ?? 32, 2, 2 ** 20);
  const wanted = checkInteger("samples", options.samples ?? 2 ** 17, 1, MOST_SAMPLES);
  const tilting = options.tilting ?? true;
  if (typeof tilting !== "boolean") throw new TypeError(`tilting: expected a boolean, got ${show(tilting)}`);
  const sites = checkSites(options.sites ?? tilting, tilting);
  const seed = checkSeed("seed", options.seed ?? 0).value;
  const { pool: given, signal, onProgress } = options;
  if (given !== undefined && !(given instanceof Pool)) {
    throw new TypeError(`pool: expected a Pool, got ${show(given)}`);
  }
  if (given && options.workers !== undefined) {
    throw new TypeError("workers: expected none beside pool, which has its own");
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal: expected an AbortSignal, got ${show(signal)}`);
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError(`onProgress: expected a function, got ${show(onProgress)}`);
  }
  signal?.throwIfAborted();
  const method = likelihood === "probit" ? "orthant-probit" : "orthant";
  const { size, correlations, impossible } = orthantMatrix(kernel, signs, likelihood === "probit" ? 1 : 0);
  const nothing = {
    samples: 0,
    randomisations: 0,
    jitter: 0,
    determined: 0,
    siteStrength: 0,
    reordered: true,
  } as const;
  if (impossible !== undefined) {
    const zero = { logP: Number.NEGATIVE_INFINITY, log10P: Number.NEGATIVE_INFINITY, standardError: 0 };
    const weights = { effectiveSampleSize: 0, largestWeightShare: 0, logPUpperBound: Number.NEGATIVE_INFINITY };
    return { method, ...zero, ...weights, ...nothing, warnings: [`the probability is 0: ${impossible}`] };
  }
  if (size === 0) {
    const one = { logP: 0, log10P: 0, standardError: 0, effectiveSampleSize: 0, largestWeightShare: 0 };
    return { method, ...one, ...nothing, logPUpperBound: 0, warnings: [] };
  }

  const pool = given ?? new Pool({ workers: options.workers });
  // one failing randomisation stops the others
  const stop = new AbortController();
  // one a call: each listens to its own
  const inner = (): AbortSignal => AbortSignal.any(signal ? [signal, stop.signal] : [stop.signal]);
  try {
    const plan = await pool.run(
      onBuild(fullBuild, orthantPlanTask),
      { correlations, size, tilting, sites, seed },
      { signal: inner(), transfer: [correlations.buffer] },
    );
    checkDefinite(plan, size);
    let done = 0;
    onProgress?.({ done, total: randomisations });
    const points = BLOCK * Math.ceil(wanted / randomisations / BLOCK);
    const shared = { steps: richtmyerSteps(plan.rows.n), points, seed, stream: SHIFT_STREAM };
    const task = onBuild(fullBuild, orthantTask);
    const sums = await Promise.all(
      Array.from({ length: randomisations }, async (_, randomisation) => {
        const draw = { ...shared, randomisation };
        const sum = await pool.run(task, { rows: plan.rows, draw }, { signal: inner() });
        onProgress?.({ done: ++done, total: randomisations });
        return sum;
      }),
    );
    const { exponential, naturalLog } = (await sharedKernels()).exports;
    return { method, ...summarise(plan, size, sums, points, exponential, naturalLog) };
  } finally {
    stop.abort(new Error("orthant: the call has ended"));
    if (!given) pool.close();
  }
}

function summarise(
  plan: OrthantPlan,
  size: number,
  sums: readonly WeightSums[],
  points: number,
  exponential: (x: number) => number,
  naturalLog: (x: number) => number,
): Omit<OrthantProbability, "method"> {
  const count = sums.length;
  const determined = size - plan.free;
  const warnings: string[] = [];
  if (plan.residual > 1e-6) {
    warnings.push(`the tilting did not converge: residual ${plan.residual.toExponential(1)}; the estimate is unbiased`);
  }
  if (plan.lowest < -8 * varianceTolerance(size)) {
    warnings.push(
      `the kernel is indefinite by more than rounding: a conditional variance of ${plan.lowest.toExponential(1)}`,
    );
  }
  const total = sums.reduce((a, b) => joinWeights(a, b, exponential), NO_WEIGHTS);
  const shared = {
    logPUpperBound: plan.bound,
    warnings,
    samples: count * points,
    randomisations: count,
    jitter: 0,
    determined,
    siteStrength: plan.siteStrength,
    reordered: true,
  } as const;
  if (!(total.sum > 0)) {
    warnings.push("no sample met the signs of the points that the others determine: there is no estimate");
    const none = { logP: undefined, log10P: undefined, standardError: undefined };
    return { ...none, effectiveSampleSize: 0, largestWeightShare: 0, ...shared };
  }
  const mean = total.sum / count;
  let squares = 0;
  for (const { largest, sum } of sums) {
    const share = sum === 0 ? 0 : (sum * exponential(largest - total.largest)) / mean;
    squares += (share - 1) * (share - 1);
  }
  const largestWeightShare = 1 / total.sum;
  if (largestWeightShare > LARGE_SHARE) {
    warnings.push(
      `one of ${count * points} weights is ${(100 * largestWeightShare).toFixed(1)} % of their sum: the standard error is too small`,
    );
  }
  const logP = total.largest + naturalLog(total.sum / (count * points));
  return {
    logP,
    log10P: logP / Math.LN10,
    standardError: Math.sqrt(squares / (count * (count - 1))),
    effectiveSampleSize: (total.sum * total.sum) / total.squares,
    largestWeightShare,
    ...shared,
  };
}

/** The share that a plan takes. */
function checkSites(sites: unknown, tilting: boolean): number | undefined {
  if (typeof sites !== "boolean" && typeof sites !== "number") {
    throw new TypeError(`sites: expected a boolean or a number, got ${show(sites)}`);
  }
  if (sites === false) return 0;
  if (!tilting) throw new RangeError("sites: expected false without tilting, which bounds their weights");
  return sites === true ? undefined : checkNumber("sites", sites, 1e-6, 1);
}

function checkDefinite({ lowest, leftOver }: OrthantPlan, size: number): void {
  // what rounding makes of a pivot that is just not 0
  const tolerance = Math.sqrt(varianceTolerance(size));
  if (lowest < -tolerance || leftOver > tolerance) {
    throw new RangeError(
      "kernel: expected a positive semidefinite matrix, got " +
        (lowest < -tolerance
          ? `a conditional variance of ${lowest.toPrecision(3)}, of unit variances`
          : `a conditional correlation of ${leftOver.toPrecision(3)} between points that others determine`),
    );
  }
}
