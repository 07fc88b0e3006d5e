/**
 * Networks trained to zero error on a training set and an attack set, and everything that may predict how they generalise:
 * what the studies of prediction share.
 *
 * @module
 */
import { fullBuild } from "../engine/module.ts";
import { derivedSeed } from "../engine/random.ts";
import type { AllMeasureOptions, MeasureRecord } from "../flatness/flatness.ts";
import { flatness, train } from "../flatness.ts";
import { evaluate } from "../network/evaluate.ts";
import type { NetworkOptions } from "../network/network.ts";
import type { OptimizerName, OptimizerOptions } from "../training/optimiser.ts";
import type { Dataset } from "../training/surface.ts";
import type { StudyContext } from "./run.ts";

/** Streams of the seeds of a network's training and of its measures. */
const TRAIN_STREAM = 0x1100;
const MEASURE_STREAM = 0x1101;

/** How a network is trained. */
export interface Training extends OptimizerOptions {
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly batch: number;
  readonly maxEpochs: number;
}

/** A volume's estimate; null where there is none. */
export interface VolumeRecord {
  readonly log10P: number | null;
  /** Of log10P; null for methods without one. */
  readonly standardError: number | null;
  readonly warnings: readonly string[];
}

/** A flatness measure's value. */
export interface MeasureValue {
  readonly value: number | null;
  readonly standardError: number | null;
  readonly invariant: boolean;
  readonly source: string;
}

/** A trained network: plain data. */
export interface NetworkRecord {
  readonly key: string;
  /** What it was trained on: the target's name, or the data set's. */
  readonly task: string;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly batch: number;
  /** Points of the attack set. */
  readonly attack: number;
  /** Which of the networks that differ in their random start alone. */
  readonly repeat: number;
  readonly seed: number;
  /** Whether this training is of the main set, or of the audit of learning rates and batch sizes. */
  readonly main: boolean;
  /** Zero error on the training and attack set within the cap of epochs. */
  readonly converged: boolean;
  /** Why there is no network at all; null: there is one. */
  readonly failure: string | null;
  readonly epochs: number;
  readonly trainLoss: number | null;
  /** Share of S and of E that is right. */
  readonly trainAccuracy: number | null;
  readonly accuracy: number | null;
  /** Bits 1 of the function on S and E. */
  readonly ones: number | null;
  readonly points: number;
  /** The function on S and E in the study's order of points, as bits in hex. */
  readonly function: string | null;
  /** Lempel-Ziv complexity of the function; null where points have no natural order. */
  readonly complexity: number | null;
  readonly volumes: Readonly<Record<string, VolumeRecord>>;
  readonly measures: Readonly<Record<string, MeasureValue>>;
}

/** One network to be made. */
export interface NetworkPlan {
  readonly key: string;
  readonly task: string;
  readonly index: number;
  readonly network: NetworkOptions;
  /** S, then A with flipped labels. */
  readonly data: Dataset;
  /** Points of S. */
  readonly genuine: number;
  readonly test: Dataset;
  readonly training: Training;
  readonly repeat: number;
  readonly main: boolean;
  readonly measures: readonly string[];
  readonly measureOptions: AllMeasureOptions;
}

/** What a trained network's function is, and what is known of it beyond its flatness. */
export interface FunctionRecord {
  readonly function: string;
  readonly ones: number;
  readonly points: number;
  readonly complexity: number | null;
  readonly volumes: Readonly<Record<string, VolumeRecord>>;
}

/** Finds the function of a network, and its volumes. */
export type Describe = (parameters: Float32Array, seed: number, context: StudyContext) => Promise<FunctionRecord>;

/**
 * Trains a network and measures it.
 *
 * @param seed of the study.
 * @param describe what it takes to name and weigh the network's function.
 */
export async function networkRecord(
  plan: NetworkPlan,
  seed: bigint,
  describe: Describe,
  context: StudyContext,
): Promise<NetworkRecord> {
  const { network, data, genuine, test, training, measures, measureOptions } = plan;
  const { pool, signal } = context;
  const kernels = await fullBuild.kernels();
  const own = derivedSeed(kernels, seed, plan.index, TRAIN_STREAM);
  const base = {
    key: plan.key,
    task: plan.task,
    optimizer: training.optimizer,
    learningRate: training.learningRate,
    batch: training.batch,
    attack: data.points - genuine,
    repeat: plan.repeat,
    seed: own,
    main: plan.main,
    points: genuine + test.points,
  };
  const nothing = {
    converged: false,
    epochs: training.maxEpochs,
    trainLoss: null,
    trainAccuracy: null,
    accuracy: null,
    ones: null,
    function: null,
    complexity: null,
    volumes: {},
    measures: {},
  };
  let trained: Awaited<ReturnType<typeof train>>;
  try {
    trained = await train(network, data, { ...training, loss: "bce", test, seed: own, pool, signal });
  } catch (error) {
    signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    if (!/^train: it diverged/.test(message)) throw error;
    return { ...base, ...nothing, failure: message };
  }
  const { parameters, converged, epochs, trainLoss, testAccuracy } = trained;
  const found = {
    failure: null,
    converged,
    epochs,
    trainLoss,
    trainAccuracy: await accuracyOn(network, parameters, data, genuine),
    accuracy: testAccuracy ?? null,
  };
  // the claims are about functions that fit: others are shown, not measured
  if (!converged) return { ...base, ...nothing, ...found };
  const measureSeed = derivedSeed(kernels, seed, plan.index, MEASURE_STREAM);
  const [described, flat] = await Promise.all([
    describe(parameters, measureSeed, context),
    flatness(network, parameters, data, { ...measureOptions, loss: "bce", measures, seed: measureSeed, pool, signal }),
  ]);
  return {
    ...base,
    ...found,
    ...described,
    measures: measureValues(flat, measures),
  };
}

/** The values of measures without their details. */
export function measureValues(
  found: Readonly<Record<string, MeasureRecord>>,
  names: readonly string[],
): Record<string, MeasureValue> {
  return Object.fromEntries(
    names.map((name) => {
      const { value, standardError, invariant, source } = found[name];
      return [name, { value, standardError: standardError ?? null, invariant, source }];
    }),
  );
}

/** Share of the first points that a network has right. */
async function accuracyOn(
  network: NetworkOptions,
  parameters: Float32Array,
  data: Dataset,
  points: number,
): Promise<number> {
  const logits = await evaluate(network, parameters, data.inputs.subarray(0, points * data.features), points);
  let right = 0;
  for (let i = 0; i < points; i++) right += Number(logits[i] > 0 === data.targets[i] > 0);
  return right / points;
}
