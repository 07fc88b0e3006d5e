/**
 * Records of the shards of a study, put together. Node only.
 *
 * @module
 */
import { basename, join } from "node:path";
import { readFileWhole, writeFileWhole } from "../data/files.ts";
import { show } from "../engine/checks.ts";
import { parseHead, type RecordHead, type RecordShard, readRecordLines, recordLine } from "./recordLines.ts";

interface ShardFile {
  readonly name: string;
  readonly head: RecordHead & { readonly shard: RecordShard };
  /** The first line without the shard. */
  readonly wholeHead: string;
  readonly records: ReadonlyMap<string, unknown>;
}

/** What was merged. */
export interface MergedRecords {
  readonly study: string;
  readonly seed: string;
  readonly records: number;
  readonly path: string;
}

/**
 * Puts the records of all shards of a study into the file from which the study goes on in `directory`. Records of an earlier
 * stage that are there already stay.
 *
 * @param name of the file in the directory.
 * @throws RangeError naming the file: it is missing, damaged, unfinished, or of another study, seed, settings or version;
 * shards that are there twice or that are missing.
 */
export function mergeRecordFiles(paths: readonly string[], directory: string, name: string): MergedRecords {
  const files = paths.map(readShard);
  const [first, ...others] = files;
  for (const file of others) checkSame(first, file);
  const { of } = first.head.shard;
  const there = new Map<number, ShardFile>();
  const merged = new Map<string, unknown>();
  for (const file of files) {
    const { index } = file.head.shard;
    const twin = there.get(index);
    if (twin)
      throw new RangeError(`files: ${show(twin.name)} and ${show(file.name)} are the same shard, ${index} of ${of}`);
    there.set(index, file);
    if (file.records.size !== file.head.shard.records) {
      throw new RangeError(
        `files: ${show(file.name)}: shard ${index} is not finished: ${file.records.size} of ${file.head.shard.records} records`,
      );
    }
    for (const [key, record] of file.records) {
      if (merged.has(key))
        throw new RangeError(`files: ${show(file.name)}: record ${show(key)} is in another file, too`);
      merged.set(key, record);
    }
  }
  if (there.size < of) {
    const missing: number[] = [];
    for (let index = 1; index <= of && missing.length < 20; index++) if (!there.has(index)) missing.push(index);
    throw new RangeError(`files: missing: shard${of - there.size > 1 ? "s" : ""} ${missing.join(", ")} of ${of}`);
  }
  const path = join(directory, name);
  const all = new Map([...earlier(path, first), ...merged]);
  const lines = [...all].map(([key, record]) => recordLine(key, JSON.stringify(record)));
  writeFileWhole(path, `${[first.wholeHead, ...lines].join("\n")}\n`);
  const { study, seed } = JSON.parse(first.head.fingerprint) as { study: string; seed: string };
  return { study: String(study), seed: String(seed), records: all.size, path };
}

function readShard(path: string): ShardFile {
  const name = basename(path);
  try {
    const { head: line, records } = readRecordLines(new TextDecoder().decode(readFileWhole(path)), name);
    const head = parseHead(line);
    if (!line || !head?.shard || !isFingerprint(head.fingerprint)) {
      throw new RangeError(`${show(name)}: expected records of a shard of a study, got something else`);
    }
    const { shard: _shard, ...whole } = JSON.parse(line) as { shard: unknown };
    return { name, head: { ...head, shard: head.shard }, wholeHead: JSON.stringify(whole), records };
  } catch (error) {
    throw new RangeError(`files: ${(error as Error).message}`, { cause: error });
  }
}

/** Whether it names a study and a seed, as these are: both are printed as part of a command. */
function isFingerprint(text: string): boolean {
  try {
    const { study, seed } = JSON.parse(text) as { study?: unknown; seed?: unknown };
    return /^[a-z][a-z-]{0,40}$/.test(String(study)) && /^\d{1,20}$/.test(String(seed));
  } catch {
    return false;
  }
}

function checkSame(first: ShardFile, file: ShardFile): void {
  const [a, b] = [first, file].map(({ head }) => JSON.parse(head.fingerprint) as Record<string, unknown>);
  const [one, other] = [first.head.shard, file.head.shard];
  const what =
    ["study", "version", "seed", "settings"].find((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key])) ??
    (first.head.fingerprint !== file.head.fingerprint
      ? "fingerprint"
      : one.of !== other.of
        ? "number of shards"
        : one.stage !== other.stage
          ? "stage"
          : undefined);
  if (what) throw new RangeError(`files: ${show(file.name)}: another ${what} than ${show(first.name)} has`);
}

/** What the directory has already. */
function earlier(path: string, { wholeHead }: ShardFile): ReadonlyMap<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder().decode(readFileWhole(path));
  } catch (error) {
    if ((error as { cause?: NodeJS.ErrnoException }).cause?.code === "ENOENT") return new Map();
    throw error;
  }
  const { head, records } = readRecordLines(text, basename(path));
  if (head !== undefined && head !== wholeHead) {
    throw new RangeError(`out: ${show(basename(path))} there has records of another study, settings, seed or version`);
  }
  return records;
}
