/**
 * The report of the studies on pictures.
 *
 * @module
 */
import { show } from "../engine/checks.ts";
import type { DataRecord, ImageRecord, ImageSettings } from "../study/images.ts";
import type { VolumeRecord } from "../study/networks.ts";
import type { PredictionAnalysis } from "../study/prediction.ts";
import type { StudyRecords } from "../study/study.ts";
import { escapeHtml, formatNumber, formatWhole } from "./format.ts";
import { dataTable, page } from "./page.ts";
import { audits, predictionPictures, predictorTable, signed } from "./prediction.ts";
import { provenance } from "./provenance.ts";

/** Records of the studies "mnist", "cifar" and "optimizers". */
export type ImageRecords = StudyRecords<ImageSettings, ImageRecord, PredictionAnalysis>;

const TITLES: Readonly<Record<string, string>> = {
  mnist: "What tells how well a network reads digits?",
  cifar: "What tells how well a network knows cars from cats?",
  optimizers: "Does what predicts generalisation depend on the optimiser?",
};

/**
 * One self-contained page: no script, nothing fetched. The same records give the same bytes.
 *
 * @throws TypeError if they are no such records.
 */
export function imageReport(records: ImageRecords): string {
  if (typeof records !== "object" || records === null || !Object.hasOwn(TITLES, records.study)) {
    throw new TypeError(`records: expected records of a study on pictures, got ${show(records)}`);
  }
  const { settings, analysis } = records;
  const networks = records.records.flatMap((record) => (record.kind === "network" ? [record] : []));
  const data = records.records.find((record) => record.kind === "data");
  const title = TITLES[records.study];
  const task = networks[0]?.task ?? "";
  const prediction = { networks, analysis, colourBy: records.study === "optimizers" ? "optimizer" : "task" } as const;
  return page(
    title,
    [
      `<h1>${title}</h1>`,
      `<p>Networks with hidden layers of ${settings.hidden.join(" and ")} units are trained to zero error on ${formatWhole(settings.train)} pictures
(${escapeHtml(task)}), the training set S, together with an attack set of further pictures whose labels are flipped; E are ${formatWhole(settings.test)} others. The larger
the attack set, the worse the network does on E, while S is always right. The volume P(f) of a network's function f on the ${formatWhole(settings.train + settings.test)} pictures of S and E
is that of the limit of infinite width, by expectation propagation (EP).</p>`,
      predictionPictures(prediction),
      predictorTable(analysis),
      audits(prediction, data ? majorityText(data) : ""),
      exactTable(analysis),
      data && settings.volumes.length > 0 ? dataPart(data) : "",
      provenance(
        records,
        `The study: S. Zhang, I. Reid, G. Valle-Pérez, A. A. Louis, <em>Why flatness does and does not correlate with generalization for deep neural
networks</em>, arXiv 2103.06219, figures 3 and 4. Kernel: Lee et al. 2018; Cho &amp; Saul 2009. EP: Rasmussen &amp; Williams 2006, section 3.6. Exact orthants: Genz 1992; Botev
2017. Granulated Kendall: Jiang et al. 2020.`,
      ),
    ].join("\n"),
  );
}

function majorityText({ ones, train, majority }: DataRecord): string {
  return `${formatWhole(ones)} of the ${formatWhole(train)} pictures of S have label 1; who always gave the more frequent answer would be right on ${formatNumber(100 * majority, 3)} % of E.`;
}

function volumeText({ log10P, standardError }: VolumeRecord): string {
  if (log10P === null) return "–";
  return `${signed(log10P, 3)}${standardError === null ? "" : `<small>± ${formatNumber(standardError, 2)}</small>`}`;
}

/** How far the approximations are from the truth. */
function exactTable({ checks }: PredictionAnalysis): string {
  if (checks.length === 0) return "";
  const difference = (a: VolumeRecord, b: VolumeRecord): string =>
    a.log10P === null || b.log10P === null ? "–" : signed(a.log10P - b.log10P, 3);
  return `<h2>How good the approximations are</h2>
<p>EP has no standard error. The same Gaussian orthant without its approximation, by sampling, unbiased, with one standard error, for some of the networks:</p>
${dataTable(
  ["attack set", "accuracy on E", "<likelihood", "EP", "exact", "EP − exact"],
  checks.map(({ attack, accuracy, approximation, approximate, true: exact }) => [
    formatWhole(attack),
    accuracy === null ? "–" : `${formatNumber(100 * accuracy, 3)} %`,
    approximation === "ep" ? "step: P(f) itself" : "probit",
    volumeText(approximate),
    volumeText(exact),
    difference(approximate, exact),
  ]),
)}`;
}

/** P(S), and the function that is right everywhere. */
function dataPart({ volumeOfS, volumeOfTruth }: DataRecord): string {
  const methods = [...new Set([...Object.keys(volumeOfS), ...Object.keys(volumeOfTruth)])];
  const cell = (volume: VolumeRecord | undefined): string => (volume ? volumeText(volume) : "–");
  return `<h2>The training set</h2>
<p>P(S), the volume of all functions that are right on S, bounds the P(f) of each of them; beside it the volume of the function that is right on S and on E. log₁₀:</p>
${dataTable(
  ["<method", "P(S)", "P(truth on S and E)"],
  methods.map((method) => [method, cell(volumeOfS[method]), cell(volumeOfTruth[method])]),
)}`;
}
