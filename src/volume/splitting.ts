/**
 * The volume of any function, however rare, by adaptive multilevel splitting [Au & Beck 2001; Cerou & Guyader 2007].
 *
 * @module
 */
import { parseFunction } from "../data/functions.ts";
import type { PointsOptions } from "../data/points.ts";
import { checkInteger, checkNumber, checkOptions, checkSeed, show } from "../engine/checks.ts";
import { fullBuild } from "../engine/module.ts";
import { Pool } from "../engine/pool.ts";
import { onBuild } from "../engine/task.ts";
import { pointsOf } from "../network/evaluate.ts";
import { defineNetwork, type NetworkOptions } from "../network/network.ts";
import { singleOutput } from "../network/parameters.ts";
import { type SplittingRun, splittingTask } from "./splittingTask.ts";

/** What `splittingVolume` takes. */
export interface SplittingOptions {
  /** The function in hex, point 0 first. */
  readonly function: string;
  /** Points in place of all Boolean inputs. */
  readonly inputs?: PointsOptions;
  /**
   * Points that count, as a function in hex has its bits: those of a training set S, and the volume is that of all functions
   * that agree with `function` on them, P(S). Default: all.
   */
  readonly on?: string;
  /** Independent repetitions; the error comes from their spread. Default 8. */
  readonly repetitions?: number;
  /** Networks in a repetition. Default 200. */
  readonly particles?: number;
  /** Sweeps over all parameters at each level. Default 1. */
  readonly sweeps?: number;
  /** Share of the networks that a level keeps. Default 0.5. */
  readonly keep?: number;
  /** Energy of a wrong point, beside its distance from being right. Default 0.05. */
  readonly jump?: number;
  /** Levels after which a repetition is given up. Default 10,000. */
  readonly maxLevels?: number;
  /** Default 0. */
  readonly seed?: number | bigint;
  /** Workers of the call's own pool; 0: the calling thread. Default: the machine's threads. */
  readonly workers?: number;
  /** A pool to use instead; it is left open. */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
}

/** An estimate from repetitions. */
export interface SplittingVolume {
  readonly method: "splitting";
  /** Natural logarithm of the mean over the repetitions that ended; undefined if too few did. */
  readonly logP: number | undefined;
  readonly log10P: number | undefined;
  /** Of logP, from the spread of the repetitions. */
  readonly standardError: number | undefined;
  /** Standard deviation of the repetitions' logarithms. Well above 1 the mean is that of a few, and its error too small. */
  readonly spread: number | undefined;
  /** What speaks against believing it; empty: nothing. */
  readonly warnings: readonly string[];
  readonly repetitions: readonly SplittingRun[];
}

const OPTIONS = [
  "function",
  "inputs",
  "on",
  "repetitions",
  "particles",
  "sweeps",
  "keep",
  "jump",
  "maxLevels",
  "seed",
  "workers",
  "pool",
  "signal",
];
/** Spread of the logarithms above which the error is not to be believed. */
const WIDE = 1.5;

/**
 * log P(f) of one function under a network's prior. Each repetition moves a population of networks from the prior to the
 * function through levels of an energy that counts wrong points; `P = prod (share kept)`, unbiased up to O(1 / particles).
 * A result is a function of the arguments and the seed, to the bit.
 *
 * @throws TypeError, RangeError naming the argument; the signal's reason; an Error if a worker died.
 * @example
 * const { log10P, standardError } = await splittingVolume(
 *   { layers: [7, 40, 40, 1] },
 *   { function: "7f7f37173f3713113717110113110000" },
 * );
 */
export async function splittingVolume(network: NetworkOptions, options: SplittingOptions): Promise<SplittingVolume> {
  checkOptions("options", options, OPTIONS);
  const net = singleOutput(defineNetwork(network));
  const points = pointsOf(net, options.inputs);
  const bits = parseFunction("function", options.function, points.count);
  const counts = options.on === undefined ? undefined : parseFunction("on", options.on, points.count);
  const repetitions = checkInteger("repetitions", options.repetitions ?? 8, 1, 1_000_000);
  const { pool: given, signal } = options;
  const args = {
    network: net,
    data: points.kind === "points" ? points.values() : undefined,
    points: points.count,
    bits,
    counts,
    particles: checkInteger("particles", options.particles ?? 200, 2, 1_000_000),
    keep: checkNumber("keep", options.keep ?? 0.5, 0.01, 0.99),
    sweeps: checkInteger("sweeps", options.sweeps ?? 1, 1, 1_000_000),
    jump: checkNumber("jump", options.jump ?? 0.05, 1e-6, 1e6),
    maxLevels: checkInteger("maxLevels", options.maxLevels ?? 10_000, 1, 1_000_000),
    seed: checkSeed("seed", options.seed ?? 0).value,
    drawSweeps: 0,
  };
  if (given !== undefined && !(given instanceof Pool)) {
    throw new TypeError(`pool: expected a Pool, got ${show(given)}`);
  }
  const pool = given ?? new Pool({ workers: options.workers });
  const task = onBuild(fullBuild, splittingTask);
  try {
    const runs = await Promise.all(
      Array.from({ length: repetitions }, (_, repetition) =>
        pool.run(task, { ...args, repetition }, { signal: signal && AbortSignal.any([signal]) }),
      ),
    );
    return summarise(runs);
  } finally {
    if (!given) pool.close();
  }
}

function summarise(runs: SplittingRun[]): SplittingVolume {
  const logs = runs.flatMap(({ logP }) => (logP === undefined ? [] : [logP]));
  const warnings: string[] = [];
  const stalled = runs.length - logs.length;
  if (stalled > 0) warnings.push(`${stalled} of ${runs.length} repetitions stalled`);
  const none = { method: "splitting", logP: undefined, log10P: undefined, standardError: undefined } as const;
  // those that ended are not a fair sample of all
  if (stalled > 0 || logs.length < 2) {
    if (stalled === 0) warnings.push("one repetition has no error");
    return { ...none, spread: undefined, warnings, repetitions: runs };
  }
  const largest = Math.max(...logs);
  const shares = logs.map((x) => Math.exp(x - largest));
  const mean = shares.reduce((sum, x) => sum + x, 0) / shares.length;
  const variance = shares.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (shares.length - 1);
  const centre = logs.reduce((sum, x) => sum + x, 0) / logs.length;
  const spread = Math.sqrt(logs.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (logs.length - 1));
  if (spread > WIDE) {
    warnings.push(`the repetitions spread by ${spread.toFixed(2)} nats: more particles or sweeps are needed`);
  }
  const logP = largest + Math.log(mean);
  return {
    method: "splitting",
    logP,
    log10P: logP / Math.LN10,
    standardError: Math.sqrt(variance / shares.length) / mean,
    spread,
    warnings,
    repetitions: runs,
  };
}
