/**
 * Part 1: random networks stream in; the functions that they compute are counted.
 *
 * @module
 */
import type { NetworkOptions } from "flatvol";
import { Census, SHOWN } from "../census.ts";
import { Figure } from "../chart/figure.ts";
import { domainOf } from "../chart/scale.ts";
import { seedControl, slider } from "../controls.ts";
import { dataButtons } from "../download.ts";
import { card, cards, element } from "../elements.ts";
import { percent, short, superscript, whole } from "../format.ts";
import { breathe } from "../frames.ts";
import { type Part, type PartContext, PartFrame } from "../part.ts";
import { FunctionPanel } from "./functionPanel.ts";

/** Networks before a function is chosen for the reader: pictures come first. */
const FIRST_CHOICE = 5000;
/** Rows of the table below a picture. */
const TABLE_ROWS = 40;
/** Shares that two decimals of a per cent show as none. */
const LEAST = 0.00005;

export function priorPart(context: PartContext): Part {
  const { state, pool } = context;
  let census: Census | undefined;
  /** What is chosen if nobody chooses. */
  let first: string | undefined;

  const counted = card("networks drawn");
  const rate = card("networks a second");
  const distinct = card("different functions");
  const unseen = card("chance of a function not seen yet");

  const network = (): NetworkOptions => ({
    layers: [state.pBits, ...Array.from({ length: state.pDepth }, () => state.pWidth), 1],
    sigmaW2: state.pW2,
    sigmaB2: state.pB2,
  });

  const choose = (f: string, byHand = true): void => {
    state.pFunction = f;
    if (byHand) context.stateChanged();
    panel.show(f, network());
    draw();
  };
  const panel = new FunctionPanel(context, () => census);

  const zipf = new Figure({
    name: "zipf",
    title: "Few functions take most of the networks",
    height: 330,
    legend: [
      { kind: "line", colour: "mark", text: "counted" },
      { kind: "dashed", colour: "second", text: "Zipf’s law, 1 / (rank · ln of the number of functions)" },
    ],
    table: () => ({
      titles: ["rank", "networks", "P(f)"],
      rows: ranks()
        .slice(0, TABLE_ROWS)
        .map(([rank, count]) => [whole(rank), whole(count), short(count / (census?.samples ?? 1))]),
    }),
  });
  const cloud = new Figure({
    name: "complexity",
    title: "Simple functions are the frequent ones",
    height: 360,
    legend: [
      { kind: "dot", colour: "mark", text: `a function (the ${whole(SHOWN)} most frequent, spread in their columns)` },
      { kind: "dot", colour: "second", text: "the chosen one, with its 95 % interval" },
    ],
    onPick: (index) => {
      const f = census?.shown[index];
      if (f) choose(f.function);
    },
    table: () => ({
      titles: ["function", "networks", "P(f)", "complexity", ""],
      rows: (census?.shown ?? [])
        .slice(0, TABLE_ROWS)
        .map((f) => [
          `<code>${f.function}</code>`,
          whole(f.count),
          short(f.count / (census?.samples ?? 1)),
          short(f.complexity),
          `<button type="button" class="small" data-function="${f.function}" aria-label="Show function ${f.function}">show</button>`,
        ]),
    }),
  });
  cloud.element.addEventListener("click", (event) => {
    const f = (event.target as HTMLElement).dataset?.function;
    if (f) choose(f);
  });

  /** First ranks and counts: of all functions, or once the table is full of those that are still counted. */
  const ranks = (): Array<readonly [number, number]> => {
    if (!census) return [];
    if (census.full) return census.shown.map((f, i) => [i + 1, f.count] as const);
    const steps = census.table?.rankFrequency() ?? [];
    return steps.flatMap(({ firstRank, lastRank, count }) =>
      firstRank === lastRank
        ? [[firstRank, count] as const]
        : [[firstRank, count] as const, [lastRank, count] as const],
    );
  };

  const draw = (): void => {
    if (!census || census.samples === 0) return;
    for (const picture of [zipf.element, cloud.element]) picture.classList.remove("stale");
    const { samples, shown } = census;
    const steps = ranks();
    const points = 2 ** state.pBits;
    const last = Math.max(10, steps.at(-1)?.[0] ?? 10);
    const least = 0.5 / samples;
    // of 2^points functions: 1 / (ln N rank)
    const law = (rank: number): number => 1 / (points * Math.LN2 * rank);
    const probability = { label: "probability P(f)", log: true, domain: [least, 1] as const };
    zipf.show({
      label: `Probability of functions against their rank, both logarithmic: ${whole(samples)} networks`,
      x: { label: "rank of the function, most frequent first", log: true, domain: [1, last] },
      y: probability,
      marks: [
        { kind: "line", x: [1, last], y: [law(1), law(last)], colour: "second", dash: [6, 4] },
        { kind: "line", x: steps.map(([r]) => r), y: steps.map(([, c]) => c / samples), colour: "mark", width: 2.5 },
        { kind: "dots", x: [1], y: [(steps[0]?.[1] ?? 0) / samples], colour: "mark", radius: 4 },
      ],
    });
    // spread within their column, by the golden ratio, so that dots of one complexity stay apart; a lone dot stands where it is
    const columns = new Map<number, number>();
    for (const { complexity } of shown) columns.set(complexity, (columns.get(complexity) ?? 0) + 1);
    const gap = Math.max(1, Math.log2(points)) / 2;
    const spread = (i: number): number =>
      (columns.get(shown[i].complexity) ?? 0) > 2 ? 0.8 * gap * (((i * 0.618034) % 1) - 0.5) : 0;
    const chosen = census.shown.findIndex((f) => f.function === state.pFunction);
    const own = panel.interval(samples);
    cloud.show({
      label: `Probability of functions, logarithmic, against their Lempel-Ziv complexity: ${shown.length} ${shown.length === 1 ? "function" : "functions"}`,
      x: {
        label: "Lempel–Ziv complexity of f (bits)",
        domain: domainOf([0, ...shown.map((f) => f.complexity)], { padding: 0.04 }),
      },
      y: probability,
      marks: [
        {
          kind: "dots",
          x: shown.map((f, i) => f.complexity + spread(i)),
          y: shown.map((f) => f.count / samples),
          colour: "mark",
          opacity: 0.45,
          radius: 2.6,
          pick: true,
        },
        ...(own
          ? [
              {
                kind: "dots" as const,
                x: [own.complexity + (chosen >= 0 ? spread(chosen) : 0)],
                y: [own.probability],
                low: [own.ci95[0]],
                high: [own.ci95[1]],
                colour: "second" as const,
                radius: 5,
              },
            ]
          : []),
      ],
    });
  };

  const numbers = (): void => {
    if (!census?.table) return;
    const { table, samples, full } = census;
    const mass = table.unseenMass();
    const at = full ? `at ${whole(table.samples)} networks, when the table was full` : "";
    counted.set(whole(samples), full ? `the ${whole(SHOWN)} most frequent functions go on being counted` : "");
    rate.set(whole(census.rate), `on ${pool.size} ${pool.size === 1 ? "thread" : "threads"}`);
    distinct.set(whole(table.distinct), at);
    const error = mass.probability < LEAST ? "" : `± ${percent(mass.standardError, 2)} `;
    const share = mass.probability < LEAST ? `below ${percent(LEAST, 2)}` : percent(mass.probability, 2);
    unseen.set(share, `${error}(Good–Turing) ${at}`.trim());
  };

  const frame = new PartFrame(context, {
    id: "prior",
    title: "The prior, live",
    lead: "Draw the weights of a network at random and look at which Boolean function it computes: a handful of simple functions come up again and again, most never do. Click a dot to see its function, and its volume by every method.",
    controls: (settings) => [
      slider(settings, "pBits", "Input bits n", (n) => `${n}: 2${superscript(2 ** n)} functions`),
      slider(settings, "pDepth", "Hidden layers"),
      slider(settings, "pWidth", "Width of each", (w) => `${w} units`),
      slider(settings, "pW2", "Weight variance σ_w²", (v) => v.toFixed(2)),
      slider(settings, "pB2", "Bias variance σ_b²", (v) => v.toFixed(2)),
      seedControl(settings, "pSeed"),
    ],
    changed: (key) => {
      if (key === "pBits") state.pFunction = "";
      frame.loop.restart();
    },
    work: {
      reset() {
        census?.close();
        first = undefined;
        census = new Census(network(), state.pSeed, pool);
        for (const card of [rate, distinct, unseen]) card.set("–");
        counted.set("0");
        for (const picture of [zipf.element, cloud.element]) picture.classList.add("stale");
        if (state.pFunction) panel.show(state.pFunction, network());
        else panel.clear();
      },
      async step(signal) {
        const mine = census as Census;
        await mine.advance(signal);
        if (signal.aborted) return false;
        // to begin with the most frequent function of the first call that is not constant (constants have complexity n): later
        // calls are of a size that depends on the machine
        first ??= mine.shown.find((f) => f.complexity > state.pBits)?.function;
        await breathe();
        if (signal.aborted) return false;
        numbers();
        draw();
        frame.tell();
        await breathe();
        if (signal.aborted) return false;
        if (!state.pFunction && first && mine.samples > FIRST_CHOICE) choose(first, false);
        else panel.recount();
        return true;
      },
    },
    status: () =>
      census && census.samples > 0
        ? `${whole(census.samples)} networks, ${whole(census.rate)} a second`
        : "no network yet",
    extra: [dataButtons("prior", records, () => ({ ...network(), seed: state.pSeed, samples: census?.samples ?? 0 }))],
    body: [
      cards(counted, rate, distinct, unseen),
      element("div", { class: "pictures" }, zipf.element, cloud.element),
      panel.element,
    ],
  });

  function records(): unknown[] {
    const samples = census?.samples ?? 0;
    return (census?.shown ?? []).map((f) => ({ ...f, samples, probability: f.count / samples }));
  }

  return {
    element: frame.element,
    inView(inView) {
      frame.inView(inView);
      if (inView) draw();
      panel.inView(inView);
    },
    refresh() {
      frame.refresh();
      frame.loop.restart();
    },
    close() {
      frame.loop.close();
      panel.clear();
      census?.close();
    },
  };
}
