/**
 * Records of a study that is under way, in a file of JSON lines. Node only.
 *
 * The first line says what the records belong to; each further line is a record with the digest of its own text. A line is
 * written before the record counts as done, and forced to the disk at once or after some time. Whatever cut the last line short, the study continues
 * after the one before it; any other damage is an error.
 *
 * @module
 */
import fs from "node:fs";
import { basename } from "node:path";
import { differenceOfTexts } from "../data/difference.ts";
import { reason } from "../data/files.ts";
import { show } from "../engine/checks.ts";
import { headLine, parseHead, type RecordShard, readRecordLines, recordLine } from "./recordLines.ts";
import type { RecordStore, StudyIdentity } from "./run.ts";

/** Opens, or begins, the file of a study's records. */
export class RecordFile implements RecordStore {
  readonly found = new Map<string, unknown>();
  readonly #path: string;
  readonly #everyMilliseconds: number;
  #file: number | undefined;
  #synced = Number.NEGATIVE_INFINITY;
  /** Whether it has no record, and is this study's own. */
  #isEmpty = false;

  /**
   * @param path of the file; its directory exists.
   * @param shard which of the study's records it has, if not all.
   * @param everyMilliseconds least time between two times that records are forced to the disk: what a loss of power may cost.
   * @throws RangeError naming the file: it belongs to other settings or data or another version, or is damaged.
   */
  constructor(path: string, identity: StudyIdentity, shard?: RecordShard, everyMilliseconds = 0) {
    this.#path = path;
    this.#everyMilliseconds = everyMilliseconds;
    const head = headLine(identity, shard);
    this.#file = this.#guard(() => fs.openSync(path, "a+"));
    try {
      const text = this.#guard(() => fs.readFileSync(path, "utf8"));
      const sound = text.length > 0 ? this.#read(text, head) : 0;
      // a shard may have none
      this.#isEmpty = shard === undefined && this.found.size === 0;
      if (sound === 0) this.#guard(() => this.#begin(head));
      else if (sound < Buffer.byteLength(text)) this.#guard(() => fs.ftruncateSync(this.#file!, sound));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  add(key: string, json: string): void {
    this.#guard(() => this.#append(`${recordLine(key, json)}\n`));
    this.#isEmpty = false;
  }

  /** Closes the file; its records stay, and one without any goes. */
  close(): void {
    if (this.#file === undefined) return;
    fs.closeSync(this.#file);
    this.#file = undefined;
    if (this.#isEmpty) fs.rmSync(this.#path, { force: true });
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
    if (performance.now() - this.#synced < this.#everyMilliseconds) return;
    fs.fsyncSync(this.#file!);
    this.#synced = performance.now();
  }

  /** Takes in the records. @returns bytes of the file that are whole lines; 0 if not even its head is. */
  #read(text: string, head: string): number {
    const file = basename(this.#path);
    const { head: found, records, sound } = readRecordLines(text, file);
    if (found === undefined) return 0;
    if (found !== head) {
      const read = parseHead(found);
      throw new RangeError(
        read
          ? `${show(file)}: expected records of the same study, settings, data, seed and version of flatvol, got those of others (${differenceOfTexts(parseHead(head)?.fingerprint ?? "", read.fingerprint) ?? "of another shard"}); remove the file, or take another directory`
          : `${show(file)}: expected records of a study that was interrupted, got something else`,
      );
    }
    for (const [key, record] of records) this.found.set(key, record);
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
