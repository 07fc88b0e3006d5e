/**
 * The facade of the flatness measures: checks, and one task a measure on a pool of workers. On large data the workers that
 * are left help, each with a part of the points.
 *
 * @module
 */
import { checkChoice, checkInteger, checkNumber, checkOptions, checkSeed, show } from "../engine/checks.ts";
import { fullBuild, sharedKernels } from "../engine/module.ts";
import { Pool } from "../engine/pool.ts";
import { onBuild } from "../engine/task.ts";
import { defineNetwork, type Network, type NetworkOptions } from "../network/network.ts";
import { checkParameters } from "../network/parameters.ts";
import { checkDataset, checkLoss } from "../training/dataset.ts";
import { withHelpers } from "../training/helpers.ts";
import { isLarge } from "../training/splitSurface.ts";
import type { Dataset, LossName } from "../training/surface.ts";
import type { fisherRaoOptions } from "./fisherRao.ts";
import { measures } from "./index.ts";
import type { keskarOptions } from "./keskar.ts";
import {
  coordinates,
  type DirectionScaling,
  describeDirections,
  type Landscape,
  randomDirection,
  scaleDirection,
} from "./landscape.ts";
import type { llcOptions } from "./llc.ts";
import type { localVolumeOptions } from "./localVolume.ts";
import {
  checkMeasureOptions,
  checkSelection,
  type MeasureResult,
  type OptionValues,
  selectMeasures,
} from "./measure.ts";
import { infinite, type SurfaceArguments, type SurfaceTasks } from "./measureTask.ts";
import type { pacBayesOptions } from "./pacBayesSigma.ts";
import type { relativeFlatnessOptions } from "./relativeFlatness.ts";
import type { asamOptions, samOptions } from "./sam.ts";
import type {
  frobeniusOptions,
  logProductOptions,
  spectralDensityOptions,
  spectralNormOptions,
  topEigenvaluesOptions,
  traceOptions,
} from "./spectralMeasures.ts";

/** How a call runs. */
export interface SurfaceCallOptions {
  /** `bce`: one output, targets 0/1; `ce`: several outputs, targets class indices; `mse`: half the squared error. */
  readonly loss: LossName;
  /** Default 0. */
  readonly seed?: number | bigint;
  /** Workers of the call's own pool; 0: the calling thread. Default: the machine's threads. */
  readonly workers?: number;
  /** A pool to use instead; it is left open. */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
}

/** The measures' options, all of them optional: what each is, and its default, stands with its measure. */
export type AllMeasureOptions = Partial<
  OptionValues<typeof keskarOptions> &
    OptionValues<typeof samOptions> &
    OptionValues<typeof asamOptions> &
    OptionValues<typeof pacBayesOptions> &
    OptionValues<typeof fisherRaoOptions> &
    OptionValues<typeof relativeFlatnessOptions> &
    OptionValues<typeof localVolumeOptions> &
    OptionValues<typeof llcOptions> &
    OptionValues<typeof topEigenvaluesOptions> &
    OptionValues<typeof logProductOptions> &
    OptionValues<typeof spectralNormOptions> &
    OptionValues<typeof traceOptions> &
    OptionValues<typeof frobeniusOptions> &
    OptionValues<typeof spectralDensityOptions>
>;

/** What `flatness` takes. */
export type FlatnessOptions<M extends string = string> = SurfaceCallOptions &
  AllMeasureOptions & {
    /** Names, such as "keskar" or "fisher-rao". */
    readonly measures: readonly M[];
    readonly onProgress?: (progress: FlatnessProgress) => void;
  };

/** A measure is done. */
export interface FlatnessProgress {
  readonly measure: string;
  /** Measures done so far, and in all. */
  readonly done: number;
  readonly total: number;
}

/** One measure's outcome: plain data. */
export interface MeasureRecord extends MeasureResult {
  /** Whether the value stays as it is under alpha-rescaling of a ReLU network. */
  readonly invariant: boolean;
  readonly source: string;
}

/** Loss and error of the network on the data, and one key a measure. */
export type FlatnessRecord<M extends string = string> = { readonly loss: number; readonly error: number } & {
  readonly [K in M]: MeasureRecord;
};

interface Call {
  readonly network: Network;
  readonly base: SurfaceArguments;
  readonly seed: bigint;
}

function checkCall(
  network: NetworkOptions,
  parameters: Float32Array,
  data: Dataset,
  options: SurfaceCallOptions,
): Call {
  const net = defineNetwork(network);
  checkParameters(net, parameters);
  const lossName = checkLoss(net, options.loss);
  const base = { network: net, parameters, data: checkDataset(net, data, lossName), lossName };
  const seed = checkSeed("seed", options.seed ?? 0).value;
  if (options.pool !== undefined && !(options.pool instanceof Pool)) {
    throw new TypeError(`pool: expected a Pool, got ${show(options.pool)}`);
  }
  if (options.pool && options.workers !== undefined) {
    throw new TypeError("workers: expected none beside pool, which has its own");
  }
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new TypeError(`signal: expected an AbortSignal, got ${show(options.signal)}`);
  }
  return { network: net, base, seed };
}

/** Work for one worker, or for one with helpers: `members` workers in all at the most. */
type Job<R> = (pool: Pool, signal: AbortSignal, members: number) => Promise<R>;

/**
 * Runs jobs on the call's pool; the first failure stops the others and is thrown.
 *
 * @param lanes jobs at a time; the workers are shared out among them. Default: as many as workers.
 */
async function onPool<R>(
  options: SurfaceCallOptions,
  jobs: ReadonlyArray<Job<R>>,
  lanes = Number.POSITIVE_INFINITY,
): Promise<R[]> {
  const { signal } = options;
  const stop = new AbortController();
  const inner = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const pool = options.pool ?? new Pool({ workers: options.workers });
  let failure: { reason: unknown } | undefined;
  const results: R[] = [];
  let next = 0;
  const width = Math.max(1, Math.min(pool.size, lanes));
  const lane = async (k: number): Promise<void> => {
    const members = Math.floor(pool.size / width) + Number(k < pool.size % width);
    // a signal of its own: many listeners on one are taken for a leak
    const own = AbortSignal.any([inner]);
    while (next < jobs.length && !failure) {
      const i = next++;
      results[i] = await jobs[i](pool, own, members);
    }
  };
  try {
    signal?.throwIfAborted();
    await Promise.all(
      Array.from({ length: width }, (_, k) =>
        lane(k).catch((reason: unknown) => {
          failure ??= { reason };
          stop.abort(reason);
        }),
      ),
    );
    if (failure) throw failure.reason;
    return results;
  } finally {
    if (!options.pool) pool.close();
  }
}

const CALL_OPTIONS = ["loss", "seed", "workers", "pool", "signal"];

/**
 * Measures how flat the loss is around a network's parameters (the table of measures is in the README; each names its paper
 * in `source`). Measures run side by side, one a worker. Where the data is large and there are fewer measures than workers,
 * a measure's worker has helpers: each product is split among them (`SplitSurface`), and what is done between products
 * stays in that worker, so the calling thread is free. A result depends on the arguments and the seed alone.
 *
 * @param tasks what the workers run.
 * @param network layers and activation, and the prior, which `local-volume` asks for.
 * @param parameters f32, the library's flat layout.
 * @param data points with targets.
 * @throws TypeError, RangeError naming the argument, before any work; the signal's reason; an Error if a worker died, or the
 *   loss at the parameters is not finite.
 */
export async function flatnessOn<const M extends string>(
  tasks: SurfaceTasks,
  network: NetworkOptions,
  parameters: Float32Array,
  data: Dataset,
  options: FlatnessOptions<M>,
): Promise<FlatnessRecord<M>> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options: expected an object, got ${show(options)}`);
  }
  const { loss: _loss, seed: _seed, workers: _workers, pool: _pool, signal: _signal, ...rest } = options;
  const { measures: names, onProgress, ...measureOptions } = rest as FlatnessOptions<M>;
  selectMeasures(measures, names);
  checkMeasureOptions(measures, measureOptions);
  const call = checkCall(network, parameters, data, options);
  const subject = { network: call.network, w: parameters, points: data.points };
  const selected = checkSelection(measures, names, measureOptions, subject, call.base.lossName);
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new TypeError(`onProgress: expected a function, got ${show(onProgress)}`);
  }
  let done = 0;
  const { data: points, lossName } = call.base;
  const large = isLarge(call.network, points);
  const run = (name: string | undefined) => async (pool: Pool, signal: AbortSignal, members: number) => {
    const measured = (helpers: MessagePort[], until: AbortSignal) => {
      const args = { ...call.base, measure: name, seed: call.seed, options: measureOptions, helpers };
      return pool.run(onBuild(fullBuild, tasks.measure), args, { signal: until, transfer: helpers });
    };
    const result = large
      ? await withHelpers(pool, members, call.network, points, lossName, signal, measured)
      : await measured([], signal);
    if (name !== undefined) onProgress?.({ measure: name, done: ++done, total: selected.length });
    return result;
  };
  const jobs = [run(undefined), ...selected.map(({ name }) => run(name))];
  const [whole, ...results] = await onPool(options, jobs, large ? selected.length : undefined);
  const { loss, error } = whole as { loss: number; error: number };
  const records = selected.map(({ name, invariant, source }, i) => {
    const record: MeasureRecord = { invariant, source, ...(results[i] as MeasureResult) };
    return [name, record] as const;
  });
  return { loss, error, ...Object.fromEntries(records) } as FlatnessRecord<M>;
}

/** What `landscape` takes. */
export interface LandscapeOptions extends SurfaceCallOptions {
  /** 1: along a line; 2: on a plane. Default: as many as there are directions, else 1. */
  readonly dimensions?: number;
  /** One number a parameter each, for instance eigenvectors. Default: Gaussian directions of the seed. */
  readonly directions?: readonly Float32Array[];
  /** Default "filter". */
  readonly scaling?: DirectionScaling;
  /** Largest |a| and |b|, in units of the scaled directions. Default 1. */
  readonly radius?: number;
  /** Points of each axis. Default 51; an odd number has w in the middle. */
  readonly steps?: number;
}

/** A landscape's rows are cut into so many tasks at the most: enough to keep workers busy to the end. */
const TASKS = 32;

/**
 * The loss along a line or on a plane through the parameters [Li et al. 2018].
 *
 * @throws TypeError, RangeError naming the argument, before any work; the signal's reason; an Error if a worker died, or the
 *   loss at the parameters is not finite.
 */
export async function landscapeOn(
  tasks: SurfaceTasks,
  network: NetworkOptions,
  parameters: Float32Array,
  data: Dataset,
  options: LandscapeOptions,
): Promise<Landscape> {
  checkOptions("options", options, [...CALL_OPTIONS, "dimensions", "directions", "scaling", "radius", "steps"]);
  const call = checkCall(network, parameters, data, options);
  const { directions: given } = options;
  if (given !== undefined) {
    if (!Array.isArray(given)) throw new TypeError(`directions: expected an array, got ${show(given)}`);
    checkInteger("directions.length", given.length, 1, 2);
    given.forEach((direction, i) => {
      if (!(direction instanceof Float32Array)) {
        throw new TypeError(`directions[${i}]: expected a Float32Array, got ${show(direction)}`);
      }
      if (direction.length !== parameters.length || !direction.every(Number.isFinite)) {
        throw new RangeError(`directions[${i}]: expected ${parameters.length} finite numbers`);
      }
    });
  }
  const dimensions = checkInteger("dimensions", options.dimensions ?? given?.length ?? 1, 1, 2);
  if (given && given.length !== dimensions) {
    throw new RangeError(`dimensions: expected ${given.length}, the number of directions, got ${dimensions}`);
  }
  const scaling = checkChoice("scaling", options.scaling ?? "filter", ["filter", "layer", "none"] as const);
  const radius = checkNumber("radius", options.radius ?? 1, 0, 1e30);
  const steps = checkInteger("steps", options.steps ?? 51, 1, 100_000);
  const kernels = await sharedKernels();
  const directions = Array.from({ length: dimensions }, (_, i) =>
    scaleDirection(
      call.network,
      parameters,
      given?.[i] ?? randomDirection(kernels, parameters.length, call.seed, i),
      scaling,
    ),
  );
  const a = coordinates(radius, steps);
  const b = dimensions === 2 ? a.slice() : [];
  const grid = (part: readonly number[], columns: readonly number[]) => (pool: Pool, signal: AbortSignal) =>
    pool.run(onBuild(fullBuild, tasks.grid), { ...call.base, directions, a: part, b: columns }, { signal });
  const rows = Math.ceil(steps / TASKS);
  const pieces = Array.from({ length: Math.ceil(steps / rows) }, (_, i) => grid(a.slice(i * rows, (i + 1) * rows), b));
  const [centre, ...parts] = await onPool(options, [grid([0], [0]), ...pieces]);
  if (!Number.isFinite(centre.losses[0])) throw infinite(centre.losses[0]);
  return {
    a,
    b,
    losses: parts.flatMap(({ losses }) => losses),
    errors: parts.flatMap(({ errors }) => errors),
    loss: centre.losses[0],
    error: centre.errors[0],
    ...describeDirections(directions),
  };
}
