/**
 * The report of the studies that ask what predicts generalisation: records in, one HTML page out.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import type { Correlation } from "../statistics/correlation.ts";
import type { NetworkRecord } from "../study/networks.ts";
import type { PredictionAnalysis, PredictorRecord, SettingRecord } from "../study/prediction.ts";
import { type Canvas, figure, key, legend, panel } from "./figure.ts";
import { escapeHtml, formatNumber, formatWhole } from "./format.ts";
import { card, dataTable } from "./page.ts";

/** Colours of tasks or optimisers; then they repeat. */
const COLOURS = [
  "var(--mark)",
  "var(--second)",
  "var(--heat-6)",
  "var(--third)",
  "#15803d",
  "#8b5cf6",
  "#db2777",
  "var(--heat-3)",
];

/** A study's networks and what was found. */
export interface Prediction {
  readonly networks: readonly NetworkRecord[];
  readonly analysis: PredictionAnalysis;
  /** By what the dots are coloured. */
  readonly colourBy: "task" | "optimizer";
}

interface Dot {
  readonly x: number;
  readonly low: number;
  readonly high: number;
  readonly y: number;
  readonly colour: string;
}

/** A number with so many decimals and a true minus sign; never minus zero. */
export function signed(x: number, digits = 2): string {
  const text = x.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** A coefficient with its interval, as HTML. */
export function coefficient({ value, ci95 }: Correlation): string {
  if (value === null) return "–";
  return `${signed(value)}${ci95 ? `<small>${signed(ci95[0])} to ${signed(ci95[1])}</small>` : "<small>no interval</small>"}`;
}

/** Values of the group that colours tell apart, in the order of the records. */
function groupsOf({ networks, colourBy }: Prediction): string[] {
  return [...new Set(networks.map((network) => network[colourBy]))];
}

function dotsOf(prediction: Prediction, predictor: PredictorRecord): Dot[] {
  const { networks, analysis, colourBy } = prediction;
  const groups = groupsOf(prediction);
  const byKey = new Map(networks.map((network) => [network.key, network]));
  return analysis.networks.flatMap((name, i) => {
    const network = byKey.get(name);
    const x = predictor.values[i];
    if (!network || network.accuracy === null || x === null) return [];
    const half = 1.96 * (predictor.standardErrors[i] ?? 0);
    const colour = COLOURS[groups.indexOf(network[colourBy]) % COLOURS.length];
    return [{ x, low: x - half, high: x + half, y: network.accuracy, colour }];
  });
}

function scatter(dots: readonly Dot[], label: string): (canvas: Canvas) => Plot.PlotOptions {
  return (canvas) => ({
    x: { label: `${label} →`, labelAnchor: "right", ticks: canvas.narrow ? 4 : 8, nice: true },
    y: {
      label: "↑ accuracy on E",
      domain: [0, 1],
      ticks: 5,
      tickFormat: (y: number) => `${Math.round(100 * y)} %`,
      grid: true,
    },
    color: { type: "identity" },
    marks: [
      Plot.ruleY(
        dots.filter(({ low, high }) => high > low),
        { x1: "low", x2: "high", y: "y", stroke: "colour", strokeOpacity: 0.45 },
      ),
      Plot.dot(dots, { x: "x", y: "y", fill: "colour", fillOpacity: 0.8, r: canvas.narrow ? 2.4 : 3.2 }),
    ],
  });
}

/** The finding, the numbers of networks, and the pictures. */
export function predictionPictures(prediction: Prediction): string {
  const { networks, analysis } = prediction;
  const { counts, predictors, finding } = analysis;
  const accuracies = networks.flatMap(({ accuracy, converged }) => (converged && accuracy !== null ? [accuracy] : []));
  const groups = groupsOf(prediction);
  const keys = legend(groups.map((group, g) => key("dot", COLOURS[g % COLOURS.length], group)));
  const volumes = predictors.filter(({ kind }) => kind === "volume");
  const others = predictors.filter(({ kind }) => kind !== "volume");
  const doubt = (name: string): string => {
    const missing = counts.withoutVolume[name];
    const doubtful = counts.doubtfulVolume[name];
    return [
      missing > 0
        ? `${formatWhole(missing)} networks are missing: their estimate stalled, as it does for the rarest functions.`
        : "",
      doubtful > 0
        ? `For ${formatWhole(doubtful)} the repetitions spread so far that the error is itself uncertain.`
        : "",
    ].join(" ");
  };
  return `<p class="finding">${escapeHtml(finding)}</p>
<dl class="cards">${[
    card("networks trained", formatWhole(counts.trained)),
    card(
      "with zero training error",
      formatWhole(counts.converged),
      `${formatWhole(counts.trained - counts.converged)} did not get there`,
    ),
    card(
      "accuracy on E",
      accuracies.length === 0
        ? "–"
        : `${formatNumber(100 * Math.min(...accuracies), 3)} to ${formatNumber(100 * Math.max(...accuracies), 3)} %`,
    ),
    ...volumes.map((volume) => {
      const known = volume.values.flatMap((x) => (x === null ? [] : [x]));
      return card(
        escapeHtml(volume.label),
        known.length === 0 ? "–" : `${signed(Math.min(...known), 1)} to ${signed(Math.max(...known), 1)}`,
        `${formatWhole(volume.networks)} of ${formatWhole(analysis.networks.length)} networks`,
      );
    }),
  ].join("\n")}</dl>
${volumes
  .map(
    (volume) => `<h2>Volume and generalisation${volumes.length > 1 ? `: ${escapeHtml(volume.label)}` : ""}</h2>
${figure(
  `Accuracy on E against ${volume.label}`,
  scatter(dotsOf(prediction, volume), volume.label),
  keys,
  `Each dot is a network that has every point of its training and attack set right; ${
    volume.standardErrors.some((error) => error !== null)
      ? "bars are 95 % (1.96 standard errors)"
      : "the volume is an approximation without a standard error"
  }. ${doubt(volume.name)}`,
)}`,
  )
  .join("\n")}
<h2>Flatness and generalisation</h2>
${keys}
<div class="panels">
${others
  .map((predictor) => {
    const { value } = predictor.correlations.spearman;
    return panel(
      `Accuracy on E against ${predictor.label}`,
      scatter(dotsOf(prediction, predictor), predictor.label),
      `${escapeHtml(predictor.label)}: Spearman ${value === null ? "–" : signed(value)}`,
    );
  })
  .join("\n")}
</div>`;
}

/** The final table. */
export function predictorTable({ predictors, common, networks }: PredictionAnalysis): string {
  const partial = common < networks.length;
  return `<h2>What predicts generalisation</h2>
<p>Correlations with the accuracy on E, strongest first by Spearman's coefficient, with 95 % intervals of a studentised bootstrap over networks. A
quantity is invariant if it stays as it is when a network's weights are rescaled without a change of its outputs.</p>
${dataTable(
  [
    "<measure",
    "<invariant?",
    "Pearson",
    "Spearman",
    ...(partial ? [`Spearman, the same ${common}`] : []),
    "Kendall τ-b",
    "granulated",
  ],
  predictors.map((p) => [
    `${escapeHtml(p.label)}<small>${formatWhole(p.networks)} networks</small>`,
    p.invariant ? "yes" : "no",
    coefficient(p.correlations.pearson),
    coefficient(p.correlations.spearman),
    ...(partial ? [coefficient(p.onCommon)] : []),
    coefficient(p.correlations.kendall),
    granulatedText(p),
  ]),
)}
<p class="soft">Granulated: Kendall's coefficient within groups that differ in one hyper-parameter alone, then averaged, so that none shines by following a
hyper-parameter; its axes are below it.${
    partial ? ` The same ${common}: the networks whose volume is known, so that all are compared on the same ones.` : ""
  }</p>`;
}

function granulatedText({ granulated }: PredictorRecord): string {
  if (granulated.value === null) return "–";
  const axes = granulated.axes.filter(({ value }) => value !== null);
  return `${signed(granulated.value)}<small>${axes.map(({ name, value }) => `${name} ${signed(value ?? 0)}`).join("<br>")}</small>`;
}

/** What critics of such studies ask for. */
export function audits({ networks, analysis }: Prediction, majority: string): string {
  const { predictors, settings, counts } = analysis;
  const ones = predictors.find(({ name }) => name === "ones");
  const failed = networks.filter(({ converged }) => !converged);
  const tasks = [...new Set(predictors.flatMap(({ byTask }) => byTask.map(({ task }) => task)))];
  const cell = (value: number | null): string => (value === null ? "–" : signed(value));
  const settingName = (row: SettingRecord): string =>
    `${escapeHtml(row.optimizer)}, rate ${row.learningRate}, batch ${row.batch}`;
  return `<h2>Audits</h2>
<p><strong>Class imbalance.</strong> ${majority} ${
    ones?.correlations.spearman.value != null
      ? `Were only the number of ones of a function known, and each number equally likely, the volume of such a function would have Spearman ${signed(ones.correlations.spearman.value)} with the accuracy${
          ones.correlations.spearman.ci95
            ? ` (${signed(ones.correlations.spearman.ci95[0])} to ${signed(ones.correlations.spearman.ci95[1])})`
            : ""
        }: what a measure has to beat.`
      : ""
  }</p>
${
  tasks.length > 1
    ? `<p><strong>Within each task</strong>, Spearman's coefficient:</p>
${dataTable(
  ["<measure", ...tasks.map((task) => escapeHtml(task))],
  predictors.map((p) => [escapeHtml(p.label), ...p.byTask.map(({ spearman }) => cell(spearman))]),
)}`
    : ""
}
${
  settings.length > 0
    ? `<p><strong>Learning rate and batch size.</strong> Spearman's coefficient for each setting of the optimiser, on the same task:</p>
${dataTable(
  [
    "<measure",
    ...settings.map((row) => `${settingName(row)}<small>${escapeHtml(row.task)}, ${row.networks} networks</small>`),
  ],
  predictors.map((p, i) => [escapeHtml(p.label), ...settings.map(({ spearman }) => cell(spearman[i]))]),
)}`
    : ""
}
${
  predictors.some(({ randomStarts }) => randomStarts.value !== null)
    ? `<p><strong>Random starts.</strong> Kendall's coefficient among networks that were trained in the same way on the same pictures or inputs, and differ in
their random start alone, mean over ${formatWhole(Math.max(...predictors.map((p) => p.randomStarts.groups)))} groups: what is left when no predictor can follow the size of the attack set.</p>
${dataTable(
  ["<measure", "Kendall, random starts alone", "Kendall, all"],
  predictors.map((p) => [escapeHtml(p.label), cell(p.randomStarts.value), cell(p.correlations.kendall.value)]),
)}`
    : ""
}
<p><strong>Networks that did not converge.</strong> ${
    failed.length === 0
      ? `None: all ${formatWhole(counts.trained)} reached zero error.`
      : `${formatWhole(failed.length)} of ${formatWhole(counts.trained)}, left out above${counts.diverged > 0 ? `; the loss of ${formatWhole(counts.diverged)} diverged` : ""}:`
  }</p>
${
  failed.length > 0
    ? dataTable(
        ["<task", "<optimiser", "rate", "batch", "attack set", "epochs", "training loss", "accuracy on S"],
        failed.map((network) => [
          escapeHtml(network.task),
          escapeHtml(network.optimizer),
          String(network.learningRate),
          String(network.batch),
          String(network.attack),
          formatWhole(network.epochs),
          network.trainLoss === null ? "–" : formatNumber(network.trainLoss, 3),
          network.trainAccuracy === null ? "–" : `${formatNumber(100 * network.trainAccuracy, 3)} %`,
        ]),
      )
    : ""
}`;
}
