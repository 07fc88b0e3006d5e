/**
 * Counting: how often random networks compute each function.
 *
 * @module
 */
import type { PointsOptions } from "../data/points.ts";
import { checkInteger, checkOptions, checkSeed, show } from "../engine/checks.ts";
import { coreBuild } from "../engine/core.ts";
import { Pool } from "../engine/pool.ts";
import { pointsOf } from "../network/evaluate.ts";
import { defineNetwork, type NetworkOptions } from "../network/network.ts";
import { MAXIMUM_DRAWS, singleOutput } from "../network/parameters.ts";
import { Checkpoint, type CheckpointStore } from "./checkpoint.ts";
import { countChunk } from "./countChunk.ts";
import { identityOf } from "./countIdentity.ts";
import { FunctionTable, makePause } from "./functionTable.ts";
import { RunCollector, rowShape, SegmentKeeper, type SpillStore } from "./rows.ts";
import { symmetryOf } from "./symmetry.ts";

/** How far a count has come. */
export interface CountProgress {
  readonly stage: "sampling" | "merging";
  /** Samples counted so far, and in all. */
  readonly samples: number;
  readonly total: number;
  readonly samplesPerSecond: number;
  /** Estimate of the seconds that sampling still takes. */
  readonly secondsLeft: number;
}

/** What `countFunctions` takes. */
export interface CountOptions {
  /** Number of networks to draw; a multiple of `outputDraws`. */
  readonly samples: number;
  /** Points on which a network is a function. Default: all 2^n Boolean inputs, n = layers[0] <= 10. */
  readonly inputs?: PointsOptions;
  /** Default 0. */
  readonly seed?: number | bigint;
  /** Index of the first sample, a multiple of `outputDraws`: counts of disjoint ranges can be merged. Default 0. */
  readonly firstSample?: number;
  /**
   * Output layers drawn for each body (all hidden layers), 1 to 256. Default 1: independent samples. More is unbiased and
   * many times faster; samples of one body are correlated, and intervals take that into account.
   */
  readonly outputDraws?: number;
  /** Workers of the call's own pool; 0: the calling thread. Default: the machine's threads. */
  readonly workers?: number;
  /** A pool to use instead; it is left open. */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CountProgress) => void;
  /** Bytes of rows that the calling thread may hold, default 2 GiB; past it rows are spilled, or the call fails. */
  readonly memoryLimit?: number;
  /** Where rows go past the limit: `spillToDisk` of "flatvol/node". */
  readonly spill?: SpillStore;
  /**
   * Where the count is kept while it is under way: `checkpointTo` of "flatvol/node". A count that finds a checkpoint of its
   * own there goes on from it, to the same table.
   */
  readonly checkpoint?: CheckpointStore;
  /** Samples that a worker counts at a time. The result does not depend on it. Default: about half a second's worth. */
  readonly chunkSize?: number;
}

const OPTIONS = [
  "samples",
  "inputs",
  "seed",
  "firstSample",
  "outputDraws",
  "workers",
  "pool",
  "signal",
  "onProgress",
  "memoryLimit",
  "spill",
  "checkpoint",
  "chunkSize",
] as const;

/** Bytes of rows. */
export const DEFAULT_MEMORY = 2 ** 31;
/** A first chunk that takes some milliseconds; later ones are sized by the measured rate. */
const FIRST_CHUNK = 1024;
/** Milliseconds a chunk: a transfer costs 0.1 ms, and a page wants to hear of progress. */
const WORKER_CHUNK_MS = 400;
const LOCAL_CHUNK_MS = 100;

/**
 * Draws random networks from the prior and counts the functions that they compute: `P(f)` is estimated by count / samples
 * (Valle-Perez, Camargo, Louis, arXiv 1805.08522; Zhang, Reid, Valle-Perez, Louis, arXiv 2103.06219).
 *
 * The result depends on the network, inputs, seed, range and `outputDraws` alone, to the bit.
 *
 * @throws TypeError, RangeError naming the option; the signal's reason; an Error with the cause if a worker died.
 * @example
 * const table = await countFunctions({ layers: [7, 40, 40, 1] }, { samples: 20_000, seed: 1 });
 * table.top(1)[0].probability; // about 0.25: a constant function
 */
export async function countFunctions(network: NetworkOptions, options: CountOptions): Promise<FunctionTable> {
  const net = singleOutput(defineNetwork(network));
  checkOptions("options", options, OPTIONS);
  const draws = checkInteger("outputDraws", options.outputDraws ?? 1, 1, MAXIMUM_DRAWS);
  const samples = checkInteger("samples", options.samples, 1, 2 ** 52);
  const firstSample = checkInteger("firstSample", options.firstSample ?? 0, 0, 2 ** 52);
  for (const [name, value] of [
    ["samples", samples],
    ["firstSample", firstSample],
  ] as const) {
    if (value % draws !== 0) {
      throw new RangeError(`${name}: expected a multiple of outputDraws = ${draws}, got ${value}`);
    }
  }
  const seed = checkSeed("seed", options.seed ?? 0);
  const points = pointsOf(net, options.inputs);
  const memoryLimit = checkInteger("memoryLimit", options.memoryLimit ?? DEFAULT_MEMORY, 0, Number.MAX_SAFE_INTEGER);
  const chunkSize =
    options.chunkSize === undefined ? undefined : checkInteger("chunkSize", options.chunkSize, 1, 2 ** 32);
  if (options.pool !== undefined && !(options.pool instanceof Pool)) {
    throw new TypeError(`pool: expected a Pool, got ${show(options.pool)}`);
  }
  if (options.spill !== undefined && typeof (options.spill as SpillStore | null)?.write !== "function") {
    throw new TypeError(`spill: expected a SpillStore (spillToDisk of "flatvol/node"), got ${show(options.spill)}`);
  }
  if (options.checkpoint !== undefined && typeof (options.checkpoint as CheckpointStore | null)?.begin !== "function") {
    throw new TypeError(
      `checkpoint: expected a CheckpointStore (checkpointTo of "flatvol/node"), got ${show(options.checkpoint)}`,
    );
  }
  if (options.pool && options.workers !== undefined) {
    throw new TypeError("workers: expected none beside pool, which has its own");
  }
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new TypeError(`signal: expected an AbortSignal, got ${show(options.signal)}`);
  }
  if (options.onProgress !== undefined && typeof options.onProgress !== "function") {
    throw new TypeError(`onProgress: expected a function, got ${show(options.onProgress)}`);
  }
  const pool = options.pool ?? new Pool({ workers: options.workers });
  const symmetry = symmetryOf(net, points);
  const { signal } = options;
  // one failing chunk stops the others
  const stop = new AbortController();
  const inner = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const keeper = new SegmentKeeper(rowShape(points.count, draws > 1), memoryLimit, options.spill);
  try {
    signal?.throwIfAborted();
    const pause = makePause(inner);
    const firstBody = firstSample / draws;
    const bodies = samples / draws;
    const identity = options.checkpoint && (await identityOf(net, points, draws, seed.value, symmetry));
    const checkpoint =
      options.checkpoint &&
      identity &&
      new Checkpoint(options.checkpoint, identity, points.count, firstBody, firstBody + bodies);
    const known = checkpoint ? checkpoint.reached(firstBody) - firstBody : 0;
    let collector = new RunCollector(coreBuild, keeper, pause);
    const lanes = Math.max(1, pool.size);
    const started = performance.now();
    let next = known;
    let done = known;
    let size = FIRST_CHUNK;
    const report = (stage: CountProgress["stage"]): void => {
      const seconds = (performance.now() - started) / 1000;
      const samplesPerSecond = seconds > 0 ? ((done - known) * draws) / seconds : 0;
      options.onProgress?.({
        stage,
        samples: done * draws,
        total: samples,
        samplesPerSecond,
        secondsLeft: done > known ? ((bodies - done) * draws) / samplesPerSecond : Number.POSITIVE_INFINITY,
      });
    };
    const lane = async (due: () => boolean): Promise<void> => {
      while (next < bodies && !due()) {
        // towards the end chunks shrink, so that all workers finish together
        const share = Math.max(256, Math.ceil((bodies - next) / (2 * lanes)));
        const wanted = chunkSize === undefined ? Math.min(size, share) : Math.max(1, Math.round(chunkSize / draws));
        const count = Math.min(wanted, bodies - next);
        const first = next;
        next += count;
        const result = await pool.run(
          countChunk,
          {
            network: net,
            data: points.kind === "points" ? points.values() : undefined,
            points: points.count,
            seedLow: seed.low,
            seedHigh: seed.high,
            firstBody: firstBody + first,
            bodies: count,
            draws,
            symmetry,
          },
          { signal: inner },
        );
        await collector.add(result.rows);
        done += count;
        const target = pool.size === 0 ? LOCAL_CHUNK_MS : WORKER_CHUNK_MS;
        const ideal = (count * target) / Math.max(1, result.milliseconds);
        size = Math.max(64, Math.min(Math.round(ideal), 4 * count));
        report("sampling");
      }
    };
    while (next < bodies) {
      const from = next;
      const until = checkpoint ? performance.now() + checkpoint.store.everyMilliseconds : Number.POSITIVE_INFINITY;
      const due = (): boolean => next > from && performance.now() >= until;
      await settleAll(
        Array.from({ length: lanes }, () => lane(due)),
        stop,
      );
      if (!checkpoint) continue;
      // bodies are handed out in order, and all that were are done: no hole before `next`
      await checkpoint.save(firstBody + from, firstBody + next, await collector.finish(), coreBuild, pause);
      collector = new RunCollector(coreBuild, keeper, pause);
    }
    report("merging");
    for (const part of checkpoint?.parts ?? []) await collector.addRun(part.run);
    const merged = await collector.finish();
    // a single part is still the store's, which the table may outlive
    const run = checkpoint?.parts.length === 1 ? merged.map((segment) => keeper.keep(segment.read())) : merged;
    return await FunctionTable.fromRun(
      {
        network: net,
        points,
        outputDraws: draws,
        symmetry,
        ranges: [{ seed: seed.value, first: firstBody, end: firstBody + bodies }],
      },
      run,
      keeper,
      pause,
    );
  } catch (error) {
    options.spill?.close();
    throw error;
  } finally {
    options.checkpoint?.close();
    if (!options.pool) pool.close();
  }
}

/** Waits for all; the first failure stops the others and is thrown. */
async function settleAll(work: Promise<void>[], stop: AbortController): Promise<void> {
  let failure: { reason: unknown } | undefined;
  await Promise.all(
    work.map((promise) =>
      promise.catch((reason: unknown) => {
        failure ??= { reason };
        stop.abort(reason);
      }),
    ),
  );
  if (failure) throw failure.reason;
}
