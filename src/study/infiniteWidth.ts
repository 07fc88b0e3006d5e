/**
 * Volumes of functions on many points: of the network whose hidden layers are infinitely wide, by expectation propagation and,
 * for some of them, the exact orthant.
 *
 * @module
 */
import { nngpKernel } from "../volume/nngpKernel.ts";
import { orthantProbability } from "../volume/orthant.ts";
import { SharedKernel } from "../volume/sharedKernel.ts";
import type { VolumeRecord } from "./networks.ts";
import type { StudyContext } from "./run.ts";

/** What a study may ask for. */
export type InfiniteWidthMethod = "ep" | "ep-probit" | "orthant" | "orthant-probit";

/** The points of functions. */
export interface FunctionPoints {
  /** `[count][features]`, row-major. */
  readonly points: Float32Array;
  readonly count: number;
  readonly hiddenLayers: number;
  /** The function to be learned, on all points: bits in hex, point 0 first. */
  readonly truth: string;
  /** Samples of an exact orthant. */
  readonly samples: number;
  /** Of expectation propagation. */
  readonly tolerance: number;
}

/** One entry a method. */
export type Volumes = Readonly<Record<string, VolumeRecord>>;

/** Finds volumes of a function on the points, given as bits in hex. */
export type VolumeFinder = (
  f: string,
  methods: readonly InfiniteWidthMethod[],
  seed: number,
  context: StudyContext,
) => Promise<Volumes>;

/** A finder for these points. The kernel is computed when it is first asked. */
export function infiniteWidthVolumes({
  points,
  count,
  hiddenLayers,
  truth,
  samples,
  tolerance,
}: FunctionPoints): VolumeFinder {
  let prepared: Promise<{ readonly kernel: Float64Array; readonly shared: SharedKernel }> | undefined;
  const prepare = async () => {
    const { kernel } = await nngpKernel({ depth: hiddenLayers }, { data: points, points: count });
    return { kernel, shared: new SharedKernel(kernel, truth, tolerance) };
  };
  return async (f, methods, seed, { pool, signal }) => {
    prepared ??= prepare();
    const { kernel, shared } = await prepared;
    const found: Record<string, VolumeRecord> = {};
    for (const method of methods) {
      const likelihood = method.endsWith("probit") ? "probit" : "heaviside";
      found[method] = method.startsWith("ep")
        ? approximated(await shared.logVolume(f, likelihood, { pool, signal }))
        : sampled(await orthantProbability(kernel, f, { likelihood, samples, seed, pool, signal }));
    }
    return found;
  };
}

function approximated({ log10P, converged, iterations }: Awaited<ReturnType<SharedKernel["logVolume"]>>): VolumeRecord {
  return {
    log10P: Number.isFinite(log10P) ? log10P : null,
    standardError: null,
    warnings: converged ? [] : [`no fixed point after ${iterations} iterations`],
  };
}

function sampled({ log10P, standardError, warnings }: Awaited<ReturnType<typeof orthantProbability>>): VolumeRecord {
  return {
    log10P: log10P !== undefined && Number.isFinite(log10P) ? log10P : null,
    standardError: standardError === undefined ? null : standardError / Math.LN10,
    warnings,
  };
}
