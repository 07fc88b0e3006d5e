/**
 * Flags of verbs that keep what they have while they run.
 *
 * @module
 */
import { Option } from "commander";
import { checkpointTo, type DirectoryCheckpoint } from "../volume/checkpointTo.ts";
import { parseDuration, UsageError } from "./arguments.ts";
import { flag } from "./flags.ts";
import { makeDirectory, removeIfEmpty } from "./outputDirectory.ts";

/** What commander makes of them. */
export interface CheckpointFlags {
  readonly checkpoint?: string;
  readonly every?: number;
  readonly resume?: boolean;
}

export function checkpointFlags(): Option[] {
  return [
    new Option("--checkpoint <dir>", "keep the count here while it runs; removed when all is done"),
    flag("--every <time>", "time between two checkpoints, such as 90s, 5m or 2h (default: 5m)", parseDuration),
    new Option("--resume", "go on from the checkpoint, if there is one"),
  ];
}

/** A checkpoint and the directories that were made for it. */
export interface OpenCheckpoint {
  readonly store: DirectoryCheckpoint;
  /** Removes what is not needed any more. @param finished whether the results are elsewhere. */
  end(finished: boolean): void;
}

/** The checkpoint that the flags ask for. */
export function checkpointOf({ checkpoint, every, resume }: CheckpointFlags): OpenCheckpoint | undefined {
  if (checkpoint === undefined) {
    const lone = resume ? "--resume" : every === undefined ? undefined : "--every";
    if (lone) throw new UsageError(`${lone}: expected beside --checkpoint`);
    return undefined;
  }
  const made = makeDirectory(checkpoint, "--checkpoint");
  try {
    const store = checkpointTo(checkpoint, { every, resume });
    return {
      store,
      end: (finished) => {
        if (finished) store.remove();
        removeIfEmpty(made);
      },
    };
  } catch (error) {
    removeIfEmpty(made);
    throw error;
  }
}
