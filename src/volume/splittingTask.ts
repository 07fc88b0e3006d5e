/**
 * One repetition of splitting: a population of networks from the prior to a function, through a sign loss that steepens. What a
 * worker does.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { RandomStream } from "../engine/random.ts";
import { SLICE_MS, type Task } from "../engine/task.ts";
import type { Network } from "../network/network.ts";
import { makeTrainingPlan } from "../training/plan.ts";
import { TemperedChain } from "./temperedChain.ts";

/** Streams of random numbers: the prior and the moves, and the choice of survivors. */
const MOVE_STREAM = 0x300;
const CHOICE_STREAM = 0x301;

/** Points that a network is a function of, as plain data. */
export interface PlainPoints {
  readonly count: number;
  /** `[count][features]`. */
  readonly inputs: Float32Array;
}

/** Plain data: it crosses to workers. */
export interface SplittingArguments {
  readonly network: Network;
  /** Points whose sign is wanted, and the signs, 0 or 1. */
  readonly points: PlainPoints;
  readonly targets: Float32Array;
  readonly particles: number;
  /** Moves of a chain at a level, each of which leaves a particle, and the most leapfrog steps of one. */
  readonly moves: number;
  readonly steps: number;
  /** Effective share of the particles that a level keeps. */
  readonly keep: number;
  readonly maxLevels: number;
  /** Levels to go by, those of another repetition; undefined: found on the way. */
  readonly schedule: ReadonlyArray<Pick<SplittingLevel, "beta" | "steps" | "step">> | undefined;
  readonly seed: bigint;
  readonly repetition: number;
  /** Rounds of draws after the last level, and the points on which they are functions. */
  readonly rounds: number;
  readonly drawPoints: PlainPoints | undefined;
}

/** How a level went. */
export interface SplittingLevel {
  /** Steepness of the loss. */
  readonly beta: number;
  /** Effective share of the particles under their weights. */
  readonly kept: number;
  /** Different first ancestors of the chains' starts. */
  readonly ancestors: number;
  /** Mean probability with which a move was accepted, its steps, and their length (the prior's motion turns by it, in radians). */
  readonly acceptance: number;
  readonly steps: number;
  readonly step: number;
  /** Wrong points of a particle, in the mean, after the moves. */
  readonly wrong: number;
}

/** Functions drawn from the posterior: networks that have every sign right. */
export interface WeightedDraws {
  /** `[count][words]`, point 0 the highest bit of the first word. */
  readonly functions: Uint32Array<ArrayBuffer>;
  /** Their weights, which add up to 1. */
  readonly weights: Float64Array<ArrayBuffer>;
}

/** One repetition. */
export interface SplittingRun {
  /** Natural logarithm of the estimate; undefined if it stalled. */
  readonly logP: number | undefined;
  /** Why there is no number. */
  readonly stalled: string | undefined;
  readonly levels: SplittingLevel[];
  /** Different first ancestors of the particles at the end. */
  readonly ancestors: number;
  /** Effective share of the particles that the end's weights leave. */
  readonly effective: number;
  /** Gradients taken. */
  readonly gradients: number;
  readonly draws: WeightedDraws | undefined;
}

/** The end: so large an effective share of the particles has every sign right. */
const FINISH = 0.5;
/** How far a move goes, in radians of the prior's motion: a quarter turn forgets the start. */
const TRAVEL = 1.5707963267948966;
const FIRST_STEP = 0.3;
const LONGEST_STEP = 1;
/** The step grows or shrinks by exp(acceptance - this) from level to level. */
const ACCEPTANCE = 0.75;
/** Levels in a row with an acceptance below `STILL` after which nothing moves any more. */
const STILL = 0.02;
const STILL_LEVELS = 8;
/** A loss so steep that f32 outputs cannot be told from 0. */
const STEEPEST = 1e9;
/** Halvings in the search for the next beta: it needs no digits. */
const HALVINGS = 12;

/** Weights and what they say. */
interface Weights {
  /** Over their largest. */
  readonly values: Float64Array;
  /** Natural logarithm of their mean. */
  readonly logMean: number;
  /** (sum w)^2 / sum w^2 over the number of particles. */
  readonly effective: number;
}

/** Weights from their logarithms; -Infinity is none. */
function weigh(kernels: Kernels, logs: Float64Array): Weights {
  const { exponential, naturalLog } = kernels.exports;
  const largest = logs.reduce((most, x) => Math.max(most, x), -Infinity);
  if (largest === -Infinity) return { values: new Float64Array(logs.length), logMean: -Infinity, effective: 0 };
  const values = logs.map((x) => (x === -Infinity ? 0 : exponential(x - largest)));
  let sum = 0;
  let squares = 0;
  for (const w of values) {
    sum += w;
    squares += w * w;
  }
  const n = logs.length;
  return { values, logMean: largest + naturalLog(sum / n), effective: (sum * sum) / (squares * n) };
}

/**
 * The particles, in the module's memory. Each level resamples a few of them, the starts of Markov chains, and all states of the
 * chains are the next particles: none is thrown away, and far fewer gradients give the same error as when each particle is moved
 * by itself and only where it ends counts (waste-free sequential Monte Carlo) [Dau & Chopin 2022].
 */
class Population {
  readonly #kernels: Kernels;
  readonly #chain: TemperedChain;
  readonly #positions: number;
  readonly #margins: number;
  readonly #starts: number;
  readonly #row: number;
  readonly #length: number;
  readonly chains: number;
  readonly wrong: Int32Array;
  /** Of each particle, the one drawn from the prior that it descends from. */
  readonly ancestors: Uint32Array;

  constructor(
    kernels: Kernels,
    chain: TemperedChain,
    readonly size: number,
    /** Particles of a chain; the last may have fewer. */
    length: number,
  ) {
    this.#kernels = kernels;
    this.#chain = chain;
    this.#row = 4 * chain.points;
    this.#positions = kernels.allocate(chain.bytes * size);
    this.#margins = kernels.allocate(this.#row * size);
    this.#length = length;
    this.chains = Math.ceil(size / length);
    this.#starts = kernels.allocate(chain.bytes * this.chains);
    this.wrong = new Int32Array(size);
    this.ancestors = Uint32Array.from({ length: size }, (_, i) => i);
  }

  #copy(to: number, from: number, bytes: number): void {
    new Uint8Array(this.#kernels.memory.buffer).copyWithin(to, from, from + bytes);
  }

  /** Particle i into the chain. */
  load(i: number): void {
    const { position, bytes } = this.#chain;
    this.#copy(position, this.#positions + i * bytes, bytes);
  }

  /** The chain's state, evaluated, into particle i. */
  save(i: number): void {
    const { position, bytes, outputs, targets, points } = this.#chain;
    const { signMargins, wrongSigns } = this.#kernels.exports;
    this.#copy(this.#positions + i * bytes, position, bytes);
    signMargins(outputs, targets, points, this.#margins + i * this.#row);
    this.wrong[i] = wrongSigns(outputs, targets, points);
  }

  /** Each particle's loss at a beta. */
  losses(beta: number): Float64Array {
    const { signLoss } = this.#kernels.exports;
    return Float64Array.from({ length: this.size }, (_, i) =>
      signLoss(this.#margins + i * this.#row, this.#chain.points, beta),
    );
  }

  /** Weights of the change from one beta to another. */
  between(from: number, to: number): Weights {
    const now = this.losses(from);
    const next = this.losses(to);
    return weigh(
      this.#kernels,
      now.map((u, i) => u - next[i]),
    );
  }

  /** Weights that undo the loss where every sign is right. */
  final(beta: number): Weights {
    return weigh(
      this.#kernels,
      this.losses(beta).map((u, i) => (this.wrong[i] === 0 ? u : -Infinity)),
    );
  }

  /** Systematic resampling into the starts of the chains: particle i leaves its weight's share of them, rounded up or down. */
  resample(values: Float64Array, uniform: number): void {
    const { size, chains } = this;
    const total = values.reduce((a, b) => a + b, 0);
    const chosen = new Uint32Array(chains);
    let sum = 0;
    let next = 0;
    for (let i = 0; i < size && next < chains; i++) {
      sum += (values[i] / total) * chains;
      while (next < chains && next + uniform < sum) chosen[next++] = i;
    }
    // what rounding left over
    const last = values.reduce((at, w, i) => (w > 0 ? i : at), 0);
    while (next < chains) chosen[next++] = last;
    this.#startFrom(chosen);
  }

  /** Each chain goes on from its own last particle. */
  resume(): void {
    this.#startFrom(Uint32Array.from({ length: this.chains }, (_, c) => this.chainEnd(c) - 1));
  }

  /** One past the last particle of a chain. */
  chainEnd(chain: number): number {
    return Math.min(this.size, (chain + 1) * this.#length);
  }

  #startFrom(chosen: Uint32Array): void {
    const { bytes } = this.#chain;
    const ancestors = this.ancestors.slice();
    chosen.forEach((from, c) => {
      this.#copy(this.#starts + c * bytes, this.#positions + from * bytes, bytes);
      this.ancestors.fill(ancestors[from], c * this.#length, this.chainEnd(c));
    });
  }

  /** A chain's start into the chain. */
  loadStart(chain: number): void {
    const { position, bytes } = this.#chain;
    this.#copy(position, this.#starts + chain * bytes, bytes);
  }
}

/** Reads the chain's network as a function of given points. */
function functionReader(kernels: Kernels, network: Network, { count, inputs }: PlainPoints, chain: TemperedChain) {
  const targets = new Float32Array(count);
  const plan = makeTrainingPlan(
    kernels,
    network,
    { points: count, features: network.layers[0], inputs, targets },
    "bce",
  );
  const outputs = kernels.allocate(4 * count);
  return (out: Uint32Array): void => {
    new Uint8Array(kernels.memory.buffer).copyWithin(plan.w, chain.plan.w, chain.plan.w + chain.bytes);
    kernels.exports.lossAt(plan.address, 0, 0, count, outputs);
    kernels.f32(outputs, count).forEach((z, i) => {
      if (z > 0) out[i >> 5] |= 1 << (31 - (i & 31));
    });
  };
}

export const splittingTask: Task<SplittingArguments, SplittingRun> = {
  name: "splitting",
  async run({ kernels, pause }, args) {
    const { network, points, targets, particles, moves, keep, maxLevels, schedule, seed, repetition, rounds } = args;
    const { exports } = kernels;
    const chain = new TemperedChain(kernels, { network, inputs: points.inputs, points: points.count, targets });
    const population = new Population(kernels, chain, particles, moves);
    const { count: drawCount } = args.drawPoints ?? points;
    const words = Math.ceil(drawCount / 32);
    const read = functionReader(kernels, network, args.drawPoints ?? points, chain);
    exports.seedLanes(chain.state, Number(seed & 0xffffffffn), Number(seed >> 32n), repetition, 0, MOVE_STREAM);
    let rested = performance.now();
    const rest = async (): Promise<void> => {
      if (performance.now() - rested < SLICE_MS) return;
      await pause();
      rested = performance.now();
    };

    chain.set(0, FIRST_STEP);
    for (let i = 0; i < particles; i++) {
      chain.draw();
      chain.evaluate();
      population.save(i);
      await rest();
    }
    const levels: SplittingLevel[] = [];
    let gradients = particles;
    let beta = 0;
    let step = FIRST_STEP;
    let still = 0;
    const planned = () => schedule?.[Math.min(levels.length, schedule.length - 1)];
    const moveAll = async (): Promise<Pick<SplittingLevel, "acceptance" | "steps" | "step" | "wrong">> => {
      chain.set(beta, step);
      const steps = planned()?.steps ?? Math.max(1, Math.min(args.steps, Math.round(TRAVEL / step)));
      for (let c = 0, i = 0; c < population.chains; c++) {
        population.loadStart(c);
        for (const last = population.chainEnd(c); i < last; i++) {
          chain.move(steps);
          population.save(i);
          await rest();
        }
      }
      const { acceptance, gradients: taken } = chain.statistics();
      gradients += taken;
      const made = { acceptance, steps, step, wrong: population.wrong.reduce((a, b) => a + b, 0) / particles };
      step = Math.min(LONGEST_STEP, step * exports.exponential(acceptance - ACCEPTANCE));
      return made;
    };

    // the loss at beta 0 is ln 2 a point
    let logZ = -Math.LN2 * points.count;
    let final = population.final(beta);
    const end = (stalled: string | undefined, draws?: WeightedDraws): SplittingRun => ({
      logP: stalled === undefined ? logZ + final.logMean : undefined,
      stalled,
      levels,
      ancestors: new Set(population.ancestors).size,
      effective: final.effective,
      gradients,
      draws,
    });
    while (schedule ? levels.length < schedule.length : final.effective < FINISH) {
      if (!schedule) {
        if (levels.length >= maxLevels) return end(`no end after ${maxLevels} levels`);
        if (beta > STEEPEST) return end("some point stays wrong, however steep the loss");
        if (still >= STILL_LEVELS) return end("no network moves any more");
      }
      // the steepest loss at which enough particles count
      let high = planned()?.beta ?? Math.max(0.1, 4 * beta);
      let weights = population.between(beta, high);
      if (!schedule && weights.effective < keep) {
        let low = beta;
        for (let k = 0; k < HALVINGS; k++) {
          const middle = (low + high) / 2;
          const there = population.between(beta, middle);
          if (there.effective < keep) high = middle;
          else {
            low = middle;
            weights = there;
          }
        }
        high = low;
      }
      if (!(high > beta)) return end("no steeper loss keeps enough of the networks");
      const uniforms = new Float64Array(1);
      new RandomStream(kernels, seed, repetition * 2 ** 20 + levels.length, CHOICE_STREAM).uniforms(uniforms);
      logZ += weights.logMean;
      population.resample(weights.values, uniforms[0]);
      // what limits the step narrows as the loss steepens
      step = planned()?.step ?? (beta > 0 ? step * Math.sqrt(beta / high) : step);
      beta = high;
      const ancestors = new Set(population.ancestors).size;
      const made = await moveAll();
      levels.push({ beta, kept: weights.effective, ancestors, ...made });
      still = made.acceptance < STILL ? still + 1 : 0;
      final = population.final(beta);
    }
    if (final.effective === 0) return end("no network had every sign right after the levels of the first population");
    if (rounds === 0) return end(undefined);
    const functions = new Uint32Array(rounds * particles * words);
    const shares = new Float64Array(rounds * particles);
    const result = { logP: logZ + final.logMean };
    for (let round = 0, at = 0; round < rounds; round++) {
      if (round > 0) {
        population.resume();
        await moveAll();
      }
      const { values } = population.final(beta);
      const total = values.reduce((a, b) => a + b, 0);
      for (let i = 0; i < particles; i++, at++) {
        shares[at] = total > 0 ? values[i] / total / rounds : 0;
        if (shares[at] === 0) continue;
        population.load(i);
        chain.evaluate();
        read(functions.subarray(at * words, (at + 1) * words));
        await rest();
      }
    }
    return { ...end(undefined, { functions, weights: shares }), logP: result.logP };
  },
  transfer: ({ draws }) => (draws ? [draws.functions.buffer, draws.weights.buffer] : []),
};
