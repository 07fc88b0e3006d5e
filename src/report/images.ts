/**
 * The report of the studies on pictures.
 *
 * @module
 */
import { show } from "../engine/checks.ts";
import type { ImageSettings } from "../study/images.ts";
import type { NetworkRecord } from "../study/networks.ts";
import type { PredictionAnalysis } from "../study/prediction.ts";
import type { StudyRecords } from "../study/study.ts";
import { escapeHtml, formatWhole } from "./format.ts";
import { page } from "./page.ts";
import { audits, predictionPictures, predictorTable } from "./prediction.ts";
import { provenance } from "./provenance.ts";

/** Records of the studies "mnist", "cifar" and "optimizers". */
export type ImageRecords = StudyRecords<ImageSettings, NetworkRecord, PredictionAnalysis>;

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
  const { settings, analysis, records: networks } = records;
  const title = TITLES[records.study];
  const task = networks[0]?.task ?? "";
  const prediction = { networks, analysis, colourBy: records.study === "optimizers" ? "optimizer" : "task" } as const;
  return page(
    title,
    [
      `<h1>${title}</h1>`,
      `<p>Networks with hidden layers of ${settings.hidden.join(" and ")} units are trained to zero error on ${formatWhole(settings.train)} pictures
(${escapeHtml(task)}), the training set S, together with an attack set of further pictures whose labels are flipped; E are ${formatWhole(settings.test)} others. The larger
the attack set, the worse the network does on E, while S is always right.</p>`,
      predictionPictures(prediction),
      predictorTable(analysis),
      audits(prediction, ""),
      provenance(
        records,
        `The study: S. Zhang, I. Reid, G. Valle-Pérez, A. A. Louis, <em>Why flatness does and does not correlate with generalization for deep neural
networks</em>, arXiv 2103.06219, figures 3 and 4. Granulated Kendall: Jiang et al. 2020.`,
      ),
    ].join("\n"),
  );
}
