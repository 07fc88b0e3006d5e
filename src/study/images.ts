/**
 * The studies on pictures: networks trained to zero error on 500 pictures and an attack set, by one optimiser or by many, and
 * what predicts their accuracy on 1000 others [Zhang et al. 2021, figures 3 and 4].
 *
 * @module
 */
import { withAttack } from "../data/attack.ts";
import { CAR, CAT, CIFAR_FEATURES } from "../data/cifar.ts";
import { formatFunction } from "../data/functions.ts";
import { type Images, pointsOfImages } from "../data/images.ts";
import { show } from "../engine/checks.ts";
import { fullBuild } from "../engine/module.ts";
import { derivedSeed } from "../engine/random.ts";
import type { AllMeasureOptions } from "../flatness/flatness.ts";
import { shuffledPoints } from "../flatness/minibatch.ts";
import { evaluate } from "../network/evaluate.ts";
import type { Dataset } from "../training/surface.ts";
import { CHEAP_MEASURES } from "./boolean.ts";
import { type InfiniteWidthMethod, infiniteWidthVolumes, type VolumeFinder, type Volumes } from "./infiniteWidth.ts";
import { type Describe, type NetworkPlan, type NetworkRecord, networkRecord, type Training } from "./networks.ts";
import { analysePrediction, type PredictionAnalysis } from "./prediction.ts";
import type { StudyTask } from "./run.ts";
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
  /** The first is the study's own; without `auditAttacks` the others are as well. */
  readonly trainings: readonly Training[];
  /** Attack sets of the audit of rate and batch size, by the other trainings, once each. */
  readonly auditAttacks: readonly number[] | undefined;
  readonly measures: readonly string[];
  readonly measureOptions: AllMeasureOptions;
  /** How volumes are found of every network's function; none: flatness alone. */
  readonly volumes: readonly InfiniteWidthMethod[];
  /** And of S, and of the first network of these attack sets: so the approximations can be compared with what has an error. */
  readonly exact: readonly InfiniteWidthMethod[];
  readonly exactAttacks: readonly number[];
  /** Samples of an exact orthant. */
  readonly exactSamples: number;
  /** Of expectation propagation: with 1500 points 1e-3 leaves log P within some 0.002. */
  readonly volumeTolerance: number;
}

/** What the pictures are: the volumes of S, the training set, and of the true function on S and E. */
export interface DataRecord {
  readonly kind: "data";
  readonly task: string;
  /** Pictures of S, and those of them whose label is 1. */
  readonly train: number;
  readonly ones: number;
  /** Accuracy on E of who always gives the more frequent answer of S. */
  readonly majority: number;
  /** P(S) of all functions that are right on S: at least P(f) of each of them. */
  readonly volumeOfS: Volumes;
  /** Of the function that is right on S and E. */
  readonly volumeOfTruth: Volumes;
}

/** What the studies on pictures keep. */
export type ImageRecord = DataRecord | ({ readonly kind: "network" } & NetworkRecord);

/** Stream of the choice of pictures. */
const PICTURE_STREAM = 0x1250;
/** Stream of the seed of the volume of S. */
const DATA_STREAM = 0x1251;

const TRAINING: Training = { optimizer: "sgd", learningRate: 0.01, batch: 32, maxEpochs: 3000 };

export const IMAGE_SETTINGS: ImageSettings = {
  hidden: [40, 40],
  train: 500,
  test: 1000,
  attacks: [0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500],
  repeats: 5,
  trainings: [TRAINING, { ...TRAINING, learningRate: 0.03 }, { ...TRAINING, batch: 8 }],
  auditAttacks: [0, 100, 200, 300, 400, 500],
  measures: CHEAP_MEASURES,
  // a fifth of the evaluations, and sigma to some percent still; one random start beside the gradient's direction
  measureOptions: { fisherRaoEmpirical: "no", pacBayesDraws: 30, pacBayesTolerance: 0.01, samStarts: 1, asamStarts: 1 },
  volumes: ["ep-probit", "ep"],
  exact: ["orthant"],
  exactAttacks: [0, 250, 500],
  exactSamples: 2 ** 11,
  volumeTolerance: 1e-3,
};

export const IMAGE_QUICK: ImageSettings = {
  ...IMAGE_SETTINGS,
  test: 500,
  attacks: [0, 100, 200, 300, 500],
  repeats: 1,
  trainings: [TRAINING, { ...TRAINING, learningRate: 0.03 }],
  auditAttacks: [0, 200, 500],
  exactAttacks: [300],
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

const OPTIMIZER_SETTINGS: ImageSettings = {
  ...IMAGE_SETTINGS,
  attacks: [0, 100, 200, 300, 400, 500],
  repeats: 2,
  trainings: OPTIMIZERS,
  auditAttacks: undefined,
  // of the measures, those that take little time: there are seven times as many networks
  measures: ["keskar-protocol", "spectral-norm", "trace", "fisher-rao", "relative-flatness"],
  exactAttacks: [300],
};
const OPTIMIZER_QUICK: ImageSettings = {
  ...OPTIMIZER_SETTINGS,
  test: IMAGE_QUICK.test,
  attacks: [0, 200, 500],
  repeats: 1,
  exactAttacks: [],
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

/** The pictures of a study. */
export interface ImageSets {
  readonly inS: Dataset;
  readonly inE: Dataset;
  /** Of which attack sets are made. */
  readonly inA: Dataset;
}

/**
 * S, E and A: disjoint, a function of the seed.
 *
 * @throws RangeError if there are too few pictures.
 */
export async function imageSets(
  task: ImageTask,
  { train, test, largest }: { readonly train: number; readonly test: number; readonly largest: number },
  seed: bigint,
  images: Images,
): Promise<ImageSets> {
  const usable = Uint32Array.from(images.labels.keys()).filter((i) => task.takes(images.labels[i]));
  if (usable.length < train + test + largest) {
    throw new RangeError(
      `data: expected at least ${train + test + largest} pictures of ${show(task.name)}, got ${usable.length}`,
    );
  }
  const kernels = await fullBuild.kernels();
  const order = shuffledPoints(kernels, seed, 0, PICTURE_STREAM, usable.length).map((i) => usable[i]);
  const set = (from: number, count: number) => pointsOfImages(images, order.subarray(from, from + count), task.one);
  return { inS: set(0, train), inE: set(train, test), inA: set(train + test, largest) };
}

/** Two sets as one: the points of the first, then those of the second. */
export function joinSets(a: Dataset, b: Dataset): Dataset {
  const joined = (first: Float32Array, second: Float32Array): Float32Array => {
    const both = new Float32Array(first.length + second.length);
    both.set(first);
    both.set(second, first.length);
    return both;
  };
  return {
    points: a.points + b.points,
    features: a.features,
    inputs: joined(a.inputs, b.inputs),
    targets: joined(a.targets, b.targets),
  };
}

/** Bits of values, 1 above 0, as a function in hex, and how many they are. */
export function functionOfValues(values: ArrayLike<number>): { readonly function: string; readonly ones: number } {
  const words = new Uint32Array(Math.ceil(values.length / 32));
  let ones = 0;
  for (let i = 0; i < values.length; i++) {
    if (!(values[i] > 0)) continue;
    words[i >> 5] |= 1 << (31 - (i & 31));
    ones++;
  }
  return { function: formatFunction(words, values.length), ones };
}

/**
 * The tasks: what the pictures are, then one network each.
 *
 * @throws RangeError if there are too few pictures.
 */
export async function imageTasks(
  task: ImageTask,
  settings: ImageSettings,
  seed: bigint,
  images: Images,
): Promise<Array<StudyTask<ImageRecord>>> {
  const { train, test, attacks, trainings, auditAttacks } = settings;
  const { inS, inE, inA } = await imageSets(task, { train, test, largest: Math.max(...attacks) }, seed, images);
  const network = { layers: [images.features, ...settings.hidden, 1] };
  const all = joinSets(inS, inE);
  const truth = functionOfValues(all.targets).function;
  const finder = (set: Dataset, labels: string): VolumeFinder =>
    infiniteWidthVolumes({
      points: set.inputs,
      count: set.points,
      hiddenLayers: settings.hidden.length,
      truth: labels,
      samples: settings.exactSamples,
      tolerance: settings.volumeTolerance,
    });
  const volumesOf = finder(all, truth);

  const tasks: Array<StudyTask<ImageRecord>> = [
    {
      key: "data",
      stage: "training set",
      async run(context): Promise<DataRecord> {
        const onS = functionOfValues(inS.targets);
        const methods = [...settings.volumes, ...settings.exact];
        const kernels = await fullBuild.kernels();
        const own = derivedSeed(kernels, seed, 0, DATA_STREAM);
        const answer = 2 * onS.ones > train ? 1 : 0;
        return {
          kind: "data",
          task: task.name,
          train,
          ones: onS.ones,
          majority: inE.targets.filter((target) => target === answer).length / test,
          volumeOfS: await finder(inS, onS.function)(onS.function, methods, own, context),
          volumeOfTruth: await volumesOf(truth, settings.volumes, own, context),
        };
      },
    },
  ];
  let index = 0;
  trainings.forEach((training, t) => {
    const main = t === 0 || auditAttacks === undefined;
    for (const attack of main ? attacks : auditAttacks) {
      for (let repeat = 0; repeat < (main ? settings.repeats : 1); repeat++) {
        const exact = t === 0 && repeat === 0 && settings.exactAttacks.includes(attack) ? settings.exact : [];
        const describe: Describe = async (w, own, context) => {
          const f = functionOfValues(await evaluate(network, w, all.inputs, all.points));
          const volumes = await volumesOf(f.function, [...settings.volumes, ...exact], own, context);
          return { ...f, points: all.points, complexity: null, volumes };
        };
        const plan: NetworkPlan = {
          key: `network ${index}`,
          task: task.name,
          index: index++,
          network,
          data: withAttack(inS, inA, attack),
          genuine: train,
          test: inE,
          training,
          repeat,
          main,
          measures: settings.measures,
          measureOptions: settings.measureOptions,
        };
        tasks.push({
          key: plan.key,
          stage: "networks",
          run: async (context) => ({ kind: "network", ...(await networkRecord(plan, seed, describe, context)) }),
        });
      }
    }
  });
  return tasks;
}

function imageStudy(
  name: string,
  taskOf: (images: Images) => ImageTask,
  full: ImageSettings,
  quick: ImageSettings,
): Study<ImageSettings, ImageRecord, PredictionAnalysis, Images> {
  return {
    name,
    full,
    quick,
    tasks: (settings, seed, images) => imageTasks(taskOf(images), settings, seed, images),
    analyse: (records, _settings, signal) =>
      analysePrediction(
        records.flatMap((record) => (record.kind === "network" ? [record] : [])),
        `networks that fit their training and attack sets (${records[0]?.task ?? ""})`,
        signal,
      ),
  };
}

/** Digits, trained by SGD: figure 3 a and d. */
export const mnistStudy = imageStudy("mnist", () => DIGITS, IMAGE_SETTINGS, IMAGE_QUICK);
/** CIFAR-10's cars and cats: figure 3 b and e. */
export const cifarStudy = imageStudy("cifar", () => CARS, IMAGE_SETTINGS, IMAGE_QUICK);
/** Digits, or CIFAR-10's cars and cats if it is given those, trained by seven optimisers: figure 4. */
export const optimizersStudy = imageStudy(
  "optimizers",
  ({ features }) => (features === CIFAR_FEATURES ? CARS : DIGITS),
  OPTIMIZER_SETTINGS,
  OPTIMIZER_QUICK,
);
