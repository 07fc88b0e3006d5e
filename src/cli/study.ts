/**
 * `flatvol study NAME`: runs a study, keeps its records while it runs, and writes its report.
 *
 * @module
 */
import fs from "node:fs";
import { join } from "node:path";
import { checkWritableFile, writeFileWhole } from "../data/files.ts";
import { checkSeed } from "../engine/checks.ts";
import { createPool, type Pool } from "../engine/pool.ts";
import { formatWhole } from "../report/format.ts";
import { STUDY_FILES } from "../report/provenance.ts";
import { recordsToParquet } from "../report/recordTable.ts";
import { RecordFile } from "../study/recordFile.ts";
import { type RunOptions, runTasks, type StudyIdentity, type StudyTask } from "../study/run.ts";
import { type Study, type StudyRecords, studyRecords } from "../study/study.ts";
import { UsageError } from "./arguments.ts";
import { type CheckpointFlags, checkpointOf, type OpenCheckpoint, recordsIn } from "./checkpointFlags.ts";
import { makeDirectory, removeIfEmpty } from "./outputDirectory.ts";
import { type CommonOptions, checkingInput, type Session } from "./session.ts";
import { factLines } from "./textTable.ts";

/** Flags of the verb. */
export interface StudyFlags extends CommonOptions, CheckpointFlags {
  readonly out?: string;
  readonly quick?: boolean;
  readonly seed: bigint;
  readonly workers?: number;
  readonly data?: string;
  readonly shard?: { readonly index: number; readonly of: number };
}

/** A study as the command line knows it. */
export interface StudyVerb<S extends object, R, A, D> {
  readonly study: Study<S, R, A, D>;
  report(records: StudyRecords<S, R, A>): string;
  /** What is printed of it. */
  lines(analysis: A): Array<readonly [string, string]>;
  /** What `--json` tells of the analysis beside it. */
  json(analysis: A): Record<string, unknown>;
  /** The data that it needs, from the directory of `--data` if there is one. */
  load(directory: string | undefined): Promise<D>;
  /** Its SHA-256: records of other data are not continued. */
  digest?(data: D): string;
}

export async function runStudy<S extends object, R, A, D>(
  verb: StudyVerb<S, R, A, D>,
  flags: StudyFlags,
  session: Session,
  command: string,
): Promise<void> {
  const { study } = verb;
  const settings = flags.quick ? study.quick : study.full;
  const seed = checkSeed("seed", flags.seed).value;
  const data = await verb.load(flags.data).catch((error: unknown) => {
    if (error instanceof RangeError) throw new UsageError(`--data: ${error.message.replace(/^data: /, "")}`);
    throw error;
  });
  const directory = flags.out ?? join("flatvol-report", study.name);
  const made = makeDirectory(directory);
  const path = (name: keyof typeof STUDY_FILES): string => join(directory, STUDY_FILES[name]);
  const pool = createPool({ workers: flags.workers });
  let store: RecordFile | undefined;
  let kept: OpenCheckpoint<RecordFile> | undefined;
  let finished = false;
  try {
    for (const name of ["report", "records", "table"] as const)
      checkingInput("--out", () => checkWritableFile(path(name)));
    const identity = { study: study.name, seed: String(seed), settings, data: verb.digest?.(data) };
    if (flags.shard) {
      if (flags.checkpoint !== undefined) {
        throw new UsageError("--checkpoint: expected none beside --shard, whose file of records goes on by itself");
      }
      await runShard(verb.study, { settings, seed, data, identity }, flags.shard, directory, session, pool);
      return;
    }
    kept = checkpointOf(flags, recordsIn(STUDY_FILES.partial, identity));
    store = kept?.store ?? checkingInput("--out", () => new RecordFile(path("partial"), identity));
    const earlier = store.found.size;
    const startedAt = new Date().toISOString();
    const started = performance.now();
    const { signal } = session;
    session.progress.show("preparing", 0, 1);
    const run = (tasks: Array<StudyTask<R>>): Promise<R[]> => runTasks(tasks, { pool, store, ...watched(session) });
    const records = await run(await study.tasks(settings, seed, data));
    if (study.followUp) records.push(...(await run(await study.followUp(settings, seed, data, records.slice()))));
    const analysis = await study.analyse(records, settings, signal);
    const seconds = (performance.now() - started) / 1000;
    const outcome: StudyRecords<S, R, A> = studyRecords(identity, records, analysis, {
      command,
      startedAt,
      seconds,
      workers: pool.size,
      platform: `node ${process.versions.node}, ${process.platform} ${process.arch}`,
    });
    const { records: _records, ...about } = outcome;
    writeFileWhole(path("records"), `${JSON.stringify(outcome)}\n`);
    writeFileWhole(path("table"), recordsToParquet(records, { ...about, analysis: undefined }));
    writeFileWhole(path("report"), verb.report(JSON.parse(JSON.stringify(outcome)) as StudyRecords<S, R, A>));
    if (!kept) store.remove();
    finished = true;
    session.progress.clear();
    const files = { report: path("report"), records: path("records"), table: path("table") };
    if (session.json) {
      session.printJson({ ...about, ...verb.json(analysis), records: records.length, files });
      return;
    }
    const facts: Array<readonly [string, string]> = [
      ...verb.lines(analysis),
      [
        "records",
        `${formatWhole(records.length)} in ${seconds.toFixed(1)} s${earlier > 0 ? `, ${formatWhole(earlier)} of them from an earlier run` : ""}`,
      ],
      ...Object.entries(files).map(([name, file]) => [name === "table" ? "parquet" : name, file] as const),
    ];
    for (const line of factLines(facts)) session.print(line);
  } finally {
    kept?.end(finished);
    store?.close();
    pool.close();
    removeIfEmpty(made);
  }
}

/** What a running study tells, and what stops it. */
function watched({ signal, progress }: Session): Pick<RunOptions, "signal" | "onProgress"> {
  return {
    signal,
    onProgress: ({ stage, done, total, rate, secondsLeft }) => progress.show(stage, done, total, rate, secondsLeft),
  };
}

/**
 * Makes the records of one shard: every `of`-th task of the first stage of which the directory has not all records. They go
 * to a file of their own, which `flatvol merge` puts together with those of the others.
 */
async function runShard<S extends object, R, A, D>(
  study: Study<S, R, A, D>,
  given: { readonly settings: S; readonly seed: bigint; readonly data: D; readonly identity: StudyIdentity },
  { index, of }: { readonly index: number; readonly of: number },
  directory: string,
  session: Session,
  pool: Pool,
): Promise<void> {
  const { settings, seed, data, identity } = given;
  const partial = join(directory, STUDY_FILES.partial);
  const found = checkingInput("--out", () => recordsOf(partial, identity));
  let tasks = await study.tasks(settings, seed, data);
  let stage = 1;
  if (study.followUp && tasks.every(({ key }) => found.has(key))) {
    const records = tasks.map(({ key }) => found.get(key) as R);
    tasks = await study.followUp(settings, seed, data, records);
    stage = 2;
  }
  if (of > tasks.length) {
    throw new UsageError(`--shard: expected at most ${tasks.length} shards, one a task, got ${of}`);
  }
  // dealt out one by one: neighbouring tasks take like times
  const own = tasks.filter(({ key }, i) => i % of === index - 1 && !found.has(key));
  const file = join(directory, `records.shard-${index}-of-${of}${stage === 1 ? "" : ".second"}.jsonl`);
  const shard = { index, of, stage, records: own.length };
  const store = checkingInput("--out", () => new RecordFile(file, identity, shard));
  try {
    await runTasks(own, { pool, store, ...watched(session) });
  } finally {
    store.close();
  }
  session.progress.clear();
  if (session.json) session.printJson({ ...identity, shard, files: { records: file } });
  else for (const line of factLines([["records", `${formatWhole(own.length)} in ${file}`]])) session.print(line);
}

/** The records that a directory has; none if there is no file of them. */
function recordsOf(path: string, identity: StudyIdentity): ReadonlyMap<string, unknown> {
  if (!fs.existsSync(path)) return new Map();
  const store = new RecordFile(path, identity);
  store.close();
  return store.found;
}
