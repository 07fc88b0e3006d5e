/**
 * A table of functions read back from its Parquet file, a row group at a time. Node only.
 *
 * The file may be damaged or foreign: everything that it says of itself is checked before it is used, the rows against the
 * digest that was taken when they were written.
 *
 * @module
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { basename } from "node:path";
import { type FileMetaData, parquetMetadata } from "hyparquet";
import { reason } from "../data/files.ts";
import { hexDigits } from "../data/functions.ts";
import { show } from "../engine/checks.ts";
import { checkRows } from "../volume/checkRows.ts";
import { rowBytes } from "../volume/rowBytes.ts";
import { type RowShape, rowShape } from "../volume/rows.ts";
import { readPageHeader } from "./pageHeader.ts";
import { type CheckedMetadata, checkMetadata, METADATA_KEY } from "./tableMetadata.ts";
import { CLUSTER_COLUMNS, MERGED_COLUMNS } from "./tableWriter.ts";

/** More rows than the writer puts into a group. */
const MAXIMUM_GROUP = 2 ** 20;
const MAGIC = 0x31524150;
const DATA_PAGE_V2 = 3;
const PLAIN = 0;
/** A header takes some dozens of bytes; statistics may stand in it. */
const HEADER_BYTES = 4096;

const TYPES: Readonly<Record<string, string>> = { function: "BYTE_ARRAY" };

/** What is wrong with a file: the text goes on from "expected … , got". */
class Unsound extends Error {}

/** One file. It is open only while it is read: there may be thousands of parts. */
export class TableReader {
  readonly path: string;
  readonly metadata: CheckedMetadata;
  readonly shape: RowShape;
  #file = -1;
  readonly #size: number;
  readonly #groups: FileMetaData["row_groups"];

  /**
   * Opens a file and reads what it says of itself.
   *
   * @throws RangeError naming the file: it is missing, damaged or no table of flatvol.
   */
  constructor(path: string) {
    this.path = path;
    this.#file = this.#openFile();
    try {
      this.#size = fs.fstatSync(this.#file).size;
      const { metadata, groups } = this.#guard(() => this.#open());
      this.metadata = metadata;
      this.#groups = groups;
      this.shape = rowShape(metadata.bits, metadata.identity.outputDraws > 1);
    } finally {
      fs.closeSync(this.#file);
    }
  }

  /**
   * All rows, a group at a time, in ascending order.
   *
   * @throws RangeError naming the file, at the latest after the last group: the rows are not those that were written. What
   * was yielded before must then not be used.
   */
  *groups(): Generator<Uint32Array<ArrayBuffer>, void, undefined> {
    const { metadata, shape } = this;
    const hash = createHash("sha256");
    const last = { key: undefined as Uint32Array | undefined };
    let samples = 0;
    let distinct = 0;
    this.#file = this.#openFile();
    try {
      for (const group of this.#groups) {
        const rows = this.#guard(() => {
          const read = this.#read(group);
          samples += checkRows(read, shape, metadata.identity.outputDraws, last);
          hash.update(rowBytes(read, shape, metadata.bits, shape.clustered ? 3 : 1));
          return read;
        });
        distinct += rows.length / shape.stride;
        yield rows;
      }
    } finally {
      fs.closeSync(this.#file);
    }
    this.#guard(() => {
      if (distinct !== metadata.distinct || samples !== metadata.samples || hash.digest("hex") !== metadata.sha256) {
        throw new Unsound("one whose rows were changed (their SHA-256 is not the one in the metadata)");
      }
    });
  }

  #openFile(): number {
    try {
      return fs.openSync(this.path, "r");
    } catch (error) {
      throw new RangeError(`files: cannot read ${show(this.path)} (${reason(error, "file")})`, { cause: error });
    }
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const file = show(basename(this.path));
      const { code } = error as NodeJS.ErrnoException;
      if (code !== undefined && (error as NodeJS.ErrnoException).syscall) {
        throw new RangeError(`files: cannot read ${file} (${reason(error, "file")})`, { cause: error });
      }
      const what = error instanceof Unsound ? error.message : `a damaged or foreign one (${(error as Error).message})`;
      throw new RangeError(`files: ${file}: expected a Parquet table written by flatvol, got ${what}`, {
        cause: error,
      });
    }
  }

  #bytes(start: number, end: number): Uint8Array<ArrayBuffer> {
    if (!(start >= 0 && start <= end && end <= this.#size)) {
      throw new Unsound(`one that speaks of bytes ${start} to ${end} of its ${this.#size}`);
    }
    const bytes = new Uint8Array(end - start);
    let done = 0;
    while (done < bytes.length) {
      const got = fs.readSync(this.#file, bytes, done, bytes.length - done, start + done);
      if (got === 0) throw new Unsound("one that ended while it was read");
      done += got;
    }
    return bytes;
  }

  #open(): { metadata: CheckedMetadata; groups: FileMetaData["row_groups"] } {
    const size = this.#size;
    if (size < 12) throw new Unsound(`a file of ${size} bytes`);
    const tail = new DataView(this.#bytes(size - 8, size).buffer);
    if (tail.getUint32(4, true) !== MAGIC) throw new Unsound("a file that does not end as Parquet does; is it whole?");
    const length = tail.getUint32(0, true);
    if (length > size - 12) throw new Unsound("one that is cut off");
    const parquet = parquetMetadata(this.#bytes(size - 8 - length, size).buffer);
    const said = parquet.key_value_metadata?.find(({ key }) => key === METADATA_KEY)?.value;
    if (said === undefined) throw new Unsound("one without flatvol's own metadata");
    return { metadata: checkMetadata(said), groups: parquet.row_groups };
  }

  #read(group: FileMetaData["row_groups"][number]): Uint32Array<ArrayBuffer> {
    const { bits } = this.metadata;
    const { words, stride, clustered } = this.shape;
    const count = Number(group.num_rows);
    if (!(count >= 1 && count <= MAXIMUM_GROUP)) throw new Unsound(`one with a row group of ${count} rows`);
    const rows = new Uint32Array(count * stride);
    const digits = hexDigits(bits);
    const [first, ...sums] = MERGED_COLUMNS.filter(
      (name) => clustered || !(CLUSTER_COLUMNS as readonly string[]).includes(name),
    );
    this.#column(group, first, count, 4 + digits, (values, from, until) => {
      for (let i = from, at = 0; i < until; i++, at += 4 + digits) readKey(values, at, rows, i * stride, digits, bits);
    });
    sums.forEach((name, s) => {
      this.#column(group, name, count, 8, (values, from, until) => {
        const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
        for (let i = from, at = 0; i < until; i++, at += 8) {
          rows[i * stride + words + 2 * s] = view.getUint32(at, true);
          rows[i * stride + words + 2 * s + 1] = view.getUint32(at + 4, true);
        }
      });
    });
    return rows;
  }

  /** Hands over the values of a column, plain and of equal width, a page at a time. */
  #column(
    group: FileMetaData["row_groups"][number],
    name: string,
    count: number,
    width: number,
    take: (values: Uint8Array, from: number, until: number) => void,
  ): void {
    const about = group.columns.find((c) => c.meta_data?.path_in_schema.join(".") === name)?.meta_data;
    if (!about) throw new Unsound(`one without a column ${name}`);
    if (about.type !== (TYPES[name] ?? "INT64") || about.codec !== "UNCOMPRESSED") {
      throw new Unsound(`one whose column ${name} is ${about.type}, ${about.codec}`);
    }
    let at = Number(about.data_page_offset);
    let done = 0;
    while (done < count) {
      const header = readPageHeader(this.#bytes(at, Math.min(at + HEADER_BYTES, this.#size)));
      const { values, compressedSize, uncompressedSize } = header;
      const plain = header.type === DATA_PAGE_V2 && header.encoding === PLAIN && header.levels === 0;
      const whole = values >= 1 && values <= count - done && compressedSize === values * width;
      if (!plain || !whole || uncompressedSize !== compressedSize) {
        throw new Unsound(`one whose column ${name} has a page that flatvol does not write`);
      }
      at += header.length;
      take(this.#bytes(at, at + compressedSize), done, done + values);
      at += compressedSize;
      done += values;
    }
  }
}

/** Hex digits, after their length, as a key. */
function readKey(bytes: Uint8Array, at: number, rows: Uint32Array, to: number, digits: number, bits: number): void {
  const length = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  if (length !== digits) throw new Unsound(`one with a function of ${length} hex digits in place of ${digits}`);
  for (let i = 0; i < digits; i++) {
    const code = bytes[at + 4 + i];
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1;
    if (digit < 0) throw new Unsound("one with a function that is not in hex");
    rows[to + (i >> 3)] |= digit << (28 - 4 * (i & 7));
  }
  const rest = bits % 32;
  if (rest > 0 && (rows[to + (bits >> 5)] << rest) >>> 0 !== 0) throw new Unsound("one with bits past the last point");
}
