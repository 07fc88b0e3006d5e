/**
 * A spill store on disk: what does not fit into memory waits in one file. Node only.
 *
 * @module
 */
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { show } from "../engine/checks.ts";
import type { SpillStore } from "./rows.ts";

/**
 * Slots of the file are multiples of this many bytes, so that a freed one is soon used again by another segment: a merge
 * then needs the disk space of its rows about once, not twice.
 */
const SLOT_BYTES = 64 * 1024;

class DiskStore implements SpillStore {
  readonly #parent: string;
  #directory: string | undefined;
  #file: number | undefined;
  #closed = false;
  /** End of the file, in slots. */
  #end = 0;
  /** Free stretches of the file: first slots by number of slots. */
  readonly #free = new Map<number, number[]>();
  /** The stretch read last: lookups in ascending order hit it again and again. */
  #last: { slot: number; rows: Uint32Array } | undefined;
  readonly #onExit = (): void => this.close();

  constructor(parent: string) {
    this.#parent = parent;
  }

  write(rows: Uint32Array): { read(): Uint32Array; release(): void } {
    if (this.#closed) throw new Error("spill: the store is closed; a count needs one of its own");
    const file = this.#open();
    const slots = Math.ceil(rows.byteLength / SLOT_BYTES);
    const slot = this.#free.get(slots)?.pop() ?? this.#end;
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    try {
      let done = 0;
      while (done < bytes.length) {
        done += fs.writeSync(file, bytes, done, bytes.length - done, slot * SLOT_BYTES + done);
      }
    } catch (error) {
      const size = this.#end * SLOT_BYTES;
      this.close();
      throw failure(this.#parent, size, error);
    }
    if (slot === this.#end) this.#end += slots;
    const { length } = rows;
    let released = false;
    return {
      read: () => {
        if (released || this.#closed) return new Uint32Array(0);
        if (this.#last?.slot !== slot) this.#last = { slot, rows: this.#read(slot, length) };
        return this.#last.rows;
      },
      release: () => {
        if (released || this.#closed) return;
        released = true;
        if (this.#last?.slot === slot) this.#last = undefined;
        const list = this.#free.get(slots);
        if (list) list.push(slot);
        else this.#free.set(slots, [slot]);
      },
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    process.off("exit", this.#onExit);
    this.#last = undefined;
    this.#free.clear();
    if (this.#file !== undefined) fs.closeSync(this.#file);
    this.#file = undefined;
    if (this.#directory !== undefined) fs.rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = undefined;
  }

  #open(): number {
    if (this.#file !== undefined) return this.#file;
    process.once("exit", this.#onExit);
    try {
      this.#directory = fs.mkdtempSync(join(this.#parent, "flatvol-"));
      const path = join(this.#directory, "rows");
      this.#file = fs.openSync(path, "wx+", 0o600);
      // an open file without a name: not even a killed process leaves it behind
      if (process.platform !== "win32") {
        fs.rmSync(this.#directory, { recursive: true });
        this.#directory = undefined;
      }
      return this.#file;
    } catch (error) {
      this.close();
      throw failure(this.#parent, 0, error);
    }
  }

  #read(slot: number, length: number): Uint32Array {
    const rows = new Uint32Array(length);
    const bytes = new Uint8Array(rows.buffer);
    let done = 0;
    while (done < bytes.length) {
      const got = fs.readSync(this.#file!, bytes, done, bytes.length - done, slot * SLOT_BYTES + done);
      if (got === 0) throw new Error(`spill: the file in ${this.#parent} ended early; was it changed?`);
      done += got;
    }
    return rows;
  }
}

function failure(directory: string, size: number, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  const full = code === "ENOSPC" || code === "EDQUOT";
  const what = full ? `no space left in ${show(directory)}` : `cannot write in ${show(directory)} (${code})`;
  return new Error(
    `spill: ${what} after ${size} bytes; free some, give another directory or a higher memoryLimit, or take fewer samples`,
    { cause: error },
  );
}

/**
 * A store for what a count cannot hold in memory: one file in `directory`, which disappears with `close()` (which
 * `table.close()` calls) and with the process, however that ends. Nothing is written before it is needed. One store for one count.
 *
 * @param directory an existing directory; default: the system's temporary directory.
 * @throws TypeError, RangeError if it is no directory that can be written to.
 * @example
 * const table = await countFunctions({ layers: [7, 40, 40, 1] }, { samples: 50_000, spill: spillToDisk(".") });
 */
export function spillToDisk(directory: string = tmpdir()): SpillStore {
  if (typeof directory !== "string") throw new TypeError(`directory: expected a path, got ${show(directory)}`);
  const problem = directoryProblem(directory);
  if (problem) throw new RangeError(`directory: expected a directory that can be written to, got ${problem}`);
  return new DiskStore(directory);
}

function directoryProblem(directory: string): string | undefined {
  try {
    if (!fs.statSync(directory).isDirectory()) return `${show(directory)}, which is no directory`;
    fs.accessSync(directory, fs.constants.W_OK | fs.constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return `${show(directory)}, which does not exist`;
    return `${show(directory)}, which cannot be written to (${code})`;
  }
}
