/**
 * The studies on pictures: networks trained to zero error on 500 pictures and an attack set, by one optimiser or by many, and
 * what predicts their accuracy on 1000 others [Zhang et al. 2021, figures 3 and 4].
 *
 * @module
 */
import { withAttack } from "../data/attack.ts";
import { CAR, CAT } from "../data/cifar.ts";
import { formatFunction } from "../data/functions.ts";
import { type Images, pointsOfImages } from "../data/images.ts";
import { show } from "../engine/checks.ts";
import { fullBuild } from "../engine/module.ts";
import { shuffledPoints } from "../flatness/minibatch.ts";
import { evaluate } from "../network/evaluate.ts";
import { CHEAP_MEASURES } from "./boolean.ts";
import {
  type FunctionRecord,
  type NetworkRecord,
  networkRecord,
  type Training,
  type VolumeRecord,
} from "./networks.ts";
import { analysePrediction, type PredictionAnalysis } from "./prediction.ts";
import type { StudyContext, StudyTask } from "./run.ts";
import type { Study } from "./study.ts";

/** What a study on pictures depends on, beside its seed and pictures. */
export interface ImageSettings {
  /** Units of the hidden layers. */
  readonly hidden: readonly number[];
  /** Pictures of S and E. */
  readonly train: number;
  readonly test: number;
  /** Sizes of the attack set: further pictures with flipped labels. */
  readonly attacks: readonly number[];
  /** Networks of each optimiser and attack set. */
  readonly repeats: number;
  /** The first is the study's own; with `audit` the others are the audit of its rate and batch size, on every attack set once. */
  readonly trainings: readonly Training[];
  readonly audit: boolean;
  readonly measures: readonly string[];
}

/** Points and functions on them: `points` `[count][features]` row-major, each function its bits in hex, point 0 first. */
export interface FunctionsOnPoints {
  readonly points: Float32Array;
  readonly count: number;
  readonly features: number;
  readonly hiddenLayers: number;
  readonly functions: readonly string[];
}

/** Volumes of functions by every method that can take so many points: one entry a method for each function. */
export type LogVolumes = (
  subject: FunctionsOnPoints,
  seed: number,
  context: StudyContext,
) => Promise<Array<Readonly<Record<string, VolumeRecord>>>>;

/** Stream of the choice of pictures. */
const PICTURE_STREAM = 0x1230;

const TRAINING: Training = { optimizer: "sgd", learningRate: 0.01, batch: 32, maxEpochs: 3000 };

export const IMAGE_SETTINGS: ImageSettings = {
  hidden: [40, 40],
  train: 500,
  test: 1000,
  attacks: [0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500],
  repeats: 5,
  trainings: [TRAINING, { ...TRAINING, learningRate: 0.03 }, { ...TRAINING, batch: 8 }],
  audit: true,
  measures: CHEAP_MEASURES,
};

export const IMAGE_QUICK: ImageSettings = {
  ...IMAGE_SETTINGS,
  attacks: [0, 100, 200, 300, 500],
  repeats: 2,
  trainings: [TRAINING, { ...TRAINING, learningRate: 0.03 }],
};

const OPTIMIZERS: readonly Training[] = [
  TRAINING,
  { ...TRAINING, optimizer: "momentum", learningRate: 0.01 },
  { ...TRAINING, optimizer: "adam", learningRate: 1e-3 },
  { ...TRAINING, optimizer: "adagrad", learningRate: 0.01 },
  { ...TRAINING, optimizer: "rmsprop", learningRate: 1e-3 },
  { ...TRAINING, optimizer: "entropy-sgd", learningRate: 1 },
  { ...TRAINING, optimizer: "sam", learningRate: 0.01 },
];

const OPTIMIZER_SETTINGS: ImageSettings = { ...IMAGE_SETTINGS, repeats: 2, trainings: OPTIMIZERS, audit: false };
const OPTIMIZER_QUICK: ImageSettings = {
  ...IMAGE_QUICK,
  attacks: [0, 200, 500],
  repeats: 1,
  trainings: OPTIMIZERS,
  audit: false,
};

/** Which pictures there are to tell apart. */
export interface ImageTask {
  readonly name: string;
  /** Whether a label takes part, and its target is 1. */
  readonly takes: (label: number) => boolean;
  readonly one: (label: number) => boolean;
}

export const DIGITS: ImageTask = { name: "digits ≥ 5", takes: (label) => label < 10, one: (label) => label >= 5 };
export const CARS: ImageTask = {
  name: "car, cat",
  takes: (label) => label === CAR || label === CAT,
  one: (label) => label === CAR,
};

/**
 * The tasks: one network each.
 *
 * @param logVolumes finds volumes of the functions on S and E; undefined: the study has flatness alone.
 * @throws RangeError if there are too few pictures.
 */
export async function imageTasks(
  task: ImageTask,
  settings: ImageSettings,
  seed: bigint,
  images: Images,
  logVolumes?: LogVolumes,
): Promise<Array<StudyTask<NetworkRecord>>> {
  const { train, test, attacks, trainings } = settings;
  const largest = Math.max(...attacks);
  const usable = Uint32Array.from(images.labels.keys()).filter((i) => task.takes(images.labels[i]));
  if (usable.length < train + test + largest) {
    throw new RangeError(
      `data: expected at least ${train + test + largest} pictures of ${show(task.name)}, got ${usable.length}`,
    );
  }
  const kernels = await fullBuild.kernels();
  const order = shuffledPoints(kernels, seed, 0, PICTURE_STREAM, usable.length).map((i) => usable[i]);
  const set = (from: number, count: number) => pointsOfImages(images, order.subarray(from, from + count), task.one);
  const [inS, inE, inA] = [set(0, train), set(train, test), set(train + test, largest)];
  const layers = [images.features, ...settings.hidden, 1];
  const network = { layers };
  const points = new Float32Array(inS.inputs.length + inE.inputs.length);
  points.set(inS.inputs);
  points.set(inE.inputs, inS.inputs.length);
  const count = train + test;

  const describe = async (w: Float32Array, own: number, context: StudyContext): Promise<FunctionRecord> => {
    const logits = await evaluate(network, w, points, count);
    const words = new Uint32Array(Math.ceil(count / 32));
    let ones = 0;
    logits.forEach((z, i) => {
      if (!(z > 0)) return;
      words[i >> 5] |= 1 << (31 - (i & 31));
      ones++;
    });
    const f = formatFunction(words, count);
    const subject = { points, count, features: images.features, hiddenLayers: settings.hidden.length, functions: [f] };
    const [volumes] = logVolumes ? await logVolumes(subject, own, context) : [{}];
    return { function: f, ones, points: count, complexity: null, volumes };
  };

  const tasks: Array<StudyTask<NetworkRecord>> = [];
  trainings.forEach((training, t) => {
    const main = t === 0 || !settings.audit;
    for (const attack of attacks) {
      for (let repeat = 0; repeat < (main ? settings.repeats : 1); repeat++) {
        const index = tasks.length;
        const plan = {
          key: `network ${index}`,
          task: task.name,
          index,
          network,
          data: withAttack(inS, inA, attack),
          genuine: train,
          test: inE,
          training,
          repeat,
          main,
          measures: settings.measures,
          measureOptions: {},
        };
        tasks.push({
          key: plan.key,
          stage: "networks",
          run: (context) => networkRecord(plan, seed, describe, context),
        });
      }
    }
  });
  return tasks;
}

function imageStudy(
  name: string,
  task: ImageTask,
  full: ImageSettings,
  quick: ImageSettings,
): Study<ImageSettings, NetworkRecord, PredictionAnalysis, Images> {
  return {
    name,
    full,
    quick,
    tasks: (settings, seed, images) => imageTasks(task, settings, seed, images),
    analyse: (records, _settings, signal) =>
      analysePrediction(records, `networks that fit their training and attack sets (${task.name})`, signal),
  };
}

/** Digits, trained by SGD: figure 3 a and d. */
export const mnistStudy = imageStudy("mnist", DIGITS, IMAGE_SETTINGS, IMAGE_QUICK);
/** CIFAR-10's cars and cats: figure 3 b and e. */
export const cifarStudy = imageStudy("cifar", CARS, IMAGE_SETTINGS, IMAGE_QUICK);
/** Digits, trained by seven optimisers: figure 4. */
export const optimizersStudy = imageStudy("optimizers", DIGITS, OPTIMIZER_SETTINGS, OPTIMIZER_QUICK);
