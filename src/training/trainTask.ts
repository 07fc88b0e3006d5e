/**
 * A whole training: what a worker does.
 *
 * @module
 */
import { SLICE_MS, type Task } from "../engine/task.ts";
import { shuffledPoints } from "../flatness/minibatch.ts";
import type { Network } from "../network/network.ts";
import { LocalSurface } from "./localSurface.ts";
import { cosineFactor, makeOptimizer, type Optimizer } from "./optimiser.ts";
import { fromKernelLayout, toKernelLayout } from "./plan.ts";
import type { Dataset, LossName } from "./surface.ts";

/** Streams of random numbers of training. */
export const INITIAL_STREAM = 0x100;
export const SHUFFLE_STREAM = 0x101;
const NOISE_STREAM = 0x102;

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
  readonly seed: bigint;
}

/** One look at a training. */
export interface TrainingRecord {
  /** Epochs done. */
  readonly epoch: number;
  /** Mean over all the training points, attack points included. */
  readonly loss: number;
  /** Share of the genuine points that are wrong; NaN for mse. */
  readonly error: number;
  /** Share of the test points that are right; undefined without a test set or for mse. */
  readonly testAccuracy: number | undefined;
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
  readonly testAccuracy: number | undefined;
  readonly history: TrainingRecord[];
}

export const trainTask: Task<TrainArguments, TrainResult> = {
  name: "train",
  async run({ kernels, pause }, args) {
    const { network, data, test, lossName, settings, batch, maxEpochs, extraEpochs, genuine, seed } = args;
    const { exports } = kernels;
    const surface = new LocalSurface(kernels, network, data, lossName);
    const { plan } = surface;
    const tests = test ? new LocalSurface(kernels, network, test, lossName) : undefined;
    const real = new Float32Array(plan.entries);
    toKernelLayout(network, new Float32Array(surface.size).fill(1), real);
    const noise = kernels.allocate(64);
    exports.seedLanes(noise, Number(seed & 0xffffffffn), Number(seed >> 32n), 0, 0, NOISE_STREAM);
    const optimizer = makeOptimizer(kernels, settings, plan.entries, plan.w, plan.gradient, real, noise);
    const indices = kernels.allocate(4 * data.points);
    toKernelLayout(network, args.start, kernels.f32(plan.w, plan.entries));

    const parameters = new Float32Array(surface.size);
    const look = async (epoch: number): Promise<TrainingRecord> => {
      const loss = exports.lossAt(plan.address, 0, 0, data.points, 0);
      let error = Number.NaN;
      let testAccuracy: number | undefined;
      if (lossName !== "mse") {
        exports.lossAt(plan.address, 0, 0, genuine, 0);
        error = exports.wrongPredictions() / genuine;
        if (tests) {
          fromKernelLayout(network, kernels.f32(plan.w, plan.entries), parameters);
          testAccuracy = 1 - (await tests.evaluate(parameters)).error;
        }
      }
      return { epoch, loss, error, testAccuracy };
    };
    const reached = (): boolean => {
      const loss = exports.lossAt(plan.address, 0, 0, genuine, 0);
      if (args.targetLoss !== undefined) return loss <= args.targetLoss;
      return exports.wrongPredictions() === 0;
    };

    const history: TrainingRecord[] = [];
    let epoch = 0;
    let convergedAt: number | undefined = reached() ? 0 : undefined;
    if (args.historyEvery > 0) history.push(await look(0));
    let paused = performance.now();
    while (convergedAt === undefined ? epoch < maxEpochs : epoch < convergedAt + extraEpochs) {
      // first the order, then the view: drawing may grow the memory
      const order = shuffledPoints(kernels, seed, epoch, SHUFFLE_STREAM, data.points);
      kernels.u32(indices, data.points).set(order);
      const rate =
        settings.learningRate *
        (settings.schedule === "cosine" ? cosineFactor(Math.min(1, epoch / Math.max(1, maxEpochs))) : 1);
      const sum = exports.trainSteps(plan.address, optimizer, indices, data.points, batch, rate);
      epoch++;
      if (!Number.isFinite(sum)) {
        throw new Error(
          `train: it diverged in epoch ${epoch}: the loss became ${sum} (learningRate ${settings.learningRate})`,
        );
      }
      if (convergedAt === undefined && reached()) convergedAt = epoch;
      if (args.historyEvery > 0 && epoch % args.historyEvery === 0) history.push(await look(epoch));
      if (performance.now() - paused > SLICE_MS) {
        await pause();
        paused = performance.now();
      }
    }
    const last = await look(epoch);
    if (!Number.isFinite(last.loss)) throw new Error(`train: it diverged: the loss became ${last.loss}`);
    fromKernelLayout(network, kernels.f32(plan.w, plan.entries), parameters);
    return {
      parameters,
      converged: convergedAt !== undefined,
      epochs: epoch,
      convergedAt,
      trainLoss: last.loss,
      trainError: last.error,
      testAccuracy: last.testAccuracy,
      history,
    };
  },
  transfer: (result) => [result.parameters.buffer],
};
