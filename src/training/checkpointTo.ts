/**
 * Checkpoints of a training on disk. Node only.
 *
 * One file, `training.state`: a head (what the training is, the epoch, the records so far), the parameters and the optimiser's
 * memory, and a SHA-256 over all of it. It is written under another name, forced to the disk and then renamed, so that
 * whatever ends the process leaves the last one whole.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { differenceOfTexts } from "../data/difference.ts";
import { reason } from "../data/files.ts";
import { checkInteger, checkOptions, show } from "../engine/checks.ts";
import {
  type CheckpointOptions,
  checkCheckpointOptions,
  checkDirectory,
  syncDirectory,
} from "../volume/checkpointTo.ts";
import type { TrainingState, TrainingStore } from "./checkpoint.ts";
import type { TrainingRecord } from "./trainTask.ts";

const NAME = "training.state";
/** Before it is renamed; each write has a name of its own, lest two processes write into one file. */
const UNFINISHED = /^\.training\.state(\.\w+)?\.tmp$/;
const MAGIC = "flatvol training 1\n\n";
const LEAD = MAGIC.length + 4;
const DIGEST = 32;

/** Numbers that JSON has no text for, and arrays that it would take apart. */
function encode(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
  return value instanceof Float64Array ? { float64: Array.from(value) } : value;
}

function decode(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 1) return value;
  const { number, float64 } = value as { number?: unknown; float64?: unknown };
  if (typeof number === "string") return Number(number);
  return Array.isArray(float64) ? Float64Array.from(float64 as number[]) : value;
}

/**
 * A directory with the state of a training.
 *
 * @example
 * const checkpoint = trainingCheckpointTo("state", { every: 60, resume: true });
 * console.log(checkpoint.resumedEpochs); // 0: it begins
 * checkpoint.remove();
 */
export class DirectoryTrainingCheckpoint implements TrainingStore {
  readonly everyMilliseconds: number;
  /** Epochs that were done when it was opened. */
  resumedEpochs = 0;
  readonly #directory: string;
  readonly #path: string;
  #identity = "";
  #last: number | undefined;
  /** Which file this process has read or written last. */
  #own: string | undefined;

  constructor(directory: string, options: CheckpointOptions) {
    const { everyMilliseconds, resume } = checkCheckpointOptions(options);
    this.everyMilliseconds = everyMilliseconds;
    this.#directory = directory;
    this.#path = join(directory, NAME);
    checkDirectory(directory, (name) => name === NAME, resume);
  }

  open(identity: string): TrainingState | undefined {
    this.#identity = identity;
    // what an interrupted process left over
    for (const name of fs.readdirSync(this.#directory)) {
      if (UNFINISHED.test(name)) fs.rmSync(join(this.#directory, name), { force: true });
    }
    this.#own = this.#stamp();
    if (this.#own === undefined) return undefined;
    const state = this.#read();
    this.resumedEpochs = state.epoch;
    this.#last = state.epoch;
    return state;
  }

  keep({ bytes, ...head }: TrainingState): void {
    const text = Buffer.from(JSON.stringify({ identity: this.#identity, ...head }, encode));
    const lead = Buffer.alloc(LEAD);
    lead.write(MAGIC, "latin1");
    lead.writeUInt32LE(text.length, MAGIC.length);
    const hash = createHash("sha256").update(lead).update(text).update(bytes).digest();
    const temporary = join(this.#directory, `.training.state.${randomBytes(8).toString("hex")}.tmp`);
    if (this.#stamp() !== this.#own) {
      throw new Error(`checkpoint: another process writes to ${show(this.#directory)} (${NAME} is not this one's)`);
    }
    try {
      const file = fs.openSync(temporary, "w");
      try {
        for (const part of [lead, text, bytes, hash]) fs.writeFileSync(file, part);
        fs.fsyncSync(file);
      } finally {
        fs.closeSync(file);
      }
      fs.renameSync(temporary, this.#path);
      syncDirectory(this.#directory);
      this.#own = this.#stamp();
      this.#last = head.epoch;
    } catch (error) {
      fs.rmSync(temporary, { force: true });
      const stands = this.#last === undefined ? "" : `; the last one stands, of epoch ${this.#last}`;
      throw new Error(`checkpoint: cannot write in ${show(this.#directory)} (${reason(error)})${stands}`, {
        cause: error,
      });
    }
  }

  /** Removes the checkpoint: what was trained is elsewhere. */
  remove(): void {
    fs.rmSync(this.#path, { force: true });
  }

  #stamp(): string | undefined {
    const found = fs.statSync(this.#path, { throwIfNoEntry: false });
    return found && `${found.ino} ${found.mtimeMs}`;
  }

  #read(): TrainingState {
    const refuse = (what: string, cause?: unknown): RangeError =>
      new RangeError(
        `checkpoint: expected one of this training in ${show(this.#directory)}, got another: ${NAME}: ${what}; remove it, or take another directory`,
        { cause },
      );
    let file: Buffer;
    try {
      file = fs.readFileSync(this.#path);
    } catch (error) {
      throw refuse(reason(error, "file"), error);
    }
    if (file.length < LEAD + DIGEST) throw refuse(`damaged: ${file.length} bytes`);
    if (file.toString("latin1", 0, MAGIC.length) !== MAGIC) throw refuse("no training of this version");
    const content = file.subarray(0, file.length - DIGEST);
    if (
      !createHash("sha256")
        .update(content)
        .digest()
        .equals(file.subarray(file.length - DIGEST))
    ) {
      throw refuse("damaged: its SHA-256 is not that of its bytes");
    }
    const end = LEAD + file.readUInt32LE(MAGIC.length);
    if (end > content.length) throw refuse("damaged: its head is cut off");
    let head: { identity: string; epoch: number; convergedAt?: number; history: TrainingRecord[] };
    try {
      head = JSON.parse(content.toString("utf8", LEAD, end), decode);
      checkOptions("head", head, ["identity", "epoch", "convergedAt", "history"]);
      checkInteger("epoch", head.epoch, 0, 2 ** 31);
      if (head.convergedAt !== undefined) checkInteger("convergedAt", head.convergedAt, 0, head.epoch);
      if (!Array.isArray(head.history)) throw new TypeError(`history: expected an array, got ${show(head.history)}`);
    } catch (error) {
      throw refuse(`damaged: its head (${(error as Error).message})`, error);
    }
    const difference = differenceOfTexts(this.#identity, head.identity);
    if (difference) throw refuse(difference);
    const { epoch, convergedAt, history } = head;
    return { epoch, convergedAt, history, bytes: new Uint8Array(content.subarray(end)) };
  }
}

/**
 * Keeps a training in a directory while it is under way, so that whatever ends the process, no more than one interval (and the
 * epoch under way) is lost; a training that goes on from there ends with the same bits as one that was never interrupted.
 *
 * @param directory an existing directory, of this training's own.
 * @throws TypeError, RangeError naming the argument: no such directory; one that holds a checkpoint, without `resume`.
 * @example
 * const checkpoint = trainingCheckpointTo("state", { every: 60, resume: true });
 * const points = { points: 4, features: 2, inputs: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), targets: Float32Array.of(0, 1, 1, 0) };
 * const { parameters } = await train({ layers: [2, 8, 1] }, points, { loss: "bce", maxEpochs: 50, checkpoint });
 * checkpoint.remove(); // once the parameters are elsewhere
 */
export function trainingCheckpointTo(directory: string, options: CheckpointOptions = {}): DirectoryTrainingCheckpoint {
  return new DirectoryTrainingCheckpoint(directory, options);
}
