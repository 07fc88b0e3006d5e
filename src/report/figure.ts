/**
 * Pictures by Observable Plot, drawn without a browser, as SVG text.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { escapeHtml, superscript } from "./format.ts";
import { COLOURS_LIGHT } from "./page.ts";

/** What a figure is drawn for: a wide page, and a phone. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly narrow: boolean;
}

const WIDE: Canvas = { width: 720, height: 400, narrow: false };
const PANEL: Canvas = { width: 360, height: 240, narrow: true };
const NARROW: Canvas = { width: 360, height: 300, narrow: true };

/**
 * A figure in two sizes, of which the page shows the one that fits.
 *
 * @param label what it shows, for those who cannot see it.
 * @param options the plot at a size.
 * @param legend HTML above the picture.
 * @param caption HTML below.
 */
export function figure(
  label: string,
  options: (canvas: Canvas) => Plot.PlotOptions,
  legend: string,
  caption: string,
): string {
  const pictures = [WIDE, NARROW].map(
    (canvas) => `<div class="${canvas.narrow ? "narrow" : "wide"}">${draw(canvas, label, options(canvas))}</div>`,
  );
  return `<figure>\n${legend}\n${pictures.join("\n")}\n<figcaption>${caption}</figcaption>\n</figure>`;
}

/** A small figure, of the same size on every page. */
export function panel(label: string, options: (canvas: Canvas) => Plot.PlotOptions, caption: string): string {
  return `<figure>\n${draw(PANEL, label, options(PANEL))}\n<figcaption>${caption}</figcaption>\n</figure>`;
}

/** One picture as a file of its own. @param label what it shows, for those who cannot see it. */
export function picture(label: string, options: (canvas: Canvas) => Plot.PlotOptions): string {
  const svg = draw(WIDE, label, options(WIDE));
  const style = `<style>svg { ${COLOURS_LIGHT.replace(/\s+/g, " ").trim()} color: #1c2126; background: #ffffff !important; font-family: system-ui, sans-serif; }</style>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.replace(/^<svg([^>]*)>/, `<svg xmlns="http://www.w3.org/2000/svg"$1>${style}`)}\n`;
}

function draw(canvas: Canvas, label: string, options: Plot.PlotOptions): string {
  // a fresh document: nothing of one picture can reach another
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg = Plot.plot({
    width: canvas.width,
    height: canvas.height,
    marginLeft: 58,
    marginBottom: 46,
    marginTop: 26,
    marginRight: 12,
    style: { fontSize: "12.5px", background: "none" },
    // a fixed name: Plot's own carries a random part
    className: "plot",
    ariaLabel: label,
    ...options,
    document: document as unknown as Document,
  });
  svg.setAttribute("role", "img");
  return svg.outerHTML;
}

/** Powers of ten between two positive numbers, at most about `most` of them. */
export function decades(from: number, to: number, most: number): number[] {
  const low = Math.ceil(Math.log10(from) - 1e-9);
  const high = Math.floor(Math.log10(to) + 1e-9);
  const step = Math.max(1, Math.ceil((high - low) / most));
  const ticks: number[] = [];
  // counted from 10^0, so that 1 is a tick whenever it is in range
  for (let e = Math.ceil(low / step) * step; e <= high; e += step) ticks.push(Number(`1e${e}`));
  return ticks;
}

/** `10⁻³` for 0.001. */
export function formatDecade(value: number): string {
  const exponent = Math.round(Math.log10(value));
  return exponent === 0 ? "1" : exponent === 1 ? "10" : `10${superscript(exponent)}`;
}

/** An entry of a legend. */
export function key(kind: "box" | "line" | "line dashed" | "dot", colour: string, text: string): string {
  const style = kind.startsWith("line") ? `border-top-color: ${colour}` : `background: ${colour}`;
  return `<span><i class="${kind}" style="${style}"></i>${escapeHtml(text)}</span>`;
}

/** A legend above a picture. */
export function legend(keys: readonly string[]): string {
  return `<div class="legend">${keys.join("")}</div>`;
}
