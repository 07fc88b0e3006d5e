/**
 * A process that takes ranges from the queue, counts them and keeps their results.
 *
 * @module
 */
import type { Job } from "bullmq";
import { checkInteger, checkOptions } from "../engine/checks.ts";
import type { Pool } from "../engine/pool.ts";
import { version } from "../generated/version.ts";
import { countFunctions } from "../volume/count.ts";
import { engineDigest } from "../volume/countIdentity.ts";
import type { SpillStore } from "../volume/rows.ts";
import { type CountJob, inputsOf, rangeOf } from "./countJob.ts";
import { type CountQueue, QUEUE_PREFIX, queueName, type RangeEntry } from "./countQueue.ts";
import { encodeRange } from "./rangeResult.ts";
import { loadOptional } from "./redis.ts";

/** What `workOn` takes. */
export interface WorkOptions {
  readonly pool: Pool;
  readonly signal: AbortSignal;
  /** Milliseconds without a word after which a worker counts as gone and its range goes to another. */
  readonly lockMilliseconds: number;
  /** Ends when no range waits or runs anywhere. */
  readonly untilEmpty: boolean;
  readonly memoryLimit?: number;
  /** A store for one range. */
  readonly spill?: () => SpillStore | undefined;
  /** Told of each range that is done, and of what went wrong. */
  readonly onRange?: (entry: RangeEntry, samples: number) => void;
  readonly onProblem?: (text: string) => void;
}

/** Ranges at a time: while one is packed and sent, the threads count the next. */
const AHEAD = 2;
/** A worker that is killed again and again on one range (by a lack of memory, say) does not take it for ever. */
const MOST_DEATHS = 100;
const EMPTY_POLL_MS = 250;

/**
 * Works until the signal, or until nothing is left.
 *
 * @returns ranges done.
 * @throws Error if there are jobs, and all want another version or module; the first failure of Redis that does not pass.
 */
export async function workOn(queue: CountQueue, options: WorkOptions): Promise<number> {
  const { signal, pool, lockMilliseconds } = options;
  const own = { version, wasm: await engineDigest() };
  await refuseOthers(queue, own, options);
  const { Worker, WaitingError } = await loadOptional("bullmq", () => import("bullmq"));
  const jobs = new Map<string, Promise<CountJob>>();
  let done = 0;
  const run = async (entry: Job, token: string | undefined): Promise<void> => {
    const { job: id, range } = checkEntry(entry.data);
    if (!jobs.has(id)) jobs.set(id, queue.job(id));
    const job = await jobs.get(id)!.catch((error: unknown) => {
      jobs.delete(id);
      throw error;
    });
    refuseOther(job, id, own);
    checkInteger("range", range, 1, job.ranges);
    try {
      const { layers, activation, sigmaW2, sigmaB2, seed, outputDraws } = job.identity;
      const spill = options.spill?.();
      const table = await countFunctions(
        { layers, activation, sigmaW2, sigmaB2 },
        {
          ...rangeOf(job, range),
          inputs: inputsOf(job),
          seed: BigInt(seed),
          outputDraws,
          pool,
          signal,
          memoryLimit: options.memoryLimit,
          spill,
        },
      );
      try {
        const kept = await queue.keep(id, range, await encodeRange(job, id, range, table));
        if (!kept) options.onProblem?.(`range ${range} of job ${id}: the job was collected meanwhile`);
      } finally {
        table.close();
      }
      done++;
      options.onRange?.({ job: id, range }, rangeOf(job, range).samples);
    } catch (error) {
      if (!signal.aborted) throw error;
      // the next worker begins it anew, and no attempt is counted
      await entry.moveToWait(token);
      throw new WaitingError();
    }
  };
  const worker = new Worker(queueName(own), run, {
    connection: queue.client,
    prefix: QUEUE_PREFIX,
    concurrency: AHEAD,
    lockDuration: lockMilliseconds,
    stalledInterval: lockMilliseconds,
    maxStalledCount: MOST_DEATHS,
    drainDelay: 1,
    autorun: false,
  });
  // of the connection, which is tried again, and of ranges that were given away: neither ends a worker
  worker.on("error", (error) => options.onProblem?.(firstLine(error)));
  worker.on("failed", (entry, error) => {
    const { job, range } = (entry?.data ?? {}) as Partial<RangeEntry>;
    options.onProblem?.(`range ${range} of job ${job}: ${firstLine(error)}`);
  });
  const running = worker.run();
  running.catch(() => {});
  try {
    await stopped(queue, own, options);
  } finally {
    await worker.close();
  }
  await running;
  return done;
}

function firstLine(error: Error): string {
  return error.message.split("\n")[0];
}

function checkEntry(data: unknown): RangeEntry {
  checkOptions("entry", data, ["job", "range"]);
  const { job, range } = data as RangeEntry;
  if (typeof job !== "string") throw new TypeError("entry.job: expected a text");
  return { job, range };
}

type Engine = Pick<CountJob["identity"], "version" | "wasm">;

/** What a worker says that is not of the job's kind. */
function differs({ identity }: CountJob, id: string, own: Engine): string | undefined {
  if (identity.version !== own.version) {
    return `job ${id} is for flatvol ${identity.version}, this worker is ${own.version}: refused`;
  }
  if (identity.wasm !== own.wasm) {
    return `job ${id} is for the WebAssembly module ${identity.wasm.slice(0, 16)}, this worker has ${own.wasm.slice(0, 16)}: refused`;
  }
  return undefined;
}

function refuseOther(job: CountJob, id: string, own: Engine): void {
  const difference = differs(job, id, own);
  if (difference) throw new Error(difference);
}

/** Names the open jobs of other versions; if there are no others, there is nothing to do here. */
async function refuseOthers(queue: CountQueue, own: Engine, { onProblem }: WorkOptions): Promise<void> {
  const refusals: string[] = [];
  let fitting = 0;
  for (const id of await queue.jobs()) {
    try {
      if ((await queue.status(id)).state === "collected") continue;
      const difference = differs(await queue.job(id), id, own);
      if (difference) refusals.push(difference);
      else fitting++;
    } catch (error) {
      refusals.push(firstLine(error as Error));
    }
  }
  if (refusals.length > 0 && fitting === 0) throw new Error(refusals.join("; "));
  for (const refusal of refusals) onProblem?.(refusal);
}

/** Settles when the work is to end. */
async function stopped(queue: CountQueue, own: Engine, { signal, untilEmpty }: WorkOptions): Promise<void> {
  while (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(end, EMPTY_POLL_MS);
      function end(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      }
      signal.addEventListener("abort", end, { once: true });
    });
    if (!untilEmpty || signal.aborted) continue;
    const counts = await queue.countsOf(own);
    if (counts.waiting === 0 && counts.active === 0) return;
  }
}
