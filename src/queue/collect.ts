/**
 * The table of a job from the results of its ranges.
 *
 * @module
 */
import { coreBuild } from "../engine/core.ts";
import { describedBy } from "../volume/countIdentity.ts";
import { FunctionTable, makePause } from "../volume/functionTable.ts";
import { RunCollector, rowShape, SegmentKeeper, type SpillStore } from "../volume/rows.ts";
import type { CountQueue } from "./countQueue.ts";
import { decodeRange } from "./rangeResult.ts";

/** What `collect` takes. */
export interface CollectOptions {
  readonly signal: AbortSignal;
  readonly memoryLimit: number;
  readonly spill: SpillStore | undefined;
  readonly onProgress?: (ranges: number, total: number) => void;
}

/**
 * Adds the results of all ranges. The job stays as it is: `end` it once the table is in place.
 *
 * @throws Error if results are missing, or the job was collected; RangeError naming a result that is none.
 */
export async function collect(queue: CountQueue, id: string, options: CollectOptions): Promise<FunctionTable> {
  const { signal, memoryLimit, spill, onProgress } = options;
  const job = await queue.job(id);
  await queue.checkOpen(id);
  const missing = await queue.missing(id, job);
  if (missing > 0) throw new Error(`job ${id} is not finished: ${missing} of ${job.ranges} ranges have no result yet`);
  const { identity, firstSample, samples, ranges } = job;
  const { outputDraws, version, wasm, seed } = identity;
  const { network, points, symmetry } = describedBy(identity);
  try {
    const keeper = new SegmentKeeper(rowShape(points.count, outputDraws > 1), memoryLimit, spill);
    const pause = makePause(signal);
    const collector = new RunCollector(coreBuild, keeper, pause);
    for (let range = 1; range <= ranges; range++) {
      signal.throwIfAborted();
      await collector.add(await decodeRange(job, id, range, await queue.result(id, range)));
      onProgress?.(range, ranges);
    }
    const merged = await collector.finish();
    const bodies = [
      { seed: BigInt(seed), first: firstSample / outputDraws, end: (firstSample + samples) / outputDraws },
    ];
    const source = { network, points, outputDraws, symmetry, ranges: bodies, engine: { version, wasm } };
    return await FunctionTable.fromRun(source, merged, keeper, pause);
  } catch (error) {
    spill?.close();
    throw error;
  }
}
