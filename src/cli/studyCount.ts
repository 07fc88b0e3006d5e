/**
 * `flatvol study count`, which is also `npm start`.
 *
 * @module
 */
import { join } from "node:path";
import { checkWritableFile, writeFileWhole } from "../data/files.ts";
import { createPool } from "../engine/pool.ts";
import { countReport } from "../report/count.ts";
import { formatNumber, formatWhole } from "../report/format.ts";
import { TableWriter } from "../report/tableWriter.ts";
import { type CountRecords, countRecords } from "../study/count.ts";
import { countFunctions } from "../volume/count.ts";
import { UsageError } from "./arguments.ts";
import { topLines, totals } from "./count.ts";
import { type CountFlags, countOptionsOf, networkOf } from "./networkOptions.ts";
import { makeDirectory, removeIfEmpty } from "./outputDirectory.ts";
import { checkingInput, type Session } from "./session.ts";
import { factLines } from "./textTable.ts";

/** Flags of the verb. */
export interface StudyCountFlags extends CountFlags {
  readonly out: string;
  readonly quick?: boolean;
}

const SAMPLES = 1_000_000;
const QUICK_SAMPLES = 100_000;

/** Files of the study, in its directory. */
const FILES = { report: "report.html", table: "functions.parquet", records: "records.json" } as const;

export async function studyCount(flags: StudyCountFlags, session: Session, command: string): Promise<void> {
  if (flags.quick && flags.samples !== undefined) throw new UsageError("--quick: expected without --samples");
  const samples = flags.samples ?? (flags.quick ? QUICK_SAMPLES : SAMPLES);
  const network = networkOf(flags);
  const { workers, ...options } = countOptionsOf(flags, session);
  const pool = createPool({ workers });
  const paths = {
    report: join(flags.out, FILES.report),
    table: join(flags.out, FILES.table),
    records: join(flags.out, FILES.records),
  };
  const made = makeDirectory(flags.out);
  let finished = false;
  try {
    for (const path of Object.values(paths)) checkingInput("--out", () => checkWritableFile(path));
    const startedAt = new Date().toISOString();
    const started = performance.now();
    const table = await countFunctions(network, { ...options, samples, pool });
    const seconds = (performance.now() - started) / 1000;
    try {
      const { signal } = session;
      const writer = new TableWriter(table, paths.table);
      let records: CountRecords;
      try {
        records = await countRecords(table, {
          pool,
          signal,
          visit: (batch) => writer.add(batch),
          onProgress: (rows, total) => session.progress.show("describing", rows, total),
          run: {
            command,
            startedAt,
            seconds,
            samplesPerSecond: table.samples / seconds,
            workers: pool.size,
            platform: `node ${process.versions.node}, ${process.platform} ${process.arch}`,
          },
        });
        signal.throwIfAborted();
        await writer.finish();
      } finally {
        writer.abandon();
      }
      writeFileWhole(paths.records, `${JSON.stringify(records)}\n`);
      writeFileWhole(paths.report, countReport(records));
      finished = true;
      session.progress.clear();
      if (session.json) session.printJson({ ...records, files: paths });
      else {
        const [found] = records.correlations;
        session.print(
          [
            ...topLines(records.top),
            "",
            ...factLines([
              ...totals(table, { seconds }, records.digest),
              ...(found?.spearman.value == null
                ? []
                : [
                    [
                      "log P and complexity",
                      `Spearman ${formatNumber(found.spearman.value, 3)} over ${formatWhole(found.functions)} functions`,
                    ] as const,
                  ]),
              ["report", paths.report],
              ["table", paths.table],
              ["records", paths.records],
            ]),
          ].join("\n"),
        );
      }
    } finally {
      table.close();
    }
  } finally {
    options.spill?.close();
    pool.close();
    if (!finished) removeIfEmpty(made);
  }
}
