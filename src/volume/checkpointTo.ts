/**
 * Checkpoints of a count on disk. Node only.
 *
 * A part is a file, `bodies-FIRST-END.part`: a head that says what it is of, the rows, their number, and a SHA-256 over all of
 * it. It is written under another name, forced to the disk and then renamed, so that whatever ends the process leaves whole
 * parts. Parts that a merged one replaces are removed after it is in place; if that was cut short, they are removed when
 * the count goes on.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { reason } from "../data/files.ts";
import { checkInteger, checkNumber, checkOptions, show } from "../engine/checks.ts";
import type { CheckpointPart, CheckpointStore, CheckpointWriter } from "./checkpoint.ts";
import { type CountIdentity, checkIdentity, differenceOf } from "./countIdentity.ts";
import { type RowShape, rowShape, type Segment, segmentRows } from "./rows.ts";

const MAGIC = "flatvol part 1\n\n";
/** Magic and length of the head; number of rows and digest. */
const LEAD = 20;
const TRAIL = 40;
/** A head holds layer sizes and little else. */
const MAXIMUM_HEAD = 2 ** 20;
const NAME = /^bodies-(\d{1,16})-(\d{1,16})\.part$/;
const UNFINISHED = /^\.bodies-\d{1,16}-\d{1,16}\.part\.tmp$/;
const BLOCK = 2 ** 20;

/** What `checkpointTo` takes. */
export interface CheckpointOptions {
  /** Seconds between two checkpoints; default 300. */
  readonly every?: number;
  /** Go on from the checkpoint that the directory holds, if it holds one; without it such a directory is refused. */
  readonly resume?: boolean;
}

/** @throws TypeError, RangeError naming the option. */
export function checkCheckpointOptions(options: CheckpointOptions): { everyMilliseconds: number; resume: boolean } {
  checkOptions("options", options, ["every", "resume"]);
  const resume = options.resume ?? false;
  if (typeof resume !== "boolean") throw new TypeError(`resume: expected a boolean, got ${show(resume)}`);
  return { everyMilliseconds: 1000 * checkNumber("every", options.every ?? 300, 0, 1e9), resume };
}

/**
 * Checks a checkpoint's directory.
 *
 * @param isOurs whether a file's name is that of a checkpoint.
 * @throws TypeError, RangeError: it cannot be written to, or holds a checkpoint that is not to be resumed.
 */
export function checkDirectory(directory: string, isOurs: (name: string) => boolean, resume: boolean): void {
  if (typeof directory !== "string") throw new TypeError(`checkpoint: expected a path, got ${show(directory)}`);
  try {
    const names = fs.readdirSync(directory);
    fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK);
    if (!resume && names.some(isOurs)) {
      throw new RangeError(
        `checkpoint: ${show(directory)} holds a checkpoint; expected resume to go on from it, or another directory`,
      );
    }
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new RangeError(
      `checkpoint: expected a directory that can be written to, got ${show(directory)} (${reason(error)})`,
      { cause: error },
    );
  }
}

/** Forces the names in a directory to the disk. */
export function syncDirectory(path: string): void {
  if (process.platform === "win32") return;
  const directory = fs.openSync(path, "r");
  try {
    fs.fsyncSync(directory);
  } finally {
    fs.closeSync(directory);
  }
}

/** What is wrong with a file: the text goes on from "expected …, got". */
class Unsound extends Error {}

/**
 * A directory of parts.
 *
 * @example
 * const checkpoint = checkpointTo("state", { every: 60, resume: true });
 * checkpoint.remove();
 */
export class DirectoryCheckpoint implements CheckpointStore {
  readonly everyMilliseconds: number;
  /** Bodies that were there when it was opened. */
  resumedBodies = 0;
  readonly #directory: string;
  readonly #files = new Map<CheckpointPart, number>();
  readonly #names = new Set<string>();
  #head: { readonly identity: CountIdentity; readonly bits: number } | undefined;

  constructor(directory: string, options: CheckpointOptions) {
    const { everyMilliseconds, resume } = checkCheckpointOptions(options);
    this.everyMilliseconds = everyMilliseconds;
    checkDirectory(directory, (name) => NAME.test(name), resume);
    this.#directory = directory;
  }

  open(identity: CountIdentity, bits: number, first: number, end: number): readonly CheckpointPart[] {
    if (this.#head) throw new Error("checkpoint: expected a store of its own for each count");
    this.#head = { identity, bits };
    const names = fs.readdirSync(this.#directory);
    const stretches = names
      .flatMap((name) => {
        const match = NAME.exec(name);
        return match ? [{ name, first: Number(match[1]), end: Number(match[2]) }] : [];
      })
      .sort((a, b) => a.first - b.first || b.end - a.end);
    const parts: CheckpointPart[] = [];
    const superseded: string[] = [];
    let reached = first;
    for (const stretch of stretches) {
      const bodies = `${stretch.first} to ${stretch.end - 1}`;
      if (stretch.end <= reached && stretch.first >= first) {
        superseded.push(stretch.name);
        continue;
      }
      if (stretch.first > reached || stretch.first < first) {
        this.close();
        throw this.#refusal(
          parts.length === 0
            ? `it begins with body ${stretch.first}, the count with ${first}`
            : `bodies ${reached} to ${stretch.first - 1} are missing`,
        );
      }
      if (stretch.first < reached) {
        this.close();
        throw this.#refusal(`bodies ${bodies} are there twice; did two processes write there?`);
      }
      if (stretch.end > end) {
        this.close();
        throw this.#refusal(`it holds bodies up to ${stretch.end - 1}, the count ends with ${end - 1}`);
      }
      try {
        parts.push(this.#read(stretch.name, stretch.first, stretch.end));
      } catch (error) {
        this.close();
        if (!(error instanceof Unsound) && !(error as NodeJS.ErrnoException).syscall) throw error;
        const what = error instanceof Unsound ? error.message : reason(error, "file");
        throw this.#refusal(`${stretch.name}: ${what}`, error);
      }
      reached = stretch.end;
    }
    // all is well: what an interrupted process left over goes
    for (const name of [...superseded, ...names.filter((name) => UNFINISHED.test(name))]) {
      fs.rmSync(join(this.#directory, name), { force: true });
    }
    this.resumedBodies = reached - first;
    return parts;
  }

  begin(first: number, end: number, level: number): CheckpointWriter {
    const { identity, bits } = this.#head!;
    const shape = shapeOf(identity, bits);
    const name = `bodies-${first}-${end}.part`;
    const temporary = join(this.#directory, `.${name}.tmp`);
    const head = Buffer.from(JSON.stringify({ identity, bits, first, end, level }));
    const segments: Array<{ row: number; rows: number; firstKey: Uint32Array }> = [];
    let file: number | undefined;
    let hash: Hash;
    let rows = 0;
    let done = false;
    const write = (bytes: Uint8Array): void => {
      hash.update(bytes);
      this.#guard(() => writeAll(file!, bytes));
    };
    const drop = (): void => {
      if (file !== undefined) fs.closeSync(file);
      file = undefined;
      fs.rmSync(temporary, { force: true });
    };
    const start = (): void => {
      if (file !== undefined) return;
      hash = createHash("sha256");
      file = this.#guard(() => fs.openSync(temporary, "w+"));
      const lead = Buffer.alloc(LEAD);
      lead.write(MAGIC, "latin1");
      lead.writeUInt32LE(head.length, MAGIC.length);
      write(lead);
      write(head);
    };
    const startOfRows = LEAD + head.length;
    const segment = (at: number, count: number, firstKey: Uint32Array): Segment =>
      diskSegment(() => file!, startOfRows, shape, at, count, firstKey);
    return {
      shape,
      keep: (kept) => {
        start();
        write(new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength));
        const entry = { row: rows, rows: kept.length / shape.stride, firstKey: kept.slice(0, shape.words) };
        segments.push(entry);
        rows += entry.rows;
        return segment(entry.row, entry.rows, entry.firstKey);
      },
      finish: (replaced) => {
        start();
        const count = Buffer.alloc(8);
        count.writeBigUInt64LE(BigInt(rows));
        write(count);
        this.#guard(() => {
          writeAll(file!, hash.digest());
          fs.fsyncSync(file!);
          this.#checkAlone();
          fs.renameSync(temporary, join(this.#directory, name));
          syncDirectory(this.#directory);
        });
        done = true;
        const opened = file!;
        const run = segments.map((s) => diskSegment(() => opened, startOfRows, shape, s.row, s.rows, s.firstKey));
        const part: CheckpointPart = { first, end, level, run };
        this.#files.set(part, opened);
        this.#names.add(name);
        for (const old of replaced) this.#forget(old);
        return part;
      },
      abandon: () => {
        if (!done) drop();
      },
    };
  }

  close(): void {
    for (const file of this.#files.values()) fs.closeSync(file);
    this.#files.clear();
  }

  /** Removes the checkpoint: what was counted is elsewhere. */
  remove(): void {
    for (const part of [...this.#files.keys()]) this.#forget(part);
    for (const name of this.#names) fs.rmSync(join(this.#directory, name), { force: true });
  }

  #forget(part: CheckpointPart): void {
    const name = `bodies-${part.first}-${part.end}.part`;
    fs.closeSync(this.#files.get(part)!);
    this.#files.delete(part);
    fs.rmSync(join(this.#directory, name), { force: true });
    this.#names.delete(name);
  }

  #refusal(what: string, cause?: unknown): RangeError {
    return new RangeError(
      `checkpoint: expected one of this count in ${show(this.#directory)}, got another: ${what}; remove it, or take another directory`,
      cause === undefined ? undefined : { cause },
    );
  }

  /** Another process that writes here, too, would leave parts that overlap. */
  #checkAlone(): void {
    const other = fs.readdirSync(this.#directory).find((name) => NAME.test(name) && !this.#names.has(name));
    if (other !== undefined) {
      throw new Error(`checkpoint: another process writes to ${show(this.#directory)} (${other} is new)`);
    }
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error as NodeJS.ErrnoException).syscall && (error as NodeJS.ErrnoException).code === undefined) throw error;
      const last = Math.max(-1, ...[...this.#files.keys()].map(({ end }) => end - 1));
      const stands = last >= 0 ? `; the last one stands, up to body ${last}` : "";
      throw new Error(`checkpoint: cannot write in ${show(this.#directory)} (${reason(error)})${stands}`, {
        cause: error,
      });
    }
  }

  /** Reads a part from end to end, and believes nothing of it before. */
  #read(name: string, first: number, end: number): CheckpointPart {
    const { identity, bits } = this.#head!;
    const file = fs.openSync(join(this.#directory, name), "r");
    try {
      const { size } = fs.fstatSync(file);
      if (size < LEAD + TRAIL) throw new Unsound(`damaged: ${size} bytes`);
      const lead = readAt(file, 0, LEAD);
      if (lead.toString("latin1", 0, MAGIC.length) !== MAGIC)
        throw new Unsound("no part of a checkpoint of this version");
      const headLength = lead.readUInt32LE(MAGIC.length);
      if (headLength > MAXIMUM_HEAD || headLength > size - LEAD - TRAIL)
        throw new Unsound("damaged: its head is cut off");
      const trail = readAt(file, size - TRAIL, TRAIL);
      const hash = createHash("sha256");
      for (let at = 0; at < size - 32; at += BLOCK) hash.update(readAt(file, at, Math.min(BLOCK, size - 32 - at)));
      if (!hash.digest().equals(trail.subarray(8))) throw new Unsound("damaged: its SHA-256 is not that of its bytes");
      const head = readHead(readAt(file, LEAD, headLength).toString("utf8"));
      const difference = differenceOf(identity, head.identity);
      if (difference) throw new Unsound(difference);
      if (head.bits !== bits || head.first !== first || head.end !== end) throw new Unsound("its name is not its own");
      const shape = shapeOf(identity, bits);
      const rows = Number(trail.readBigUInt64LE(0));
      const start = LEAD + headLength;
      if (start + rows * 4 * shape.stride + TRAIL !== size) throw new Unsound("damaged: rows are missing");
      const step = segmentRows(shape);
      const run: Segment[] = [];
      for (let row = 0; row < rows; row += step) {
        const key = new Uint32Array(shape.words);
        readInto(file, new Uint8Array(key.buffer), start + row * 4 * shape.stride);
        run.push(diskSegment(() => file, start, shape, row, Math.min(step, rows - row), key));
      }
      const part: CheckpointPart = { first, end, level: head.level, run };
      this.#files.set(part, file);
      this.#names.add(name);
      return part;
    } catch (error) {
      fs.closeSync(file);
      throw error;
    }
  }
}

function shapeOf(identity: CountIdentity, bits: number): RowShape {
  return rowShape(bits, identity.outputDraws > 1);
}

function readHead(text: string): { identity: CountIdentity; bits: number; first: number; end: number; level: number } {
  try {
    const head = JSON.parse(text) as { identity: unknown; bits: number; first: number; end: number; level: number };
    checkOptions("head", head, ["identity", "bits", "first", "end", "level"]);
    return {
      identity: checkIdentity(head.identity),
      bits: head.bits,
      first: head.first,
      end: head.end,
      level: checkInteger("level", head.level, 0, 100),
    };
  } catch (error) {
    throw new Unsound(`damaged: its head (${(error as Error).message})`);
  }
}

/** Rows of a file that stays open. */
function diskSegment(
  file: () => number,
  start: number,
  { stride }: RowShape,
  row: number,
  rows: number,
  firstKey: Uint32Array,
): Segment {
  return {
    rows,
    firstKey,
    bytes: 0,
    read: () => {
      const read = new Uint32Array(rows * stride);
      readInto(file(), new Uint8Array(read.buffer), start + row * 4 * stride);
      return read;
    },
    release: () => {},
  };
}

function readInto(file: number, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    const got = fs.readSync(file, bytes, done, bytes.length - done, position + done);
    if (got === 0) throw new Unsound("damaged: it ended early");
    done += got;
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readInto(file, bytes, position);
  return bytes;
}

function writeAll(file: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += fs.writeSync(file, bytes, done, bytes.length - done);
}

/**
 * Keeps a count in a directory while it is under way, so that whatever ends the process, no more than one interval is lost;
 * a count that goes on from there ends with the same bits as one that was never interrupted. One store for one count.
 *
 * @param directory an existing directory, of this count's own.
 * @throws TypeError, RangeError naming the argument: no such directory; one that holds a checkpoint, without `resume`.
 * @example
 * const checkpoint = checkpointTo("state", { every: 60, resume: true });
 * const table = await countFunctions({ layers: [7, 40, 40, 1] }, { samples: 50_000, checkpoint });
 * checkpoint.remove(); // once the table is elsewhere
 */
export function checkpointTo(directory: string, options: CheckpointOptions = {}): DirectoryCheckpoint {
  return new DirectoryCheckpoint(directory, options);
}
