/**
 * One repetition of adaptive multilevel splitting: what a worker does.
 *
 * @module
 */
import { booleanPoints, type Points } from "../data/points.ts";
import { RandomStream } from "../engine/random.ts";
import { SLICE_MS, type Task } from "../engine/task.ts";
import type { Network } from "../network/network.ts";
import { adaptMoves, bitsOf, type MoveStatistics, makeChain, setLevel } from "./splittingChain.ts";

/** Streams of random numbers: the kernel's, and the choice of survivors. */
const MOVE_STREAM = 0x300;
const CHOICE_STREAM = 0x301;

/** Plain data: it crosses to workers. */
export interface SplittingArguments {
  readonly network: Network;
  /** Given points `[points][features]`, row-major; undefined: all Boolean inputs. */
  readonly data: Float32Array | undefined;
  readonly points: number;
  readonly bits: Uint32Array;
  readonly counts: Uint32Array | undefined;
  readonly particles: number;
  /** Share of the particles that a level keeps. */
  readonly keep: number;
  readonly sweeps: number;
  readonly jump: number;
  readonly maxLevels: number;
  readonly seed: bigint;
  readonly repetition: number;
  /** Sweeps after the last level before the functions are read; 0: they are not wanted. */
  readonly drawSweeps: number;
}

/** How a level went. */
export interface SplittingLevel {
  /** No particle left has more energy. */
  readonly energy: number;
  /** Share of the particles that were kept. */
  readonly kept: number;
  /** Different first ancestors among them. */
  readonly ancestors: number;
  /** Of the moves after it: the output layer's, then each hidden layer's. */
  readonly moves: MoveStatistics[];
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
  /** Functions of the particles at the end, if wanted: `[particles][words]`. */
  readonly functions: Uint32Array<ArrayBuffer> | undefined;
}

/** Mean |angle| of every kind of move below which nothing moves any more. */
const STILL = 1e-5;

export const splittingTask: Task<SplittingArguments, SplittingRun> = {
  name: "splitting",
  async run({ kernels, pause }, args) {
    const { network, data, particles, keep, sweeps, maxLevels, seed, repetition, drawSweeps } = args;
    const { exports } = kernels;
    const features = network.layers[0];
    const points: Points = data
      ? { kind: "points", count: args.points, features, values: () => Float32Array.from(data) }
      : booleanPoints(features);
    const chain = makeChain(kernels, { network, points, bits: args.bits, counts: args.counts, jump: args.jump });
    const { address, parameters, entries, state } = chain;
    const bytes = 4 * entries;
    const population = kernels.allocate(bytes * particles);
    const bitsAt = kernels.allocate(4 * chain.words);
    exports.seedLanes(state, Number(seed & 0xffffffffn), Number(seed >> 32n), repetition, 0, MOVE_STREAM);
    const memory = (): Uint8Array => new Uint8Array(kernels.memory.buffer);
    const placeOf = (i: number): number => population + i * bytes;
    let rested = performance.now();
    const rest = async (): Promise<void> => {
      if (performance.now() - rested < SLICE_MS) return;
      await pause();
      rested = performance.now();
    };

    const energies = new Float32Array(particles);
    let ancestor = Uint32Array.from({ length: particles }, (_, i) => i);
    for (let i = 0; i < particles; i++) {
      exports.gaussians(parameters, chain.scales, entries / 8, state);
      energies[i] = exports.splittingEvaluate(address);
      memory().copyWithin(placeOf(i), parameters, parameters + bytes);
      await rest();
    }
    /** Moves all particles at the level. Each is evaluated anew before and after, so that no rounding gathers. */
    const move = async (count: number): Promise<void> => {
      for (let i = 0; i < particles; i++) {
        memory().copyWithin(parameters, placeOf(i), placeOf(i) + bytes);
        exports.splittingEvaluate(address);
        for (let k = 0; k < count; k++) {
          exports.splittingSweeps(address, 1);
          await rest();
        }
        energies[i] = exports.splittingEvaluate(address);
        memory().copyWithin(placeOf(i), parameters, parameters + bytes);
      }
    };

    const levels: SplittingLevel[] = [];
    const end = (logP: number | undefined, stalled?: string, functions?: Uint32Array<ArrayBuffer>): SplittingRun => ({
      logP,
      stalled,
      levels,
      ancestors: new Set(ancestor).size,
      functions,
    });
    let logP = 0;
    const wanted = Math.max(1, Math.min(particles - 1, Math.floor(keep * particles)));
    for (;;) {
      const sorted = energies.slice().sort();
      const level = Math.max(0, sorted[wanted - 1]);
      const survivors = [...energies.keys()].filter((i) => energies[i] <= level);
      if (survivors.length === particles && level > 0) return end(undefined, "every particle has the same energy");
      const kept = survivors.length / particles;
      logP += exports.naturalLog(kept);
      const ancestors = new Set(survivors.map((i) => ancestor[i])).size;
      // survivors in a random order take the places of the others
      const uniforms = new Float64Array(survivors.length);
      new RandomStream(kernels, seed, repetition * 2 ** 20 + levels.length, CHOICE_STREAM).uniforms(uniforms);
      for (let i = survivors.length - 1; i > 0; i--) {
        const j = Math.min(i, Math.floor(uniforms[i] * (i + 1)));
        [survivors[i], survivors[j]] = [survivors[j], survivors[i]];
      }
      const alive = new Set(survivors);
      let next = 0;
      const parents = ancestor.slice();
      for (let i = 0; i < particles; i++) {
        if (alive.has(i)) continue;
        const from = survivors[next++ % survivors.length];
        memory().copyWithin(placeOf(i), placeOf(from), placeOf(from) + bytes);
        parents[i] = ancestor[from];
      }
      ancestor = parents;
      setLevel(kernels, chain, level);
      if (level === 0) {
        levels.push({ energy: 0, kept, ancestors, moves: [] });
        if (drawSweeps === 0) return end(logP);
        await move(drawSweeps);
        const functions = new Uint32Array(particles * chain.words);
        for (let i = 0; i < particles; i++) {
          memory().copyWithin(parameters, placeOf(i), placeOf(i) + bytes);
          exports.splittingEvaluate(address);
          functions.set(bitsOf(kernels, chain, bitsAt), i * chain.words);
        }
        return end(logP, undefined, functions);
      }
      if (levels.length >= maxLevels) return end(undefined, `no end after ${maxLevels} levels`);
      await move(sweeps);
      const moves = adaptMoves(kernels, chain);
      levels.push({ energy: level, kept, ancestors, moves });
      if (moves.every(({ angle }) => angle < STILL)) return end(undefined, "no parameter moves any more");
    }
  },
  transfer: ({ functions }) => (functions ? [functions.buffer] : []),
};
