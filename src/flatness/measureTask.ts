/**
 * What a worker does for `flatness` and `landscape`: one measure, or some rows of a landscape, on a surface of its own or,
 * where others help, on one that is split.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import type { Task, TaskContext } from "../engine/task.ts";
import type { Network } from "../network/network.ts";
import type { Dataset, LossName, LossSurface } from "../training/surface.ts";
import { measures } from "./index.ts";
import { lossesOnGrid } from "./landscape.ts";
import { type MeasureOptions, type MeasureResult, selectMeasures } from "./measure.ts";

/** Plain data: it crosses to workers. */
export interface SurfaceArguments {
  readonly network: Network;
  readonly parameters: Float32Array;
  readonly data: Dataset;
  readonly lossName: LossName;
}

export interface MeasureArguments extends SurfaceArguments {
  /** Its name; undefined: loss and error alone. */
  readonly measure: string | undefined;
  readonly seed: bigint;
  readonly options: MeasureOptions;
  /** To workers that hold parts of the data (`withHelpers`), handed over. */
  readonly helpers: readonly MessagePort[];
}

export interface GridArguments extends SurfaceArguments {
  readonly directions: readonly Float32Array[];
  readonly a: readonly number[];
  readonly b: readonly number[];
}

/** Makes the surface that a task works on. There are helpers only where `isLarge`. */
export type SurfaceFactory = (
  kernels: Kernels,
  network: Network,
  data: Dataset,
  lossName: LossName,
  split: { readonly helpers: readonly MessagePort[]; readonly pause: TaskContext["pause"] },
) => LossSurface;

/** The tasks over the surfaces that a factory makes. */
export interface SurfaceTasks {
  readonly measure: Task<MeasureArguments, MeasureResult | { loss: number; error: number }>;
  readonly grid: Task<GridArguments, { losses: number[]; errors: number[] }>;
}

/** Finite parameters may still give outputs beyond f32. */
export const infinite = (loss: number): Error => new Error(`parameters: expected a finite loss there, got ${loss}`);

/** Tasks named `flatness` and `landscape`. */
export function makeSurfaceTasks(surfaceOf: SurfaceFactory): SurfaceTasks {
  return {
    measure: {
      name: "flatness",
      async run({ kernels, pause }, { network, parameters, data, lossName, measure, seed, options, helpers }) {
        const surface = surfaceOf(kernels, network, data, lossName, { helpers, pause });
        const evaluated = await surface.evaluate(parameters);
        if (!Number.isFinite(evaluated.loss)) throw infinite(evaluated.loss);
        if (measure === undefined) return evaluated;
        const [selected] = selectMeasures(measures, [measure]);
        return selected.run({ surface, w: parameters, kernels, seed, pause, options });
      },
      transfer: (result) =>
        Object.values(result)
          .filter((value) => ArrayBuffer.isView(value))
          .map((value) => (value as Float32Array<ArrayBuffer>).buffer),
    },
    grid: {
      name: "landscape",
      run({ kernels, pause }, { network, parameters, data, lossName, directions, a, b }) {
        const surface = surfaceOf(kernels, network, data, lossName, { helpers: [], pause });
        return lossesOnGrid(surface, parameters, directions, a, b, pause);
      },
      transfer: () => [],
    },
  };
}
