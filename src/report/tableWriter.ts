/**
 * A table of functions as a file, Parquet or CSV, written a stretch at a time. Node only.
 *
 * @module
 */
import fs from "node:fs";
import { extname } from "node:path";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { checkWritableFile, reason, temporaryName } from "../data/files.ts";
import { formatFunction } from "../data/functions.ts";
import { show } from "../engine/checks.ts";
import { version } from "../generated/version.ts";
import { type DescribedRows, type DescribeOptions, describeTable } from "../volume/describeTable.ts";
import type { FunctionTable } from "../volume/functionTable.ts";

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

/** What `writeTable` takes. */
export type WriteTableOptions = DescribeOptions;

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
}

interface Format {
  add(columns: Columns): void;
  finish(): void;
}

/** The formats by extension: one line each. */
const FORMATS: Record<string, (file: number, table: FunctionTable) => Format> = {
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
  /** [ends of the interval] by count, where it depends on the count alone */
  readonly #intervals = new Map<number, readonly [number, number]>();
  #open = true;
  #closed = false;
  readonly #onExit = (): void => this.abandon();

  /** @throws TypeError, RangeError as `checkWritable`. */
  constructor(table: FunctionTable, path: string) {
    checkWritable(path);
    this.#table = table;
    this.#path = path;
    this.#temporary = temporaryName(path);
    this.#file = fs.openSync(this.#temporary, "wx");
    process.once("exit", this.#onExit);
    this.#format = this.#guard(() => FORMATS[extname(path).toLowerCase()](this.#file, table));
  }

  /** Writes a stretch; stretches come in the table's order. */
  add(batch: DescribedRows): void {
    this.#guard(() => this.#format.add(this.#columns(batch)));
  }

  /** Puts the finished file in place. */
  finish(): void {
    this.#guard(() => {
      this.#format.finish();
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
    };
    for (let i = 0, at = 0; i < count; i++, at += stride) {
      const seen = u64(rows, at + words);
      const interval = this.#interval(seen, clustered ? u64(rows, at + words + 2) : seen);
      columns.functions[i] = formatFunction(rows, bits, at);
      columns.counts[i] = BigInt(seen);
      columns.probability[i] = seen / samples;
      columns.low[i] = interval[0];
      columns.high[i] = interval[1];
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

function parquetFormat(file: number, table: FunctionTable): Format {
  const column = (name: string, type: "BYTE_ARRAY" | "INT32" | "INT64" | "DOUBLE") => ({
    name,
    type,
    repetition_type: "REQUIRED" as const,
    ...(type === "BYTE_ARRAY" ? { converted_type: "UTF8" as const } : {}),
  });
  const types = ["BYTE_ARRAY", "INT64", "DOUBLE", "DOUBLE", "DOUBLE", "INT32", "DOUBLE"] as const;
  const { network } = table;
  const writer = new ParquetWriter({
    writer: new FileBytes(file),
    schema: [
      { name: "root", num_children: TABLE_COLUMNS.length },
      ...TABLE_COLUMNS.map((name, i) => column(name, types[i])),
    ],
    createdBy: `flatvol ${version}`,
    kvMetadata: [
      {
        key: "flatvol",
        value: JSON.stringify({
          layers: network.layers,
          activation: network.activation,
          sigmaW2: network.sigmaW2,
          sigmaB2: network.sigmaB2,
          bits: table.bits,
          samples: table.samples,
          outputDraws: table.outputDraws,
          ranges: table.ranges.map((range) => ({ ...range, seed: String(range.seed) })),
        }),
      },
    ],
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
    ];
    // a dictionary of functions would hold each of them once: nothing gained
    writer.write({
      columnData: TABLE_COLUMNS.map((name, i) => ({
        name,
        data: data[i],
        ...(i === 0 ? { encoding: "PLAIN" as const } : {}),
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
    finish() {
      flush();
      writer.finish();
    },
  };
}

function csvFormat(file: number): Format {
  const encoder = new TextEncoder();
  let text = `${TABLE_COLUMNS.join(",")}\n`;
  const flush = (): void => {
    writeAll(file, encoder.encode(text));
    text = "";
  };
  return {
    add({ functions, counts, probability, low, high, orbitSizes, complexities }) {
      for (let i = 0; i < functions.length; i++) {
        text += `${functions[i]},${counts[i]},${probability[i]},${low[i]},${high[i]},${orbitSizes[i]},${complexities[i]}\n`;
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
 * prior's symmetries make equally probable), `complexity` (Lempel-Ziv).
 *
 * @param path ends in `.parquet` or `.csv`; an existing file is replaced.
 * @throws TypeError, RangeError naming `path`; the signal's reason; an Error if the disk is full.
 * @example
 * const table = await countFunctions({ layers: [7, 40, 40, 1] }, { samples: 100_000 });
 * await writeTable(table, "functions.parquet");
 */
export async function writeTable(table: FunctionTable, path: string, options: WriteTableOptions = {}): Promise<void> {
  const writer = new TableWriter(table, path);
  try {
    for await (const batch of describeTable(table, options)) writer.add(batch);
    writer.finish();
  } finally {
    writer.abandon();
  }
}
