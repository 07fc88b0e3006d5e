/**
 * The report of the count study: records in, one HTML page out.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import { show } from "../engine/checks.ts";
import type { Correlation } from "../statistics/correlation.ts";
import type { CountRecords, TopFunction } from "../study/count.ts";
import { decades, figure, formatDecade, key, legend } from "./figure.ts";
import { escapeHtml, formatNumber, formatProse, formatShare, formatWhole, superscript } from "./format.ts";
import { card, factsTable, page } from "./page.ts";
import { truthTable } from "./truthTable.ts";

/**
 * One self-contained page about a count: no script, nothing fetched. The same records give the same bytes.
 *
 * @param records of `countRecords`, or read back from their JSON.
 * @throws TypeError if they are no such records.
 * @example
 * const table = await countFunctions({ layers: [3, 8, 1] }, { samples: 2000 });
 * const html = countReport(await countRecords(table));
 */
export function countReport(records: CountRecords): string {
  if (typeof records !== "object" || records === null || records.study !== "count") {
    throw new TypeError(`records: expected records of the study "count", got ${show(records)}`);
  }
  const title = `What functions do random ${layersText(records)} networks compute?`;
  return page(
    title,
    [
      `<h1>${escapeHtml(title)}</h1>`,
      introduction(records),
      statistics(records),
      zipf(records),
      complexity(records),
      ones(records),
      topTable(records),
      provenance(records),
    ].join("\n"),
  );
}

/** `7-40-40-1`, not to be broken over lines. */
function layersText({ network }: CountRecords): string {
  return network.layers.join("\u2011");
}

/** How many functions there are, as text: `2^128`. */
function possible({ inputs }: CountRecords): string {
  const count = inputs.points <= 20 ? ` = ${formatWhole(2 ** inputs.points)}` : "";
  return `2<sup>${inputs.points}</sup>${count}`;
}

function inputsText({ inputs }: CountRecords): string {
  return inputs.kind === "boolean"
    ? `all ${formatWhole(inputs.points)} inputs of ${inputs.features} bits`
    : `${formatWhole(inputs.points)} given points of ${inputs.features} features`;
}

/** What a function is, in words, if it has a short name. */
function nameOf(f: string, points: number): string | undefined {
  if (/^0+$/.test(f)) return "always 0";
  const rest = points % 4;
  const full = "f".repeat(Math.floor(points / 4)) + (rest > 0 ? (0xf & ~(0xf >> rest)).toString(16) : "");
  return f === full ? "always 1" : undefined;
}

function introduction(records: CountRecords): string {
  const { network, samples, distinct, top, inputs } = records;
  const first: TopFunction | undefined = top[0];
  const name = first && nameOf(first.function, inputs.points);
  const uniform = samples ** 2 / 2 / 2 ** Math.min(1000, inputs.points);
  const surprise =
    uniform < 0.01
      ? "Were all of them equally likely, no function would have come up twice."
      : "Were all of them equally likely, the counts would be level.";
  return `<p>A neural network with random weights computes <em>some</em> function of its inputs. Here ${formatWhole(samples)}
random networks with ${network.layers.length - 2} hidden ${network.layers.length === 3 ? "layer" : "layers"} (${layersText(records)},
${escapeHtml(network.activation)}) were drawn, and each was asked for its answer, 0 or 1, at ${inputsText(records)}. That list of
answers is its function, one of ${possible(records)}.</p>
<p>${surprise} In fact ${
    first
      ? `the most frequent function${name ? ` (“${name}”)` : ""} alone came up in ${formatShare(first.probability)} of the networks,
and all ${formatWhole(samples)} networks share ${formatWhole(distinct)} functions.`
      : `${formatWhole(distinct)} functions were found.`
  }
The share of random networks that compute a function <em>f</em> is its prior probability <em>P</em>(<em>f</em>): the volume of parameter
space that <em>f</em> takes up.</p>`;
}

function statistics(records: CountRecords): string {
  const { samples, distinct, singletons, unseenMass, entropy, designEffect, outputDraws, inputs, top } = records;
  const cards = [
    card("networks drawn", formatWhole(samples)),
    card("different functions", formatWhole(distinct), `of ${possible(records)}`),
    ...top
      .slice(0, 1)
      .map((f) =>
        card(
          "probability of the most frequent one",
          formatProse(f.orbitProbability, 4),
          `95 % interval ${interval(f.orbitCi95, f.orbitProbability)}`,
        ),
      ),
    card("functions seen once", formatWhole(singletons), `${formatNumber((100 * singletons) / distinct, 3)} % of them`),
    card(
      "probability of all functions not seen",
      formatProse(unseenMass.probability, 4),
      `± ${formatProse(unseenMass.standardError, 2)}, Good-Turing${unseenMass.independent ? "" : " (error from below)"}`,
    ),
    card(
      "entropy of the prior",
      `${formatNumber((entropy.chaoShen ?? entropy.millerMadow) / Math.LN2, 4)} bits`,
      `corrected for unseen functions (Chao-Shen); plug-in ${formatNumber(entropy.plugIn / Math.LN2, 4)}; uniform: ${inputs.points}`,
    ),
  ];
  if (outputDraws > 1) {
    cards.push(
      card(
        "effective networks",
        formatWhole(designEffect.effectiveSamples),
        `${outputDraws} output layers share a body: mean design effect ${formatNumber(designEffect.mean, 3)}`,
      ),
    );
  }
  return `<dl class="cards">\n${cards.join("\n")}\n</dl>`;
}

/** At most about `most` steps, evenly spread over the logarithm of the rank; the first and the last always. */
function thinned(steps: CountRecords["rankFrequency"], most: number): CountRecords["rankFrequency"] {
  if (steps.length <= most) return steps;
  const last = steps.length - 1;
  const spread = Math.log(steps[last].lastRank) / most;
  let next = Number.NEGATIVE_INFINITY;
  return steps.filter((step, i) => {
    const at = Math.log(step.lastRank);
    if (i !== last && at < next) return false;
    next = at + spread;
    return true;
  });
}

/** How many of the most frequent functions it takes to make up half of the samples. */
function half({ rankFrequency, samples }: CountRecords): number {
  let sum = 0;
  for (const { firstRank, lastRank, count } of rankFrequency) {
    const missing = samples / 2 - sum;
    const functions = lastRank - firstRank + 1;
    if (functions * count >= missing) return firstRank - 1 + Math.ceil(missing / count);
    sum += functions * count;
  }
  return 0;
}

function zipf(records: CountRecords): string {
  const { samples, distinct, inputs } = records;
  const steps = thinned(records.rankFrequency, 400);
  if (steps.length === 0) return "";
  const logFunctions = inputs.points * Math.LN2;
  const stairs = steps.flatMap(({ firstRank, lastRank, probability, ci95 }) => {
    const at = (rank: number) => ({ rank, probability, low: Math.max(ci95[0], 1e-300), high: ci95[1] });
    return firstRank === lastRank ? [at(firstRank)] : [at(firstRank), at(lastRank)];
  });
  const ends = [1, distinct].map((rank) => ({ rank, probability: 1 / (rank * logFunctions) }));
  const lowest = Math.min(stairs[stairs.length - 1].low, ends[1].probability) / 1.5;
  const most = stairs[0].probability;
  const rank = Math.min(100, distinct);
  const at = records.rankFrequency.find((step) => step.lastRank >= rank)!;
  const ratio = at.probability * rank * logFunctions;
  const caption = `Functions in order of frequency: rank 1 is the most frequent one. Probability falls from
${formatShare(most)} at rank 1 to ${formatShare(at.probability)} at rank ${formatWhole(rank)} and 1 in ${formatWhole(samples)}
for the ${formatWhole(records.singletons)} functions seen once. The dashed line is Zipf's law,
1 / (rank · ln 2<sup>${inputs.points}</sup>), which has no free parameter; at rank ${formatWhole(rank)} the count is ${formatNumber(ratio, 2)} times it.
The band is the 95 % Wilson interval of each probability.`;
  return `<h2>Half of all networks compute one of ${formatWhole(half(records))} functions</h2>
${figure(
  "Rank-frequency plot: probability of a function against its rank, both logarithmic",
  (canvas) => ({
    x: {
      type: "log",
      domain: [1, Math.max(10, distinct)],
      label: "rank of the function →",
      labelAnchor: "right",
      ticks: decades(1, Math.max(10, distinct), canvas.narrow ? 4 : 8),
      tickFormat: formatDecade,
      grid: true,
    },
    y: {
      type: "log",
      domain: [lowest, 1],
      label: "↑ probability P(f)",
      ticks: decades(lowest, 1, 8),
      tickFormat: formatDecade,
      grid: true,
    },
    marks: [
      Plot.areaY(stairs, {
        x: "rank",
        y1: (d: { low: number }) => Math.max(d.low, lowest),
        y2: "high",
        fill: "var(--mark-soft)",
      }),
      Plot.line(ends, {
        x: "rank",
        y: "probability",
        stroke: "var(--second)",
        strokeWidth: 1.8,
        strokeDasharray: "6 4",
      }),
      Plot.line(stairs, { x: "rank", y: "probability", stroke: "var(--mark)", strokeWidth: 2 }),
      Plot.dot(stairs.slice(0, 1), { x: "rank", y: "probability", fill: "var(--mark)", r: 3 }),
    ],
  }),
  legend([
    key("line", "var(--mark)", "counted"),
    key("box", "var(--mark-soft)", "95 % interval"),
    key("line dashed", "var(--second)", "Zipf's law"),
  ]),
  caption,
)}`;
}

const HEAT = [1, 2, 3, 4, 5, 6] as const;

/** Colour class of a number of functions: one a decade. */
function heat(functions: number): string {
  return `var(--heat-${Math.min(HEAT.length, 1 + Math.floor(Math.log10(functions) + 1e-9))})`;
}

function correlationText(name: string, { value, ci95 }: Correlation): string {
  if (value === null) return "";
  const number = (x: number): string => x.toFixed(3).replace("-", "−");
  return `${name} ${number(value)}${ci95 ? ` (95 % interval ${number(ci95[0])} to ${number(ci95[1])})` : ""}`;
}

function complexity(records: CountRecords): string {
  const { cells, samples, byComplexity, orbits, correlations, inputs } = records;
  if (cells.length === 0) return "";
  const levels = byComplexity.map((level) => level.complexity);
  let gap = Number.POSITIVE_INFINITY;
  for (let i = 1; i < levels.length; i++) gap = Math.min(gap, levels[i] - levels[i - 1]);
  const half = Number.isFinite(gap) ? gap / 2 : 1;
  const rectangles = cells.map(({ complexity: k, countFrom, countTo, functions }) => ({
    x1: k - half,
    x2: k + half,
    y1: countFrom / samples,
    y2: Math.min(1, (countTo + 1) / samples),
    fill: heat(functions),
  }));
  // spread within their column, by the golden ratio, so that dots of one complexity stay apart
  const spread = orbits.map((o, i) => ({ ...o, x: o.complexity + 1.6 * half * (((i * 0.618034) % 1) - 0.5) }));
  const seen = spread.filter((o) => o.others > 0);
  const unseen = spread.filter((o) => o.others === 0);
  const rarest = seen.length > 0 ? Math.min(...seen.map((o) => o.probability)) : 1 / samples;
  const floor = 10 ** Math.floor(Math.log10(Math.min(1 / samples, rarest)) - 0.1);
  const classes = 1 + Math.floor(Math.log10(Math.max(...cells.map((c) => c.functions))) + 1e-9);
  const boxes = HEAT.slice(0, Math.min(classes, HEAT.length)).map((c) => {
    const text =
      c === 1
        ? "1 to 9"
        : c === HEAT.length
          ? `${formatWhole(10 ** (c - 1))} or more`
          : `from ${formatWhole(10 ** (c - 1))}`;
    return key("box", `var(--heat-${c})`, c === 1 ? `${text} functions` : text);
  });
  if (seen.length > 0) boxes.push(key("dot", "var(--second)", "one function, by its orbit"));

  const simple = byComplexity[0];
  const busiest = byComplexity.reduce((a, b) => (b.functions > a.functions ? b : a));
  const [found] = correlations;
  const parts = [
    `Each box gathers the functions of one complexity and about one probability. The ${formatWhole(simple.functions)}
${simple.functions === 1 ? "function" : "functions"} of the lowest complexity, ${formatNumber(simple.complexity, 3)}, took ${formatShare(simple.samples / samples)} of the networks;
the ${formatWhole(busiest.functions)} functions of complexity ${formatNumber(busiest.complexity, 3)} took ${formatShare(busiest.samples / samples)}, none of them more than
${formatShare(busiest.largest / samples)}.`,
  ];
  if (found?.spearman.value != null) {
    parts.push(
      `Over the ${formatWhole(found.functions)} functions seen at least ${found.minimumCount} times, log P and complexity have
${correlationText("Spearman's rank correlation", found.spearman)} and ${correlationText("Pearson's", found.pearson)}.`,
    );
  }
  if (seen.length > 0) {
    const symmetric = inputs.kind === "boolean" ? "permuting the input bits" : "";
    const negated = records.symmetry.negation > 0 ? "negating the output" : "";
    parts.push(
      `${[symmetric, negated]
        .filter(Boolean)
        .join(" or ")
        .replace(/^./, (c) => c.toUpperCase())} changes no probability, so all functions of such an orbit
share one, and counting the whole orbit reaches further down than counting a function: to ${formatProse(rarest, 2)} here. Each dot is the
function of one randomly chosen network, estimated by the <em>other</em> networks.${
        unseen.length > 0
          ? ` Of ${formatWhole(orbits.length)}, ${formatWhole(unseen.length)} had an orbit that no other network hit; open triangles are their upper 95 % ends.`
          : ""
      }`,
    );
  }
  const falling = found?.spearman.ci95 != null && found.spearman.ci95[1] < 0;
  return `<h2>${falling ? "Simple functions are the frequent ones" : "Probability and complexity"}</h2>
<p>Complexity here is Lempel-Ziv complexity: how many different words it takes to spell the list of answers. A constant list is the
simplest; a list without any pattern is the most complex.</p>
${figure(
  "Probability of functions (logarithmic) against their Lempel-Ziv complexity",
  (canvas) => ({
    height: canvas.height + 60,
    x: {
      label: "Lempel-Ziv complexity →",
      labelAnchor: "right",
      ticks: canvas.narrow ? 5 : 9,
      domain: [0, levels[levels.length - 1] + half],
    },
    y: {
      type: "log",
      domain: [floor, 1],
      label: "↑ probability P(f)",
      ticks: decades(floor, 1, 9),
      tickFormat: formatDecade,
      grid: true,
    },
    color: { type: "identity" },
    marks: [
      Plot.rect(rectangles, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: "fill", insetLeft: 0.5, insetBottom: 0.5 }),
      Plot.dot(seen, {
        x: "x",
        y: "probability",
        r: canvas.narrow ? 1.6 : 2.2,
        fill: "var(--second)",
        fillOpacity: 0.75,
      }),
      Plot.dot(
        unseen.filter((o) => o.ci95[1] >= floor),
        {
          x: "x",
          y: (o: { ci95: readonly [number, number] }) => o.ci95[1],
          symbol: "triangle",
          rotate: 180,
          r: canvas.narrow ? 1.6 : 2.2,
          stroke: "var(--second)",
          strokeOpacity: 0.6,
        },
      ),
    ],
  }),
  legend(boxes),
  parts.map((part) => `<p>${part}</p>`).join(""),
)}`;
}

/** ln of the binomial coefficient, by sums of logarithms. */
function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i);
  return sum;
}

function ones(records: CountRecords): string {
  const { byOnes, samples, inputs } = records;
  if (byOnes.length === 0) return "";
  const bars = byOnes.map((level) => ({ ones: level.ones, probability: level.samples / samples }));
  const floor = 10 ** Math.floor(Math.log10(Math.min(...bars.map((b) => b.probability))) - 0.1);
  const m = inputs.points;
  const binomial = Array.from({ length: m + 1 }, (_, t) => ({
    ones: t,
    probability: Math.exp(logChoose(m, t) - m * Math.LN2),
  })).filter((b) => b.probability >= floor);
  const constant = bars.filter((b) => b.ones === 0 || b.ones === m).reduce((sum, b) => sum + b.probability, 0);
  const middle = [Math.floor(0.25 * m), Math.ceil(0.75 * m)];
  const balanced = bars
    .filter((b) => b.ones >= middle[0] && b.ones <= middle[1])
    .reduce((sum, b) => sum + b.probability, 0);
  const caption = `${formatShare(constant)} of the networks gave the same answer at every input, and ${formatShare(balanced)} answered 1 at a quarter to three
quarters of the inputs. Were all functions equally likely, the number of ones would follow the dashed curve: ${formatNumber(m / 2, 3)} ± ${formatNumber(Math.sqrt(m) / 2, 2)}.`;
  return `<h2>How often the answer is 1</h2>
${figure(
  "Probability of the number of inputs with output 1, logarithmic",
  (canvas) => ({
    height: canvas.height - 60,
    x: { label: "inputs with output 1 →", labelAnchor: "right", domain: [-0.5, m + 0.5], ticks: canvas.narrow ? 4 : 8 },
    y: {
      type: "log",
      domain: [floor, 1],
      label: "↑ probability",
      ticks: decades(floor, 1, 6),
      tickFormat: formatDecade,
      grid: true,
    },
    marks: [
      Plot.rect(bars, {
        x1: (b: { ones: number }) => b.ones - 0.42,
        x2: (b: { ones: number }) => b.ones + 0.42,
        y1: floor,
        y2: "probability",
        fill: "var(--mark)",
      }),
      Plot.line(binomial, {
        x: "ones",
        y: "probability",
        stroke: "var(--second)",
        strokeWidth: 1.8,
        strokeDasharray: "6 4",
      }),
    ],
  }),
  legend([
    key("box", "var(--mark)", "random networks"),
    key("line dashed", "var(--second)", "if all functions were equally likely"),
  ]),
  caption,
)}`;
}

/** An interval with the power of ten of its estimate. */
function interval([low, high]: readonly [number, number], estimate: number): string {
  const exponent = estimate > 0 && estimate < 0.001 ? Math.floor(Math.log10(estimate)) : 0;
  if (exponent === 0) return `${formatProse(low, 4)} to ${formatProse(high, 4)}`;
  const mantissa = (x: number): string => (x / 10 ** exponent).toFixed(2);
  return `${mantissa(low)} to ${mantissa(high)} × 10${superscript(exponent)}`;
}

function topTable({ top, inputs }: CountRecords): string {
  if (top.length === 0) return "";
  const rows = top.map((f, i) => {
    const name = nameOf(f.function, inputs.points);
    return `<tr><td>${i + 1}</td><td class="left">${truthTable(f.function, inputs.points)}</td>
<td class="left"><span class="mono">${escapeHtml(f.function.replace(/(.{16})(?=.)/g, "$1 "))}</span>${name ? `<small>${name}</small>` : ""}</td>
<td>${formatWhole(f.count)}</td><td>${formatProse(f.probability, 4)}<small>${interval(f.ci95, f.probability)}</small></td>
<td>${formatProse(f.orbitProbability, 4)}<small>${interval(f.orbitCi95, f.orbitProbability)}</small></td>
<td>${formatWhole(f.orbitSize)}</td><td>${formatNumber(f.complexity, 4)}</td></tr>`;
  });
  const sum = top.reduce((total, f) => total + f.probability, 0);
  return `<h2>The ${top.length} most frequent functions</h2>
<p>Together they make up ${formatShare(sum)} of all networks. In the pictures each square is an input, filled where the answer is 1; input 0 is at the
upper left. The orbit is the set of functions that must have the same probability, by symmetry; their pooled counts give the
second, sharper estimate. Intervals are 95 %.</p>
<div class="scroll"><table>
<thead><tr><th>rank</th><th class="left">picture</th><th class="left">function (hex, input 0 first)</th><th>count</th><th>probability</th><th>from its orbit</th><th>orbit size</th><th>complexity</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div>`;
}

function provenance(records: CountRecords): string {
  const { network, run, ranges, outputDraws } = records;
  const facts: Array<[string, string | undefined]> = [
    ["command", run.command && `<code>${escapeHtml(run.command)}</code>`],
    ["flatvol", escapeHtml(records.version)],
    [
      "network",
      `${layersText(records)}, ${escapeHtml(network.activation)}, ${formatWhole(network.parameterCount)} parameters`,
    ],
    ["prior", `weights N(0, ${network.sigmaW2} / fan-in), biases N(0, ${network.sigmaB2}), all independent`],
    ["inputs", inputsText(records)],
    [
      "draws",
      ranges
        .map((r) => {
          const first = r.first * outputDraws;
          return `seed ${escapeHtml(r.seed)}, samples ${formatWhole(first)} to ${formatWhole(r.end * outputDraws - 1)}`;
        })
        .join("; "),
    ],
    ["output draws", `${outputDraws} for each body`],
    ["began", run.startedAt && escapeHtml(run.startedAt)],
    ["counting took", run.seconds === undefined ? undefined : `${formatNumber(run.seconds, 3)} s`],
    ["samples a second", run.samplesPerSecond === undefined ? undefined : formatWhole(run.samplesPerSecond)],
    ["workers", run.workers === undefined ? undefined : formatWhole(run.workers)],
    ["platform", run.platform && escapeHtml(run.platform)],
    ["digest", `<code>${escapeHtml(records.digest)}</code>`],
  ];
  return `<h2>How this was made</h2>
<p>The same network, seed and number of samples give the same table to the bit, whatever the machine, the number of workers, in Node or
in a browser: the digest (SHA-256 over all functions and counts) tells.</p>
${factsTable(facts)}
<p class="soft">Zipf's law for this prior: Valle-Pérez, Camargo, Louis, <em>Deep learning generalizes because the parameter-function map is biased
towards simple functions</em>, arXiv 1805.08522 (2019). Complexity: Dingle, Camargo, Louis, <em>Input-output maps are strongly
biased towards simple outputs</em> (2018). Probability as volume: Zhang, Reid, Valle-Pérez, Louis, arXiv 2103.06219. 10${superscript(-3)} means 0.001.</p>`;
}
