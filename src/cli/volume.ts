/**
 * `flatvol volume`: log P(f) by one method, or by all that apply.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFileWhole, writeFileWhole } from "../data/files.ts";
import { parseFunction } from "../data/functions.ts";
import { type NpyArray, readNpy } from "../data/npy.ts";
import { createPool } from "../engine/pool.ts";
import type { Activation, NetworkOptions } from "../network/network.ts";
import { formatNumber } from "../report/format.ts";
import { volumesPage, volumesPicture } from "../report/volumes.ts";
import type { RecordStore, StudyIdentity } from "../study/run.ts";
import {
  logVolume,
  VOLUME_METHODS,
  type VolumeMethod,
  type VolumeOptions,
  type VolumeQuestion,
  type VolumeRecord,
} from "../volume/logVolume.ts";
import type { RepetitionStore } from "../volume/splitting.ts";
import type { SplittingRun } from "../volume/splittingTask.ts";
import { UsageError } from "./arguments.ts";
import { type CheckpointFlags, checkpointOf, recordsIn } from "./checkpointFlags.ts";
import { checkOut, readPoints } from "./files.ts";
import { type CommonOptions, checkingInput, type Session } from "./session.ts";
import { textTable } from "./textTable.ts";

/** Flags of the verb. */
export interface VolumeVerbFlags extends CommonOptions, CheckpointFlags {
  readonly layers?: number[];
  readonly activation: string;
  readonly sigmaW2: number;
  readonly sigmaB2: number;
  readonly function?: string[];
  readonly functions?: string;
  readonly x?: string;
  readonly labels?: string;
  readonly kernel?: string;
  readonly on?: string;
  readonly method?: string;
  readonly compare?: boolean;
  readonly samples?: number;
  readonly repetitions?: number;
  readonly particles?: number;
  readonly moves?: number;
  readonly steps?: number;
  readonly keep?: number;
  readonly seed: bigint;
  readonly workers?: number;
  readonly out?: string;
}

/** A question with the name that its function has in tables. */
interface Named {
  readonly name: string;
  readonly question: VolumeQuestion;
}

/** A row of a comparison. */
export interface ComparedVolumes {
  readonly function: string;
  readonly volumes: readonly VolumeRecord[];
}

export async function volumeVerb(flags: VolumeVerbFlags, session: Session): Promise<void> {
  const compare = flags.compare === true;
  if (!compare && flags.method === undefined) {
    throw new UsageError(`--method: expected one of ${VOLUME_METHODS.join(", ")}, or --compare for all that apply`);
  }
  if (compare && flags.method !== undefined) throw new UsageError("--method: expected none beside --compare");
  if (flags.out !== undefined) {
    if (!compare) throw new UsageError("--out: expected --compare beside it; one volume is printed");
    checkOut("--out", flags.out, [".html", ".svg", ".json"]);
  }
  const questions = questionsOf(flags);
  if (!compare && questions.length > 1) throw new UsageError("--function: expected one, or --compare for several");
  const kept = checkpointOf(flags, recordsIn(CHECKPOINT, identityOf(flags, questions)));
  const pool = createPool({ workers: flags.workers });
  let finished = false;
  try {
    const { samples, repetitions, particles, moves, steps, keep, seed } = flags;
    const given = { samples, repetitions, particles, moves, steps, keep };
    const options = {
      ...(Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined)) as Partial<VolumeOptions>),
      seed,
      pool,
      signal: session.signal,
    };
    const volumeOf = (index: number, method: VolumeMethod): Promise<VolumeRecord> =>
      keptVolume(kept?.store, `${index} ${method}`, (checkpoint) =>
        logVolume(questions[index].question, { ...options, method, ...(checkpoint ? { checkpoint } : {}) }),
      );
    if (!compare) {
      const record = await volumeOf(0, flags.method as VolumeMethod);
      finished = true;
      if (session.json) session.printJson(jsonOf(record));
      else for (const line of linesOf(record)) session.print(line);
      return;
    }
    const rows: ComparedVolumes[] = [];
    const methods = applicable(questions[0].question);
    const total = questions.length * methods.length;
    for (const [index, { name }] of questions.entries()) {
      const volumes: VolumeRecord[] = [];
      for (const method of methods) {
        volumes.push(await volumeOf(index, method));
        session.progress.show("volumes", rows.length * methods.length + volumes.length, total);
      }
      rows.push({ function: name, volumes });
    }
    session.progress.clear();
    if (flags.out !== undefined) writeFileWhole(flags.out, encode(flags.out, rows));
    finished = true;
    if (session.json)
      session.printJson({ functions: rows.map((row) => ({ ...row, volumes: row.volumes.map(jsonOf) })) });
    else for (const line of comparison(rows, methods)) session.print(line);
  } finally {
    kept?.end(finished);
    pool.close();
  }
}

/** The file of a checkpoint's records. */
const CHECKPOINT = "volumes.partial.jsonl";

/** All that the volumes depend on. */
function identityOf(flags: VolumeVerbFlags, questions: readonly Named[]): StudyIdentity {
  const { method, compare, samples, repetitions, particles, moves, steps, keep, seed } = flags;
  const hash = createHash("sha256");
  for (const { question } of questions) {
    const { kernel, labels, inputs, ...rest } = question;
    hash.update(JSON.stringify({ ...rest, labels: typeof labels === "string" ? labels : Array.from(labels) }));
    for (const numbers of [kernel, inputs && "data" in inputs ? inputs.data : undefined]) {
      if (numbers) hash.update(new Uint8Array(Float64Array.from(numbers).buffer));
    }
  }
  const settings = { method, compare, samples, repetitions, particles, moves, steps, keep };
  return { study: "volume", seed: String(seed), settings, data: hash.digest("hex") };
}

/** A volume that a store may have already, or repetitions of it. */
async function keptVolume(
  store: RecordStore | undefined,
  key: string,
  find: (checkpoint: RepetitionStore | undefined) => Promise<VolumeRecord>,
): Promise<VolumeRecord> {
  if (!store) return find(undefined);
  const known = store.found.get(key) as VolumeRecord | undefined;
  if (known) return known;
  const record = await find({
    found: (repetition) => store.found.get(`${key} ${repetition}`) as SplittingRun | undefined,
    keep: (repetition, run) => store.add(`${key} ${repetition}`, JSON.stringify(run)),
  });
  // an exact 0 has no text in JSON, and takes no time
  if (record.logP !== Number.NEGATIVE_INFINITY) store.add(key, JSON.stringify(record));
  return record;
}

/** Methods that can answer. */
function applicable({ network, kernel, inputs }: VolumeQuestion): VolumeMethod[] {
  const finite = (inputs?.points ?? 0) <= 1024;
  return VOLUME_METHODS.filter((method) => {
    const ofWidth = method === "count" || method === "splitting";
    if (kernel !== undefined) return !ofWidth;
    return ofWidth ? finite : network?.activation !== "tanh";
  });
}

function questionsOf(flags: VolumeVerbFlags): Named[] {
  const { layers, sigmaW2, sigmaB2, on } = flags;
  const mask = on === undefined ? {} : { on };
  if (flags.kernel !== undefined) {
    for (const [name, value] of Object.entries({ layers, x: flags.x })) {
      if (value !== undefined) throw new UsageError(`--${name}: expected none beside --kernel`);
    }
    const { shape, data } = checkingInput("--kernel", () => readNpy(readFileWhole(flags.kernel as string)));
    if (shape.length !== 2 || shape[0] !== shape[1] || shape[0] === 0) {
      throw new UsageError(`--kernel: expected an array of shape (points, points), got (${shape.join(", ")})`);
    }
    return namesOf(flags).map(({ name, labels }) => ({
      name,
      question: { kernel: Float64Array.from(data), labels: labelled(labels, shape[0]), ...mask },
    }));
  }
  if (layers === undefined) throw new UsageError("--layers: expected layer sizes like 7,40,40,1, or --kernel");
  const network: NetworkOptions = { layers, activation: flags.activation as Activation, sigmaW2, sigmaB2 };
  const points = flags.x === undefined ? undefined : readPoints("--x", flags.x, layers);
  const inputs = points && { data: points.data, points: points.shape[0] };
  const count = inputs?.points ?? 2 ** layers[0];
  return namesOf(flags).map(({ name, labels }) => ({
    name,
    question: { network, labels: labelled(labels, count), ...(inputs ? { inputs } : {}), ...mask },
  }));
}

function labelled(labels: string | NpyArray, count: number): string | ArrayLike<number> {
  if (typeof labels === "string") {
    checkingInput("--function", () => parseFunction("function", labels, count));
    return labels;
  }
  const { shape, data } = labels;
  if (data.length !== count || shape[0] !== count) {
    throw new UsageError(`--labels: expected an array of shape (${count}), got (${shape.join(", ")})`);
  }
  return data;
}

/** Functions in hex, or the labels of a file. */
function namesOf(flags: VolumeVerbFlags): Array<{ name: string; labels: string | NpyArray }> {
  const given = [flags.function, flags.functions, flags.labels].filter((x) => x !== undefined);
  if (given.length !== 1) throw new UsageError("--function: expected one of --function, --functions, --labels");
  if (flags.labels !== undefined) {
    const labels = checkingInput("--labels", () => readNpy(readFileWhole(flags.labels as string)));
    return [{ name: flags.labels, labels }];
  }
  const list = flags.function ?? linesOfFile(flags.functions as string);
  return list.map((name) => ({ name, labels: name }));
}

function linesOfFile(path: string): string[] {
  const text = checkingInput("--functions", () => readFileSync(path === "-" ? 0 : path, "utf8"));
  const lines = text.split(/\s+/).filter((line) => line !== "");
  if (lines.length === 0) throw new UsageError(`--functions: expected functions in hex, a line each, got none`);
  return lines;
}

/** As documented: EP has no key for a standard error; a number that there is not is null. */
function jsonOf(record: VolumeRecord): Record<string, unknown> {
  const { logP, log10P, details, ...rest } = record;
  // JSON has no -Infinity
  const zero = logP === -Infinity ? { probability: 0 } : {};
  const error = record.approximation ? {} : { standardError: record.standardError ?? null };
  return { ...rest, logP: logP ?? null, log10P: log10P ?? null, ...zero, ...error, ...details };
}

/** log10 P with its error, as text. */
function logText({ log10P, standardError, approximation, logPUpperBound, converged }: VolumeRecord): string {
  if (log10P === undefined) {
    return logPUpperBound === undefined ? "none" : `< ${(logPUpperBound / Math.LN10).toFixed(2)}`;
  }
  if (log10P === -Infinity) return "P = 0";
  const value = log10P.toFixed(4);
  if (approximation) return converged === false ? `${value} (not converged)` : value;
  return `${value} +- ${formatNumber((standardError ?? Number.NaN) / Math.LN10, 2)}`;
}

function linesOf(record: VolumeRecord): string[] {
  if (record.logP === -Infinity) return [`P(f) = 0 exactly: ${record.reason}`];
  const what = record.approximation ? " (an approximation, without a standard error)" : "";
  const lines = [`log10 P(f) = ${logText(record)} by ${record.method}${what}`];
  if (record.logP !== undefined && Number.isFinite(record.logP)) {
    const error = record.approximation ? "" : ` +- ${formatNumber(record.standardError ?? Number.NaN, 2)}`;
    lines.push(`ln P(f) = ${record.logP.toFixed(4)}${error}`);
  }
  for (const warning of record.warnings) lines.push(`warning: ${warning}`);
  return lines;
}

function comparison(rows: readonly ComparedVolumes[], methods: readonly VolumeMethod[]): string[] {
  return [
    "log10 P(f); count and splitting: the network itself, the others: infinite width; ep, ep-probit, laplace are approximations",
    "",
    ...textTable(
      [{ title: "function", align: "left" }, ...methods.map((title) => ({ title }))],
      rows.map((row) => [row.function, ...row.volumes.map(logText)]),
    ),
    ...rows.flatMap((row) =>
      row.volumes.flatMap(({ method, warnings, reason }) =>
        [...warnings, ...(reason === undefined ? [] : [reason])].map((text) => `${row.function}, ${method}: ${text}`),
      ),
    ),
  ];
}

function encode(path: string, rows: readonly ComparedVolumes[]): Uint8Array {
  const text = path.endsWith(".json")
    ? `${JSON.stringify({ functions: rows.map((row) => ({ ...row, volumes: row.volumes.map(jsonOf) })) })}\n`
    : path.endsWith(".svg")
      ? volumesPicture(rows)
      : volumesPage(rows);
  return new TextEncoder().encode(text);
}
