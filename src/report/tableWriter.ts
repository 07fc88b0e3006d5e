/**
 * A table of functions as a file, Parquet or CSV, written a stretch at a time. Node only.
 *
 * @module
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { extname } from "node:path";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { checkWritableFile, reason, temporaryName } from "../data/files.ts";
import { formatFunction } from "../data/functions.ts";
import { show } from "../engine/checks.ts";
import { version } from "../generated/version.ts";
import { type DescribedRows, type DescribeOptions, describeTable } from "../volume/describeTable.ts";
import type { FunctionTable } from "../volume/functionTable.ts";
import { rowBytes } from "../volume/rowBytes.ts";
import { METADATA_KEY, metadataOf, type ShardOf, type TableMetadata } from "./tableMetadata.ts";

/** Columns of the file, in this order. */
export const TABLE_COLUMNS = [
  "function",
  "count",
  "probability",
  "ci95_low",
  "ci95_high",
  "orbit_size",
  "complexity",
] as const;

/** And of a clustered table: sums over bodies of c_k^2 and of c_k C_k (`rows.ts`), without which parts cannot be merged. */
export const CLUSTER_COLUMNS = ["cluster_squares", "cluster_class_squares"] as const;

/** What `writeTable` takes. */
export interface WriteTableOptions extends DescribeOptions {
  /** In Parquet: the whole that the table is a shard of. */
  readonly shard?: ShardOf;
}

/** The columns that a merge reads; the others follow from them. */
export const MERGED_COLUMNS: readonly string[] = ["function", "count", ...CLUSTER_COLUMNS];

/** Rows of a row group: large enough to compress, small enough to hold. */
const GROUP_ROWS = 65_536;
const CSV_FLUSH_BYTES = 1 << 20;

/** Columns of a stretch of rows. */
interface Columns {
  readonly functions: string[];
  readonly counts: BigInt64Array;
  readonly probability: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly orbitSizes: Int32Array;
  readonly complexities: Float64Array;
  /** Cluster sums; empty if there are none. */
  readonly squares: BigInt64Array;
  readonly classSquares: BigInt64Array;
}

interface Format {
  add(columns: Columns): void;
  finish(metadata: TableMetadata): void;
}

/** The formats by extension: one line each. */
const FORMATS: Record<string, (file: number, clustered: boolean) => Format> = {
  ".parquet": parquetFormat,
  ".csv": csvFormat,
};

/**
 * Says early what would fail late: whether the file can be written.
 *
 * @throws TypeError, RangeError naming `path`: another extension, no such directory, no permission.
 * @example
 * checkWritable("table.parquet"); // throws before hours of counting, not after
 */
export function checkWritable(path: string): void {
  if (typeof path !== "string") throw new TypeError(`path: expected a file name, got ${show(path)}`);
  if (!Object.hasOwn(FORMATS, extname(path).toLowerCase())) {
    throw new RangeError(`path: expected a name ending in ${Object.keys(FORMATS).join(" or ")}, got ${show(path)}`);
  }
  checkWritableFile(path);
}

/** Writes stretches of a table to a temporary file beside the final one; `finish` puts it in place. */
export class TableWriter {
  readonly #table: FunctionTable;
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: number;
  readonly #format: Format;
  readonly #shard: ShardOf | undefined;
  readonly #hash = createHash("sha256");
  /** [ends of the interval] by count, where it depends on the count alone */
  readonly #intervals = new Map<number, readonly [number, number]>();
  #open = true;
  #closed = false;
  readonly #onExit = (): void => this.abandon();

  /** @throws TypeError, RangeError as `checkWritable`. */
  constructor(table: FunctionTable, path: string, shard?: ShardOf) {
    checkWritable(path);
    this.#table = table;
    this.#shard = shard;
    this.#path = path;
    this.#temporary = temporaryName(path);
    this.#file = fs.openSync(this.#temporary, "wx");
    process.once("exit", this.#onExit);
    this.#format = this.#guard(() => FORMATS[extname(path).toLowerCase()](this.#file, table.shape.clustered));
  }

  /** Writes a stretch; stretches come in the table's order. */
  add(batch: DescribedRows): void {
    const { shape, bits } = this.#table;
    this.#hash.update(rowBytes(batch.rows, shape, bits, shape.clustered ? 3 : 1));
    this.#guard(() => this.#format.add(this.#columns(batch)));
  }

  /** Puts the finished file in place, once it is safe on the disk. */
  async finish(): Promise<void> {
    const metadata = { ...(await metadataOf(this.#table, this.#shard)), sha256: this.#hash.digest("hex") };
    this.#guard(() => {
      this.#format.finish(metadata);
      fs.fsyncSync(this.#file);
      this.#close();
      fs.renameSync(this.#temporary, this.#path);
    });
    this.#open = false;
    process.off("exit", this.#onExit);
  }

  /** Removes what was written so far; nothing to do after `finish`. */
  abandon(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off("exit", this.#onExit);
    this.#close();
    fs.rmSync(this.#temporary, { force: true });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fs.closeSync(this.#file);
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.abandon();
      if (!(error as NodeJS.ErrnoException).syscall) throw error;
      throw new Error(`cannot write ${show(this.#path)} (${reason(error)})`, { cause: error });
    }
  }

  #columns({ rows, count, orbitSizes, complexities }: DescribedRows): Columns {
    const { words, stride, clustered } = this.#table.shape;
    const { bits, samples } = this.#table;
    const columns: Columns = {
      functions: new Array<string>(count),
      counts: new BigInt64Array(count),
      probability: new Float64Array(count),
      low: new Float64Array(count),
      high: new Float64Array(count),
      orbitSizes: Int32Array.from(orbitSizes),
      complexities,
      squares: new BigInt64Array(clustered ? count : 0),
      classSquares: new BigInt64Array(clustered ? count : 0),
    };
    for (let i = 0, at = 0; i < count; i++, at += stride) {
      const seen = u64(rows, at + words);
      const interval = this.#interval(seen, clustered ? u64(rows, at + words + 2) : seen);
      columns.functions[i] = formatFunction(rows, bits, at);
      columns.counts[i] = BigInt(seen);
      columns.probability[i] = seen / samples;
      columns.low[i] = interval[0];
      columns.high[i] = interval[1];
      if (!clustered) continue;
      columns.squares[i] = BigInt(u64(rows, at + words + 2));
      columns.classSquares[i] = BigInt(u64(rows, at + words + 4));
    }
    return columns;
  }

  #interval(count: number, squares: number): readonly [number, number] {
    if (this.#table.outputDraws > 1) return this.#table.estimate(count, squares).ci95;
    let interval = this.#intervals.get(count);
    if (!interval) {
      interval = this.#table.estimate(count, squares).ci95;
      this.#intervals.set(count, interval);
    }
    return interval;
  }
}

function u64(rows: Uint32Array, at: number): number {
  return rows[at] + rows[at + 1] * 2 ** 32;
}

function writeAll(file: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += fs.writeSync(file, bytes, done, bytes.length - done);
}

/** Collects bytes and writes them out at each `flush`, so that a file of any size passes through a small buffer. */
class FileBytes extends ByteWriter {
  constructor(readonly file: number) {
    super(1 << 22);
  }

  flush(): void {
    writeAll(this.file, new Uint8Array(this.buffer, 0, this.index));
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }
}

function parquetFormat(file: number, clustered: boolean): Format {
  const column = (name: string, type: "BYTE_ARRAY" | "INT32" | "INT64" | "DOUBLE") => ({
    name,
    type,
    repetition_type: "REQUIRED" as const,
    ...(type === "BYTE_ARRAY" ? { converted_type: "UTF8" as const } : {}),
  });
  const names = [...TABLE_COLUMNS, ...(clustered ? CLUSTER_COLUMNS : [])];
  const types = ["BYTE_ARRAY", "INT64", "DOUBLE", "DOUBLE", "DOUBLE", "INT32", "DOUBLE", "INT64", "INT64"] as const;
  const writer = new ParquetWriter({
    writer: new FileBytes(file),
    schema: [{ name: "root", num_children: names.length }, ...names.map((name, i) => column(name, types[i]))],
    createdBy: `flatvol ${version}`,
  });
  let waiting: Columns[] = [];
  let rows = 0;
  const flush = (): void => {
    if (rows === 0) return;
    const join = <K extends keyof Columns>(key: K): Columns[K] => {
      if (waiting.length === 1) return waiting[0][key];
      if (key === "functions") return waiting.flatMap((c) => c.functions) as Columns[K];
      const first = waiting[0][key] as Float64Array;
      const all = new (first.constructor as new (length: number) => Float64Array)(rows);
      let at = 0;
      for (const columns of waiting) {
        const part = columns[key] as Float64Array;
        all.set(part, at);
        at += part.length;
      }
      return all as unknown as Columns[K];
    };
    const data = [
      join("functions"),
      join("counts"),
      join("probability"),
      join("low"),
      join("high"),
      join("orbitSizes"),
      join("complexities"),
      join("squares"),
      join("classSquares"),
    ];
    // what is read back is plain: a decoder of compressed bytes that anyone may have written can be made to run for ever
    writer.write({
      columnData: names.map((name, i) => ({
        name,
        data: data[i],
        ...(MERGED_COLUMNS.includes(name) ? ({ encoding: "PLAIN", codec: "UNCOMPRESSED" } as const) : {}),
      })),
      rowGroupSize: rows,
    });
    waiting = [];
    rows = 0;
  };
  return {
    add(columns) {
      waiting.push(columns);
      rows += columns.functions.length;
      if (rows >= GROUP_ROWS) flush();
    },
    finish(metadata) {
      flush();
      // the writer takes it when it finishes; the digest is known only now
      writer.kvMetadata = [{ key: METADATA_KEY, value: JSON.stringify(metadata) }];
      writer.finish();
    },
  };
}

function csvFormat(file: number, clustered: boolean): Format {
  const encoder = new TextEncoder();
  let text = `${[...TABLE_COLUMNS, ...(clustered ? CLUSTER_COLUMNS : [])].join(",")}\n`;
  const flush = (): void => {
    writeAll(file, encoder.encode(text));
    text = "";
  };
  return {
    add({ functions, counts, probability, low, high, orbitSizes, complexities, squares, classSquares }) {
      for (let i = 0; i < functions.length; i++) {
        const sums = clustered ? `,${squares[i]},${classSquares[i]}` : "";
        text += `${functions[i]},${counts[i]},${probability[i]},${low[i]},${high[i]},${orbitSizes[i]},${complexities[i]}${sums}\n`;
        if (text.length > CSV_FLUSH_BYTES) flush();
      }
    },
    finish: flush,
  };
}

/**
 * Writes a table of functions, Parquet or CSV by the name's extension, to a temporary file that takes the name at the
 * end: never half a table, and nothing left after a failure. Memory stays small for a table of any size.
 *
 * Columns: `function` (hex), `count`, `probability`, `ci95_low`, `ci95_high` (Wilson), `orbit_size` (functions that the
 * prior's symmetries make equally probable), `complexity` (Lempel-Ziv); with several output layers for a body also
 * `cluster_squares` and `cluster_class_squares`, the sums over bodies that intervals are made of. A Parquet file says in its
 * metadata what it is a table of: `readTable` and `mergeTableFiles` read it back.
 *
 * @param path ends in `.parquet` or `.csv`; an existing file is replaced.
 * @throws TypeError, RangeError naming `path`; the signal's reason; an Error if the disk is full.
 * @example
 * const table = await countFunctions({ layers: [7, 40, 40, 1] }, { samples: 100_000 });
 * await writeTable(table, "functions.parquet");
 */
export async function writeTable(table: FunctionTable, path: string, options: WriteTableOptions = {}): Promise<void> {
  const { shard, ...describe } = options;
  const writer = new TableWriter(table, path, shard);
  try {
    for await (const batch of describeTable(table, describe)) writer.add(batch);
    await writer.finish();
  } finally {
    writer.abandon();
  }
}
