/**
 * Flags of verbs that keep what they have while they run.
 *
 * @module
 */
import fs from "node:fs";
import { join } from "node:path";
import { Option } from "commander";
import { show } from "../engine/checks.ts";
import { RecordFile } from "../study/recordFile.ts";
import type { StudyIdentity } from "../study/run.ts";
import { type CheckpointOptions, checkDirectory } from "../volume/checkpointTo.ts";
import { parseDuration, UsageError } from "./arguments.ts";
import { flag } from "./flags.ts";
import { makeDirectory, removeIfEmpty } from "./outputDirectory.ts";

/** What commander makes of them. */
export interface CheckpointFlags {
  readonly checkpoint?: string;
  readonly every?: number;
  readonly resume?: boolean;
}

/**
 * @param what is kept: "the count".
 * @param every what --every is, with its default.
 */
export function checkpointFlags(what: string, every = "time between two checkpoints"): Option[] {
  const standard = every.includes("default") ? "" : " (default: 5m)";
  return [
    new Option("--checkpoint <dir>", `keep ${what} here while it runs; removed when all is done`),
    flag("--every <time>", `${every}, such as 90s, 5m or 2h${standard}`, parseDuration),
    new Option("--resume", "go on from the checkpoint, if there is one"),
  ];
}

/** What a checkpoint is kept in. */
export interface KeptStore {
  /** Removes it: the results are elsewhere. */
  remove(): void;
  close?(): void;
}

/** A checkpoint and the directories that were made for it. */
export interface OpenCheckpoint<S extends KeptStore> {
  readonly store: S;
  /** Removes what is not needed any more. @param finished whether the results are elsewhere. */
  end(finished: boolean): void;
}

/**
 * The checkpoint that the flags ask for.
 *
 * @param open a store in the directory.
 */
export function checkpointOf<S extends KeptStore>(
  { checkpoint, every, resume }: CheckpointFlags,
  open: (directory: string, options: CheckpointOptions) => S,
): OpenCheckpoint<S> | undefined {
  if (checkpoint === undefined) {
    const lone = resume ? "--resume" : every === undefined ? undefined : "--every";
    if (lone) throw new UsageError(`${lone}: expected beside --checkpoint`);
    return undefined;
  }
  const made = makeDirectory(checkpoint, "--checkpoint");
  try {
    const store = open(checkpoint, { every, resume });
    return {
      store,
      end: (finished) => {
        if (finished) store.remove();
        else store.close?.();
        removeIfEmpty(made);
      },
    };
  } catch (error) {
    removeIfEmpty(made);
    throw error;
  }
}

/** Opens a file of records as a checkpoint, for `checkpointOf`. */
export function recordsIn(
  name: string,
  identity: StudyIdentity,
): (directory: string, options: CheckpointOptions) => RecordFile {
  return (directory, { every = 0, resume = false }) => {
    const path = join(directory, name);
    // one that a full disk left empty holds nothing
    checkDirectory(directory, (file) => file === name && fs.statSync(path).size > 0, resume);
    try {
      return new RecordFile(path, identity, undefined, 1000 * every);
    } catch (error) {
      const { message, cause } = error as Error;
      const misused = error instanceof RangeError || (cause as NodeJS.ErrnoException | undefined)?.code === "EISDIR";
      const text = `checkpoint: ${show(directory)}: ${message}`;
      throw misused ? new RangeError(text, { cause: error }) : new Error(text, { cause: error });
    }
  };
}
