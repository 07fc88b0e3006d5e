/**
 * The report of the temporal study.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { show } from "../engine/checks.ts";
import type { StudyRecords } from "../study/study.ts";
import type { TemporalAnalysis, TemporalEpoch, TemporalRecord, TemporalSettings } from "../study/temporal.ts";
import { figure, key, legend } from "./figure.ts";
import { escapeHtml, formatNumber, formatWhole } from "./format.ts";
import { dataTable, page } from "./page.ts";
import { signed } from "./prediction.ts";
import { provenance } from "./provenance.ts";

const VOLUME_LABELS: Readonly<Record<string, string>> = { ep: "EP", "ep-probit": "EP with probit" };

/** Records of the study "temporal". */
export type TemporalRecords = StudyRecords<TemporalSettings, TemporalRecord, TemporalAnalysis>;

/**
 * One self-contained page: no script, nothing fetched. The same records give the same bytes.
 *
 * @throws TypeError if they are no such records.
 */
export function temporalReport(records: TemporalRecords): string {
  if (typeof records !== "object" || records === null || records.study !== "temporal") {
    throw new TypeError(`records: expected records of the study "temporal", got ${show(records)}`);
  }
  const { settings, analysis } = records;
  const { looks, zeroError, rescaledAt, functions } = analysis;
  const marks = [zeroError, rescaledAt].flatMap((epoch) => (epoch === null ? [] : [{ epoch }]));
  const keys = legend([
    key("line", "var(--mark)", "at each look"),
    key("line dashed", "var(--second)", "zero error; rescaling"),
  ]);
  const line = (label: string, axis: Plot.ScaleOptions, value: (look: TemporalEpoch) => number | null): string => {
    const points = looks.flatMap((look) => {
      const y = value(look);
      return y === null || (axis.type === "log" && !(y > 0)) ? [] : [{ epoch: look.epoch, y }];
    });
    return figure(
      `${label} against the epoch`,
      (canvas) => ({
        height: canvas.height - 120,
        x: { label: "epoch →", labelAnchor: "right", ticks: canvas.narrow ? 4 : 8 },
        y: { label: `↑ ${label}`, ticks: 4, grid: true, ...axis },
        marks: [
          Plot.ruleX(marks, { x: "epoch", stroke: "var(--second)", strokeDasharray: "6 4" }),
          Plot.line(points, { x: "epoch", y: "y", stroke: "var(--mark)", strokeWidth: 1.6 }),
        ],
      }),
      "",
      escapeHtml(label),
    );
  };
  const title = "What happens after zero training error?";
  return page(
    title,
    [
      `<h1>${title}</h1>`,
      `<p>A network is trained on ${formatWhole(settings.train)} digits to zero error and ${formatWhole(settings.beyond)} epochs beyond; ${formatWhole(settings.rescaleAfter)} epochs past zero error its first
hidden layer is rescaled by α = ${settings.alpha}, which changes no output. The volume P(f) is that of the network's function on the ${formatWhole(settings.train + settings.test)} digits of S and E
at infinite width, by expectation propagation; from zero error on, ${formatWhole(functions)} ${functions === 1 ? "function was" : "different functions were"} met.</p>`,
      `<p class="finding">${escapeHtml(analysis.finding)}</p>`,
      keys,
      ...settings.volumes.map((name) =>
        line(
          `log₁₀ P(f), ${VOLUME_LABELS[name] ?? name}`,
          { nice: true, tickFormat: (y: number) => signed(y, 0) },
          ({ volumes }) => volumes[name]?.log10P ?? null,
        ),
      ),
      ...settings.measures.map((name) =>
        line(
          name,
          { type: "log", tickFormat: (y: number) => formatNumber(y, 2) },
          ({ measures }) => measures[name].value,
        ),
      ),
      line("training loss", { type: "log", tickFormat: (y: number) => formatNumber(y, 2) }, ({ loss }) => loss),
      line(
        "accuracy on E",
        { domain: [0, 1], tickFormat: (y: number) => `${Math.round(100 * y)} %` },
        ({ accuracy }) => accuracy,
      ),
      `<h2>What the rescaling did</h2>
${dataTable(
  ["<measure", "<says of itself", "after / before"],
  analysis.jumps.map(({ name, invariant, factor }) => [
    escapeHtml(name),
    invariant ? "invariant" : "not invariant",
    factor === null ? "–" : formatNumber(factor, 4),
  ]),
)}
${dataTable(
  ["<volume, log₁₀", "before", "after", "the same to the last digit", "least and largest from zero error on"],
  analysis.volumes.map(({ name, before, after, unchanged, least, largest }) => [
    escapeHtml(VOLUME_LABELS[name] ?? name),
    before === null ? "–" : signed(before, 6),
    after === null ? "–" : signed(after, 6),
    unchanged ? "yes" : "no",
    least === null || largest === null ? "–" : `${signed(least)}, ${signed(largest)}`,
  ]),
)}`,
      provenance(
        records,
        `S. Zhang, I. Reid, G. Valle-Pérez, A. A. Louis, arXiv 2103.06219, figure 5. Rescaling: Dinh, Pascanu, Bengio &amp; Bengio, arXiv 1703.04933.`,
      ),
    ].join("\n"),
  );
}
