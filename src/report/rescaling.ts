/**
 * The report of the rescaling study.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { show } from "../engine/checks.ts";
import type { RescalingAnalysis, RescalingLine, RescalingRecord, RescalingSettings } from "../study/rescaling.ts";
import type { StudyRecords } from "../study/study.ts";
import { type Canvas, decades, figure, formatDecade, key, legend, panel } from "./figure.ts";
import { escapeHtml, formatNumber, formatProse } from "./format.ts";
import { dataTable, page } from "./page.ts";
import { signed } from "./prediction.ts";
import { provenance } from "./provenance.ts";

/** Records of the study "rescaling". */
export type RescalingRecords = StudyRecords<RescalingSettings, RescalingRecord, RescalingAnalysis>;

const ALPHA_TICKS = [1 / 6, 1 / 3, 1 / 2, 1, 2, 3, 6];

function alphaAxis(canvas: Canvas): Plot.ScaleOptions {
  const names = ["⅙", "⅓", "½", "1", "2", "3", "6"];
  return {
    type: "log",
    domain: [1 / 6.5, 6.5],
    label: "α →",
    labelAnchor: "right",
    ticks: canvas.narrow ? [1 / 6, 1 / 2, 1, 2, 6] : ALPHA_TICKS,
    tickFormat: (alpha: number) => names[ALPHA_TICKS.findIndex((tick) => Math.abs(tick - alpha) < 1e-9)],
  };
}

/**
 * One self-contained page: no script, nothing fetched. The same records give the same bytes.
 *
 * @throws TypeError if they are no such records.
 */
export function rescalingReport(records: RescalingRecords): string {
  if (typeof records !== "object" || records === null || records.study !== "rescaling") {
    throw new TypeError(`records: expected records of the study "rescaling", got ${show(records)}`);
  }
  const { settings, analysis } = records;
  const sorted = records.records.map((record, i) => ({ record, i })).sort((a, b) => a.record.alpha - b.record.alpha);
  const [first] = records.records;
  const ratios = analysis.lines.flatMap(({ relative }) => relative.flatMap((r) => (r !== null && r > 0 ? [r] : [])));
  const domain: [number, number] = [Math.min(0.1, ...ratios) / 1.3, Math.max(10, ...ratios) * 1.3];
  const points = (line: RescalingLine) =>
    sorted.flatMap(({ record, i }) => {
      const ratio = line.relative[i];
      return ratio !== null && ratio > 0 ? [{ alpha: record.alpha, ratio }] : [];
    });
  const pictures = analysis.lines.map((line) =>
    panel(
      `${line.name} relative to its value at alpha = 1, against alpha`,
      (canvas) => {
        const stroke = line.flat ? "var(--mark)" : "var(--second)";
        return {
          x: alphaAxis(canvas),
          y: {
            type: "log",
            domain,
            label: "↑ over its value at α = 1",
            ticks: decades(domain[0], domain[1], 4),
            tickFormat: formatDecade,
            grid: true,
          },
          marks: [
            Plot.ruleY([1], { stroke: "var(--line)" }),
            Plot.line(points(line), { x: "alpha", y: "ratio", stroke, strokeWidth: 2 }),
            Plot.dot(points(line), { x: "alpha", y: "ratio", fill: stroke, r: 2.4 }),
          ],
        };
      },
      `${escapeHtml(line.name)}: ${line.flat ? "flat" : line.ratio === null ? "moves" : `moves by a factor of ${formatProse(line.ratio, 3)}`}`,
    ),
  );
  const volumes = sorted.flatMap(({ record }) => {
    const { log10P, standardError } = record.volume;
    return log10P === null
      ? []
      : [
          {
            alpha: record.alpha,
            log10P,
            low: log10P - 1.96 * (standardError ?? 0),
            high: log10P + 1.96 * (standardError ?? 0),
          },
        ];
  });
  const title = "Which measures survive a rescaling of the weights?";
  return page(
    title,
    [
      `<h1>${title}</h1>`,
      `<p>The first hidden layer of a trained ReLU network ${settings.layers.join("\u2011")} has its weights and biases divided by α, and the weights out of it
multiplied by α. Every output stays as it is, so the network is the same function and generalises as it did (accuracy on E
${formatNumber(100 * first.accuracy, 3)} %); whatever moves cannot be what generalisation depends on.</p>`,
      `<p class="finding">${escapeHtml(analysis.finding)}</p>`,
      `<h2>The volume of the function</h2>`,
      figure(
        "log10 P(f) against alpha",
        (canvas) => ({
          height: canvas.height - 120,
          x: alphaAxis(canvas),
          y: { label: "↑ log₁₀ P(f)", ticks: 4, nice: true, grid: true },
          marks: [
            Plot.line(volumes, { x: "alpha", y: "log10P", stroke: "var(--mark)", strokeWidth: 2 }),
            Plot.ruleX(volumes, { x: "alpha", y1: "low", y2: "high", stroke: "var(--mark)", strokeOpacity: 0.5 }),
            Plot.dot(volumes, { x: "alpha", y: "log10P", fill: "var(--mark)", r: 3 }),
          ],
        }),
        legend([
          key("dot", "var(--mark)", "log₁₀ P(f) by splitting, of the function that the rescaled network computes"),
        ]),
        `For every α the function was read off the rescaled network and its volume found anew, with the same seed. ${
          analysis.volumeUnchanged
            ? "All values are equal to the last digit."
            : "They are not all equal: see the table."
        } Bars: 95 %.`,
      ),
      `<h2>Measures of flatness</h2>
${legend([key("line", "var(--mark)", "within 0.1 % of its value at α = 1"), key("line", "var(--second)", "moves")])}
<div class="panels">
${pictures.join("\n")}
</div>`,
      `<h2>All values</h2>
${dataTable(
  ["α", "largest change of an output", "log₁₀ P(f)", ...analysis.lines.map(({ name }) => escapeHtml(name))],
  sorted.map(({ record }) => [
    formatNumber(record.alpha, 3),
    formatProse(record.outputChange, 2),
    record.volume.log10P === null ? "–" : signed(record.volume.log10P, 6),
    ...analysis.lines.map(({ name }) => {
      const { value } = record.measures[name];
      return value === null ? "–" : formatProse(value, 4);
    }),
  ]),
)}
${dataTable(
  ["<measure", "<says of itself", "<found", "largest / smallest"],
  analysis.lines.map((line) => [
    escapeHtml(line.name),
    line.invariant ? "invariant" : "not invariant",
    line.flat ? "flat" : "moves",
    line.ratio === null ? "–" : formatProse(line.ratio, 4),
  ]),
)}`,
      provenance(
        records,
        `Rescaling: L. Dinh, R. Pascanu, S. Bengio, Y. Bengio, <em>Sharp minima can generalize for deep nets</em>, arXiv 1703.04933; S. Zhang, I. Reid,
G. Valle-Pérez, A. A. Louis, arXiv 2103.06219.`,
      ),
    ].join("\n"),
  );
}
