/**
 * Many small trainings in one call: what a worker does for the frequency with which an optimiser finds each function.
 *
 * @module
 */
import { booleanPoints } from "../data/points.ts";
import { derivedSeed } from "../engine/random.ts";
import { SLICE_MS, type Task } from "../engine/task.ts";
import { shuffledPoints } from "../flatness/minibatch.ts";
import type { Network } from "../network/network.ts";
import { keyOfParameters } from "../network/parameters.ts";
import { drawInitialParameters } from "./initialParameters.ts";
import { LocalSurface } from "./localSurface.ts";
import { makeOptimizer, type Optimizer } from "./optimiser.ts";
import { getParameters, putParameters } from "./plan.ts";
import type { Dataset } from "./surface.ts";
import { NOISE_STREAM, SHUFFLE_STREAM } from "./trainTask.ts";

/** Stream of the trainings' seeds. */
export const MANY_STREAM = 0x104;

/** Plain data: it crosses to workers. */
export interface TrainManyArguments {
  /** One output, Boolean inputs. */
  readonly network: Network;
  readonly data: Dataset;
  readonly settings: Optimizer;
  readonly batch: number;
  readonly maxEpochs: number;
  /** Trainings first to first + count - 1 of the seed. */
  readonly first: number;
  readonly count: number;
  readonly seed: bigint;
}

/** What became of each training. */
export interface TrainManyResult {
  /** Functions on all Boolean inputs, u32 words each, input 0 the highest bit. */
  readonly functions: Uint32Array<ArrayBuffer>;
  /** Epochs to zero error; 0xffffffff where it was not reached, or the loss diverged. */
  readonly epochs: Uint32Array<ArrayBuffer>;
}

/** Of `epochs`: no zero error. */
export const NEVER = 0xffffffff;

/** A training ends as `train` with the same seed and settings ends, without attack set and extra epochs. */
export const trainManyTask: Task<TrainManyArguments, TrainManyResult> = {
  name: "trainMany",
  async run({ kernels, pause }, { network, data, settings, batch, maxEpochs, first, count, seed }) {
    const { exports } = kernels;
    const surface = new LocalSurface(kernels, network, data, "bce");
    const { plan } = surface;
    // 1 where an entry is a parameter, 0 in the padding
    putParameters(kernels, plan, new Float32Array(surface.size).fill(1), plan.direction);
    const real = kernels.f32(plan.direction, plan.entries).slice();
    const indices = kernels.allocate(4 * data.points);
    const points = booleanPoints(network.layers[0]);
    const words = Math.ceil(points.count / 32);
    const functions = new Uint32Array(count * words);
    const epochs = new Uint32Array(count).fill(NEVER);
    const parameters = new Float32Array(surface.size);
    const reached = (): boolean => {
      exports.lossAt(plan.address, 0, 0, data.points, 0);
      return exports.wrongPredictions() === 0;
    };
    let paused = performance.now();
    for (let i = 0; i < count; i++) {
      const own = BigInt(derivedSeed(kernels, seed, first + i, MANY_STREAM));
      const mark = kernels.mark();
      const noise = kernels.allocate(64);
      exports.seedLanes(noise, Number(own & 0xffffffffn), Number(own >> 32n), 0, 0, NOISE_STREAM);
      const { address: optimizer } = makeOptimizer(kernels, settings, plan.entries, plan.w, plan.gradient, real, noise);
      putParameters(kernels, plan, drawInitialParameters(kernels, network, own), plan.w);
      let epoch = 0;
      let done = reached();
      while (!done && epoch < maxEpochs) {
        const order = shuffledPoints(kernels, own, epoch, SHUFFLE_STREAM, data.points);
        kernels.u32(indices, data.points).set(order);
        const sum = exports.trainSteps(plan.address, optimizer, indices, data.points, batch, settings.learningRate);
        epoch++;
        if (!Number.isFinite(sum)) break;
        done = reached();
        if (performance.now() - paused > SLICE_MS) {
          await pause();
          paused = performance.now();
        }
      }
      if (done) {
        epochs[i] = epoch;
        getParameters(kernels, plan, plan.w, parameters);
        functions.set(keyOfParameters(kernels, network, points, parameters), i * words);
      }
      kernels.release(mark);
    }
    return { functions, epochs };
  },
  transfer: ({ functions, epochs }) => [functions.buffer, epochs.buffer],
};
