/**
 * flatvol/flatness: train a network to zero error, and measure how flat its loss is there.
 *
 * An entry of its own, so that who only counts functions loads none of it.
 *
 * @module
 */
export { type NpyArray, readNpy, writeNpy } from "./data/npy.ts";
export { readSafetensors, type Tensor, writeSafetensors } from "./data/safetensors.ts";
export { flatness, landscape, type TrainOptions, train } from "./flatness/api.ts";
export type {
  AllMeasureOptions,
  FlatnessOptions,
  FlatnessProgress,
  FlatnessRecord,
  LandscapeOptions,
  MeasureRecord,
} from "./flatness/flatness.ts";
export type { DirectionScaling, Landscape } from "./flatness/landscape.ts";
export { type RescaleOptions, rescale } from "./network/rescale.ts";
export { tensorsFromWeights, type Weights, weightsFromTensors } from "./network/weights.ts";
export type { TrainingState, TrainingStore } from "./training/checkpoint.ts";
export type { OptimizerName, OptimizerOptions } from "./training/optimiser.ts";
export type { Dataset, LossName } from "./training/surface.ts";
export type { TrainingMeasure, TrainingRecord, TrainResult } from "./training/trainTask.ts";
