/**
 * flatvol/volume: the volume P(f) of any function, however rare, of networks of any width and of their limit.
 *
 * An entry of its own, so that who only counts functions loads none of it.
 *
 * @module
 */

export { type EmpiricalCovariance, type EmpiricalKernelOptions, empiricalKernel } from "./volume/empiricalKernel.ts";
export {
  type ExpectationPropagation,
  type ExpectationPropagationOptions,
  expectationPropagation,
  type GaussianApproximation,
  type OrthantLikelihood,
  type Sites,
} from "./volume/expectationPropagation.ts";
export { type Laplace, type LaplaceOptions, laplace } from "./volume/laplace.ts";
export {
  logVolume,
  VOLUME_METHODS,
  type VolumeMethod,
  type VolumeOptions,
  type VolumeQuestion,
  type VolumeRecord,
} from "./volume/logVolume.ts";
export type { CovariancePoints } from "./volume/nngpKernel.ts";
export { type Covariance, type NngpOptions, nngpKernel } from "./volume/nngpKernel.ts";
export { type OrthantOptions, type OrthantProbability, orthantProbability } from "./volume/orthant.ts";
export {
  type Estimate,
  type Posterior,
  type PosteriorFunction,
  type PosteriorOptions,
  pacBayesBound,
  posteriorDraws,
} from "./volume/posterior.ts";
export {
  type RepetitionStore,
  type SamplerOptions,
  type SplittingOptions,
  type SplittingVolume,
  splittingVolume,
} from "./volume/splitting.ts";
export type { SplittingLevel, SplittingRun } from "./volume/splittingTask.ts";
