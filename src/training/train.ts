/**
 * Training to zero error.
 *
 * @module
 */
import { checkChoice, checkInteger, checkNumber, checkOptions, checkSeed, show } from "../engine/checks.ts";
import { fullBuild, sharedKernels } from "../engine/module.ts";
import { Pool } from "../engine/pool.ts";
import { onBuild, type Task } from "../engine/task.ts";
import { defineNetwork, type Network, type NetworkOptions } from "../network/network.ts";
import { checkParameters } from "../network/parameters.ts";
import { identityOfTraining, type TrainingState, type TrainingStore } from "./checkpoint.ts";
import { checkDataset, checkLoss } from "./dataset.ts";
import { drawInitialParameters } from "./initialParameters.ts";
import { checkOptimizer, OPTIMIZER_OPTIONS, type OptimizerOptions } from "./optimiser.ts";
import type { Dataset, LossName } from "./surface.ts";
import type { MeasurePlan, TrainArguments, TrainResult } from "./trainTask.ts";

/** What `train` takes. */
export interface TrainOptions extends OptimizerOptions {
  /** `bce`: one output, targets 0/1; `ce`: several outputs, targets class indices; `mse`: half the squared error. */
  readonly loss: LossName;
  /** Points of a step. Default 32. */
  readonly batch?: number;
  /** Cap of epochs: without zero error by then the result says `converged: false`. Default 1000. */
  readonly maxEpochs?: number;
  /** Epochs to go on after convergence. Default 0. */
  readonly extraEpochs?: number;
  /** The first so many points are genuine, those after them an attack set: only the error on the genuine ones must vanish. Default: all. */
  readonly genuine?: number;
  /** Stop at this mean loss on the genuine points in place of zero error; needed for mse. */
  readonly targetLoss?: number;
  /** Points held back: their accuracy is reported. */
  readonly test?: Dataset;
  /** A record every so many epochs; 0: none. Default 0. */
  readonly historyEvery?: number;
  /** Flatness measures to take during the training, such as "spectral-norm". They do not change its course. Default: none. */
  readonly measures?: readonly string[];
  /** They are taken every so many epochs, which have a record then. Default: `historyEvery`. */
  readonly measureEvery?: number;
  /** "all": on all the training points, attack points included; "genuine": on the genuine ones. Default "all". */
  readonly measurePoints?: "all" | "genuine";
  /** Options of the measures, as `flatness` takes them. */
  readonly measureOptions?: Readonly<Record<string, unknown>>;
  /** Start here in place of a draw from the network's prior. */
  readonly parameters?: Float32Array;
  /** Of the start, the shuffling and the noise. Default 0. */
  readonly seed?: number | bigint;
  /** Workers of the call's own pool; 0: the calling thread. Default 1: a training runs on one. */
  readonly workers?: number;
  /** A pool to use instead; it is left open: many trainings run side by side on it. */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
  /** Keeps the training while it runs, and goes on from what it kept before, to the same bits: `trainingCheckpointTo` of flatvol/node. */
  readonly checkpoint?: TrainingStore;
}

/** A draw of parameters from the prior, layer by layer. */
export async function initialParameters(network: Network, seed: bigint): Promise<Float32Array<ArrayBuffer>> {
  return drawInitialParameters(await sharedKernels(), network, seed);
}

/** How measures are taken during a training; they are built on training, so they are handed in. */
export interface Training {
  readonly task: Task<TrainArguments, TrainResult>;
  /**
   * Checks names and options of measures.
   *
   * @throws TypeError, RangeError naming the argument.
   */
  checkMeasures(
    names: unknown,
    options: Readonly<Record<string, unknown>>,
    subject: { readonly network: Network; readonly w: Float32Array; readonly points: number },
    lossName: LossName,
  ): void;
}

/**
 * Trains a network from a draw of its prior until the genuine points are all right, in one worker. The result is a function
 * of the arguments and the seed, to the bit, in Node and in browsers.
 *
 * @returns parameters in the library's flat layout, and an honest `converged`.
 * @throws TypeError, RangeError naming the option; Error if the loss diverges; the signal's reason.
 */
export async function trainOn(
  training: Training,
  network: NetworkOptions,
  data: Dataset,
  options: TrainOptions,
): Promise<TrainResult> {
  checkOptions("options", options, [
    ...OPTIMIZER_OPTIONS,
    "loss",
    "batch",
    "maxEpochs",
    "extraEpochs",
    "genuine",
    "targetLoss",
    "test",
    "historyEvery",
    "measures",
    "measureEvery",
    "measurePoints",
    "measureOptions",
    "parameters",
    "seed",
    "workers",
    "pool",
    "signal",
    "checkpoint",
  ]);
  const net = defineNetwork(network);
  const lossName = checkLoss(net, options.loss);
  const settings = checkOptimizer(options);
  const set = checkDataset(net, data, lossName);
  const test = options.test === undefined ? undefined : checkDataset(net, options.test, lossName, "test");
  const batch = checkInteger("batch", options.batch ?? 32, 1, 2 ** 31 - 1);
  const maxEpochs = checkInteger("maxEpochs", options.maxEpochs ?? 1000, 0, 2 ** 31 - 1);
  const extraEpochs = checkInteger("extraEpochs", options.extraEpochs ?? 0, 0, 2 ** 31 - 1);
  const genuine = checkInteger("genuine", options.genuine ?? set.points, 1, set.points);
  const historyEvery = checkInteger("historyEvery", options.historyEvery ?? 0, 0, 2 ** 31 - 1);
  const { targetLoss } = options;
  if (targetLoss !== undefined) checkNumber("targetLoss", targetLoss, 0, 1e30);
  else if (lossName === "mse") throw new TypeError("targetLoss: expected a number for the loss mse, got undefined");
  const seed = checkSeed("seed", options.seed ?? 0).value;
  if (options.parameters !== undefined) checkParameters(net, options.parameters);
  if (options.pool !== undefined && !(options.pool instanceof Pool)) {
    throw new TypeError(`pool: expected a Pool, got ${show(options.pool)}`);
  }
  const start = options.parameters ?? (await initialParameters(net, seed));
  const measuring = checkMeasuring(training, options, { network: net, w: start, set, genuine, lossName, historyEvery });
  const pool = options.pool ?? new Pool({ workers: options.workers ?? 1 });
  try {
    const given = { network: net, data: set, test, lossName, start, settings, batch, maxEpochs };
    const args = { ...given, extraEpochs, genuine, targetLoss, historyEvery, measuring, seed };
    const task = onBuild(fullBuild, training.task);
    if (!options.checkpoint) return await pool.run(task, args, { signal: options.signal });
    return await runKept(pool, task, args, options.checkpoint, options.signal);
  } finally {
    if (!options.pool) pool.close();
  }
}

/** Runs a training that a store keeps while it runs. */
async function runKept(
  pool: Pool,
  task: Task<TrainArguments, TrainResult>,
  args: TrainArguments,
  store: TrainingStore,
  signal: AbortSignal | undefined,
): Promise<TrainResult> {
  const state = store.open(identityOfTraining(args));
  const { port1, port2 } = new MessageChannel();
  const failed = new AbortController();
  const all = new Promise<void>((resolve) => {
    port1.onmessage = ({ data }: { data: TrainingState | null }) => {
      if (data === null) return resolve();
      try {
        store.keep(data);
      } catch (error) {
        failed.abort(error);
      }
    };
  });
  try {
    const keeping = { port: port2, everyMilliseconds: store.everyMilliseconds };
    const result = await pool.run(
      task,
      { ...args, state, keeping },
      { signal: AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]), transfer: [port2] },
    );
    await all;
    failed.signal.throwIfAborted();
    return result;
  } finally {
    // what comes late is of a training that has failed
    port1.onmessage = null;
    port1.close();
    port2.close();
  }
}

interface Measured {
  readonly network: Network;
  readonly w: Float32Array;
  readonly set: Dataset;
  readonly genuine: number;
  readonly lossName: LossName;
  readonly historyEvery: number;
}

function checkMeasuring(training: Training, options: TrainOptions, subject: Measured): MeasurePlan | undefined {
  const { measures: names = [], measureOptions = {} } = options;
  const { network, w, set, genuine, lossName, historyEvery } = subject;
  checkOptions("measureOptions", measureOptions, Object.keys(measureOptions ?? {}));
  const measurePoints = checkChoice("measurePoints", options.measurePoints ?? "all", ["all", "genuine"] as const);
  const points = measurePoints === "all" ? set.points : genuine;
  training.checkMeasures(names, measureOptions, { network, w, points }, lossName);
  const every = checkInteger("measureEvery", options.measureEvery ?? historyEvery, 0, 2 ** 31 - 1);
  if (names.length === 0) return undefined;
  if (every === 0) throw new RangeError("measureEvery: expected at least 1, or historyEvery, beside measures, got 0");
  return { names, every, points, options: measureOptions };
}
