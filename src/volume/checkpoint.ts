/**
 * A count that is kept while it is under way, as parts: the sorted rows of stretches of bodies that follow each other.
 *
 * @module
 */
import type { EngineBuild } from "../engine/build.ts";
import type { CountIdentity } from "./countIdentity.ts";
import { FAN_IN, type Keeper, mergeRuns, type Run } from "./rows.ts";

/** The rows of bodies `first` to `end - 1`, kept. */
export interface CheckpointPart {
  readonly first: number;
  readonly end: number;
  /** Merges that made it: parts of one level are of like size. */
  readonly level: number;
  /** Segments that may be read until the store is closed; `release` does nothing. */
  readonly run: Run;
}

/** A part that is being written. */
export interface CheckpointWriter extends Keeper {
  /** Makes it safe, and forgets the parts that it replaces. */
  finish(replaced: readonly CheckpointPart[]): CheckpointPart;
  /** Forgets it; nothing to do after `finish`. */
  abandon(): void;
}

/** Keeps parts: in Node, files (`checkpointTo` of "flatvol/node"). */
export interface CheckpointStore {
  /** Milliseconds between two checkpoints. */
  readonly everyMilliseconds: number;
  /**
   * Begins, or takes up, a count.
   *
   * @returns the parts that are there, in order, the first from body `first` on.
   * @throws RangeError naming `checkpoint`: there is something, and it is damaged or not of this count.
   */
  open(identity: CountIdentity, bits: number, first: number, end: number): readonly CheckpointPart[];
  begin(first: number, end: number, level: number): CheckpointWriter;
  /** Lets go of the files; they stay. */
  close(): void;
}

/** The parts of one count. */
export class Checkpoint {
  readonly parts: CheckpointPart[];

  constructor(
    readonly store: CheckpointStore,
    identity: CountIdentity,
    bits: number,
    first: number,
    end: number,
  ) {
    this.parts = [...store.open(identity, bits, first, end)];
  }

  /** The end of the last part. */
  reached(first: number): number {
    return this.parts.at(-1)?.end ?? first;
  }

  /**
   * Keeps the rows of the bodies that follow, and merges parts as they become many: each row is then written a few times
   * only however many checkpoints there are.
   *
   * @param run released as it is written.
   */
  async save(first: number, end: number, run: Run, engine: EngineBuild, pause: () => Promise<void>): Promise<void> {
    await this.#write(first, end, 0, [], async (writer) => {
      for (const segment of run) {
        writer.keep(segment.read());
        segment.release();
        await pause();
      }
    });
    for (let last = this.parts.at(-1)!; ; last = this.parts.at(-1)!) {
      const same = this.parts.slice(-FAN_IN);
      if (same.length < FAN_IN || same.some(({ level }) => level !== last.level)) return;
      await this.#write(same[0].first, last.end, last.level + 1, same, async (writer) => {
        const runs = same.map((part) => part.run);
        await engine.lend((kernels) => mergeRuns(kernels, writer, runs, pause, false));
      });
    }
  }

  async #write(
    first: number,
    end: number,
    level: number,
    replaced: readonly CheckpointPart[],
    fill: (writer: CheckpointWriter) => Promise<void>,
  ): Promise<void> {
    const writer = this.store.begin(first, end, level);
    try {
      await fill(writer);
      const part = writer.finish(replaced);
      this.parts.splice(this.parts.length - replaced.length, replaced.length, part);
    } finally {
      writer.abandon();
    }
  }
}
