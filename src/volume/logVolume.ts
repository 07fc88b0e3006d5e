/**
 * log P(f) by any method, of a function of a network or of the signs of a Gaussian vector.
 *
 * @module
 */
import { formatFunction } from "../data/functions.ts";
import { booleanPoints, MAXIMUM_POINTS, type PointsOptions } from "../data/points.ts";
import { checkChoice, checkOptions, show } from "../engine/checks.ts";
import { sharedKernels } from "../engine/module.ts";
import { breathe } from "../engine/platform.ts";
import { Pool } from "../engine/pool.ts";
import { defineNetwork, type NetworkOptions } from "../network/network.ts";
import { singleOutput } from "../network/parameters.ts";
import { countFunctions } from "./count.ts";
import { checkLabels } from "./covariance.ts";
import { expectationPropagation } from "./expectationPropagation.ts";
import { laplace } from "./laplace.ts";
import { checkPoints, nngpKernel } from "./nngpKernel.ts";
import { orthantProbability } from "./orthant.ts";
import { type RepetitionStore, splittingVolume } from "./splitting.ts";

/** How a volume is found. The first two are of the finite network, the others of its limit of infinite width. */
export const VOLUME_METHODS = [
  "count",
  "splitting",
  "ep",
  "ep-probit",
  "orthant",
  "orthant-probit",
  "laplace",
] as const;
export type VolumeMethod = (typeof VOLUME_METHODS)[number];

/** The signs whose probability is wanted. */
export interface VolumeQuestion {
  /** A network, and points: given ones, or (default) all Boolean inputs. */
  readonly network?: NetworkOptions;
  readonly inputs?: PointsOptions;
  /** Or a covariance `[m][m]` in place of both: a Gaussian vector's. */
  readonly kernel?: ArrayLike<number>;
  /** The function: in hex, point 0 first, or a label for each point (0 and 1, -1 and 1, or booleans). */
  readonly labels: string | ArrayLike<number | boolean>;
  /** Points that count, in hex as a function: those of a training set S, and the volume is P(S). Default: all. */
  readonly on?: string;
}

/** How it is asked. */
export interface VolumeOptions {
  readonly method: VolumeMethod;
  /** `count`: networks, default 10^6 (drawn 16 output layers to a body); `orthant`: samples, default 2^17. */
  readonly samples?: number;
  /** `splitting`: independent repetitions, default 8; networks in each, default 100; moves of a chain at a level, default 10. */
  readonly repetitions?: number;
  readonly particles?: number;
  readonly moves?: number;
  /** `splitting`: most leapfrog steps of a move, default 30; effective share of the networks that a level keeps, default 0.5. */
  readonly steps?: number;
  readonly keep?: number;
  /** `splitting`: keeps the repetitions that are done. */
  readonly checkpoint?: RepetitionStore;
  /** Default 0. */
  readonly seed?: number | bigint;
  readonly workers?: number;
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
}

/** A volume. */
export interface VolumeRecord {
  readonly method: VolumeMethod;
  /** Natural logarithm; -Infinity if P is exactly 0 (`reason`); undefined if the method found no number (`warnings`). */
  readonly logP: number | undefined;
  readonly log10P: number | undefined;
  /** Of logP. Approximations (`ep`, `laplace`) have none. */
  readonly standardError?: number | undefined;
  readonly approximation: boolean;
  /** Approximations: whether their iteration came to its end. */
  readonly converged?: boolean;
  /** `count` without a sample of the function: logP is below this with 95 % confidence. */
  readonly logPUpperBound?: number;
  readonly reason?: string;
  readonly warnings: readonly string[];
  /** What the method itself tells: counts, repetitions, effective samples. */
  readonly details: Readonly<Record<string, unknown>>;
}

const OPTIONS = [
  "method",
  "samples",
  "repetitions",
  "particles",
  "moves",
  "steps",
  "keep",
  "checkpoint",
  "seed",
  "workers",
  "pool",
  "signal",
];
/** Output layers drawn to a body when counting. */
const OUTPUT_DRAWS = 16;
/** Half the width of a 95 % interval, in standard deviations. */
const Z95 = 1.959963984540054;

const isOfWidth = (method: VolumeMethod): method is "count" | "splitting" =>
  method === "count" || method === "splitting";

/** The points that count, and what is wanted there. */
interface Signs {
  /** 0 or 1. */
  readonly bits: Uint8Array;
  readonly which: Uint32Array;
  readonly count: number;
}

function signsOf({ labels, on }: VolumeQuestion, count: number): Signs {
  const all = checkLabels(labels, count);
  if (all.length !== count) throw new RangeError(`labels: expected ${count}, one for each point, got ${all.length}`);
  // a mask in hex is read as a function
  let counts: Float64Array | undefined;
  if (on !== undefined) {
    try {
      counts = checkLabels(on, count);
    } catch (error) {
      if (error instanceof Error) error.message = error.message.replace(/^labels/, "on");
      throw error;
    }
  }
  const which = Uint32Array.from([...all.keys()].filter((i) => counts === undefined || counts[i] > 0));
  if (which.length === 0) throw new RangeError("on: expected at least one point that counts, got none");
  return { bits: Uint8Array.from(which, (i) => Number(all[i] > 0)), which, count };
}

function hexOf(bits: Uint8Array): string {
  const words = new Uint32Array(Math.ceil(bits.length / 32));
  bits.forEach((bit, i) => {
    if (bit) words[i >> 5] |= 1 << (31 - (i & 31));
  });
  return formatFunction(
    Array.from(words, (word) => word >>> 0),
    bits.length,
  );
}

function pick(data: ArrayLike<number>, which: Uint32Array, width: number): Float64Array {
  const out = new Float64Array(which.length * width);
  which.forEach((i, k) => {
    for (let j = 0; j < width; j++) out[k * width + j] = data[i * width + j];
  });
  return out;
}

/**
 * Natural logarithm of the probability of signs: of a network's outputs under its prior by `count` or `splitting`, of its limit
 * of infinite width by `ep`, `ep-probit`, `orthant`, `orthant-probit` or `laplace`; those take a covariance in place of a network too.
 *
 * @throws TypeError, RangeError naming the argument; a method that cannot do what is asked says which can; the signal's reason.
 * @example
 * const { log10P } = await logVolume(
 *   { network: { layers: [7, 40, 40, 1] }, labels: "7f7f37173f3713113717110113110000" },
 *   { method: "orthant" },
 * );
 */
export async function logVolume(question: VolumeQuestion, options: VolumeOptions): Promise<VolumeRecord> {
  checkOptions("question", question, ["network", "inputs", "kernel", "labels", "on"]);
  checkOptions("options", options, OPTIONS);
  const method = checkChoice("method", options.method, VOLUME_METHODS);
  const { kernel, network } = question;
  if ((kernel === undefined) === (network === undefined))
    throw new TypeError("kernel: expected either network or kernel");
  if (kernel !== undefined && question.inputs !== undefined) {
    throw new TypeError("inputs: expected none beside a kernel, which has its own");
  }
  if (options.pool !== undefined && !(options.pool instanceof Pool)) {
    throw new TypeError(`pool: expected a Pool, got ${show(options.pool)}`);
  }
  if (kernel !== undefined) {
    if (isOfWidth(method)) {
      throw new RangeError(
        `method: ${method} needs a network; a kernel goes with ep, ep-probit, orthant, orthant-probit, laplace`,
      );
    }
    const size = Math.round(Math.sqrt(kernel.length));
    if (size * size !== kernel.length) {
      throw new RangeError(`kernel: expected a square matrix, got ${kernel.length} numbers`);
    }
    const signs = signsOf(question, size);
    return ofCovariance(signs.which.length === size ? kernel : block(kernel, signs), signs.bits, method, options);
  }
  const net = singleOutput(defineNetwork(network as NetworkOptions));
  const features = net.layers[0];
  if (!isOfWidth(method)) {
    if (net.activation === "tanh") {
      throw new RangeError(
        `method: ${method} needs the kernel of infinite width, which tanh has not in closed form; splitting and count take tanh`,
      );
    }
    const { data, points } = checkPoints(question.inputs ?? { bits: features }, features);
    const signs = signsOf(question, points);
    const { depth, sigmaW2, sigmaB2 } = { depth: net.layers.length - 2, ...net };
    const inputs = { data: pick(data, signs.which, features), points: signs.which.length };
    const covariance = await nngpKernel({ depth, sigmaW2, sigmaB2, signal: options.signal }, inputs);
    await breathe();
    return ofCovariance(covariance.kernel, signs.bits, method, options);
  }
  const boolean = question.inputs === undefined;
  const count = question.inputs?.points ?? 2 ** features;
  if (count > MAXIMUM_POINTS) {
    throw new RangeError(
      `method: ${method} takes at most ${MAXIMUM_POINTS} points, got ${count}; ep and orthant take 2000`,
    );
  }
  const signs = signsOf(question, count);
  const whole = boolean && signs.which.length === count;
  const data = question.inputs?.data ?? (boolean ? booleanPoints(features).values() : []);
  const inputs = whole ? undefined : { data: pick(data, signs.which, features), points: signs.which.length };
  const f = hexOf(signs.bits);
  const { seed, workers, pool, signal } = options;
  if (method === "splitting") {
    const { repetitions, particles, moves, steps, keep, checkpoint } = options;
    const result = await splittingVolume(net, {
      function: f,
      ...(inputs ? { inputs } : {}),
      ...defined({ repetitions, particles, moves, steps, keep, checkpoint, seed, workers, pool, signal }),
    });
    const { logP, log10P, standardError, ci95, spread, warnings, reason } = result;
    const details = {
      ci95,
      spread,
      repetitions: result.repetitions.map((r) => ({
        logP: r.logP,
        stalled: r.stalled,
        levels: r.levels.length,
        ancestors: r.ancestors,
        effective: r.effective,
        acceptance: r.levels.reduce((sum, l) => sum + l.acceptance, 0) / Math.max(1, r.levels.length),
      })),
    };
    return {
      method,
      logP,
      log10P,
      standardError,
      approximation: false,
      ...(reason ? { reason } : {}),
      warnings,
      details,
    };
  }
  const samples = Math.ceil((options.samples ?? 1_000_000) / OUTPUT_DRAWS) * OUTPUT_DRAWS;
  const table = await countFunctions(net, {
    samples,
    outputDraws: OUTPUT_DRAWS,
    ...(inputs ? { inputs } : {}),
    ...defined({ seed, workers, pool, signal }),
  });
  try {
    const { naturalLog } = (await sharedKernels()).exports;
    const own = table.orbit(f);
    const { probability, ci95, orbitSize, orbitCount, designEffect } = own;
    const details = { samples, count: own.count, orbitSize, orbitCount, designEffect, ci95 };
    if (orbitCount === 0) {
      const warnings = ["no sample computed the function or one of its orbit: splitting and orthant reach it"];
      const none = { logP: undefined, log10P: undefined, standardError: undefined };
      return { method, ...none, approximation: false, logPUpperBound: naturalLog(ci95[1]), warnings, details };
    }
    const logP = naturalLog(probability);
    // of the interval's width in logarithms: it is not symmetric, and its upper half the wider one is not
    const standardError = (logP - naturalLog(ci95[0])) / Z95;
    return { method, logP, log10P: logP / Math.LN10, standardError, approximation: false, warnings: [], details };
  } finally {
    table.close();
  }
}

/** Options that were given. */
function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function block(kernel: ArrayLike<number>, { which, count }: Signs): Float64Array {
  const n = which.length;
  return Float64Array.from({ length: n * n }, (_, at) => kernel[which[Math.floor(at / n)] * count + which[at % n]]);
}

async function ofCovariance(
  kernel: ArrayLike<number>,
  labels: Uint8Array,
  method: Exclude<VolumeMethod, "count" | "splitting">,
  { samples, seed, workers, pool, signal }: VolumeOptions,
): Promise<VolumeRecord> {
  const likelihood = method.endsWith("probit") ? "probit" : "heaviside";
  const where = defined({ workers, pool, signal });
  if (method === "orthant" || method === "orthant-probit") {
    const matrix = kernel instanceof Float64Array ? kernel : Float64Array.from(kernel);
    const result = await orthantProbability(matrix, labels, { likelihood, ...defined({ samples, seed }), ...where });
    const { logP, log10P, standardError, warnings, ...details } = result;
    const reason = logP === -Infinity ? { reason: warnings[0] ?? "no vector has these signs" } : {};
    return { method, logP, log10P, standardError, approximation: false, ...reason, warnings, details };
  }
  const result =
    method === "laplace"
      ? await laplace(kernel, labels, where)
      : await expectationPropagation(kernel, labels, { likelihood, ...where });
  const { logP, log10P, converged, iterations, change, jitter, reason } = result;
  const warnings = converged ? [] : [`no fixed point after ${iterations} iterations`];
  const details = { iterations, change, jitter };
  return { method, logP, log10P, approximation: true, converged, ...(reason ? { reason } : {}), warnings, details };
}
