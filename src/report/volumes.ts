/**
 * One function's volume by several methods, side by side.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import type { VolumeMethod, VolumeRecord } from "../volume/logVolume.ts";
import { type Canvas, figure, key, legend, picture } from "./figure.ts";
import { escapeHtml, formatNumber } from "./format.ts";
import { dataTable, page } from "./page.ts";

/** A function and its volumes. */
export interface FunctionVolumes {
  /** As the tables call it. */
  readonly function: string;
  readonly volumes: readonly VolumeRecord[];
}

const COLOURS: Record<VolumeMethod, string> = {
  count: "var(--ink)",
  splitting: "var(--second)",
  orthant: "var(--mark)",
  "orthant-probit": "var(--heat-3)",
  ep: "#7c3aed",
  "ep-probit": "#15803d",
  laplace: "var(--third)",
};
/** Half the width of a 95 % interval, in standard errors. */
const Z95 = 1.96;

interface Mark {
  readonly row: string;
  readonly method: VolumeMethod;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

function marksOf(rows: readonly FunctionVolumes[]): Mark[] {
  return rows.flatMap(({ function: name, volumes }) =>
    volumes.flatMap(({ method, log10P, standardError }) => {
      if (log10P === undefined || !Number.isFinite(log10P)) return [];
      const half = (Z95 * (standardError ?? 0)) / Math.LN10;
      return [{ row: short(name), method, value: log10P, low: log10P - half, high: log10P + half }];
    }),
  );
}

/** A function of many digits by its ends. */
function short(name: string): string {
  return name.length > 14 ? `${name.slice(0, 6)}…${name.slice(-6)}` : name;
}

function plot(rows: readonly FunctionVolumes[]): (canvas: Canvas) => Plot.PlotOptions {
  const marks = marksOf(rows);
  const methods = [...new Set(marks.map(({ method }) => method))];
  return (canvas) => ({
    height: Math.max(canvas.height, 60 + 26 * rows.length * Math.max(1, methods.length / 3)),
    marginLeft: 118,
    x: { label: "log₁₀ P(f) →", labelAnchor: "right", grid: true, nice: true },
    y: { domain: methods, axis: null },
    fy: { label: null, domain: rows.map(({ function: name }) => short(name)) },
    color: { domain: methods, range: methods.map((method) => COLOURS[method]) },
    marks: [
      Plot.ruleY(marks, { fy: "row", y: "method", x1: "low", x2: "high", stroke: "method", strokeWidth: 2 }),
      Plot.dot(marks, {
        fy: "row",
        y: "method",
        x: "value",
        fill: (mark: Mark) => (isApproximate(mark.method) ? "var(--paper)" : COLOURS[mark.method]),
        stroke: (mark: Mark) => COLOURS[mark.method],
        r: 4,
      }),
    ],
  });
}

const isApproximate = (method: VolumeMethod): boolean => /^(ep|laplace)/.test(method);

const LABEL = "log10 P(f) of each function by each method, with 95 % intervals; approximations are hollow";

/** The picture alone, as an SVG file. */
export function volumesPicture(rows: readonly FunctionVolumes[]): string {
  return picture(LABEL, plot(rows));
}

function cell({ log10P, standardError, approximation, logPUpperBound, converged }: VolumeRecord): string {
  if (log10P === undefined)
    return logPUpperBound === undefined ? "none" : `&lt; ${(logPUpperBound / Math.LN10).toFixed(2)}`;
  if (log10P === -Infinity) return "P = 0";
  const note = approximation
    ? converged === false
      ? "not converged"
      : "approximation"
    : `± ${formatNumber((standardError ?? Number.NaN) / Math.LN10, 2)}`;
  return `${log10P.toFixed(4)}<small>${note}</small>`;
}

/** One self-contained page: no script, nothing fetched. The same records give the same bytes. */
export function volumesPage(rows: readonly FunctionVolumes[]): string {
  const methods = rows[0]?.volumes.map(({ method }) => method) ?? [];
  const keys = methods.map((method) => key("dot", COLOURS[method], method));
  const remarks = rows.flatMap(({ function: name, volumes }) =>
    volumes.flatMap(({ method, warnings, reason }) =>
      [...warnings, ...(reason === undefined ? [] : [reason])].map(
        (text) => `<li><span class="mono">${escapeHtml(short(name))}</span>, ${method}: ${escapeHtml(text)}</li>`,
      ),
    ),
  );
  return page(
    "Volumes by several methods",
    `<h1>Volumes by several methods</h1>
<p>log₁₀ P(f), the prior probability of a function upon initialisation. <b>count</b> and <b>splitting</b> are of the network itself, the other
methods of its limit of infinite width. <b>ep</b>, <b>ep-probit</b> and <b>laplace</b> are approximations whose bias shows against the exact
<b>orthant</b> and <b>orthant-probit</b>: they have no standard error.</p>
${figure(LABEL, plot(rows), legend(keys), "Bars: 95 % intervals from the methods' own standard errors; hollow dots: approximations.")}
${dataTable(
  ["<function", ...methods],
  rows.map(({ function: name, volumes }) => [`<span class="mono">${escapeHtml(name)}</span>`, ...volumes.map(cell)]),
)}
${remarks.length > 0 ? `<h2>Remarks</h2>\n<ul>\n${remarks.join("\n")}\n</ul>` : ""}`,
  );
}
