/**
 * The report of the bias study.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { show } from "../engine/checks.ts";
import type { BiasAnalysis, BiasRecord, BiasSettings } from "../study/bias.ts";
import type { StudyRecords } from "../study/study.ts";
import { type Canvas, decades, figure, formatDecade, key, legend, panel } from "./figure.ts";
import { escapeHtml, formatNumber, formatShare, formatWhole } from "./format.ts";
import { dataTable, page } from "./page.ts";
import { coefficient } from "./prediction.ts";
import { provenance } from "./provenance.ts";

/** Records of the study "bias". */
export type BiasRecords = StudyRecords<BiasSettings, BiasRecord, BiasAnalysis>;

/** Zipf's law for a distribution over 2^m functions, 1 / (rank ln 2^m), down to the lowest probability shown. */
function zipf(inputs: number, last: number, lowest: number): Array<{ rank: number; probability: number }> {
  const one = 1 / (inputs * Math.LN2);
  return [1, Math.min(last, one / lowest)].map((rank) => ({ rank, probability: one / rank }));
}

function rankPlot(shown: readonly BiasRecord[], all: readonly BiasRecord[]): (canvas: Canvas) => Plot.PlotOptions {
  const last = Math.max(10, ...all.map(({ distinct }) => distinct));
  const lowest =
    Math.min(...all.flatMap(({ rankFrequency }) => rankFrequency.map(({ probability }) => probability))) / 2;
  return (canvas) => ({
    x: {
      type: "log",
      domain: [1, last],
      label: "rank of the function →",
      labelAnchor: "right",
      ticks: decades(1, last, canvas.narrow ? 3 : 8),
      tickFormat: formatDecade,
      grid: true,
    },
    y: {
      type: "log",
      domain: [lowest, 1],
      label: "↑ probability P(f)",
      ticks: decades(lowest, 1, canvas.narrow ? 4 : 8),
      tickFormat: formatDecade,
      grid: true,
    },
    marks: [
      Plot.line(zipf(all[0].inputs, last, lowest), {
        x: "rank",
        y: "probability",
        stroke: "var(--second)",
        strokeWidth: 1.6,
        strokeDasharray: "6 4",
      }),
      ...shown.flatMap(({ rankFrequency }) => [
        Plot.areaY(rankFrequency, {
          x: "rank",
          y1: (d: { low: number }) => Math.max(d.low, lowest),
          y2: "high",
          fill: "var(--mark-soft)",
        }),
        Plot.line(rankFrequency, {
          x: "rank",
          y: "probability",
          stroke: "var(--mark)",
          strokeWidth: shown.length > 1 ? 1.1 : 2,
        }),
      ]),
    ],
  });
}

/**
 * One self-contained page: no script, nothing fetched. The same records give the same bytes.
 *
 * @throws TypeError if they are no such records.
 */
export function biasReport(records: BiasRecords): string {
  if (typeof records !== "object" || records === null || records.study !== "bias") {
    throw new TypeError(`records: expected records of the study "bias", got ${show(records)}`);
  }
  const { records: priors, analysis } = records;
  const keys = legend([
    key("line", "var(--mark)", "counted, with 95 % intervals"),
    key("line dashed", "var(--second)", "Zipf's law, no free parameter"),
  ]);
  const title = "Which functions do random networks compute?";
  const largest = Math.max(...priors.flatMap(({ byComplexity }) => byComplexity.map(({ complexity }) => complexity)));
  const complexityPlot =
    (prior: BiasRecord) =>
    (canvas: Canvas): Plot.PlotOptions => {
      const dots = prior.byComplexity.map((level) => ({
        complexity: level.complexity,
        most: level.largest / prior.samples,
      }));
      const lowest = 0.5 / prior.samples;
      return {
        x: { domain: [0, largest], label: "Lempel-Ziv complexity →", labelAnchor: "right", ticks: 5 },
        y: {
          type: "log",
          domain: [lowest, 1],
          label: "↑ largest P(f)",
          ticks: decades(lowest, 1, canvas.narrow ? 4 : 8),
          tickFormat: formatDecade,
          grid: true,
        },
        marks: [Plot.dot(dots, { x: "complexity", y: "most", fill: "var(--mark)", r: 2 })],
      };
    };
  return page(
    title,
    [
      `<h1>${title}</h1>`,
      `<p>Of each prior ${formatWhole(records.settings.samples)} networks were drawn and their functions counted. Were all functions equally likely, none would have come up
twice.</p>`,
      `<p class="finding">${escapeHtml(analysis.finding)}</p>`,
      `<h2>Frequency and rank</h2>`,
      figure(
        "Probability of a function against its rank, all priors",
        rankPlot(priors, priors),
        keys,
        "All priors together; each apart below.",
      ),
      `<div class="panels">${priors.map((prior) => panel(`Probability against rank for ${prior.name}`, rankPlot([prior], priors), escapeHtml(prior.name))).join("\n")}</div>`,
      `<h2>Probability and complexity</h2>
<p>The most frequent function of each complexity.</p>
<div class="panels">${priors.map((prior) => panel(`Largest probability against complexity for ${prior.name}`, complexityPlot(prior), escapeHtml(prior.name))).join("\n")}</div>`,
      `<h2>All priors</h2>
${dataTable(
  ["<prior", "functions", "always the same", "entropy, nats", "<Spearman of log P and complexity", "functions in it"],
  priors.map((prior) => [
    escapeHtml(prior.name),
    formatWhole(prior.distinct),
    formatShare(prior.constants),
    prior.entropy === null ? "–" : formatNumber(prior.entropy, 3),
    coefficient(prior.correlation.spearman),
    formatWhole(prior.correlation.functions),
  ]),
)}`,
      provenance(
        records,
        `G. Valle-Pérez, C. Q. Camargo, A. A. Louis, <em>Deep learning generalizes because the parameter-function map is biased towards simple functions</em>,
arXiv 1805.08522, figure 1.`,
      ),
    ].join("\n"),
  );
}
