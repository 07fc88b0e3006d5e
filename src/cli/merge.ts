/**
 * `flatvol merge`.
 *
 * @module
 */
import { createPool } from "../engine/pool.ts";
import { mergeTableFiles } from "../report/mergeFiles.ts";
import { checkTableFlags, showTable, type TableFlags } from "./count.ts";
import { spillOf } from "./networkOptions.ts";
import type { CommonOptions, Session } from "./session.ts";

/** Flags of the verb. */
export interface MergeFlags extends TableFlags, CommonOptions {
  readonly workers?: number;
  readonly memory: number;
  readonly spill?: string;
}

export async function merge(files: readonly string[], flags: MergeFlags, session: Session): Promise<void> {
  checkTableFlags(flags);
  const spill = spillOf(flags.spill);
  const pool = createPool({ workers: flags.workers });
  try {
    const table = await mergeTableFiles(files, {
      signal: session.signal,
      memoryLimit: flags.memory,
      spill,
      onProgress: (done, total) => session.progress.show("reading", done, total),
    });
    try {
      await showTable(table, undefined, flags, session, pool);
    } finally {
      table.close();
    }
  } finally {
    spill?.close();
    pool.close();
  }
}
