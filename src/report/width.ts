/**
 * The report of the width study.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { show } from "../engine/checks.ts";
import type { StudyRecords } from "../study/study.ts";
import type { WidthAnalysis, WidthLine, WidthRecord, WidthSettings } from "../study/width.ts";
import { type Canvas, key, legend, panel } from "./figure.ts";
import { escapeHtml, formatNumber, formatWhole } from "./format.ts";
import { dataTable, page } from "./page.ts";
import { signed } from "./prediction.ts";
import { provenance } from "./provenance.ts";

/** Records of the study "width". */
export type WidthRecords = StudyRecords<WidthSettings, WidthRecord, WidthAnalysis>;

function plot(line: WidthLine): (canvas: Canvas) => Plot.PlotOptions {
  const found = line.widths.flatMap(({ width, log10P, standardError }) =>
    log10P === null
      ? []
      : [{ width, log10P, low: log10P - 1.96 * (standardError ?? 0), high: log10P + 1.96 * (standardError ?? 0) }],
  );
  const ticks = line.widths.map(({ width }) => width);
  return () => ({
    x: {
      type: "log",
      domain: [ticks[0] / 1.5, ticks[ticks.length - 1] * 1.5],
      label: "width of the hidden layers →",
      labelAnchor: "right",
      ticks,
      tickFormat: (width: number) => formatWhole(width),
    },
    y: { label: "↑ log₁₀ P(f)", ticks: 5, nice: true, grid: true },
    marks: [
      Plot.ruleY([line.limit], { stroke: "var(--second)", strokeWidth: 2, strokeDasharray: "6 4" }),
      Plot.ruleX(found, { x: "width", y1: "low", y2: "high", stroke: "var(--mark)", strokeWidth: 2 }),
      Plot.line(found, { x: "width", y: "log10P", stroke: "var(--mark)", strokeWidth: 1.2 }),
      Plot.dot(found, { x: "width", y: "log10P", fill: "var(--mark)", r: 3.5 }),
    ],
  });
}

/**
 * One self-contained page: no script, nothing fetched. The same records give the same bytes.
 *
 * @throws TypeError if they are no such records.
 */
export function widthReport(records: WidthRecords): string {
  if (typeof records !== "object" || records === null || records.study !== "width") {
    throw new TypeError(`records: expected records of the study "width", got ${show(records)}`);
  }
  const { settings, analysis } = records;
  const title = "Do volumes tend to those of infinite width?";
  const error = (x: number | null): string => (x === null ? "" : `<small>± ${formatNumber(x, 2)}</small>`);
  return page(
    title,
    [
      `<h1>${title}</h1>`,
      `<p>The volume of Boolean functions of ${settings.bits} bits for networks of ${settings.depth} hidden layers, by splitting, which knows nothing of Gaussian processes;
and by the exact orthant of the kernel at infinite width, which knows nothing of networks.</p>`,
      `<p class="finding">${escapeHtml(analysis.finding)}</p>`,
      legend([
        key("dot", "var(--mark)", "splitting, with 95 % intervals"),
        key("line dashed", "var(--second)", "infinite width: exact orthant"),
      ]),
      `<div class="panels">${analysis.lines
        .map((line) =>
          panel(
            `log10 P(f) against width: ${line.name}`,
            plot(line),
            `${escapeHtml(line.name)}<br><span class="mono">${line.function}</span>`,
          ),
        )
        .join("\n")}</div>`,
      `<h2>All values</h2>
${dataTable(
  ["<function", "width", "log₁₀ P(f)", "minus the limit's"],
  analysis.lines.flatMap((line) => [
    ...line.widths.map(({ width, log10P, standardError, difference, differenceError }) => [
      escapeHtml(line.name),
      formatWhole(width),
      log10P === null ? "stalled" : `${signed(log10P, 2)}${error(standardError)}`,
      difference === null ? "–" : `${signed(difference, 2)}${error(differenceError)}`,
    ]),
    [escapeHtml(line.name), "∞", `${signed(line.limit, 4)}${error(line.limitError)}`, ""],
  ]),
)}`,
      provenance(
        records,
        `Networks of infinite width as Gaussian processes: J. Lee, Y. Bahri, R. Novak, S. Schoenholz, J. Pennington, J. Sohl-Dickstein, arXiv 1711.00165 (2018);
A. Matthews, M. Rowland, J. Hron, R. Turner, Z. Ghahramani, arXiv 1804.11271 (2018).`,
      ),
    ].join("\n"),
  );
}
