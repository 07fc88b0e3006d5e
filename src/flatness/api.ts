/**
 * `train`, `flatness` and `landscape` on the module's own surfaces.
 *
 * @module
 */
import type { NetworkOptions } from "../network/network.ts";
import type { Dataset } from "../training/surface.ts";
import { type TrainOptions as PlainTrainOptions, trainOn } from "../training/train.ts";
import type { TrainResult } from "../training/trainTask.ts";
import {
  type AllMeasureOptions,
  type FlatnessOptions,
  type FlatnessRecord,
  flatnessOn,
  type LandscapeOptions,
  landscapeOn,
} from "./flatness.ts";
import type { Landscape } from "./landscape.ts";
import { measuredTraining, surfaceTasks } from "./tasks.ts";

/**
 * Measures how flat the loss is around a network's parameters. Measures run side by side, one a worker; each says whether it
 * is invariant under alpha-rescaling, and names its paper in `source`.
 *
 * @param network layers and activation, and the prior, which `local-volume` asks for.
 * @param parameters f32, the library's flat layout.
 * @param data points with targets.
 * @throws TypeError, RangeError naming the argument, before any work; the signal's reason; an Error if a worker died, or the
 *   loss at the parameters is not finite.
 * @example
 * const data = { points: 4, features: 2, inputs: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), targets: Float32Array.of(0, 1, 1, 0) };
 * const network = { layers: [2, 8, 1] };
 * const { parameters } = await train(network, data, { loss: "bce", optimizer: "adam", learningRate: 0.05 });
 * const record = await flatness(network, parameters, data, { loss: "bce", measures: ["keskar", "fisher-rao"] });
 * record["fisher-rao"].invariant; // true
 */
export function flatness<const M extends string>(
  network: NetworkOptions,
  parameters: Float32Array,
  data: Dataset,
  options: FlatnessOptions<M>,
): Promise<FlatnessRecord<M>> {
  return flatnessOn(surfaceTasks, network, parameters, data, options);
}

/**
 * The loss along a line or on a plane through the parameters, by default with filters normalised [Li et al. 2018].
 *
 * @throws TypeError, RangeError naming the argument, before any work; the signal's reason; an Error if a worker died, or the
 *   loss at the parameters is not finite.
 * @example
 * const data = { points: 4, features: 2, inputs: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), targets: Float32Array.of(0, 1, 1, 0) };
 * const network = { layers: [2, 8, 1] };
 * const { parameters } = await train(network, data, { loss: "bce", optimizer: "adam", learningRate: 0.05 });
 * const { a, losses } = await landscape(network, parameters, data, { loss: "bce", steps: 11 });
 */
export function landscape(
  network: NetworkOptions,
  parameters: Float32Array,
  data: Dataset,
  options: LandscapeOptions,
): Promise<Landscape> {
  return landscapeOn(surfaceTasks, network, parameters, data, options);
}

/** What `train` takes. */
export interface TrainOptions extends PlainTrainOptions {
  readonly measureOptions?: AllMeasureOptions;
}

/**
 * Trains a network from a draw of its prior until the genuine points are all right, in one worker. The result is a function
 * of the arguments and the seed, to the bit, in Node and in browsers.
 *
 * @returns parameters in the library's flat layout, and an honest `converged`.
 * @throws TypeError, RangeError naming the option, before any work; Error if the loss diverges, or a measure is not defined
 *   where the training comes; the signal's reason.
 * @example
 * const data = { points: 4, features: 2, inputs: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), targets: Float32Array.of(0, 1, 1, 0) };
 * const { converged, trainError } = await train({ layers: [2, 8, 1] }, data, { loss: "bce", optimizer: "adam", learningRate: 0.05 });
 */
export function train(network: NetworkOptions, data: Dataset, options: TrainOptions): Promise<TrainResult> {
  return trainOn(measuredTraining, network, data, options);
}
