/**
 * A whole training: what a worker does.
 *
 * @module
 */

import { CallSize } from "../engine/callSize.ts";
import type { Kernels } from "../engine/kernels.ts";
import { derivedSeed } from "../engine/random.ts";
import { SLICE_MS, type Task, type TaskContext } from "../engine/task.ts";
import { shuffledPoints } from "../flatness/minibatch.ts";
import type { Network } from "../network/network.ts";
import { restoreMemory, saveMemory, type TrainingState } from "./checkpoint.ts";
import { LocalSurface } from "./localSurface.ts";
import { cosineFactor, makeOptimizer, type Optimizer } from "./optimiser.ts";
import { getParameters, putParameters } from "./plan.ts";
import type { Dataset, LossName, LossSurface } from "./surface.ts";

/** Streams of random numbers of training. */
export const SHUFFLE_STREAM = 0x101;
export const NOISE_STREAM = 0x102;
const MEASURE_STREAM = 0x103;

/** A flatness measure's outcome during a training. */
export interface TrainingMeasure {
  readonly value: number;
  readonly standardError?: number;
  /** Whether the value stays as it is under alpha-rescaling of a ReLU network. */
  readonly invariant: boolean;
  /** What else the measure tells, but for vectors of parameters: those are for `flatness` to give. */
  readonly [detail: string]: unknown;
}

/** How measures are taken. They are built on training, so this is handed in. */
export interface Measuring {
  surfaceOf(
    kernels: Kernels,
    network: Network,
    data: Dataset,
    lossName: LossName,
    pause: TaskContext["pause"],
  ): LossSurface;
  /** One measure, by name. */
  take(
    name: string,
    context: {
      readonly surface: LossSurface;
      readonly w: Float32Array;
      readonly kernels: Kernels;
      readonly seed: bigint;
      readonly pause: TaskContext["pause"];
      readonly options: Readonly<Record<string, unknown>>;
    },
  ): Promise<TrainingMeasure>;
}

/** Which measures are taken, and when. */
export interface MeasurePlan {
  readonly names: readonly string[];
  readonly every: number;
  /** On the first so many points. */
  readonly points: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Plain data: it crosses to workers. */
export interface TrainArguments {
  readonly network: Network;
  readonly data: Dataset;
  readonly test: Dataset | undefined;
  readonly lossName: LossName;
  readonly start: Float32Array;
  readonly settings: Optimizer;
  readonly batch: number;
  readonly maxEpochs: number;
  readonly extraEpochs: number;
  /** The first so many points are those whose error must vanish. */
  readonly genuine: number;
  readonly targetLoss: number | undefined;
  readonly historyEvery: number;
  readonly measuring: MeasurePlan | undefined;
  readonly seed: bigint;
  /** To go on from. */
  readonly state?: TrainingState | undefined;
  /** Where states go while it runs. */
  readonly keeping?: { readonly port: MessagePort; readonly everyMilliseconds: number } | undefined;
}

/** One look at a training. */
export interface TrainingRecord {
  /** Epochs done. */
  readonly epoch: number;
  /** Mean over all the training points, attack points included. */
  readonly loss: number;
  /** Share of the genuine points that are wrong; NaN for mse. */
  readonly error: number;
  /** Share of the genuine points that are right; NaN for mse. */
  readonly accuracy: number;
  /** Share of the test points that are right; undefined without a test set or for mse. */
  readonly testAccuracy: number | undefined;
  /** By name, at the epochs that `measureEvery` asks for. */
  readonly measures?: Readonly<Record<string, TrainingMeasure>>;
  /** `flatness` with this seed, at this epoch's parameters, gives these measures. It depends on the training's seed and the epoch alone. */
  readonly measureSeed?: number;
}

export interface TrainResult {
  readonly parameters: Float32Array<ArrayBuffer>;
  /** Whether the genuine points were all right (or the loss at its target) within `maxEpochs`. */
  readonly converged: boolean;
  /** Epochs done in all. */
  readonly epochs: number;
  /** Epoch at which it converged. */
  readonly convergedAt: number | undefined;
  readonly trainLoss: number;
  readonly trainError: number;
  readonly trainAccuracy: number;
  readonly testAccuracy: number | undefined;
  readonly history: TrainingRecord[];
}

/** The first points of a set. */
function firstPoints(data: Dataset, points: number): Dataset {
  const { features } = data;
  const perPoint = data.targets.length / data.points;
  return {
    points,
    features,
    inputs: data.inputs.subarray(0, points * features),
    targets: data.targets.subarray(0, points * perPoint),
  };
}

/** The task named `train`. */
export function makeTrainTask({ surfaceOf, take }: Measuring): Task<TrainArguments, TrainResult> {
  return {
    name: "train",
    async run({ kernels, pause }, args) {
      const { network, data, test, lossName, settings, batch, maxEpochs, extraEpochs, genuine, measuring, seed } = args;
      const { exports } = kernels;
      const surface = new LocalSurface(kernels, network, data, lossName);
      const { plan } = surface;
      const tests = test ? new LocalSurface(kernels, network, test, lossName) : undefined;
      // 1 where an entry is a parameter, 0 in the padding
      putParameters(kernels, plan, new Float32Array(surface.size).fill(1), plan.direction);
      const real = kernels.f32(plan.direction, plan.entries).slice();
      const noise = kernels.allocate(64);
      exports.seedLanes(noise, Number(seed & 0xffffffffn), Number(seed >> 32n), 0, 0, NOISE_STREAM);
      const memory = makeOptimizer(kernels, settings, plan.entries, plan.w, plan.gradient, real, noise);
      const optimizer = memory.address;
      const indices = kernels.allocate(4 * data.points);
      putParameters(kernels, plan, args.start, plan.w);

      const parameters = new Float32Array(surface.size);
      const look = async (epoch: number): Promise<TrainingRecord> => {
        const loss = exports.lossAt(plan.address, 0, 0, data.points, 0);
        let error = Number.NaN;
        let accuracy = Number.NaN;
        let testAccuracy: number | undefined;
        if (lossName !== "mse") {
          exports.lossAt(plan.address, 0, 0, genuine, 0);
          const wrong = exports.wrongPredictions();
          error = wrong / genuine;
          accuracy = (genuine - wrong) / genuine;
          if (tests) {
            getParameters(kernels, plan, plan.w, parameters);
            testAccuracy = 1 - (await tests.evaluate(parameters)).error;
          }
        }
        return { epoch, loss, error, accuracy, testAccuracy };
      };
      // a surface of its own: the training's parameters and gradient stay as they are
      const measured = measuring
        ? surfaceOf(kernels, network, firstPoints(data, measuring.points), lossName, pause)
        : undefined;
      const measure = async (epoch: number): Promise<Pick<TrainingRecord, "measures" | "measureSeed">> => {
        if (!measured || !measuring) return {};
        const measureSeed = derivedSeed(kernels, seed, epoch, MEASURE_STREAM);
        const w = new Float32Array(surface.size);
        getParameters(kernels, plan, plan.w, w);
        const taken: Record<string, TrainingMeasure> = {};
        for (const name of measuring.names) {
          const mark = kernels.mark();
          try {
            const context = {
              surface: measured,
              w,
              kernels,
              seed: BigInt(measureSeed),
              pause,
              options: measuring.options,
            };
            const result = Object.entries(await take(name, context));
            taken[name] = Object.fromEntries(result.filter(([, x]) => !(x instanceof Float32Array))) as TrainingMeasure;
          } catch (cause) {
            if (!(cause instanceof RangeError)) throw cause;
            throw new RangeError(`measures: "${name}" at epoch ${epoch}: ${cause.message}`, { cause });
          } finally {
            kernels.release(mark);
          }
        }
        return { measures: taken, measureSeed };
      };
      const record = async (epoch: number): Promise<void> => {
        const due = (every: number): boolean => every > 0 && epoch % every === 0;
        const withMeasures = due(measuring?.every ?? 0);
        if (!due(args.historyEvery) && !withMeasures) return;
        const seen = await look(epoch);
        if (!Number.isFinite(seen.loss)) throw diverged(epoch, `the loss became ${seen.loss}`);
        history.push(withMeasures ? { ...seen, ...(await measure(epoch)) } : seen);
      };
      const diverged = (epoch: number, how: string): Error =>
        new Error(`train: it diverged in epoch ${epoch}: ${how} (learningRate ${settings.learningRate})`);
      const reached = (): boolean => {
        const loss = exports.lossAt(plan.address, 0, 0, genuine, 0);
        if (args.targetLoss !== undefined) return loss <= args.targetLoss;
        return exports.wrongPredictions() === 0;
      };

      const history: TrainingRecord[] = [...(args.state?.history ?? [])];
      let epoch = args.state?.epoch ?? 0;
      let convergedAt: number | undefined;
      if (args.state) {
        restoreMemory(kernels, memory, args.state.bytes);
        convergedAt = args.state.convergedAt;
      } else {
        if (reached()) convergedAt = 0;
        await record(0);
      }
      let paused = performance.now();
      let kept = paused;
      const keep = (): void => {
        if (!args.keeping || performance.now() - kept < args.keeping.everyMilliseconds) return;
        const state: TrainingState = { epoch, convergedAt, history, bytes: saveMemory(kernels, memory) };
        args.keeping.port.postMessage(state, [state.bytes.buffer]);
        kept = performance.now();
      };
      // whole outer steps: Entropy-SGD's take several minibatches each
      const outer = batch * (settings.optimizer === "entropy-sgd" ? Math.max(1, settings.innerSteps) : 1);
      const size = new CallSize();
      while (convergedAt === undefined ? epoch < maxEpochs : epoch < convergedAt + extraEpochs) {
        // first the order, then the view: drawing may grow the memory
        const order = shuffledPoints(kernels, seed, epoch, SHUFFLE_STREAM, data.points);
        kernels.u32(indices, data.points).set(order);
        const rate =
          settings.learningRate *
          (settings.schedule === "cosine" ? cosineFactor(Math.min(1, epoch / Math.max(1, maxEpochs))) : 1);
        let sum = 0;
        for (let first = 0; first < data.points; ) {
          const count = Math.min(size.steps * outer, data.points - first);
          const began = performance.now();
          sum += exports.trainSteps(plan.address, optimizer, indices + 4 * first, count, batch, rate);
          first += count;
          const ended = performance.now();
          size.took(Math.ceil(count / outer), ended - began);
          if (ended - paused > SLICE_MS) {
            await pause();
            paused = performance.now();
          }
        }
        epoch++;
        if (!Number.isFinite(sum)) throw diverged(epoch, `the loss became ${sum}`);
        if (convergedAt === undefined && reached()) convergedAt = epoch;
        await record(epoch);
        keep();
      }
      // there is no more to come
      args.keeping?.port.postMessage(null);
      const last = await look(epoch);
      if (!Number.isFinite(last.loss)) throw diverged(epoch, `the loss became ${last.loss}`);
      getParameters(kernels, plan, plan.w, parameters);
      // a unit that is off hides them from the loss
      const lost = parameters.findIndex((x) => !Number.isFinite(x));
      if (lost >= 0) throw diverged(epoch, `parameters[${lost}] became ${parameters[lost]}`);
      return {
        parameters,
        converged: convergedAt !== undefined,
        epochs: epoch,
        convergedAt,
        trainLoss: last.loss,
        trainError: last.error,
        trainAccuracy: last.accuracy,
        testAccuracy: last.testAccuracy,
        history,
      };
    },
    transfer: (result) => [result.parameters.buffer],
  };
}
