/**
 * Part 3: a network's first layer is divided by alpha and its second multiplied: the outputs stay, flatness does not.
 *
 * @module
 */
import { evaluate, functionOf } from "flatvol";
import { flatness, landscape, type MeasureRecord, rescale, train } from "flatvol/flatness";
import { logVolume } from "flatvol/volume";
import { allInputs, NETWORK, POINTS, TARGET_NAMES, type Task, taskOf, testSet, trainingSet } from "../boolean.ts";
import type { Mark } from "../chart/draw.ts";
import { Figure } from "../chart/figure.ts";
import type { Colour } from "../chart/theme.ts";
import { type Control, seedControl, select, slider } from "../controls.ts";
import { scaleTitle } from "../correlationTable.ts";
import { dataButtons } from "../download.ts";
import { card, cards, element } from "../elements.ts";
import { percent, short, withError } from "../format.ts";
import { breathe } from "../frames.ts";
import { type Part, type PartContext, PartFrame } from "../part.ts";
import { power, RULES, type State } from "../state.ts";

interface Shown {
  readonly name: string;
  readonly label: string;
  readonly colour: Colour;
  readonly dash?: readonly number[];
}
const MEASURES: readonly Shown[] = [
  { name: "keskar-protocol", label: "Keskar sharpness (%)", colour: "second" },
  { name: "spectral-norm", label: "largest Hessian eigenvalue", colour: "mark" },
  { name: "trace", label: "Hessian trace", colour: "third" },
  { name: "sam", label: "SAM sharpness", colour: "fourth" },
  { name: "pac-bayes-sigma", label: "PAC-Bayes σ (larger is flatter)", colour: "bad" },
  { name: "asam", label: "adaptive SAM sharpness", colour: "soft" },
  { name: "fisher-rao", label: "Fisher–Rao norm", colour: "soft", dash: [7, 4] },
  { name: "relative-flatness", label: "relative flatness", colour: "soft", dash: [2, 3] },
];
const CAPTION = "The measures at this α";
const NAMES = MEASURES.map(({ name }) => name);

/** Ends of the pictures: the standard deviation of each weight's change, and for filter-normalised ones its share of the weights' norm. */
const RADIUS = { plain: 0.12, filter: 1 } as const;
const LINE_STEPS = 61;
const MAP_STEPS = 33;
/** Exponents of alpha whose measures make the lines. */
const COARSE = Array.from({ length: 13 }, (_, i) => (i - 6) / 2);
const FINE = Array.from({ length: 61 }, (_, i) => Number(((i - 30) / 10).toFixed(6)));
/** Decades to either side of 1 in the bars. */
const BAR_DECADES = 2;
const TRAINING = { loss: "bce", optimizer: "sgd", learningRate: 0.05, maxEpochs: 5000 } as const;
const PLAY_MS = 110;

type Measured = Readonly<Record<string, MeasureRecord>>;
interface Terrain {
  readonly a: readonly number[];
  readonly line: readonly number[];
  readonly map: readonly number[];
}
/** The network that is rescaled. */
interface Subject {
  readonly task: Task;
  readonly parameters: Float32Array;
  readonly outputs: Float32Array;
  readonly function: string;
  readonly accuracy: number;
  readonly loss: number;
  readonly log10P: number | undefined;
  readonly standardError: number | undefined;
}

export function rescalePart(context: PartContext): Part {
  const { state, pool } = context;
  let subject: Subject | undefined;
  let terrains = new Map<string, Terrain>();
  let measures = new Map<string, Measured>();
  /** What was checked of an alpha: the change of the outputs, and the function. */
  let checked = { alpha: Number.NaN, layer: 0, change: Number.NaN, same: false };

  const terrainKey = (exponent: number): string => `${state.rView} ${state.rLayer} ${exponent}`;
  const measureKey = (exponent: number): string => `${state.rLayer} ${exponent}`;
  const rescaled = ({ parameters }: Subject, exponent: number): Float32Array =>
    rescale(NETWORK, parameters, { layer: state.rLayer, alpha: power(2, exponent) });

  const alpha = card("α");
  const change = card("largest change of an output");
  const volume = card("log₁₀ P(f), infinitely wide");
  const accuracy = card("accuracy on the test set");

  const profile = new Figure({
    name: "loss-profile",
    title: "The loss along a fixed random direction",
    height: 300,
    legend: [
      { kind: "line", colour: "mark", text: "at this α" },
      { kind: "dashed", colour: "soft", text: "at α = 1" },
    ],
    table: () => {
      const here = terrains.get(terrainKey(state.rAlpha));
      const there = terrains.get(terrainKey(0));
      return {
        titles: ["step", "loss at this α", "loss at α = 1"],
        rows: (here?.a ?? []).map((a, i) => [
          short(a),
          short(here?.line[i] ?? Number.NaN),
          short(there?.line[i] ?? Number.NaN),
        ]),
      };
    },
  });
  const map = new Figure({
    name: "loss-map",
    title: "The loss on a plane of two such directions",
    height: 300,
    legend: [{ kind: "heat", text: "loss, from the network’s to 100 times as much (logarithmic)" }],
  });
  const lines = new Figure({
    name: "measures-against-alpha",
    title: "Every measure, over its value at α = 1",
    height: 300,
    legend: MEASURES.map(({ label, colour, dash }) => ({
      kind: dash ? (dash[0] < 5 ? "dotted" : "dashed") : "line",
      colour,
      text: label,
    })),
    table: () => ({
      titles: ["α", ...MEASURES.map(({ label }) => label)],
      rows: COARSE.map((e) => [
        short(power(2, e)),
        ...NAMES.map((name) => short(measures.get(measureKey(e))?.[name].value ?? Number.NaN)),
      ]),
    }),
  });
  const body = element("tbody");
  const caption = element("caption", {}, CAPTION);
  const table = element(
    "table",
    { class: "bars" },
    caption,
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...["measure", "value", "over that at α = 1"].map((title) => element("th", { scope: "col" }, title)),
        scaleTitle("0.01", "1", "100"),
        element("th", { scope: "col" }, "rescaling"),
      ),
    ),
    body,
  );

  const drawTerrain = (): void => {
    const here = terrains.get(terrainKey(state.rAlpha));
    const flat = terrains.get(terrainKey(0));
    if (!here || !flat || !subject) {
      profile.fade();
      map.fade();
      return;
    }
    const at = `α = ${short(power(2, state.rAlpha))}`;
    const top = 3 * Math.max(flat.line[0], flat.line[LINE_STEPS - 1]);
    const name = state.rView === "filter" ? "step, filter-normalised" : "step (s.d. of each weight’s change)";
    profile.show({
      label: `Loss along a random direction at ${at}`,
      x: { label: name, domain: [here.a[0], here.a[LINE_STEPS - 1]] },
      y: { label: "training loss (nats)", domain: [0, top] },
      marks: [
        { kind: "line", x: flat.a, y: flat.line, colour: "soft", dash: [6, 4] },
        { kind: "line", x: here.a, y: here.line, colour: "mark", width: 3 },
        { kind: "dots", x: [0], y: [here.line[(LINE_STEPS - 1) / 2]], colour: "mark", radius: 5 },
        { kind: "note", x: 0.97 * here.a[0], y: 0.93 * top, text: at, colour: "mark" },
      ],
    });
    const base = Math.max(subject.loss, 1e-6);
    map.show({
      label: `Loss on a plane through the network at ${at}`,
      x: { label: "first direction", domain: [here.a[0], here.a[LINE_STEPS - 1]] },
      y: { label: "second direction", domain: [here.a[0], here.a[LINE_STEPS - 1]] },
      marks: [
        {
          kind: "cells",
          columns: MAP_STEPS,
          values: here.map.map((loss) => Math.log10(Math.max(loss, base) / base) / 2),
        },
        // the map's own colours are the same in light and dark
        { kind: "dots", x: [0], y: [0], colour: "light", radius: 4, hollow: true },
        { kind: "note", x: 0.97 * here.a[0], y: -0.97 * here.a[0] * 0.93, text: at, colour: "light" },
      ],
    });
  };

  const drawMeasures = (): void => {
    const reference = measures.get(measureKey(0));
    const known = [...new Set([...COARSE, state.rAlpha])]
      .filter((e) => measures.has(measureKey(e)))
      .sort((a, b) => a - b);
    const ratio = (e: number, name: string): number =>
      (measures.get(measureKey(e))?.[name].value ?? Number.NaN) / (reference?.[name].value ?? Number.NaN);
    const marks: Mark[] = reference
      ? MEASURES.map(({ name, colour, dash }) => ({
          kind: "line",
          x: known.map((e) => power(2, e)),
          y: known.map((e) => ratio(e, name)),
          colour,
          dash,
          width: 2,
        }))
      : [];
    const all = known.flatMap((e) => NAMES.map((name) => ratio(e, name))).filter((r) => r > 0);
    lines.show({
      label: "Measures of flatness relative to α = 1 against α, both logarithmic",
      x: {
        label: "rescaling factor α",
        log: true,
        domain: [1 / 8, 8],
        ticks: [1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8].map((a) => [a, short(a).replace(/0+$/, "").replace(/\.$/, "")]),
      },
      y: { label: "relative to α = 1", log: true, domain: [Math.min(0.3, ...all) / 1.2, Math.max(3, ...all) * 1.2] },
      marks: [...marks, { kind: "rule", across: "x", at: power(2, state.rAlpha), colour: "ink", label: "α" }],
    });
    // while alpha moves: the measures of the nearest that is known
    const nearest = known.reduce<number | undefined>(
      (best, e) => (best === undefined || Math.abs(e - state.rAlpha) < Math.abs(best - state.rAlpha) ? e : best),
      undefined,
    );
    const shownAt = nearest ?? state.rAlpha;
    const here = measures.get(measureKey(shownAt));
    caption.textContent =
      here && shownAt !== state.rAlpha
        ? `The measures at α = ${short(power(2, shownAt))}, the nearest at which there are all`
        : CAPTION;
    body.replaceChildren(
      ...MEASURES.map(({ name, label, colour }) => {
        const record = here?.[name];
        const r = record && reference ? ratio(shownAt, name) : Number.NaN;
        const tag = record
          ? element(
              "span",
              { class: record.invariant ? "tag good" : "tag bad" },
              record.invariant ? "invariant" : "moves",
            )
          : "";
        return element(
          "tr",
          { "data-measure": name },
          element("th", { scope: "row", title: record?.source ?? "" }, label),
          element("td", {}, record ? valueText(record) : "…"),
          element("td", {}, Number.isFinite(r) ? `× ${short(r)}` : "…"),
          element("td", { class: "bar-cell" }, bar(r, colour)),
          element("td", {}, tag),
        );
      }),
    );
  };

  /** The outputs and the function at the slider's alpha: looked at, not assumed. */
  const check = async (): Promise<void> => {
    const asked = { alpha: state.rAlpha, layer: state.rLayer };
    alpha.set(short(power(2, asked.alpha)), `hidden layer ${asked.layer}: weights in / α, weights out · α`);
    const mine = subject;
    if (!mine) return;
    if (checked.alpha !== asked.alpha || checked.layer !== asked.layer) {
      const w = rescaled(mine, asked.alpha);
      const outputs = await evaluate(NETWORK, w, allInputs(), POINTS);
      const same = (await functionOf(NETWORK, w)) === mine.function;
      if (subject !== mine) return;
      let most = 0;
      let largest = 0;
      outputs.forEach((z, i) => {
        most = Math.max(most, Math.abs(z - mine.outputs[i]));
        largest = Math.max(largest, Math.abs(mine.outputs[i]));
      });
      checked = { ...asked, change: most / largest, same };
    }
    change.set(short(checked.change, 2), "of the largest output: the rounding of 32-bit numbers");
    const same = checked.same ? "the same function, so the same volume" : "rounding moved an output across zero";
    volume.set(mine.log10P === undefined ? "–" : withError(mine.log10P, mine.standardError), same);
    accuracy.set(percent(mine.accuracy), checked.same ? "the same at every α" : "");
  };

  const draw = (): void => {
    drawTerrain();
    drawMeasures();
    void check();
  };

  const play = element("button", { type: "button" }, "Play α");
  let playing: ReturnType<typeof setInterval> | undefined;
  const stop = (): void => {
    clearInterval(playing);
    playing = undefined;
    play.textContent = "Play α";
  };
  let direction = 1;
  play.addEventListener("click", () => {
    if (playing !== undefined) return stop();
    play.textContent = "Stop α";
    // what it plays is to be drawn
    frame.loop.resume();
    playing = setInterval(() => {
      if (frame.loop.state === "paused") return stop();
      if (state.rAlpha >= RULES.rAlpha.most) direction = -1;
      if (state.rAlpha <= RULES.rAlpha.least) direction = 1;
      state.rAlpha = Number((state.rAlpha + direction * RULES.rAlpha.step).toFixed(6));
      alphaControl?.refresh();
      context.stateChanged();
      // what is not known yet is on its way
      draw();
      frame.loop.more();
    }, PLAY_MS);
  });
  let alphaControl: Control | undefined;

  /** What is to be found next: what the reader looks at first. */
  const next = (): { kind: "terrain" | "measures"; exponent: number } | undefined => {
    const here = playing === undefined ? [state.rAlpha] : [];
    for (const exponent of [...here, 0]) {
      if (!terrains.has(terrainKey(exponent))) return { kind: "terrain", exponent };
      if (!measures.has(measureKey(exponent))) return { kind: "measures", exponent };
    }
    const measured = COARSE.find((e) => !measures.has(measureKey(e)));
    const fine = FINE.find((e) => !terrains.has(terrainKey(e)));
    // terrains are quick: half of them first, so that the slider follows at once
    if (fine !== undefined && (measured === undefined || terrains.size % 8 !== 0))
      return { kind: "terrain", exponent: fine };
    return measured === undefined ? undefined : { kind: "measures", exponent: measured };
  };

  const frame = new PartFrame(context, {
    id: "rescale",
    title: "Rescale",
    lead: "Divide the weights into a hidden layer by α and multiply the weights out of it by α. A ReLU network computes the same: its outputs and log P(f) stay, yet the loss landscape sharpens and flattens before your eyes, and with it most measures of flatness.",
    controls: (settings) => {
      alphaControl = slider(settings, "rAlpha", "Rescaling α", (e) => `α = ${short(power(2, e))}`);
      alphaControl.element.classList.add("big");
      return [
        alphaControl,
        select(settings, "rLayer", "Hidden layer", { 1: "first", 2: "second" }),
        select(settings, "rView", "Directions of the pictures", {
          plain: "the same for every α",
          filter: "filter-normalised",
        }),
        select(settings, "rTarget", "Trained on", TARGET_NAMES, (f) => `function ${f.slice(0, 8)}…`),
        seedControl(settings, "rSeed"),
      ];
    },
    changed: (key) => {
      if (key === "rTarget" || key === "rSeed") frame.loop.restart();
      else {
        if (key === "rAlpha") stop();
        draw();
        frame.loop.more();
      }
    },
    work: {
      reset() {
        subject = undefined;
        terrains = new Map();
        measures = new Map();
        checked = { alpha: Number.NaN, layer: 0, change: Number.NaN, same: false };
        for (const each of [change, volume, accuracy]) each.set("–");
        draw();
      },
      async step(signal) {
        if (!subject) {
          const found = await prepare(state, pool, signal);
          if (signal.aborted) return false;
          subject = found;
          void check();
          return true;
        }
        const mine = subject;
        const wanted = next();
        if (!wanted) return false;
        const { kind, exponent } = wanted;
        const keys = [terrainKey(exponent), measureKey(exponent)];
        const data = trainingSet(mine.task, 0);
        const w = rescaled(mine, exponent);
        const call = { loss: "bce", seed: state.rSeed, pool, signal } as const;
        if (kind === "terrain") {
          const how = {
            ...call,
            scaling: state.rView === "filter" ? "filter" : "none",
            radius: RADIUS[state.rView],
          } as const;
          const [line, plane] = await Promise.all([
            landscape(NETWORK, w, data, { ...how, dimensions: 1, steps: LINE_STEPS }),
            landscape(NETWORK, w, data, { ...how, dimensions: 2, steps: MAP_STEPS }),
          ]);
          if (signal.aborted) return false;
          terrains.set(keys[0], { a: line.a, line: line.losses, map: plane.losses });
        } else {
          const found = await flatness(NETWORK, w, data, { ...call, measures: NAMES });
          if (signal.aborted) return false;
          // without their vectors: those would be kept for every alpha
          measures.set(keys[1], Object.fromEntries(NAMES.map((name) => [name, plain(found[name])])));
        }
        if (exponent === state.rAlpha || exponent === 0) drawTerrain();
        if (kind === "measures") drawMeasures();
        frame.tell();
        return true;
      },
    },
    status: () =>
      subject
        ? `${COARSE.filter((e) => measures.has(measureKey(e))).length} of ${COARSE.length} rescalings measured, ` +
          `${FINE.filter((e) => terrains.has(terrainKey(e))).length} of ${FINE.length} landscapes drawn`
        : "training the network",
    extra: [
      play,
      dataButtons("rescaling", records, () => ({
        network: NETWORK,
        target: state.rTarget,
        seed: state.rSeed,
        layer: state.rLayer,
      })),
    ],
    body: [
      cards(alpha, change, volume, accuracy),
      element("div", { class: "pictures" }, profile.element, map.element),
      element(
        "div",
        { class: "pictures" },
        element("div", { class: "wide", "data-show": "measures" }, table),
        lines.element,
      ),
    ],
  });

  function records(): unknown[] {
    return [...new Set([...COARSE, state.rAlpha])].flatMap((e) => {
      const found = measures.get(measureKey(e));
      if (!found || !subject) return [];
      const values = Object.fromEntries(
        NAMES.map((name) => [name, { value: found[name].value, standardError: found[name].standardError ?? null }]),
      );
      return [
        {
          alpha: power(2, e),
          layer: state.rLayer,
          function: subject.function,
          log10P: subject.log10P ?? null,
          log10PStandardError: subject.standardError ?? null,
          ...values,
        },
      ];
    });
  }

  return {
    element: frame.element,
    inView(inView) {
      frame.inView(inView);
      if (inView) draw();
      else stop();
    },
    refresh() {
      frame.refresh();
      frame.loop.restart();
    },
    close() {
      stop();
      frame.loop.close();
    },
  };
}

/** Trains the network and weighs its function. */
async function prepare(state: State, pool: PartContext["pool"], signal: AbortSignal): Promise<Subject> {
  const task = await taskOf(state.rTarget, state.rSeed);
  const options = { ...TRAINING, test: testSet(task), seed: state.rSeed, pool, signal };
  const trained = await train(NETWORK, trainingSet(task, 0), options);
  if (!trained.converged) throw new Error("the training did not reach zero error; try another seed");
  const { parameters } = trained;
  await breathe();
  const f = await functionOf(NETWORK, parameters);
  const outputs = await evaluate(NETWORK, parameters, allInputs(), POINTS);
  await breathe();
  const found = await logVolume({ network: NETWORK, labels: f }, { method: "orthant", samples: 2 ** 14, pool, signal });
  return {
    task,
    parameters,
    outputs,
    function: f,
    accuracy: trained.testAccuracy ?? Number.NaN,
    loss: trained.trainLoss,
    log10P: found.log10P,
    standardError: found.standardError === undefined ? undefined : found.standardError / Math.LN10,
  };
}

function plain({ value, standardError, invariant, source }: MeasureRecord): MeasureRecord {
  return { value, standardError, invariant, source };
}

function valueText({ value, standardError }: MeasureRecord): string {
  // one that is exact has an error of 0
  return standardError ? withError(value, standardError) : short(value);
}

/** A bar from 1, on a logarithmic scale. */
function bar(ratio: number, colour: Colour): HTMLElement {
  const track = element(
    "div",
    { class: "track", "aria-hidden": "true", style: `--tone: var(--${colour})` },
    element("i", { class: "zero" }),
  );
  if (!(ratio > 0)) return track;
  const at = Math.max(-1, Math.min(1, Math.log10(ratio) / BAR_DECADES));
  const [left, width] = [50 + 50 * Math.min(0, at), 50 * Math.abs(at)];
  track.append(
    element("i", { class: "reach", style: `left: ${left}%; width: ${width}%` }),
    element("i", { class: "value", style: `left: ${50 + 50 * at}%` }),
  );
  return track;
}
