/**
 * `flatvol merge`.
 *
 * @module
 */
import { join } from "node:path";
import { checkWritableFile } from "../data/files.ts";
import { show } from "../engine/checks.ts";
import { createPool } from "../engine/pool.ts";
import { formatWhole } from "../report/format.ts";
import { mergeTableFiles } from "../report/mergeFiles.ts";
import { STUDY_FILES } from "../report/provenance.ts";
import { mergeRecordFiles } from "../study/mergeRecords.ts";
import { UsageError } from "./arguments.ts";
import { checkTableFlags, showTable, type TableFlags } from "./count.ts";
import { spillOf } from "./networkOptions.ts";
import { makeDirectory, removeIfEmpty } from "./outputDirectory.ts";
import { type CommonOptions, checkingInput, type Session } from "./session.ts";
import { factLines } from "./textTable.ts";

/** Flags of the verb. */
export interface MergeFlags extends TableFlags, CommonOptions {
  readonly workers?: number;
  readonly memory: number;
  readonly spill?: string;
}

export async function merge(files: readonly string[], flags: MergeFlags, session: Session): Promise<void> {
  const ofStudy = files.filter((file) => file.endsWith(".jsonl"));
  if (ofStudy.length === files.length) return mergeStudy(files, flags, session);
  if (ofStudy.length > 0)
    throw new UsageError(`FILE: expected either tables or records, got ${show(ofStudy[0])} among tables`);
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

/** Puts records where the study goes on. */
function mergeStudy(files: readonly string[], { out }: MergeFlags, session: Session): void {
  if (out === undefined) throw new UsageError("--out: expected the directory of the study");
  const made = makeDirectory(out);
  try {
    checkingInput("--out", () => checkWritableFile(join(out, STUDY_FILES.partial)));
    const { study, seed, records, path } = mergeRecordFiles(files, out, STUDY_FILES.partial);
    if (session.json) session.printJson({ study, seed, records, files: { records: path } });
    else {
      const rest = `flatvol study ${study} --seed ${seed} --out ${out}`;
      for (const line of factLines([
        ["records", `${formatWhole(records)} in ${path}`],
        ["goes on with", rest],
      ]))
        session.print(line);
    }
  } finally {
    removeIfEmpty(made);
  }
}
