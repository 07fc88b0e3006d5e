/**
 * Pictures of loss landscapes: records in, an SVG or one HTML page out.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { show } from "../engine/checks.ts";
import type { DirectionScaling, Landscape } from "../flatness/landscape.ts";
import { type Canvas, figure, formatDecade, picture } from "./figure.ts";
import { escapeHtml, formatNumber, formatProse, formatWhole } from "./format.ts";
import { page } from "./page.ts";

/** A landscape and what it is of: plain data. */
export interface LandscapeRecords extends Landscape {
  readonly network: { readonly layers: readonly number[]; readonly activation: string };
  readonly points: number;
  readonly lossName: string;
  readonly directions: "random" | "eigen" | "given";
  readonly scaling: DirectionScaling;
  readonly seed: number | string;
  /** Of the eigen-directions. */
  readonly eigenvalues?: readonly number[];
  /** An eigenvalue lies within its residual of each. */
  readonly residuals?: readonly number[];
}

/** Largest loss over smallest from which colours follow the logarithm. */
const LOGARITHMIC = 20;
const LEVELS = 16;

function check(records: LandscapeRecords): void {
  const wrong = typeof records !== "object" || records === null || !Array.isArray(records.losses);
  if (wrong) throw new TypeError(`records: expected records of a landscape, got ${show(records)}`);
  const cells = records.a.length * Math.max(1, records.b.length);
  if (records.losses.length !== cells) {
    throw new RangeError(`records.losses: expected ${cells} numbers, got ${records.losses.length}`);
  }
}

/** Smallest and largest of the finite losses. */
function range({ losses }: LandscapeRecords): [number, number] {
  const finite = losses.filter(Number.isFinite);
  if (finite.length === 0) throw new RangeError("records.losses: expected a finite loss, got none");
  return [Math.min(...finite), Math.max(...finite)];
}

function labels({ directions, eigenvalues, b }: LandscapeRecords): string[] {
  const letters = b.length > 0 ? ["a", "b"] : ["a"];
  return letters.map((letter, k) => {
    if (directions !== "eigen" || !eigenvalues) return `${letter}, along ${directions} direction ${k + 1}`;
    return `${letter}, along the eigenvector of ${formatProse(eigenvalues[k], 3)}`;
  });
}

/** Positions of the contours, from the least loss: even in the loss, or in its logarithm. */
function levels(records: LandscapeRecords): number[] {
  const [least, most] = range(records);
  const logarithmic = isLogarithmic(records);
  const [from, to] = logarithmic ? [Math.log(least), Math.log(most)] : [least, most];
  return Array.from({ length: LEVELS }, (_, i) => {
    const at = from + ((to - from) * i) / LEVELS;
    return i === 0 ? least : logarithmic ? Math.exp(at) : at;
  });
}

function isLogarithmic(records: LandscapeRecords): boolean {
  const [least, most] = range(records);
  return least > 0 && most / least > LOGARITHMIC;
}

/** The axis of a loss. */
function lossScale(records: LandscapeRecords): Plot.ScaleOptions {
  if (!isLogarithmic(records)) return { label: "loss" };
  const [least, most] = range(records);
  return { type: "log", label: "loss", tickFormat: most / least > 1e4 ? formatDecade : formatLeading };
}

/** 0.1, 0.2, 0.5, 1 and so on, nothing at the ticks in between: they would overlap. */
function formatLeading(value: number): string {
  return /^[125]e/.test(value.toExponential(0)) ? formatProse(value, 1) : "";
}

function line(records: LandscapeRecords): (canvas: Canvas) => Plot.PlotOptions {
  const { a, losses, loss } = records;
  const points = a.map((x, i) => ({ x, y: Number.isFinite(losses[i]) ? losses[i] : undefined }));
  const [label] = labels(records);
  return () => ({
    x: { label },
    y: { ...lossScale(records), grid: true },
    marks: [
      Plot.line(points, { x: "x", y: "y", stroke: "var(--mark)", strokeWidth: 2 }),
      Plot.dot([{ x: 0, y: loss }], { x: "x", y: "y", fill: "var(--second)", r: 4 }),
    ],
  });
}

/** Share of wrong points along a line. */
function errorLine(records: LandscapeRecords): (canvas: Canvas) => Plot.PlotOptions {
  const { a, errors } = records;
  const [label] = labels(records);
  return () => ({
    x: { label },
    y: { label: "error", domain: [0, Math.max(0.1, ...errors)], grid: true },
    marks: [
      Plot.line(
        a.map((x, i) => ({ x, y: errors[i] })),
        { x: "x", y: "y", stroke: "var(--mark)", strokeWidth: 2 },
      ),
    ],
  });
}

function plane(
  records: LandscapeRecords,
  values: readonly number[],
  thresholds: number[],
  scale: Plot.ScaleOptions,
  note: string,
) {
  const { a, b } = records;
  const [x, y] = labels(records);
  // a value stands in the middle of its cell
  const half = a.length > 1 ? (a[1] - a[0]) / 2 : 0;
  // rows of equal b, as the contours take them; the largest finite value in place of what overflowed
  const most = Math.max(...values.filter(Number.isFinite));
  const cells = b
    .flatMap((_, j) => a.map((_, i) => values[i * b.length + j]))
    .map((v) => (Number.isFinite(v) ? v : most));
  return (canvas: Canvas): Plot.PlotOptions => ({
    height: canvas.width * (canvas.narrow ? 0.9 : 0.72),
    x: { label: x, domain: [a[0], a[a.length - 1]] },
    y: { label: y, domain: [b[0], b[b.length - 1]] },
    color: { scheme: "YlGnBu", ...scale },
    marks: [
      Plot.contour(cells, {
        width: a.length,
        height: b.length,
        x1: a[0] - half,
        x2: a[a.length - 1] + half,
        y1: b[0] - half,
        y2: b[b.length - 1] + half,
        fill: Plot.identity,
        stroke: "#0003",
        thresholds,
        // the outer halves of the outermost cells hold how contours are closed, not losses
        clip: true,
      }),
      Plot.dot([[0, 0]], { fill: "#c2410c", stroke: "white", r: 4 }),
      Plot.text([note], { frameAnchor: "top-right", dy: -18, fill: "currentColor" }),
    ],
  });
}

function lossPlot(records: LandscapeRecords): (canvas: Canvas) => Plot.PlotOptions {
  if (records.b.length === 0) return line(records);
  return plane(
    records,
    records.losses,
    levels(records),
    { type: isLogarithmic(records) ? "log" : "linear" },
    coloursText(records),
  );
}

function coloursText(records: LandscapeRecords): string {
  const [least, most] = range(records);
  return `loss ${formatProse(least)} to ${formatProse(most)}${isLogarithmic(records) ? ", by its logarithm" : ""}`;
}

/** Plot numbers clips from the start of the program: here from 1, so that the same records give the same bytes. */
function numberedClips(document: string): string {
  const names = [...new Set(document.match(/plot-clip-\d+/g))];
  return document.replace(/plot-clip-\d+/g, (name) => `clip-${names.indexOf(name) + 1}`);
}

function describe({ network, points, lossName }: LandscapeRecords): string {
  return `${lossName} loss of a ${network.layers.join("-")} ${network.activation} network on ${formatWhole(points)} points`;
}

/**
 * The loss as one SVG file: a curve for a line, contours for a plane.
 *
 * @throws TypeError, RangeError if they are no such records.
 * @example
 * const data = { points: 4, features: 2, inputs: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), targets: Float32Array.of(0, 1, 1, 0) };
 * const network = { layers: [2, 8, 1], activation: "relu" };
 * const { parameters } = await train(network, data, { loss: "bce", optimizer: "adam", learningRate: 0.05 });
 * const found = await landscape(network, parameters, data, { loss: "bce", seed: 1 });
 * const about = { network, points: 4, lossName: "bce", directions: "random", scaling: "filter", seed: 1 };
 * const svg = landscapePicture({ ...found, ...about });
 */
export function landscapePicture(records: LandscapeRecords): string {
  check(records);
  return numberedClips(picture(describe(records), lossPlot(records)));
}

/**
 * The landscape as one self-contained page: loss, error, and how it was made. The same records give the same bytes.
 *
 * @throws TypeError, RangeError if they are no such records.
 * @example
 * const data = { points: 4, features: 2, inputs: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), targets: Float32Array.of(0, 1, 1, 0) };
 * const network = { layers: [2, 8, 1], activation: "relu" };
 * const { parameters } = await train(network, data, { loss: "bce", optimizer: "adam", learningRate: 0.05 });
 * const found = await landscape(network, parameters, data, { loss: "bce", seed: 1 });
 * const about = { network, points: 4, lossName: "bce", directions: "random", scaling: "filter", seed: 1 };
 * const html = landscapeReport({ ...found, ...about });
 */
export function landscapeReport(records: LandscapeRecords): string {
  check(records);
  const { b, errors, loss, error, norms, cosine, scaling, seed, eigenvalues, residuals } = records;
  const scaled = {
    filter: "each row of weights scaled to the norm of the network's own, biases unchanged (Li et al. 2018)",
    layer: "each weight matrix scaled to the norm of the network's own, biases unchanged",
    none: "as they are",
  }[scaling];
  const known = errors.every((e) => Number.isFinite(e));
  const errorPlot =
    b.length === 0
      ? errorLine(records)
      : plane(
          records,
          errors,
          errorLevels(errors),
          { type: "linear" },
          `error 0 to ${formatNumber(Math.max(...errors), 3)}`,
        );
  const facts: Array<readonly [string, string]> = [
    ["loss at the parameters", formatNumber(loss)],
    ...(known ? [["error at the parameters", formatNumber(error)] as const] : []),
    ["directions", `${records.directions}, ${scaled}`],
    ["their norms", norms.map((n) => formatNumber(n)).join(", ")],
    ...(b.length > 0 ? [["cosine of their angle", formatNumber(cosine, 3)] as const] : []),
    ...(eigenvalues
      ? [
          [
            "eigenvalues",
            eigenvalues.map((v, i) => `${formatNumber(v)} ± ${formatNumber(residuals?.[i] ?? 0, 2)}`).join(", "),
          ] as const,
        ]
      : []),
    ["seed", String(seed)],
  ];
  const title = `Loss landscape of a ${records.network.layers.join("\u2011")} network`;
  return numberedClips(
    page(
      title,
      [
        `<h1>${escapeHtml(title)}</h1>`,
        `<p>The ${escapeHtml(describe(records))}, along ${b.length > 0 ? "two directions" : "one direction"} through its parameters, which lie at 0.</p>`,
        figure(
          `Loss: ${describe(records)}`,
          lossPlot(records),
          "",
          "The loss. The dot marks the parameters themselves.",
        ),
        ...(known && Math.max(...errors) > 0
          ? [
              figure(
                "Error",
                errorPlot,
                "",
                `The share of the points whose class is wrong, 0 to ${formatNumber(Math.max(...errors), 3)}.`,
              ),
            ]
          : []),
        `<div class="scroll"><table class="facts"><tbody>${facts
          .map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`)
          .join("")}</tbody></table></div>`,
      ].join("\n"),
    ),
  );
}

function errorLevels(errors: readonly number[]): number[] {
  const most = Math.max(...errors);
  return Array.from({ length: 10 }, (_, i) => (most * i) / 10);
}
