/**
 * Optimisers and their settings.
 *
 * @module
 */
import { checkChoice, checkInteger, checkNumber } from "../engine/checks.ts";
import type { Kernels } from "../engine/kernels.ts";

/** Optimisers, by their usual names. */
export type OptimizerName = "sgd" | "momentum" | "nesterov" | "adam" | "adagrad" | "rmsprop" | "entropy-sgd" | "sam";

/** Settings of an optimiser; each has the default of its paper or of PyTorch. */
export interface OptimizerOptions {
  /** Default "sgd". */
  readonly optimizer?: OptimizerName;
  /** Default: 0.01 for sgd, momentum, nesterov, adagrad, sam; 0.001 for adam and rmsprop; 1 for entropy-sgd's outer step. */
  readonly learningRate?: number;
  /** "cosine": from the learning rate down to 0 over `maxEpochs` [Loshchilov & Hutter 2017]. Default "constant". */
  readonly schedule?: "constant" | "cosine";
  /** lambda, added to the gradient as lambda w. Default 0. */
  readonly weightDecay?: number;
  /** Default 0.9 for momentum and nesterov; 0 for the base steps of sam and entropy-sgd. */
  readonly momentum?: number;
  /** Adam [Kingma & Ba 2015]. Default 0.9. */
  readonly beta1?: number;
  /** Adam (default 0.999); RMSprop's smoothing (default 0.99). */
  readonly beta2?: number;
  /** Default 1e-8; 1e-10 for adagrad. */
  readonly epsilon?: number;
  /** Entropy-SGD's L [Chaudhari et al. 2017]: Langevin steps in an outer step; 0 makes it SGD. Default 5. */
  readonly innerSteps?: number;
  /** Entropy-SGD's inner rate. Default 0.1. */
  readonly innerLearningRate?: number;
  /** Entropy-SGD's alpha: weight of the newest point in the running mean. Default 0.75. */
  readonly averaging?: number;
  /** Entropy-SGD's gamma at the start. Default 1e-4. */
  readonly scope?: number;
  /** gamma grows by the factor 1 + this at each outer step. Default 1e-3. */
  readonly scopeGrowth?: number;
  /** Entropy-SGD's thermal noise epsilon. Default 1e-4. */
  readonly noise?: number;
  /** SAM's radius [Foret et al. 2021]. Default 0.05. */
  readonly rho?: number;
}

/** Every setting filled in: plain data. */
export type Optimizer = Required<OptimizerOptions>;

export const OPTIMIZERS = [
  "sgd",
  "momentum",
  "nesterov",
  "adam",
  "adagrad",
  "rmsprop",
  "entropy-sgd",
  "sam",
] as const satisfies readonly OptimizerName[];

/** Names of the settings. */
export const OPTIMIZER_OPTIONS = [
  "optimizer",
  "learningRate",
  "schedule",
  "weightDecay",
  "momentum",
  "beta1",
  "beta2",
  "epsilon",
  "innerSteps",
  "innerLearningRate",
  "averaging",
  "scope",
  "scopeGrowth",
  "noise",
  "rho",
] as const;

const RATES: Record<OptimizerName, number> = {
  sgd: 0.01,
  momentum: 0.01,
  nesterov: 0.01,
  adam: 1e-3,
  adagrad: 0.01,
  rmsprop: 1e-3,
  "entropy-sgd": 1,
  sam: 0.01,
};
const LARGE = 1e30;

/** Checks settings and fills in the defaults. @throws TypeError, RangeError naming the option. */
export function checkOptimizer(options: OptimizerOptions): Optimizer {
  const optimizer = checkChoice("optimizer", options.optimizer ?? "sgd", OPTIMIZERS);
  const number = (name: keyof OptimizerOptions, fallback: number, least: number, most: number): number =>
    checkNumber(name, options[name] ?? fallback, least, most);
  const moving = optimizer === "momentum" || optimizer === "nesterov";
  return {
    optimizer,
    learningRate: number("learningRate", RATES[optimizer], 0, LARGE),
    schedule: checkChoice("schedule", options.schedule ?? "constant", ["constant", "cosine"] as const),
    weightDecay: number("weightDecay", 0, 0, LARGE),
    momentum: number("momentum", moving ? 0.9 : 0, 0, 1),
    beta1: number("beta1", 0.9, 0, 0.999999),
    beta2: number("beta2", optimizer === "rmsprop" ? 0.99 : 0.999, 0, 0.999999),
    epsilon: number("epsilon", optimizer === "adagrad" ? 1e-10 : 1e-8, 0, LARGE),
    innerSteps: checkInteger("innerSteps", options.innerSteps ?? 5, 0, 1_000_000),
    innerLearningRate: number("innerLearningRate", 0.1, 0, LARGE),
    averaging: number("averaging", 0.75, 0, 1),
    scope: number("scope", 1e-4, 0, LARGE),
    scopeGrowth: number("scopeGrowth", 1e-3, 0, LARGE),
    noise: number("noise", 1e-4, 0, LARGE),
    rho: number("rho", 0.05, 0, LARGE),
  };
}

const KINDS: Record<OptimizerName, number> = {
  sgd: 0,
  momentum: 1,
  nesterov: 1,
  adam: 2,
  adagrad: 3,
  rmsprop: 4,
  "entropy-sgd": 5,
  sam: 6,
};

/** Addresses of what an optimiser changes. */
export interface OptimizerMemory {
  /** Of the optimiser's block. */
  readonly address: number;
  /** Vectors of `entries` f32: the parameters, and the optimiser's own. */
  readonly vectors: readonly number[];
  readonly entries: number;
  /** 64 bytes, the state of its random numbers. */
  readonly noiseState: number;
}

/** Views of all that an optimiser changes, the parameters first. */
export function optimizerArrays(kernels: Kernels, memory: OptimizerMemory): Uint8Array[] {
  const { address, vectors, entries, noiseState } = memory;
  const bytes = (at: number, length: number): Uint8Array => new Uint8Array(kernels.memory.buffer, at, length);
  return [
    ...vectors.map((vector) => bytes(vector, 4 * entries)),
    bytes(address + COUNTERS, 8 * COUNTER_COUNT),
    bytes(noiseState, 64),
  ];
}

/** Where the block has its f64 numbers, and how many. */
const COUNTERS = 88;
const COUNTER_COUNT = 4;

/**
 * Allocates an optimiser's block and state (assembly/train.ts).
 *
 * @param entries of a vector of parameters, a multiple of 8.
 * @param real which entries are parameters: padding gets no noise.
 * @param noiseState 64 bytes as `seedLanes` leaves them.
 */
export function makeOptimizer(
  kernels: Kernels,
  settings: Optimizer,
  entries: number,
  w: number,
  gradient: number,
  real: Float32Array,
  noiseState: number,
): OptimizerMemory {
  const address = kernels.allocate(kernels.exports.optimiserBytes());
  const vector = (): number => kernels.allocate(4 * entries);
  const state = [vector(), vector(), vector(), vector(), vector(), vector()];
  const [m, v, x, mean, noise, scale] = state;
  const size = Math.sqrt(settings.innerLearningRate) * settings.noise;
  kernels.f32(scale, entries).set(real.map((one) => one * size));
  kernels
    .u32(address, 13)
    .set([
      KINDS[settings.optimizer],
      entries / 4,
      w,
      gradient,
      m,
      v,
      x,
      mean,
      noise,
      scale,
      noiseState,
      settings.innerSteps,
      Number(settings.optimizer === "nesterov"),
    ]);
  kernels
    .f32(address + 52, 8)
    .set([
      settings.weightDecay,
      settings.momentum,
      settings.beta1,
      settings.beta2,
      settings.epsilon,
      settings.innerLearningRate,
      settings.averaging,
      settings.rho,
    ]);
  kernels.f64(address + COUNTERS, COUNTER_COUNT).set([1, 1, settings.scope, 1 + settings.scopeGrowth]);
  return { address, vectors: [w, m, v, x, mean], entries, noiseState };
}

/** (1 + cos(pi x)) / 2 for x in [0, 1], in plain arithmetic: the host's cosine differs from engine to engine. */
export function cosineFactor(x: number): number {
  // cos(pi x) = 1 - 2 sin^2(pi x / 2); for x > 1/2 by symmetry, so that the series' argument is at most pi / 4
  const half = x > 0.5 ? 1 - x : x;
  const t = (Math.PI * half) / 2;
  const u = t * t;
  let term = t;
  let sine = t;
  for (let k = 1; k < 10; k++) {
    term *= -u / (2 * k * (2 * k + 1));
    sine += term;
  }
  const low = 1 - sine * sine;
  return x > 0.5 ? 1 - low : low;
}
