/**
 * The report of the posterior study.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { show } from "../engine/checks.ts";
import type { PosteriorAnalysis, PosteriorRecord, PosteriorSettings } from "../study/posterior.ts";
import type { StudyRecords } from "../study/study.ts";
import { type Canvas, decades, formatDecade, key, legend, panel } from "./figure.ts";
import { escapeHtml, formatNumber, formatProse, formatShare, formatWhole } from "./format.ts";
import { card, dataTable, page } from "./page.ts";
import { coefficient, signed } from "./prediction.ts";
import { provenance } from "./provenance.ts";
import { truthTable } from "./truthTable.ts";

/** Records of the study "posterior". */
export type PosteriorRecords = StudyRecords<PosteriorSettings, PosteriorRecord, PosteriorAnalysis>;

interface Dot {
  readonly x: number;
  readonly xLow: number;
  readonly xHigh: number;
  readonly y: number;
  readonly yLow: number;
  readonly yHigh: number;
}

function dotsOf({ functions }: PosteriorAnalysis, optimizer: number): Dot[] {
  return functions.flatMap(({ posterior, standardError, found }) => {
    const { count, probability, ci95 } = found[optimizer];
    if (posterior === null || count === 0) return [];
    const factor = 10 ** (1.96 * (standardError ?? 0));
    return [
      {
        x: posterior,
        xLow: posterior / factor,
        xHigh: posterior * factor,
        y: probability,
        yLow: ci95[0],
        yHigh: ci95[1],
      },
    ];
  });
}

/**
 * One self-contained page: no script, nothing fetched. The same records give the same bytes.
 *
 * @throws TypeError if they are no such records.
 */
export function posteriorReport(records: PosteriorRecords): string {
  if (typeof records !== "object" || records === null || records.study !== "posterior") {
    throw new TypeError(`records: expected records of the study "posterior", got ${show(records)}`);
  }
  const { settings, analysis } = records;
  const { optimizers, functions } = analysis;
  const points = 2 ** settings.layers[0];
  const all = optimizers.flatMap((_, o) => dotsOf(analysis, o));
  const low = Math.min(1e-3, ...all.flatMap(({ xLow, yLow }) => [xLow, yLow])) / 1.5;
  const plot =
    (o: number) =>
    (canvas: Canvas): Plot.PlotOptions => {
      const dots = dotsOf(analysis, o);
      const scale = {
        type: "log",
        domain: [low, 1],
        ticks: decades(low, 1, 4),
        tickFormat: formatDecade,
        grid: true,
      } as const;
      return {
        height: canvas.width,
        x: { ...scale, label: "P_B(f|S), from volumes →", labelAnchor: "right" },
        y: { ...scale, label: "↑ P_opt(f), from trainings" },
        marks: [
          Plot.line(
            [low, 1].map((p) => ({ p })),
            { x: "p", y: "p", stroke: "var(--third)", strokeDasharray: "6 4" },
          ),
          Plot.ruleY(dots, { x1: "xLow", x2: "xHigh", y: "y", stroke: "var(--mark)", strokeOpacity: 0.5 }),
          Plot.ruleX(dots, { y1: "yLow", y2: "yHigh", x: "x", stroke: "var(--mark)", strokeOpacity: 0.5 }),
          Plot.dot(dots, { x: "x", y: "y", fill: "var(--mark)", r: 2.4 }),
        ],
      };
    };
  const title = "Do optimisers find functions in proportion to their volume?";
  const name = (o: number): string => {
    const { optimizer, learningRate, batch } = optimizers[o];
    return `${optimizer}, rate ${learningRate}, batch ${batch}`;
  };
  const missing = functions.filter(({ posterior }) => posterior === null).length;
  return page(
    title,
    [
      `<h1>${title}</h1>`,
      `<p>Networks ${settings.layers.join("\u2011")} were trained from random starts to zero error on ${settings.train} of the ${points} inputs, the training set S. How often
an optimiser ends at a function f is P<sub>opt</sub>(f). A draw from the prior, kept if it fits S, is f with probability P<sub>B</sub>(f|S) = P(f) / P(S): its part of the
volume of all that fit.</p>`,
      `<p class="finding">${escapeHtml(analysis.finding)}</p>`,
      `<dl class="cards">${[
        card("trainings", formatWhole(optimizers.reduce((sum, { trainings }) => sum + trainings, 0))),
        card(
          "did not reach zero error",
          formatWhole(optimizers.reduce((sum, one) => sum + one.trainings - one.converged, 0)),
        ),
        card(
          "log₁₀ P(S)",
          analysis.log10PofS === null ? "–" : signed(analysis.log10PofS),
          analysis.standardErrorOfS === null ? "" : `± ${formatNumber(analysis.standardErrorOfS, 2)}`,
        ),
        card(
          "posterior of these functions",
          formatNumber(analysis.totalPosterior, 3),
          `± ${formatNumber(analysis.totalStandardError, 2)}; it cannot exceed 1`,
        ),
      ].join("\n")}</dl>`,
      `<h2>Frequency and volume</h2>
${legend([key("dot", "var(--mark)", "a function, with 95 % intervals"), key("line dashed", "var(--third)", "equal")])}
<div class="panels">${optimizers.map((_, o) => panel(`P_opt against P_B for ${name(o)}`, plot(o), escapeHtml(name(o)))).join("\n")}</div>
<p class="soft">The ${formatWhole(functions.length)} functions that the optimisers together found most often; ${
        missing > 0 ? `the volume of ${formatWhole(missing)} stalled` : "all their volumes were found"
      }.</p>`,
      `<h2>Optimisers</h2>
${dataTable(
  [
    "<optimiser",
    "trainings",
    "zero error",
    "epochs, mean",
    "different functions",
    "share shown",
    "Pearson",
    "Spearman",
    "Kendall τ-b",
  ],
  optimizers.map((one, o) => [
    escapeHtml(name(o)),
    formatWhole(one.trainings),
    formatWhole(one.converged),
    formatNumber(one.meanEpochs, 3),
    formatWhole(one.distinct),
    formatShare(one.covered),
    coefficient(one.correlations.pearson),
    coefficient(one.correlations.spearman),
    coefficient(one.correlations.kendall),
  ]),
)}
<p class="soft">Correlations of log P<sub>opt</sub> with log P<sub>B</sub> over the functions shown; P<sub>B</sub> does not change when a network is rescaled.</p>`,
      `<h2>Functions</h2>
${dataTable(
  [
    "<picture",
    "<function",
    "complexity",
    "P_B(f|S)",
    ...optimizers.map(({ optimizer }) => `P_opt, ${escapeHtml(optimizer)}`),
  ],
  functions.map((f) => [
    truthTable(f.function, points),
    `<span class="mono">${escapeHtml(f.function.replace(/(.{16})(?=.)/g, "$1 "))}</span>`,
    formatNumber(f.complexity, 4),
    f.posterior === null
      ? "–"
      : `${formatProse(f.posterior, 3)}<small>± ${formatNumber(230.2585 * (f.standardError ?? 0), 2)} %</small>`,
    ...f.found.map(({ probability, count }) => `${formatProse(probability, 3)}<small>${formatWhole(count)}</small>`),
  ]),
)}`,
      provenance(
        records,
        `C. Mingard, G. Valle-Pérez, J. Skalse, A. A. Louis, <em>Is SGD a Bayesian sampler? Well, almost</em>, arXiv 2006.15191, figure 1.`,
      ),
    ].join("\n"),
  );
}
