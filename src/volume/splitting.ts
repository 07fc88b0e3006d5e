/**
 * The volume of any function, however rare: multilevel splitting [Au & Beck 2001; Cerou & Guyader 2007] with soft levels, a
 * sequential Monte Carlo sampler [Del Moral, Doucet & Jasra 2006] that keeps every state of its chains [Dau & Chopin 2022].
 *
 * @module
 */
import { parseFunction } from "../data/functions.ts";
import type { Points, PointsOptions } from "../data/points.ts";
import { checkInteger, checkNumber, checkOptions, checkSeed, show } from "../engine/checks.ts";
import { fullBuild, sharedKernels } from "../engine/module.ts";
import { Pool } from "../engine/pool.ts";
import { onBuild } from "../engine/task.ts";
import { pointsOf } from "../network/evaluate.ts";
import { defineNetwork, type Network, type NetworkOptions } from "../network/network.ts";
import { singleOutput } from "../network/parameters.ts";
import { student975 } from "../statistics/student.ts";
import { type PlainPoints, type SplittingArguments, type SplittingRun, splittingTask } from "./splittingTask.ts";

/** How a population is moved towards a function: what a repetition takes. */
export interface SamplerOptions {
  /** Independent repetitions; the error comes from their spread. Default 8. */
  readonly repetitions?: number;
  /** Networks in a repetition. Default 100. */
  readonly particles?: number;
  /** Moves of a chain at a level; each leaves one of the networks, so there are particles / moves chains. Default 10. */
  readonly moves?: number;
  /** Most leapfrog steps of a move. Default 30. */
  readonly steps?: number;
  /** Effective share of the networks that a level keeps. Default 0.5. */
  readonly keep?: number;
  /** Levels after which a repetition is given up. Default 1,000. */
  readonly maxLevels?: number;
  /** Default 0. */
  readonly seed?: number | bigint;
  /** Workers of the call's own pool; 0: the calling thread. Default: the machine's threads. */
  readonly workers?: number;
  /** A pool to use instead; it is left open. */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
}

/** Keeps finished repetitions, so that a call that was interrupted goes on from there. */
export interface RepetitionStore {
  /** What was kept of a repetition; the first population, which is not counted, has the number after the last. */
  found(repetition: number): SplittingRun | undefined;
  keep(repetition: number, run: SplittingRun): void;
}

/** What `splittingVolume` takes. */
export interface SplittingOptions extends SamplerOptions {
  /** A store of this very call: its network, function, sampler and seed. */
  readonly checkpoint?: RepetitionStore;
  /** The function in hex, point 0 first. */
  readonly function: string;
  /** Points in place of all Boolean inputs. */
  readonly inputs?: PointsOptions;
  /**
   * Points that count, as a function in hex has its bits: those of a training set S, and the volume is that of all functions
   * that agree with `function` on them, P(S). Default: all.
   */
  readonly on?: string;
}

/** An estimate from repetitions. */
export interface SplittingVolume {
  readonly method: "splitting";
  /**
   * Natural logarithm of the mean over the repetitions; undefined if one of them stalled: those that ended are then no fair
   * sample. -Infinity where no network is the function (`reason`).
   */
  readonly logP: number | undefined;
  readonly log10P: number | undefined;
  /** Of logP, from the spread s of R repetitions' logarithms: `sqrt(s² / R + s⁴ / 2 (R - 1))` [Cox; Land 1972]. */
  readonly standardError: number | undefined;
  /**
   * 95 % interval of log P: that of a log-normal's mean by Cox's method with Student's t [Olsson 2005], `mean of the logarithms +
   * s² / 2` plus and minus; logP is in it.
   */
  readonly ci95: readonly [low: number, high: number] | undefined;
  /** Standard deviation of the repetitions' logarithms. Well above 1 the mean is that of a few repetitions. */
  readonly spread: number | undefined;
  /** What speaks against believing it; empty: nothing. */
  readonly warnings: readonly string[];
  /** Why P is exactly 0. */
  readonly reason?: string;
  readonly repetitions: readonly SplittingRun[];
}

/** Options of the sampler. */
export const SAMPLER_OPTIONS = [
  "repetitions",
  "particles",
  "moves",
  "steps",
  "keep",
  "maxLevels",
  "seed",
  "workers",
  "pool",
  "signal",
];
/** Options that name a function, or a part of one. */
export const FUNCTION_OPTIONS = ["function", "inputs", "on"];
const CHECKPOINT = "checkpoint";
/** Spread of the logarithms, in nats, above which the error is not to be believed. */
const WIDE = 1.5;
/** Effective number of repetitions below which the mean is that of a few. */
const FEW = 2;

/** The signs that are wanted, and of which points. */
export interface SignProblem {
  readonly network: Network;
  /** All points, and those that count. */
  readonly all: Points;
  readonly points: PlainPoints;
  readonly targets: Float32Array;
  /** The whole function's bits. */
  readonly bits: Uint32Array;
  /** Which points those are. */
  readonly which: Uint32Array;
  /** Why no network has these signs, if none has. */
  readonly impossible: string | undefined;
}

const bitOf = (words: Uint32Array, i: number): number => (words[i >> 5] >>> (31 - (i & 31))) & 1;

/**
 * A function, or a part of one, from options.
 *
 * @throws TypeError, RangeError naming the argument.
 */
export function signProblem(
  network: NetworkOptions,
  options: Pick<SplittingOptions, "function" | "inputs" | "on">,
): SignProblem {
  const net = singleOutput(defineNetwork(network));
  const all = pointsOf(net, options.inputs);
  const bits = parseFunction("function", options.function, all.count);
  const counts = options.on === undefined ? undefined : parseFunction("on", options.on, all.count);
  const which = Uint32Array.from([...Array(all.count).keys()].filter((i) => !counts || bitOf(counts, i)));
  if (which.length === 0) throw new RangeError("on: expected at least one point that counts, got none");
  const values = all.values();
  const { features } = all;
  const inputs = new Float32Array(which.length * features);
  which.forEach((i, k) => {
    inputs.set(values.subarray(i * features, (i + 1) * features), k * features);
  });
  const targets = Float32Array.from(which, (i) => bitOf(bits, i));
  return {
    network: net,
    all,
    points: { count: which.length, inputs },
    targets,
    bits,
    which,
    impossible: impossibility(net, which, inputs, targets),
  };
}

/** Why no network at all has these signs: what can be seen from the points alone. */
function impossibility(
  network: Network,
  which: Uint32Array,
  inputs: Float32Array,
  targets: Float32Array,
): string | undefined {
  const features = network.layers[0];
  const seen = new Map<string, number>();
  for (let k = 0; k < which.length; k++) {
    const point = inputs.subarray(k * features, (k + 1) * features);
    // -0 and 0 are the same input
    const text = Array.from(point, (x) => x + 0).join(" ");
    const twin = seen.get(text);
    if (twin !== undefined && targets[twin] !== targets[k]) {
      return `points ${which[twin]} and ${which[k]} are the same, and have different bits`;
    }
    seen.set(text, k);
    if (network.sigmaB2 === 0 && targets[k] === 1 && point.every((x) => x === 0)) {
      return `point ${which[k]} is zero, where a network without biases is exactly 0, and its bit is 1`;
    }
  }
  return undefined;
}

/** Checks what a repetition takes. @throws TypeError, RangeError naming the option. */
function checkSampler(options: SamplerOptions) {
  const { pool } = options;
  if (pool !== undefined && !(pool instanceof Pool)) throw new TypeError(`pool: expected a Pool, got ${show(pool)}`);
  return {
    repetitions: checkInteger("repetitions", options.repetitions ?? 8, 2, 1_000_000),
    particles: checkInteger("particles", options.particles ?? 100, 2, 1_000_000),
    moves: checkInteger("moves", options.moves ?? 10, 1, 1_000_000),
    steps: checkInteger("steps", options.steps ?? 30, 1, 1_000_000),
    keep: checkNumber("keep", options.keep ?? 0.5, 0.05, 0.99),
    maxLevels: checkInteger("maxLevels", options.maxLevels ?? 1000, 1, 1_000_000),
    seed: checkSeed("seed", options.seed ?? 0).value,
  };
}

/**
 * Repetitions towards the wanted signs, each on a worker, and so many rounds of draws of functions on all points from each.
 *
 * @throws TypeError, RangeError naming the option; the signal's reason; an Error if a worker died.
 */
export async function splittingRuns(
  { network, all, points, targets }: SignProblem,
  options: SamplerOptions,
  rounds: number,
  store?: RepetitionStore,
): Promise<SplittingRun[]> {
  const { repetitions, ...sampler } = checkSampler(options);
  const { signal } = options;
  const drawPoints = rounds > 0 ? { count: all.count, inputs: all.values() } : undefined;
  const args = { network, points, targets, ...sampler, drawPoints };
  const pool = options.pool ?? new Pool({ workers: options.workers });
  const task = onBuild(fullBuild, splittingTask);
  // one failing repetition stops the others
  const stop = new AbortController();
  const inner = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  try {
    const run = async (
      repetition: number,
      schedule: SplittingArguments["schedule"],
      rounds: number,
    ): Promise<SplittingRun> => {
      const known = store?.found(repetition);
      if (known) return known;
      const made = await pool.run(
        task,
        { ...args, repetition, schedule, rounds },
        { signal: AbortSignal.any([inner]) },
      );
      store?.keep(repetition, made);
      return made;
    };
    // levels that a population chooses by its own weights make its estimate too low; by those of another it is unbiased
    const first = await run(repetitions, undefined, 0);
    if (first.stalled !== undefined) return [first];
    return await Promise.all(Array.from({ length: repetitions }, (_, i) => run(i, first.levels, rounds)));
  } catch (error) {
    stop.abort(error);
    throw error;
  } finally {
    if (!options.pool) pool.close();
  }
}

/**
 * log P(f) of one function under a network's prior. Each repetition moves a population of networks from the prior to the
 * function: weights follow the loss `sum ln(1 + exp(-beta y z / rms z))` as beta grows from level to level, networks of little
 * weight are replaced by copies of others, and all are moved by Hamiltonian Monte Carlo that leaves the level's distribution as
 * it is; at the end those with every sign right get their weight under the prior back. Levels and steps are those that a first
 * population of the same size found, which is not counted: P is unbiased. A result is a function of the arguments and the seed, to the bit.
 *
 * The loss does not change as outputs shrink: with one that does, populations of hard functions end in networks whose units
 * are all dead.
 *
 * @throws TypeError, RangeError naming the argument; the signal's reason; an Error if a worker died.
 * @example
 * const { log10P, standardError } = await splittingVolume(
 *   { layers: [5, 20, 20, 1] },
 *   { function: "0117177f", repetitions: 4 }, // the majority of five bits
 * );
 */
export async function splittingVolume(network: NetworkOptions, options: SplittingOptions): Promise<SplittingVolume> {
  checkOptions("options", options, [...FUNCTION_OPTIONS, ...SAMPLER_OPTIONS, CHECKPOINT]);
  const problem = signProblem(network, options);
  checkSampler(options);
  if (problem.impossible) {
    const certain = { logP: -Infinity, log10P: -Infinity, standardError: 0, spread: 0, warnings: [], repetitions: [] };
    return { method: "splitting", ...certain, ci95: [-Infinity, -Infinity], reason: problem.impossible };
  }
  const runs = await splittingRuns(problem, options, 0, options.checkpoint);
  return summariseRuns(runs, (await sharedKernels()).exports);
}

/** The estimate that repetitions make together. */
export function summariseRuns(
  runs: SplittingRun[],
  { exponential, naturalLog }: { exponential(x: number): number; naturalLog(x: number): number },
): SplittingVolume {
  const logs = runs.flatMap(({ logP }) => (logP === undefined ? [] : [logP]));
  const stalled = runs.length - logs.length;
  if (stalled > 0) {
    const none = { logP: undefined, log10P: undefined, standardError: undefined, ci95: undefined, spread: undefined };
    const warnings = [`${stalled} of ${runs.length} repetitions stalled: ${runs.find((r) => r.stalled)?.stalled}`];
    return { method: "splitting", ...none, warnings, repetitions: runs };
  }
  const warnings: string[] = [];
  const largest = Math.max(...logs);
  const shares = logs.map((x) => exponential(x - largest));
  const sum = shares.reduce((a, b) => a + b, 0);
  const mean = sum / shares.length;
  const centre = logs.reduce((a, b) => a + b, 0) / logs.length;
  const spread = Math.sqrt(logs.reduce((total, x) => total + (x - centre) ** 2, 0) / (logs.length - 1));
  const effective = (sum * sum) / shares.reduce((total, x) => total + x * x, 0);
  if (spread > WIDE || effective < FEW) {
    warnings.push(
      `the repetitions spread by ${spread.toFixed(2)} nats, ${effective.toFixed(1)} of ${runs.length} count: ` +
        "more moves or particles are needed",
    );
  }
  const logP = largest + naturalLog(mean);
  // a repetition's estimate is unbiased and its logarithm nearly normal: the interval is that of a log-normal's mean
  const variance = spread * spread;
  const middle = centre + variance / 2;
  const standardError = Math.sqrt(variance / logs.length + (variance * variance) / (2 * (logs.length - 1)));
  const half = student975(logs.length - 1) * standardError;
  return {
    method: "splitting",
    logP,
    log10P: logP / Math.LN10,
    standardError,
    ci95: [Math.min(logP, middle - half), Math.max(logP, middle + half)],
    spread,
    warnings,
    repetitions: runs,
  };
}
