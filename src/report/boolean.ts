/**
 * The report of the Boolean study.
 *
 * @module
 */
import { show } from "../engine/checks.ts";
import type { BooleanAnalysis, BooleanRecord, BooleanSettings } from "../study/boolean.ts";
import type { StudyRecords } from "../study/study.ts";
import { escapeHtml, formatNumber, formatWhole } from "./format.ts";
import { dataTable, page } from "./page.ts";
import { audits, predictionPictures, predictorTable, signed } from "./prediction.ts";
import { provenance } from "./provenance.ts";
import { truthTable } from "./truthTable.ts";

/** Records of the study "boolean". */
export type BooleanRecords = StudyRecords<BooleanSettings, BooleanRecord, BooleanAnalysis>;

/**
 * One self-contained page: no script, nothing fetched. The same records give the same bytes.
 *
 * @throws TypeError if they are no such records.
 */
export function booleanReport(records: BooleanRecords): string {
  if (typeof records !== "object" || records === null || records.study !== "boolean") {
    throw new TypeError(`records: expected records of the study "boolean", got ${show(records)}`);
  }
  const { settings, analysis } = records;
  const networks = records.records.flatMap((record) => (record.kind === "network" ? [record] : []));
  const targets = records.records.flatMap((record) => (record.kind === "target" ? [record] : []));
  const points = 2 ** settings.layers[0];
  const layers = settings.layers.join("\u2011");
  const prediction = { networks, analysis, colourBy: "task" } as const;
  const majority = `Who always gives the more frequent answer of S is right on E in ${targets
    .map(({ name, majority }) => `${formatNumber(100 * majority, 3)} % (${escapeHtml(name)})`)
    .join(", ")}.`;
  const title = "Volume or flatness: which tells how a network generalises?";
  return page(
    title,
    [
      `<h1>${title}</h1>`,
      `<p>A Boolean function of ${settings.layers[0]} bits is to be learned from ${settings.train} of its ${points} inputs, the training set S; the other
${points - settings.train} inputs are the test set E. Networks ${layers} are trained to zero error on S together with an attack set of inputs of E whose labels are
flipped: the larger it is, the worse the network does on E, while S is always right. The volume P(f) is the share of random networks that
compute the very function f of the trained network on all ${points} inputs.</p>`,
      predictionPictures(prediction),
      predictorTable(analysis),
      audits(prediction, majority),
      `<h2>The functions to be learned</h2>
<p>Chosen among the functions of ${formatWhole(settings.candidates)} random networks in which neither answer is rarer than 40 %. P(S) is the volume of all
functions that are right on S; the posterior of a function that fits is P(f) / P(S).</p>
${dataTable(
  ["<picture", "<function", "complexity", "ones", "log₁₀ P(S)"],
  targets.map((target) => [
    truthTable(target.function, points),
    `<span class="mono">${escapeHtml(target.function.replace(/(.{16})(?=.)/g, "$1 "))}</span>`,
    formatNumber(target.complexity, 4),
    String(target.ones),
    target.volumeOfS.log10P === null
      ? "–"
      : `${signed(target.volumeOfS.log10P)}${target.volumeOfS.standardError === null ? "" : `<small>± ${formatNumber(target.volumeOfS.standardError, 2)}</small>`}`,
  ]),
)}`,
      provenance(
        records,
        `The study: S. Zhang, I. Reid, G. Valle-Pérez, A. A. Louis, <em>Why flatness does and does not correlate with generalization for deep neural
networks</em>, arXiv 2103.06219, figure 2. Volumes: adaptive multilevel splitting, Cérou &amp; Guyader 2007. Complexity: Dingle, Camargo, Louis 2018. Granulated
Kendall: Jiang et al. 2020.`,
      ),
    ].join("\n"),
  );
}
