/**
 * Records of a study that is under way, in a file of JSON lines. Node only.
 *
 * The first line says what the records belong to; each further line is a record with the digest of its own text. A line is
 * written and forced to the disk before the record counts as done. Whatever cut the last line short, the study continues
 * after the one before it; any other damage is an error.
 *
 * @module
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { basename } from "node:path";
import { reason } from "../data/files.ts";
import { show } from "../engine/checks.ts";
import { fingerprintOf, type RecordStore, type StudyIdentity } from "./run.ts";

const FORMAT = "flatvol records 1";

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Opens, or begins, the file of a study's records. */
export class RecordFile implements RecordStore {
  readonly found = new Map<string, unknown>();
  readonly #path: string;
  #file: number | undefined;

  /**
   * @param path of the file; its directory exists.
   * @throws RangeError naming the file: it belongs to other settings or another version, or is damaged.
   */
  constructor(path: string, identity: StudyIdentity) {
    this.#path = path;
    const head = JSON.stringify({ format: FORMAT, fingerprint: fingerprintOf(identity) });
    this.#file = this.#guard(() => fs.openSync(path, "a+"));
    try {
      const text = this.#guard(() => fs.readFileSync(path, "utf8"));
      const sound = text.length > 0 ? this.#read(text, head) : 0;
      if (sound === 0) this.#guard(() => this.#begin(head));
      else if (sound < Buffer.byteLength(text)) this.#guard(() => fs.ftruncateSync(this.#file!, sound));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  add(key: string, json: string): void {
    const body = `${JSON.stringify(key)},${json}`;
    this.#guard(() => this.#append(`["${digestOf(body)}",${body}]\n`));
  }

  /** Closes the file; its records stay. */
  close(): void {
    if (this.#file === undefined) return;
    fs.closeSync(this.#file);
    this.#file = undefined;
  }

  /** Closes the file and removes it: the study is done, and its records are elsewhere. */
  remove(): void {
    this.close();
    fs.rmSync(this.#path, { force: true });
  }

  #begin(head: string): void {
    fs.ftruncateSync(this.#file!, 0);
    this.#append(`${head}\n`);
  }

  #append(line: string): void {
    fs.writeFileSync(this.#file!, line);
    fs.fsyncSync(this.#file!);
  }

  /** Takes in the records. @returns bytes of the file that are whole lines; 0 if not even its head is. */
  #read(text: string, head: string): number {
    const lines = text.split("\n");
    // what follows the last line break was cut off
    lines.pop();
    if (lines.length === 0) return 0;
    const file = show(basename(this.#path));
    if (lines[0] !== head) {
      const known = lines[0].startsWith(`{"format":"${FORMAT}"`);
      throw new RangeError(
        known
          ? `${file}: expected records of the same study, settings, seed and version of flatvol, got those of others; remove the file, or take another directory`
          : `${file}: expected records of a study that was interrupted, got something else`,
      );
    }
    let sound = Buffer.byteLength(lines[0]) + 1;
    for (const [i, line] of lines.entries()) {
      if (i === 0) continue;
      const [, digest, body] = /^\["([0-9a-f]{16})",(.*)\]$/s.exec(line) ?? [];
      if (body === undefined || digestOf(body) !== digest) {
        if (i === lines.length - 1) break;
        throw new RangeError(`${file}: expected record ${i} as it was written, got a damaged one; remove the file`);
      }
      const [, key, record] = JSON.parse(line) as [string, string, unknown];
      this.found.set(key, record);
      sound += Buffer.byteLength(line) + 1;
    }
    return sound;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error as NodeJS.ErrnoException).syscall) throw error;
      throw new Error(`cannot write ${show(basename(this.#path))} (${reason(error)})`, { cause: error });
    }
  }
}
