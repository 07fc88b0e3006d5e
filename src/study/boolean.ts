/**
 * The Boolean study: does the volume of a function, or the flatness of the loss, tell how well a network generalises?
 * All 2^n inputs are split into a training set S and a test set E; networks are trained to zero error on S and an attack set, and
 * the volume of what they compute on all inputs is found by multilevel splitting [Zhang et al. 2021, figure 2].
 *
 * @module
 */
import { complexity } from "../complexity/index.ts";
import { selectPoints, withAttack } from "../data/attack.ts";
import { formatFunction, parseFunction } from "../data/functions.ts";
import { booleanPoints } from "../data/points.ts";
import { fullBuild } from "../engine/module.ts";
import { derivedSeed } from "../engine/random.ts";
import { shuffledPoints } from "../flatness/minibatch.ts";
import { functionOf } from "../network/evaluate.ts";
import type { NetworkOptions } from "../network/network.ts";
import type { Dataset } from "../training/surface.ts";
import { countFunctions } from "../volume/count.ts";
import { splittingVolume } from "../volume/splitting.ts";
import {
  type FunctionRecord,
  type NetworkPlan,
  type NetworkRecord,
  networkRecord,
  type VolumeRecord,
} from "./networks.ts";
import { analysePrediction, type PredictionAnalysis } from "./prediction.ts";
import type { StudyContext, StudyTask } from "./run.ts";
import type { Study } from "./study.ts";

/** What the study depends on, beside its seed. */
export interface BooleanSettings {
  readonly layers: readonly number[];
  /** Points of S; E is the rest. */
  readonly train: number;
  /** Lempel-Ziv complexities that the targets should have. */
  readonly complexities: readonly number[];
  /** Random networks among whose functions the targets are chosen. */
  readonly candidates: number;
  /** Sizes of the attack set: inputs of E with flipped labels. */
  readonly attacks: readonly number[];
  /** Networks of each target and attack set. */
  readonly repeats: number;
  readonly learningRate: number;
  readonly batch: number;
  readonly maxEpochs: number;
  /** Learning rates and batch sizes of the audit, on one target. */
  readonly variants: ReadonlyArray<{ readonly learningRate: number; readonly batch: number }>;
  /** Of splitting: repetitions, networks in each, moves of a chain at a level and their steps, the share that a level keeps. */
  readonly repetitions: number;
  readonly particles: number;
  readonly moves: number;
  readonly steps: number;
  readonly keep: number;
  readonly measures: readonly string[];
}

/** The measures that take little time. */
export const CHEAP_MEASURES = [
  "keskar-protocol",
  "spectral-norm",
  "trace",
  "fisher-rao",
  "relative-flatness",
  "sam",
  "asam",
  "pac-bayes-sigma",
] as const;

export const BOOLEAN_SETTINGS: BooleanSettings = {
  layers: [7, 40, 40, 1],
  train: 64,
  complexities: [45, 60, 75],
  candidates: 10_000,
  attacks: [0, 2, 4, 8, 16, 24, 32, 64],
  repeats: 2,
  learningRate: 0.05,
  batch: 32,
  maxEpochs: 5000,
  variants: [
    { learningRate: 0.01, batch: 32 },
    { learningRate: 0.05, batch: 8 },
  ],
  repetitions: 4,
  particles: 30,
  moves: 10,
  steps: 20,
  keep: 0.5,
  measures: CHEAP_MEASURES,
};

export const BOOLEAN_QUICK: BooleanSettings = {
  ...BOOLEAN_SETTINGS,
  complexities: [60],
  attacks: [0, 2, 4, 8, 16, 32],
  variants: [{ learningRate: 0.01, batch: 32 }],
};

/** Streams of the split of inputs, and of the seeds for P(S). */
const SPLIT_STREAM = 0x1200;
const CANDIDATE_STREAM = 0x1201;
const PRIOR_STREAM = 0x1202;
/** A target's share of ones lies within these: where one answer prevails, its mere frequency predicts the accuracy. */
const BALANCE = [0.4, 0.6] as const;

/** A function to be learned. */
export interface TargetRecord {
  readonly kind: "target";
  readonly name: string;
  readonly function: string;
  readonly complexity: number;
  readonly ones: number;
  /** Accuracy on E of who always gives the more frequent answer of S. */
  readonly majority: number;
  /** P(S): the volume of all functions that are right on S. */
  readonly volumeOfS: VolumeRecord;
}

/** A network's record. */
export type BooleanRecord = TargetRecord | ({ readonly kind: "network" } & NetworkRecord);

/** What the choice of targets depends on, beside the seed. */
export type TargetSettings = Pick<BooleanSettings, "layers" | "train" | "complexities" | "candidates">;

/** How volumes are found. */
export type VolumeSettings = Pick<BooleanSettings, "layers" | "repetitions" | "particles" | "moves" | "steps" | "keep">;

/** A function to be learned, and its training and test set. */
export interface Target {
  readonly name: string;
  readonly function: string;
  readonly complexity: number;
  readonly bits: readonly number[];
  readonly onS: string;
  readonly majority: number;
  /** All inputs, row-major. */
  readonly inputs: Float32Array;
  readonly training: Dataset;
  readonly test: Dataset;
}

const bitsOf = (words: Uint32Array, points: number): number[] =>
  Array.from({ length: points }, (_, i) => (words[i >> 5] >>> (31 - (i & 31))) & 1);

const sum = (bits: readonly number[]): number => bits.reduce((total, bit) => total + bit, 0);

/** The functions to be learned: of random networks' functions with enough of both answers, those nearest to the wanted complexities. */
export async function booleanTargets(settings: TargetSettings, seed: bigint): Promise<Target[]> {
  const { layers, train } = settings;
  const points = 2 ** layers[0];
  const kernels = await fullBuild.kernels();
  const order = shuffledPoints(kernels, seed, 0, SPLIT_STREAM, points);
  // in the order of inputs, so that a set is one whatever the order of its drawing
  const inS = order.slice(0, train).sort();
  const inE = order.slice(train);
  const table = await countFunctions(
    { layers },
    { samples: settings.candidates, seed: derivedSeed(kernels, seed, 0, CANDIDATE_STREAM), workers: 0 },
  );
  const functions = table.top(settings.candidates).map((f) => f.function);
  table.close();
  const balanced = functions.filter((f) => {
    const share = sum(bitsOf(parseFunction("function", f, points), points)) / points;
    return share >= BALANCE[0] && share <= BALANCE[1];
  });
  const levels = (await complexity(balanced)).map(({ lempelZiv }) => lempelZiv);
  const taken = new Set<number>();
  const on = new Uint32Array(Math.ceil(points / 32));
  for (const i of inS) on[i >> 5] |= 1 << (31 - (i & 31));
  const onS = formatFunction(on, points);
  return settings.complexities.map((wanted) => {
    let best = -1;
    levels.forEach((level, i) => {
      if (taken.has(i)) return;
      if (best < 0 || Math.abs(level - wanted) < Math.abs(levels[best] - wanted)) best = i;
    });
    taken.add(best);
    const bits = bitsOf(parseFunction("function", balanced[best], points), points);
    const all: Dataset = {
      points,
      features: layers[0],
      inputs: booleanPoints(layers[0]).values(),
      targets: Float32Array.from(bits),
    };
    const onesOfS = sum(Array.from(inS, (i) => bits[i]));
    const answer = 2 * onesOfS > train ? 1 : 0;
    return {
      name: `K = ${levels[best]}`,
      function: balanced[best],
      complexity: levels[best],
      bits,
      onS,
      inputs: all.inputs,
      majority: Array.from(inE).filter((i) => bits[i] === answer).length / inE.length,
      training: selectPoints(all, inS),
      test: selectPoints(all, inE),
    };
  });
}

/** P(f), or with `on` P of all functions that agree there, by splitting. */
export async function volumeOf(
  settings: VolumeSettings,
  f: string,
  on: string | undefined,
  seed: number,
  { pool, signal }: StudyContext,
): Promise<VolumeRecord> {
  const { layers, repetitions, particles, moves, steps, keep } = settings;
  const found = await splittingVolume(
    { layers },
    {
      function: f,
      ...(on === undefined ? {} : { on }),
      repetitions,
      particles,
      moves,
      steps,
      keep,
      seed,
      pool,
      signal,
    },
  );
  return {
    log10P: found.log10P ?? null,
    standardError: found.standardError === undefined ? null : found.standardError / Math.LN10,
    warnings: found.warnings,
  };
}

/** The study's tasks: P(S) of each target, then the networks. */
export async function booleanTasks(settings: BooleanSettings, seed: bigint): Promise<Array<StudyTask<BooleanRecord>>> {
  const network: NetworkOptions = { layers: settings.layers };
  const targets = await booleanTargets(settings, seed);
  const kernels = await fullBuild.kernels();
  const tasks: Array<StudyTask<BooleanRecord>> = targets.map((target, t) => ({
    key: `target ${t}`,
    stage: "training sets",
    async run(context) {
      const own = derivedSeed(kernels, seed, t, PRIOR_STREAM);
      return {
        kind: "target",
        name: target.name,
        function: target.function,
        complexity: target.complexity,
        ones: sum(target.bits),
        majority: target.majority,
        volumeOfS: await volumeOf(settings, target.function, target.onS, own, context),
      };
    },
  }));
  const { learningRate, batch, maxEpochs, measures } = settings;
  const setups = [
    ...targets.map((target) => ({ target, learningRate, batch, repeats: settings.repeats, main: true })),
    ...settings.variants.map((variant) => ({
      target: targets[targets.length >> 1],
      ...variant,
      repeats: 1,
      main: false,
    })),
  ];
  let index = 0;
  for (const { target, repeats, main, ...rates } of setups) {
    for (const attack of settings.attacks) {
      for (let repeat = 0; repeat < repeats; repeat++) {
        const plan: NetworkPlan = {
          key: `network ${index}`,
          task: target.name,
          index: index++,
          network,
          data: withAttack(target.training, target.test, attack),
          genuine: target.training.points,
          test: target.test,
          training: { optimizer: "sgd", ...rates, maxEpochs },
          repeat,
          main,
          measures,
          measureOptions: {},
        };
        const describe = async (w: Float32Array, own: number, context: StudyContext): Promise<FunctionRecord> => {
          const f = await functionOf(network, w);
          const points = target.bits.length;
          return {
            function: f,
            ones: sum(bitsOf(parseFunction("function", f, points), points)),
            points,
            complexity: (await complexity([f]))[0].lempelZiv,
            volumes: { splitting: await volumeOf(settings, f, undefined, own, context) },
          };
        };
        tasks.push({
          key: plan.key,
          stage: "networks",
          run: async (context) => ({ kind: "network", ...(await networkRecord(plan, seed, describe, context)) }),
        });
      }
    }
  }
  return tasks;
}

/** What the study's records say. */
export type BooleanAnalysis = PredictionAnalysis;

/** The study. */
export const booleanStudy: Study<BooleanSettings, BooleanRecord, BooleanAnalysis> = {
  name: "boolean",
  full: BOOLEAN_SETTINGS,
  quick: BOOLEAN_QUICK,
  tasks: booleanTasks,
  analyse: (records, { layers }, signal) =>
    analysePrediction(
      records.flatMap((record) => (record.kind === "network" ? [record] : [])),
      `${layers.join("-")} networks that fit their training and attack sets`,
      signal,
    ),
};
