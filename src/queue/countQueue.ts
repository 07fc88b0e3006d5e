/**
 * Counts that several machines share: BullMQ hands out the ranges, Redis keeps their results until they are collected.
 *
 * A range is a function of the job, and a result is kept under its number: however often a range is run, it stands in the
 * sum once.
 *
 * @module
 */
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { show } from "../engine/checks.ts";
import { type CountJob, jobId, jobText, parseJob } from "./countJob.ts";
import type { RangeMessage } from "./rangeResult.ts";
import { loadOptional } from "./redis.ts";

const PREFIX = "flatvol";
/** Attempts at a range that fails (a machine short of memory); a worker that dies counts as none. */
const ATTEMPTS = 5;
const RETRY_MS = 1000;
/** Entries that are added at a time. */
const BATCH = 1000;
const ID = /^[0-9a-f]{16}$/;

const key = (id: string, what: "job" | "results" | "digests"): string => `${PREFIX}:${id}:${what}`;
const JOBS = `${PREFIX}:jobs`;

/**
 * Keeps a result if the job is still open. 0: it is not; 1: kept, or there already; -1: another one is there.
 * One script, so that a worker which comes back late cannot write to a job that was collected.
 */
const KEEP = `
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
local there = redis.call('HGET', KEYS[3], ARGV[1])
if there and there ~= ARGV[2] then return -1 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
return 1`;

/** Ends a job, once. */
const END = `
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'collected', 'digest', ARGV[1], 'collectedAt', ARGV[2])
redis.call('UNLINK', KEYS[2], KEYS[3])
return 1`;

/** What the queue knows of a job. */
export interface JobStatus {
  readonly id: string;
  readonly state: "open" | "collected";
  /** Of the table; once it was collected. */
  readonly digest?: string;
  readonly samples: number;
  readonly ranges: number;
  /** Ranges whose results are there. */
  readonly done: number;
  readonly version: string;
  readonly wasm: string;
}

/** How many ranges of all jobs of a version the queue has in which state. */
export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly failed: number;
}

/** What an entry of the queue says. */
export interface RangeEntry {
  readonly job: string;
  readonly range: number;
}

/** Each version and module has a queue of its own: a worker is never handed what it must not run. */
export function queueName({ version, wasm }: Pick<CountJob["identity"], "version" | "wasm">): string {
  return `count-${version}-${wasm.slice(0, 16)}`;
}

export const QUEUE_PREFIX = `${PREFIX}:queue`;

export class CountQueue {
  constructor(readonly client: Redis) {}

  /**
   * Puts a job into the queue; ranges that have a result, or wait already, are left alone, and those that failed are tried
   * again.
   *
   * @returns its id.
   * @throws Error if it was collected already.
   */
  async submit(job: CountJob): Promise<string> {
    const id = jobId(job);
    const { client } = this;
    const state = await client.hget(key(id, "job"), "state");
    if (state === "collected") throw await this.#collected(id);
    await client.hsetnx(key(id, "job"), "text", jobText(job));
    await client.hsetnx(key(id, "job"), "state", "open");
    await client.sadd(JOBS, id);
    const done = new Set(await client.hkeys(key(id, "digests")));
    const queue = await this.#queue(job.identity);
    try {
      let batch: Parameters<Queue["addBulk"]>[0] = [];
      for (let range = 1; range <= job.ranges; range++) {
        if (!done.has(String(range))) batch.push(entryOf(id, range));
        if (batch.length < BATCH && range < job.ranges) continue;
        await queue.addBulk(batch);
        batch = [];
      }
      for (const failed of await queue.getFailed()) if (failed.data.job === id) await failed.retry("failed");
    } finally {
      await queue.close();
    }
    return id;
  }

  /** A job. @throws RangeError naming `job` if there is none, or it is damaged. */
  async job(id: string): Promise<CountJob> {
    if (!ID.test(id)) throw new RangeError(`job: expected 16 hex digits, got ${show(id)}`);
    const text = await this.client.hget(key(id, "job"), "text");
    if (text === null) throw new RangeError(`job: there is no ${id}`);
    return parseJob(id, text);
  }

  async jobs(): Promise<string[]> {
    const ids = await this.client.smembers(JOBS);
    return ids.filter((id) => ID.test(id)).sort();
  }

  async status(id: string): Promise<JobStatus> {
    const job = await this.job(id);
    const { version, wasm } = job.identity;
    const [state, digest] = await this.client.hmget(key(id, "job"), "state", "digest");
    const collected = state === "collected";
    return {
      id,
      state: collected ? "collected" : "open",
      ...(collected && digest !== null ? { digest } : {}),
      samples: job.samples,
      ranges: job.ranges,
      done: collected ? job.ranges : await this.client.hlen(key(id, "digests")),
      version,
      wasm,
    };
  }

  counts(job: CountJob): Promise<QueueCounts> {
    return this.countsOf(job.identity);
  }

  /** Of all jobs of a version and module. */
  async countsOf(engine: Pick<CountJob["identity"], "version" | "wasm">): Promise<QueueCounts> {
    const queue = await this.#queue(engine);
    try {
      const { waiting, delayed, active, failed } = await queue.getJobCounts("waiting", "delayed", "active", "failed");
      return { waiting: (waiting ?? 0) + (delayed ?? 0), active: active ?? 0, failed: failed ?? 0 };
    } finally {
      await queue.close();
    }
  }

  /** Keeps the result of a range. @returns false if the job was collected meanwhile. @throws Error if another is there. */
  async keep(id: string, range: number, { bytes, sha256 }: RangeMessage): Promise<boolean> {
    const keys = [key(id, "job"), key(id, "results"), key(id, "digests")];
    const kept = await this.client.eval(KEEP, 3, ...keys, String(range), sha256, bytes);
    if (kept === -1) throw new Error(`range ${range} of job ${id}: another result of it is there`);
    return kept === 1;
  }

  /** Ranges without a result. */
  async missing(id: string, job: CountJob): Promise<number> {
    return job.ranges - (await this.client.hlen(key(id, "digests")));
  }

  /** The result of a range. @throws Error if it is not there. */
  async result(id: string, range: number): Promise<Buffer> {
    const bytes = await this.client.hgetBuffer(key(id, "results"), String(range));
    if (bytes !== null) return bytes;
    if ((await this.client.hget(key(id, "job"), "state")) === "collected") throw await this.#collected(id);
    throw new Error(`job: the result of range ${range} of ${id} is not there`);
  }

  /** Ends a job whose table is elsewhere, and forgets its results. @throws Error if that was done already. */
  async end(id: string, digest: string): Promise<void> {
    const keys = [key(id, "job"), key(id, "results"), key(id, "digests")];
    const ended = await this.client.eval(END, 3, ...keys, digest, new Date().toISOString());
    if (ended !== 1) throw await this.#collected(id);
  }

  /** @throws Error if the job was collected. */
  async checkOpen(id: string): Promise<void> {
    if ((await this.client.hget(key(id, "job"), "state")) === "collected") throw await this.#collected(id);
  }

  async #collected(id: string): Promise<Error> {
    const [digest, at] = await this.client.hmget(key(id, "job"), "digest", "collectedAt");
    return new Error(`job ${id} was collected at ${at}; the digest of its table is ${digest}`);
  }

  async #queue(engine: Pick<CountJob["identity"], "version" | "wasm">): Promise<Queue> {
    const { Queue } = await loadOptional("bullmq", () => import("bullmq"));
    const queue = new Queue(queueName(engine), { connection: this.client, prefix: QUEUE_PREFIX });
    queue.on("error", () => {
      // the command that failed rejects by itself
    });
    return queue;
  }
}

function entryOf(id: string, range: number): Parameters<Queue["addBulk"]>[0][number] {
  return {
    name: "range",
    data: { job: id, range } satisfies RangeEntry,
    opts: {
      // known entries are not added twice
      jobId: `${id}-${range}`,
      attempts: ATTEMPTS,
      backoff: { type: "fixed", delay: RETRY_MS },
      removeOnComplete: true,
      removeOnFail: false,
    },
  };
}
