/**
 * The Bayesian learner of zero training error: draws of functions from the posterior `P_B(f|S) = P(f) / P(S)`.
 *
 * @module
 */
import { formatFunction } from "../data/functions.ts";
import { checkInteger, checkNumber, checkOptions } from "../engine/checks.ts";
import { sharedKernels } from "../engine/module.ts";
import type { NetworkOptions } from "../network/network.ts";
import {
  FUNCTION_OPTIONS,
  SAMPLER_OPTIONS,
  type SplittingOptions,
  type SplittingVolume,
  signProblem,
  splittingRuns,
  summariseRuns,
} from "./splitting.ts";
import type { SplittingRun } from "./splittingTask.ts";

/** What `posteriorDraws` takes: `on` says which points are the training set S, `function` the bits there and, for the error, elsewhere. */
export interface PosteriorOptions extends SplittingOptions {
  /** Rounds of draws of each repetition, moves apart. Default 4. */
  readonly rounds?: number;
  /** Confidence of the PAC-Bayes bound is 1 - delta. Default 0.05. */
  readonly delta?: number;
}

/** A number and its error, from the spread of the repetitions. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
}

/** A function that was drawn. */
export interface PosteriorFunction {
  /** In hex, on all points. */
  readonly function: string;
  /** P_B(f|S), with its error. */
  readonly posterior: Estimate;
  /** Share of the points outside S on which it differs from the target. */
  readonly error: number;
}

/** What the draws say. */
export interface Posterior {
  /** P(S): as of `splittingVolume`. */
  readonly evidence: SplittingVolume;
  /** The functions met, the likeliest first; undefined if a repetition stalled. */
  readonly functions: readonly PosteriorFunction[] | undefined;
  /** Mean error on the points outside S of a function drawn from the posterior; undefined if there are none, or it stalled. */
  readonly meanError: Estimate | undefined;
  /** Bound on the mean error, with confidence 1 - delta, from P(S) alone; see `pacBayesBound`. */
  readonly bound: number | undefined;
}

/**
 * `1 - exp(-(ln(1/P(S)) + ln(2m/delta)) / (m - 1))`: with confidence 1 - delta over training sets of m points, the error of a
 * function drawn from the posterior is no more [Valle-Perez, Camargo & Louis, arXiv 1805.08522; McAllester 1999].
 *
 * @param logPS ln P(S).
 * @param m points of S, at least 2.
 * @throws TypeError, RangeError naming the argument.
 * @example
 * await pacBayesBound(Math.log(1e-10), 64); // 0.39...: with confidence 95 % the mean error is no more
 */
export async function pacBayesBound(logPS: number, m: number, delta = 0.05): Promise<number> {
  checkInteger("m", m, 2, 2 ** 31);
  checkNumber("delta", delta, 1e-300, 1);
  if (!(logPS <= 0)) throw new RangeError(`logPS: expected the logarithm of a probability, got ${logPS}`);
  const { expMinusOne, naturalLog } = (await sharedKernels()).exports;
  return -expMinusOne((logPS - naturalLog((2 * m) / delta)) / (m - 1));
}

/**
 * Draws of P_B(f|S): the end of splitting towards S alone, whose networks are those of the prior that fit S.
 *
 * @throws TypeError, RangeError naming the argument; the signal's reason; an Error if a worker died.
 * @example
 * const { meanError, bound } = await posteriorDraws(
 *   { layers: [5, 20, 20, 1] },
 *   { function: "0117177f", on: "ffff0000", repetitions: 4 }, // S: the first half of the inputs
 * );
 */
export async function posteriorDraws(network: NetworkOptions, options: PosteriorOptions): Promise<Posterior> {
  checkOptions("options", options, [...FUNCTION_OPTIONS, ...SAMPLER_OPTIONS, "rounds", "delta"]);
  const rounds = checkInteger("rounds", options.rounds ?? 4, 1, 1_000_000);
  const delta = checkNumber("delta", options.delta ?? 0.05, 1e-300, 1);
  const problem = signProblem(network, options);
  if (problem.impossible) throw new RangeError(`function: no network fits S: ${problem.impossible}`);
  const { exports } = await sharedKernels();
  const runs = await splittingRuns(problem, options, rounds);
  const evidence = summariseRuns(runs, exports);
  const m = problem.points.count;
  if (evidence.logP === undefined) return { evidence, functions: undefined, meanError: undefined, bound: undefined };
  const bound = m > 1 ? await pacBayesBound(Math.min(0, evidence.logP), m, delta) : undefined;
  const all = problem.all.count;
  const inS = new Set(problem.which);
  const outside = [...Array(all).keys()].filter((i) => !inS.has(i));
  const target = problem.bits;
  const wrongOf = (words: Uint32Array): number =>
    outside.reduce((sum, i) => sum + (((words[i >> 5] ^ target[i >> 5]) >>> (31 - (i & 31))) & 1), 0) /
    Math.max(1, outside.length);

  // repetitions count by their estimates of P(S): numerator and denominator are unbiased
  const largest = Math.max(...runs.map((r) => r.logP as number));
  const shares = runs.map((r) => exports.exponential((r.logP as number) - largest));
  const errors = new Float64Array(runs.length);
  const met = new Map<string, { words: Uint32Array; mass: Float64Array }>();
  runs.forEach((run, r) => {
    forEachDraw(run, all, (words, weight) => {
      errors[r] += weight * wrongOf(words);
      const name = formatFunction(words, all);
      let entry = met.get(name);
      if (!entry) {
        entry = { words, mass: new Float64Array(runs.length) };
        met.set(name, entry);
      }
      entry.mass[r] += weight;
    });
  });
  const functions = [...met].map(([name, { words, mass }]) => ({
    function: name,
    posterior: ratio(shares, mass),
    error: wrongOf(words),
  }));
  functions.sort((a, b) => b.posterior.value - a.posterior.value || (a.function < b.function ? -1 : 1));
  return { evidence, functions, meanError: outside.length > 0 ? ratio(shares, errors) : undefined, bound };
}

function forEachDraw(run: SplittingRun, points: number, body: (words: Uint32Array, weight: number) => void): void {
  const { functions, weights } = run.draws as NonNullable<SplittingRun["draws"]>;
  const words = Math.ceil(points / 32);
  weights.forEach((weight, i) => {
    if (weight > 0) body(functions.subarray(i * words, (i + 1) * words), weight);
  });
}

/** `sum s x / sum s`, with the error of a ratio of means (delta method). */
function ratio(shares: readonly number[], x: Float64Array): Estimate {
  const total = shares.reduce((a, b) => a + b, 0);
  const value = shares.reduce((sum, s, r) => sum + s * x[r], 0) / total;
  const n = shares.length;
  const squares = shares.reduce((sum, s, r) => sum + (s * (x[r] - value)) ** 2, 0);
  return { value, standardError: Math.sqrt((squares * n) / (n - 1)) / total };
}
