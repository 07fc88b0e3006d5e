/**
 * Tables read back from Parquet files and added. Node only.
 *
 * @module
 */
import { basename } from "node:path";
import { checkInteger, show } from "../engine/checks.ts";
import { coreBuild } from "../engine/core.ts";
import { DEFAULT_MEMORY } from "../volume/count.ts";
import { describedBy, differenceOf } from "../volume/countIdentity.ts";
import { FunctionTable, joinRanges, makePause } from "../volume/functionTable.ts";
import { type Run, RunCollector, rowShape, SegmentKeeper, type SpillStore } from "../volume/rows.ts";
import { shardRange } from "../volume/shard.ts";
import type { ShardOf } from "./tableMetadata.ts";
import { TableReader } from "./tableReader.ts";

/** What `readTable` and `mergeTableFiles` take. */
export interface ReadTableOptions {
  readonly signal?: AbortSignal;
  /** Called with the files read so far and all. */
  readonly onProgress?: (files: number, total: number) => void;
  /** Bytes of rows that may be held, default 2 GiB; past it rows are spilled, or the call fails. */
  readonly memoryLimit?: number;
  /** Where rows go past the limit: `spillToDisk`. */
  readonly spill?: SpillStore;
}

const nameOf = ({ path }: TableReader): string => show(basename(path));

/**
 * The table of a Parquet file that `writeTable` wrote.
 *
 * @throws RangeError naming the file: it is missing, damaged or no table of flatvol.
 * @example
 * await writeTable(await countFunctions({ layers: [3, 8, 1] }, { samples: 2000 }), "table.parquet");
 * const table = await readTable("table.parquet"); // the same rows, the same digest
 */
export async function readTable(path: string, options: ReadTableOptions = {}): Promise<FunctionTable> {
  if (typeof path !== "string") throw new TypeError(`files: expected a file name, got ${show(path)}`);
  return add([new TableReader(path)], options);
}

/**
 * Adds the tables of Parquet files: of all shards of a count, or of counts of one network over stretches of samples that
 * follow each other. Any split gives the table, and the digest, of the whole.
 *
 * @throws TypeError, RangeError naming the file: it is missing, damaged, or of another network, prior, inputs, seed,
 * `outputDraws`, version or module; samples that were counted twice or that are missing.
 * @example
 * const network = { layers: [3, 8, 1] };
 * await writeTable(await countFunctions(network, { samples: 1000 }), "part-1.parquet");
 * await writeTable(await countFunctions(network, { samples: 1000, firstSample: 1000 }), "part-2.parquet");
 * const table = await mergeTableFiles(["part-1.parquet", "part-2.parquet"]); // of 2000 samples
 */
export async function mergeTableFiles(
  paths: readonly string[],
  options: ReadTableOptions = {},
): Promise<FunctionTable> {
  if (!Array.isArray(paths) || paths.length === 0 || !paths.every((path) => typeof path === "string")) {
    throw new TypeError("files: expected a non-empty array of file names");
  }
  const readers = paths.map((path) => new TableReader(path));
  checkTogether(readers);
  checkWhole(readers);
  return add(readers, options);
}

async function add(readers: readonly TableReader[], options: ReadTableOptions): Promise<FunctionTable> {
  const { signal, spill } = options;
  signal?.throwIfAborted();
  const memoryLimit = checkInteger("memoryLimit", options.memoryLimit ?? DEFAULT_MEMORY, 0, Number.MAX_SAFE_INTEGER);
  const { identity, bits } = readers[0].metadata;
  const { network, points, symmetry } = describedBy(identity);
  try {
    const keeper = new SegmentKeeper(rowShape(bits, identity.outputDraws > 1), memoryLimit, spill);
    const pause = makePause(signal);
    const collector = new RunCollector(coreBuild, keeper, pause);
    for (const [i, reader] of readers.entries()) {
      const run: Run = [];
      for (const rows of reader.groups()) {
        run.push(...keeper.keepRun(rows));
        await pause();
      }
      await collector.addRun(run);
      options.onProgress?.(i + 1, readers.length);
    }
    const merged = await collector.finish();
    const ranges = joinRanges(readers.flatMap(({ metadata }) => metadata.ranges));
    const { version, wasm, outputDraws } = identity;
    const source = { network, points, outputDraws, symmetry, ranges, engine: { version, wasm } };
    return await FunctionTable.fromRun(source, merged, keeper, pause);
  } catch (error) {
    spill?.close();
    throw error;
  }
}

/** One identity, one whole. */
function checkTogether(readers: readonly TableReader[]): void {
  const [first, ...others] = readers;
  for (const reader of others) {
    const difference = differenceOf(first.metadata.identity, reader.metadata.identity);
    if (difference) throw new RangeError(`files: ${nameOf(reader)}: ${difference}, which ${nameOf(first)} has`);
  }
  const sharded = readers.filter(({ metadata }) => metadata.shard);
  for (const reader of sharded) {
    const [a, b] = [sharded[0].metadata.shard!, reader.metadata.shard!];
    if (a.firstSample !== b.firstSample || a.samples !== b.samples) {
      const text = ({ firstSample, samples }: ShardOf): string =>
        `samples ${firstSample} to ${firstSample + samples - 1}`;
      throw new RangeError(
        `files: ${nameOf(reader)}: a shard of ${text(b)}, but ${nameOf(sharded[0])} is one of ${text(a)}`,
      );
    }
  }
}

/** Every sample of the whole once. */
function checkWhole(readers: readonly TableReader[]): void {
  const draws = readers[0].metadata.identity.outputDraws;
  const pieces = readers
    .flatMap((reader) => reader.metadata.ranges.map((range) => ({ reader, ...range })))
    .sort((a, b) => a.first - b.first || a.end - b.end);
  const samples = (first: number, end: number): string => `samples ${first * draws} to ${end * draws - 1}`;
  for (const [i, piece] of pieces.entries()) {
    const before = pieces[i - 1];
    if (before && piece.first < before.end) {
      const twice = samples(piece.first, Math.min(before.end, piece.end));
      throw new RangeError(
        `files: ${nameOf(before.reader)} and ${nameOf(piece.reader)} overlap: ${twice} were counted twice`,
      );
    }
  }
  const shards = readers.flatMap(({ metadata }) => metadata.shard ?? []);
  const whole = shards[0];
  const missing: Array<{ first: number; end: number }> = [];
  let reached = whole ? whole.firstSample / draws : pieces[0].first;
  for (const { first, end } of pieces) {
    if (first > reached) missing.push({ first: reached, end: first });
    if (whole && (first < whole.firstSample / draws || end > (whole.firstSample + whole.samples) / draws)) {
      throw new RangeError(`files: ${samples(first, end)} are not of the whole that the shards belong to`);
    }
    reached = end;
  }
  const last = whole ? (whole.firstSample + whole.samples) / draws : reached;
  if (reached < last) missing.push({ first: reached, end: last });
  if (missing.length === 0) return;
  throw new RangeError(
    `files: ${
      absent(shards, missing, draws) ??
      `${missing
        .slice(0, 8)
        .map(({ first, end }) => samples(first, end))
        .join(", ")} are missing`
    }`,
  );
}

/** Missing shards by their numbers, if all files are shards of one cut. */
function absent(
  shards: readonly ShardOf[],
  missing: ReadonlyArray<{ first: number; end: number }>,
  draws: number,
): string | undefined {
  const [whole] = shards;
  if (!whole || shards.some(({ of }) => of !== whole.of) || whole.of > 100_000) return undefined;
  const there = new Set(shards.map(({ index }) => index));
  const numbers: number[] = [];
  let samples = 0;
  for (let index = 1; index <= whole.of; index++) {
    if (there.has(index)) continue;
    numbers.push(index);
    samples += shardRange(whole, draws, index, whole.of).samples;
  }
  if (samples !== missing.reduce((sum, { first, end }) => sum + (end - first) * draws, 0)) return undefined;
  const text = numbers.length > 20 ? `${numbers.slice(0, 20).join(", ")}, … (${numbers.length})` : numbers.join(", ");
  return `missing: shard${numbers.length > 1 ? "s" : ""} ${text} of ${whole.of}`;
}
