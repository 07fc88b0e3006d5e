/**
 * How a study was made: the end of every report.
 *
 * @module
 */
import type { StudyRecords } from "../study/study.ts";
import { escapeHtml, formatNumber, formatWhole } from "./format.ts";
import { factsTable } from "./page.ts";

/** Files of a study in its directory, beside the report. */
export const STUDY_FILES = {
  report: "report.html",
  records: "records.json",
  table: "records.parquet",
  /** While it is under way. */
  partial: "records.partial.jsonl",
} as const;

/** A settings object as text: `layers 7, 40, 40, 1; train 64`. */
function settingsText(settings: object): string {
  return Object.entries(settings)
    .map(([name, value]) => {
      const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
      const text = typeof value === "object" ? JSON.stringify(value) : String(value);
      return `${words} ${text
        .replaceAll(/["[\]{}]/g, "")
        .replaceAll(",", ", ")
        .replaceAll(":", " ")}`;
    })
    .join("; ");
}

/**
 * Command, version, seed, settings, times, and links to the records.
 *
 * @param sources HTML: the papers.
 */
export function provenance(records: StudyRecords<object, unknown, unknown>, sources: string): string {
  const { run, settings, seed, version, data } = records;
  const { records: json, table } = STUDY_FILES;
  return `<h2>How this was made</h2>
<p>The same version, seed, settings and data give the same records to the bit, whatever the machine and the number of workers.</p>
${factsTable([
  ["command", run.command && `<code>${escapeHtml(run.command)}</code>`],
  ["flatvol", escapeHtml(version)],
  ["seed", escapeHtml(seed)],
  ["settings", escapeHtml(settingsText(settings))],
  ["data", data && `SHA-256 <code>${escapeHtml(data)}</code>`],
  ["began", run.startedAt && escapeHtml(run.startedAt)],
  ["took", run.seconds === undefined ? undefined : `${formatNumber(run.seconds, 3)} s`],
  ["workers", run.workers === undefined ? undefined : formatWhole(run.workers)],
  ["platform", run.platform && escapeHtml(run.platform)],
  ["records", `<a href="${json}">${json}</a>, <a href="${table}">${table}</a>`],
])}
<p class="soft">${sources}</p>`;
}
