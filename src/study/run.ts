/**
 * How a study runs: tasks that are functions of the study's settings alone, many at a time, each done once however often the
 * study is interrupted.
 *
 * @module
 */
import type { Pool } from "../engine/pool.ts";
import { version } from "../generated/version.ts";

/** What a running task may use. */
export interface StudyContext {
  readonly pool: Pool;
  readonly signal: AbortSignal;
}

/** One piece of a study. Its record is plain data, and depends on the study's settings and seed alone. */
export interface StudyTask<R> {
  /** Its name among the study's tasks. */
  readonly key: string;
  /** What is being done, for a reader: "networks". */
  readonly stage: string;
  run(context: StudyContext): Promise<R>;
}

/** How far a study has come. */
export interface StudyProgress {
  readonly stage: string;
  /** Tasks done, those of an earlier run among them, and in all. */
  readonly done: number;
  readonly total: number;
  /** Tasks a second in this run. */
  readonly rate: number;
  /** Estimate of the seconds that are left; NaN before the first task is done. */
  readonly secondsLeft: number;
}

/** Where finished records are kept, so that a study can be interrupted. */
export interface RecordStore {
  /** The records of an earlier run by their tasks' keys, as they were read from JSON. */
  readonly found: ReadonlyMap<string, unknown>;
  /** Keeps a record; on return it is safe. */
  add(key: string, json: string): void;
}

/** What a study and its reports agree on. */
export interface StudyIdentity {
  readonly study: string;
  readonly seed: string;
  readonly settings: unknown;
  /** SHA-256 of the data that it is of, if it was given any. */
  readonly data?: string | undefined;
}

/** What a store's records belong to: other settings, other data, another seed or version, other records. */
export function fingerprintOf({ study, seed, settings, data }: StudyIdentity): string {
  return JSON.stringify({ study, version, seed, settings, data });
}

/** What `runTasks` takes. */
export interface RunOptions {
  readonly pool: Pool;
  readonly signal?: AbortSignal;
  readonly store?: RecordStore;
  readonly onProgress?: (progress: StudyProgress) => void;
}

/** Tasks at a time beyond one a worker, so that none waits while a task does what is between its calls. */
const EXTRA_LANES = 1;

/**
 * Runs the tasks that no record is known of, as many at a time as the pool has workers.
 *
 * Every record has been through JSON, so that one read back and one just made are the same.
 *
 * @returns the records in the order of the tasks.
 * @throws the first failure, after the others have stopped; the signal's reason.
 */
export async function runTasks<R>(tasks: ReadonlyArray<StudyTask<R>>, options: RunOptions): Promise<R[]> {
  const { pool, store, onProgress } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const records: R[] = new Array(tasks.length);
  const open: number[] = [];
  tasks.forEach(({ key }, i) => {
    if (store?.found.has(key)) records[i] = store.found.get(key) as R;
    else open.push(i);
  });
  const known = tasks.length - open.length;
  const started = performance.now();
  let done = 0;
  let next = 0;
  const report = (stage: string): void => {
    const rate = done / Math.max(1e-9, (performance.now() - started) / 1000);
    onProgress?.({
      stage,
      done: known + done,
      total: tasks.length,
      rate,
      secondsLeft: done > 0 ? (open.length - done) / rate : Number.NaN,
    });
  };
  const lane = async (): Promise<void> => {
    while (next < open.length) {
      signal.throwIfAborted();
      const i = open[next++];
      const { key, stage, run } = tasks[i];
      // a signal of its own: many listeners on one are taken for a leak
      const json = JSON.stringify(await run({ pool, signal: AbortSignal.any([signal]) }));
      signal.throwIfAborted();
      store?.add(key, json);
      records[i] = JSON.parse(json);
      done++;
      report(stage);
    }
  };
  let failure: { reason: unknown } | undefined;
  if (open.length > 0) report(tasks[open[0]].stage);
  const lanes = Math.min(open.length, pool.size === 0 ? 1 : pool.size + EXTRA_LANES);
  await Promise.all(
    Array.from({ length: lanes }, () =>
      lane().catch((reason: unknown) => {
        failure ??= { reason };
        stop.abort(reason);
      }),
    ),
  );
  if (failure) throw failure.reason;
  return records;
}
