/**
 * Correlations as a table with a picture of each interval.
 *
 * @module
 */
import type { Correlation, Correlations } from "flatvol/statistics";
import type { Colour } from "./chart/theme.ts";
import { element } from "./elements.ts";
import { fixed } from "./format.ts";

/** A predictor of the accuracy on the test set. */
export interface Predictor {
  readonly name: string;
  readonly label: string;
  readonly colour: Colour;
}

export class CorrelationTable {
  readonly element: HTMLElement;
  readonly #body = element("tbody");
  readonly #caption = element("caption");

  constructor() {
    const title = (text: string): HTMLElement => element("th", { scope: "col" }, text);
    const head = element(
      "tr",
      {},
      title("predictor"),
      title("Spearman’s ρ, 95 % interval"),
      scaleTitle("−1", "0", "1"),
      title("Kendall’s τ"),
      title("Pearson’s r"),
    );
    const table = element("table", { class: "bars" }, this.#caption, element("thead", {}, head), this.#body);
    this.element = element("div", { class: "wide", "aria-live": "off" }, table);
  }

  show(predictors: readonly Predictor[], found: ReadonlyMap<string, Correlations>, networks: number): void {
    this.#caption.textContent =
      found.size > 0
        ? `Correlation with the accuracy on the test set, over ${networks} networks${few(found) ? ": too few for intervals" : ""}`
        : "Correlation with the accuracy on the test set: from 8 networks on";
    this.#body.replaceChildren(
      ...predictors.map(({ name, label, colour }) => {
        const c = found.get(name);
        return element(
          "tr",
          { "data-predictor": name },
          element("th", { scope: "row" }, label),
          element("td", {}, c ? text(c.spearman) : "…"),
          element("td", { class: "bar-cell" }, bar(c?.spearman, colour)),
          element("td", {}, c ? text(c.kendall) : "…"),
          element("td", {}, c ? text(c.pearson) : "…"),
        );
      }),
    );
  }
}

function few(found: ReadonlyMap<string, Correlations>): boolean {
  return [...found.values()].every(({ spearman }) => spearman.ci95 === null);
}

function text({ value, ci95 }: Correlation): string {
  if (value === null) return "–";
  return ci95 ? `${fixed(value, 2)} [${fixed(ci95[0], 2)}, ${fixed(ci95[1], 2)}]` : fixed(value, 2);
}

/** The title of a column of bars: the ends and the middle of their scale, over where they are. */
export function scaleTitle(low: string, middle: string, high: string): HTMLElement {
  const ends = [low, middle, high].map((end) => element("span", {}, end));
  return element(
    "th",
    { scope: "col", class: "bar-cell", "aria-label": `from ${low} by ${middle} to ${high}` },
    element("div", { class: "scale" }, ...ends),
  );
}

function bar(correlation: Correlation | undefined, colour: Colour): HTMLElement {
  const zero = element("i", { class: "zero" });
  const track = element("div", { class: "track", "aria-hidden": "true", style: `--tone: var(--${colour})` }, zero);
  if (!correlation || correlation.value === null) return track;
  const at = (r: number): number => 50 + 50 * r;
  if (correlation.ci95) {
    const [low, high] = correlation.ci95.map(at);
    track.append(element("i", { class: "reach", style: `left: ${low}%; width: ${high - low}%` }));
  }
  track.append(element("i", { class: "value", style: `left: ${at(correlation.value)}%` }));
  return track;
}
