/**
 * `flatvol queue submit|status|collect` and `flatvol worker`: counts that several machines share.
 *
 * @module
 */
import { checkInteger, checkSeed } from "../engine/checks.ts";
import { createPool } from "../engine/pool.ts";
import { pointsOf } from "../network/evaluate.ts";
import { MAXIMUM_DRAWS, singleOutput } from "../network/parameters.ts";
import { collect } from "../queue/collect.ts";
import { makeJob, rangeOf } from "../queue/countJob.ts";
import { CountQueue, type JobStatus } from "../queue/countQueue.ts";
import { workOn } from "../queue/rangeWorker.ts";
import { connect, parseRedisUrl, type RedisAddress, unreachable } from "../queue/redis.ts";
import { formatWhole } from "../report/format.ts";
import { UsageError } from "./arguments.ts";
import { checkTableFlags, showTable, type TableFlags } from "./count.ts";
import { type CountFlags, networkOf, pointsFrom, spillOf } from "./networkOptions.ts";
import type { CommonOptions, Session } from "./session.ts";
import { factLines, textTable } from "./textTable.ts";

/** Flags of all of them. */
export interface QueueFlags extends CommonOptions {
  readonly redis?: string;
}

export interface SubmitFlags extends QueueFlags, Omit<CountFlags, "workers" | "memory" | "spill"> {
  readonly samples: number;
  readonly ranges?: number;
}

export interface CollectFlags extends QueueFlags, TableFlags {
  readonly wait?: boolean;
  readonly workers?: number;
  readonly memory: number;
  readonly spill?: string;
}

export interface WorkerFlags extends QueueFlags {
  readonly workers?: number;
  readonly lock: number;
  readonly untilEmpty?: boolean;
  readonly memory: number;
  readonly spill?: string;
}

/** Samples of a range, if nothing is said: some seconds of a thread's work, and a result of a few megabytes. */
const RANGE_SAMPLES = 2 ** 20;
const WAIT_MS = 500;

function addressOf(text: string | undefined): RedisAddress {
  const given = text ?? process.env.FLATVOL_REDIS;
  if (given === undefined) throw new UsageError("--redis: expected a URL, here or in the variable FLATVOL_REDIS");
  return parseRedisUrl(given);
}

/** Does something with a queue, and lets go of the connection. */
async function withQueue<T>(flags: QueueFlags, patient: boolean, work: (queue: CountQueue) => Promise<T>): Promise<T> {
  const address = addressOf(flags.redis);
  const client = await connect(address, patient);
  try {
    return await work(new CountQueue(client));
  } catch (error) {
    const { name, message } = error as Error;
    // what the driver says of a server that went away
    if (name === "MaxRetriesPerRequestError" || name === "ReplyError" || message === "Connection is closed.") {
      throw unreachable(address, error as Error);
    }
    throw error;
  } finally {
    client.disconnect();
  }
}

export async function submit(flags: SubmitFlags, session: Session): Promise<void> {
  const network = singleOutput(networkOf(flags));
  const outputDraws = checkInteger("outputDraws", flags.outputDraws, 1, MAXIMUM_DRAWS);
  const samples = checkInteger("samples", flags.samples, 1, 2 ** 52);
  const job = await makeJob({
    network,
    points: pointsOf(network, flags.x === undefined ? undefined : pointsFrom(flags.x, flags.layers)),
    outputDraws,
    seed: checkSeed("seed", flags.seed).value,
    firstSample: checkInteger("firstSample", flags.firstSample ?? 0, 0, 2 ** 52),
    samples,
    ranges: flags.ranges ?? Math.min(Math.ceil(samples / RANGE_SAMPLES), samples / outputDraws),
  });
  await withQueue(flags, false, async (queue) => {
    const id = await queue.submit(job);
    if (session.json) session.printJson({ job: id, ranges: job.ranges, samples });
    else
      for (const line of factLines([
        ["job", id],
        ["ranges", `${formatWhole(job.ranges)} of ${formatWhole(rangeOf(job, 1).samples)} samples`],
      ]))
        session.print(line);
  });
}

export async function status(ids: readonly string[], flags: QueueFlags, session: Session): Promise<void> {
  await withQueue(flags, false, async (queue) => {
    const jobs: Array<JobStatus & { waiting: number; active: number; failed: number }> = [];
    for (const id of ids.length > 0 ? ids : await queue.jobs()) {
      const known = await queue.status(id);
      jobs.push({ ...known, ...(await queue.counts(await queue.job(id))) });
    }
    if (session.json) {
      session.printJson({ jobs });
      return;
    }
    if (jobs.length === 0) return session.print("no jobs");
    const lines = textTable(
      [
        { title: "job", align: "left" },
        { title: "state", align: "left" },
        { title: "samples" },
        { title: "ranges done" },
        { title: "version" },
        { title: "queue: waiting, active, failed" },
      ],
      jobs.map(({ id, state, samples, done, ranges, version, waiting, active, failed }) => [
        id,
        state,
        formatWhole(samples),
        `${formatWhole(done)} of ${formatWhole(ranges)}`,
        version,
        `${formatWhole(waiting)}, ${formatWhole(active)}, ${formatWhole(failed)}`,
      ]),
    );
    for (const line of lines) session.print(line);
  });
}

export async function collectVerb(id: string, flags: CollectFlags, session: Session): Promise<void> {
  checkTableFlags(flags);
  const { signal, progress } = session;
  const spill = spillOf(flags.spill);
  const pool = createPool({ workers: flags.workers });
  try {
    await withQueue(flags, false, async (queue) => {
      if (flags.wait) await waitFor(queue, id, session);
      const table = await collect(queue, id, {
        signal,
        memoryLimit: flags.memory,
        spill,
        onProgress: (ranges, total) => progress.show("collecting", ranges, total),
      });
      try {
        // only when the table is in place are the results let go
        await showTable(table, undefined, flags, session, pool, undefined, async (digest) => queue.end(id, digest));
      } finally {
        table.close();
      }
    });
  } finally {
    spill?.close();
    pool.close();
  }
}

async function waitFor(queue: CountQueue, id: string, { signal, progress }: Session): Promise<void> {
  const job = await queue.job(id);
  while (true) {
    await queue.checkOpen(id);
    const missing = await queue.missing(id, job);
    progress.show("ranges", job.ranges - missing, job.ranges);
    if (missing === 0) return;
    const { waiting, active, failed } = await queue.counts(job);
    if (failed > 0 && waiting === 0 && active === 0) {
      throw new Error(`job ${id}: ${missing} ranges failed; see what the workers say, then submit it again`);
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    signal.throwIfAborted();
  }
}

export async function worker(flags: WorkerFlags, session: Session): Promise<void> {
  const lockMilliseconds = Math.round(1000 * flags.lock);
  if (!(lockMilliseconds >= 100)) throw new UsageError(`--lock: expected at least 0.1s, got ${flags.lock}`);
  const pool = createPool({ workers: flags.workers });
  const say = (text: string): void => void process.stderr.write(`flatvol worker: ${text}\n`);
  try {
    const done = await withQueue(flags, true, (queue) =>
      workOn(queue, {
        pool,
        signal: session.signal,
        lockMilliseconds,
        untilEmpty: flags.untilEmpty ?? false,
        memoryLimit: flags.memory,
        spill: () => spillOf(flags.spill),
        onProblem: say,
        onRange: ({ job, range }, samples) => {
          if (!flags.quiet) say(`job ${job}: range ${range}, ${formatWhole(samples)} samples`);
        },
      }),
    );
    if (session.json) session.printJson({ ranges: done });
    else session.print(`${formatWhole(done)} ranges done`);
  } finally {
    pool.close();
  }
}
