/**
 * flatvol: how much of a neural network's parameter space maps to a function, how flat the loss is around it, and which of
 * the two predicts generalisation.
 *
 * @module
 */
export { type Complexity, type ComplexityOptions, complexity } from "./complexity/index.ts";
export type { PointsOptions } from "./data/points.ts";
export type { WorkerFactory } from "./engine/platform.ts";
export { type CallOptions, createPool, Pool, type PoolInfo, type PoolOptions } from "./engine/pool.ts";
export { version } from "./generated/version.ts";
export { evaluate, functionOf } from "./network/evaluate.ts";
export { type Activation, defineNetwork, type Network, type NetworkOptions } from "./network/network.ts";
export { type SampleParametersOptions, sampleParameters } from "./network/sampleParameters.ts";
export type { CheckpointPart, CheckpointStore, CheckpointWriter } from "./volume/checkpoint.ts";
export { type CountOptions, type CountProgress, countFunctions } from "./volume/count.ts";
export type { CountIdentity } from "./volume/countIdentity.ts";
export {
  type DesignEffect,
  type FunctionEstimate,
  FunctionTable,
  mergeTables,
  type OrbitEstimate,
  type RankStep,
  type SampleRange,
  type UnseenMass,
} from "./volume/functionTable.ts";
export type { RowShape, SpillStore } from "./volume/rows.ts";
