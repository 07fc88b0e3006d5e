/**
 * Part 4: a study of a hundred networks, in the tab: does the volume of a network's function, or the flatness of its loss,
 * tell how well it generalises?
 *
 * @module
 */
import { complexity, functionOf } from "flatvol";
import { flatness, type OptimizerName, train } from "flatvol/flatness";
import { type Correlation, type Correlations, correlations } from "flatvol/statistics";
import { logVolume } from "flatvol/volume";
import {
  GENUINE,
  NETWORK,
  OPTIMIZER_NAMES,
  OPTIMIZERS,
  POINTS,
  TARGET_NAMES,
  type Task,
  taskOf,
  testSet,
  trainingSet,
} from "../boolean.ts";
import { Figure } from "../chart/figure.ts";
import { domainOf } from "../chart/scale.ts";
import { seedControl, select, slider } from "../controls.ts";
import { CorrelationTable, type Predictor } from "../correlationTable.ts";
import { dataButtons } from "../download.ts";
import { card, cards, element } from "../elements.ts";
import { fixed, percent, short, whole } from "../format.ts";
import { breathe } from "../frames.ts";
import { type Part, type PartContext, PartFrame } from "../part.ts";
import { power, STUDY_MEASURES } from "../state.ts";

/** Sizes of the attack set, in an order that spreads a study's first networks over all of them. */
const ATTACKS = [0, 32, 8, 64, 4, 48, 16, 2, 24, 40, 1, 56] as const;
const VOLUME: Predictor = { name: "volume", label: "log₁₀ P(f) at infinite width", colour: "mark" };
const LABELS: Readonly<Record<(typeof STUDY_MEASURES)[number], string>> = {
  "keskar-protocol": "Keskar sharpness (%)",
  "spectral-norm": "largest Hessian eigenvalue",
  trace: "Hessian trace",
  "fisher-rao": "Fisher–Rao norm",
  "relative-flatness": "relative flatness",
};
const PREDICTORS: readonly Predictor[] = [
  VOLUME,
  ...STUDY_MEASURES.map((name): Predictor => ({ name, label: LABELS[name], colour: "second" })),
  { name: "complexity", label: "Lempel–Ziv complexity of f", colour: "soft" },
];
/** Networks before there are correlations, and after which they are found anew. */
const FEWEST = 8;
const EVERY = 8;
/** Below this intervals say too little: they hold less than nine times in ten, or reach past 0. */
const FEWEST_FOR_INTERVALS = 20;
const RESAMPLES = 400;
const MAX_EPOCHS = 5000;

interface NetworkRecord {
  readonly network: number;
  readonly attack: number;
  readonly epochs: number;
  readonly converged: boolean;
  readonly accuracy: number;
  readonly function: string;
  readonly complexity: number;
  readonly log10P: number | null;
  readonly log10PStandardError: number | null;
  readonly measures: Readonly<Record<string, number>>;
}

/** A predictor's value; volumes are known where it is asked. */
function predictorOf(network: NetworkRecord, name: string): number {
  if (name === "volume") return network.log10P as number;
  return name === "complexity" ? network.complexity : network.measures[name];
}

function withoutIntervals({ pearson, spearman, kendall }: Correlations): Correlations {
  const value = ({ value }: Correlation): Correlation => ({ value, ci95: null });
  return { pearson: value(pearson), spearman: value(spearman), kendall: value(kendall) };
}

export function studyPart(context: PartContext): Part {
  const { state, pool } = context;
  let task: Task | undefined;
  let next = 0;
  let networks: NetworkRecord[] = [];
  let found = new Map<string, Correlations>();
  /** Networks that the correlations are of. */
  let correlated = 0;
  let failed = 0;
  let seconds = 0;

  const done = card("networks trained");
  const volumeCard = card("Spearman’s ρ of the volume");
  const flatCard = card("Spearman’s ρ of the chosen measure");
  const left = card("time left");

  const legend = [{ kind: "heat" as const, text: `attack set: 0 to ${POINTS - GENUINE} flipped answers` }];
  const tableOf = (predictor: () => string) => () => ({
    titles: ["network", "attack set", "accuracy on E", predictor() === "volume" ? "log₁₀ P(f)" : predictor()],
    rows: usable().map((n) => [
      whole(n.network),
      whole(n.attack),
      percent(n.accuracy),
      predictor() === "volume" ? fixed(n.log10P ?? Number.NaN, 3) : short(n.measures[predictor()]),
    ]),
  });
  const volumePicture = new Figure({
    name: "accuracy-against-volume",
    title: "Generalisation against volume",
    height: 340,
    legend,
    table: tableOf(() => "volume"),
  });
  const flatPicture = new Figure({
    name: "accuracy-against-flatness",
    title: "Generalisation against flatness",
    height: 340,
    legend,
    table: tableOf(() => state.sMeasure),
  });
  const table = new CorrelationTable();
  const story = element("p", { class: "finding" });
  story.hidden = true;

  /** Networks that fit, whose volume is known. */
  const usable = (): NetworkRecord[] => networks.filter((n) => n.converged && n.log10P !== null);

  /** More than are wanted now may be there already. */
  const progress = (): string => {
    const tried = networks.length + failed;
    return `${whole(tried)} of ${whole(Math.max(tried, state.sNetworks))}`;
  };

  const draw = (): void => {
    const all = usable();
    const accuracies = all.map((n) => 100 * n.accuracy);
    const shade = all.map((n) => n.attack / (POINTS - GENUINE));
    const y = { label: "accuracy on the test set E (%)", domain: [-3, 104] as const };
    const dots = { kind: "dots" as const, y: accuracies, shade, colour: "mark" as const, radius: 5, opacity: 0.85 };
    const volumes = all.map((n) => n.log10P as number);
    volumePicture.show({
      label: `Accuracy on the test set against log10 P(f): ${all.length} networks`,
      x: { label: "log₁₀ P(f)   (larger volume →)", domain: all.length > 0 ? domainOf(volumes) : [-40, 0] },
      y,
      marks: [{ ...dots, x: volumes }],
    });
    const values = all.map((n) => n.measures[state.sMeasure]);
    flatPicture.show({
      label: `Accuracy on the test set against ${LABELS[state.sMeasure]}: ${all.length} networks`,
      x: {
        label: `${LABELS[state.sMeasure]}   (sharper →)`,
        log: true,
        domain: domainOf(values, { log: true }),
      },
      y,
      marks: [{ ...dots, x: values }],
    });
    table.show(PREDICTORS, found, correlated);
    const fit = networks.filter((n) => n.converged).length;
    const trouble = [
      ...(networks.length > fit ? [`${networks.length - fit} did not reach zero error`] : []),
      ...(failed > 0 ? [`${failed} diverged`] : []),
    ];
    done.set(progress(), trouble.join(", "));
    const rho = (name: string): [string, string] => {
      const c = found.get(name)?.spearman;
      if (!c || c.value === null) return ["–", ""];
      return [
        fixed(c.value, 2),
        c.ci95 ? `95 % interval ${fixed(c.ci95[0], 2)} to ${fixed(c.ci95[1], 2)}` : "too few networks for an interval",
      ];
    };
    volumeCard.set(...rho("volume"));
    flatCard.set(rho(state.sMeasure)[0], `${LABELS[state.sMeasure]}. ${rho(state.sMeasure)[1]}`);
    const rest = Math.max(0, state.sNetworks - networks.length - failed);
    left.set(
      next > 0 && rest > 0 ? `${whole((rest * seconds) / next)} s` : rest === 0 ? "done" : "–",
      next > 0 ? `${short(seconds / next, 2)} s a network` : "",
    );
    const strongest = [...found].sort(
      (a, b) => Math.abs(b[1].spearman.value ?? 0) - Math.abs(a[1].spearman.value ?? 0),
    )[0];
    story.hidden = rest > 0 || !strongest;
    if (strongest && rest === 0) {
      const label = PREDICTORS.find((p) => p.name === strongest[0])?.label ?? strongest[0];
      story.textContent = `Of the predictors shown, ${label} goes most closely with the accuracy on the test set here: Spearman’s ρ = ${rho(strongest[0])[0]} (${rho(strongest[0])[1]}), over ${correlated} networks. Another target, optimiser or seed is another study: try them.`;
    }
  };

  const one = async (index: number, signal: AbortSignal): Promise<void> => {
    const mine = task as Task;
    const attack = ATTACKS[index % ATTACKS.length];
    const data = trainingSet(mine, attack);
    // seeds of their own for each network, far from those of the next study
    const seed = (state.sSeed * 1_000 + index) % 2 ** 32;
    const call = { loss: "bce", seed, pool, signal } as const;
    const optimizer: OptimizerName = state.sOptimizer;
    let trained: Awaited<ReturnType<typeof train>>;
    try {
      const learningRate = power(10, OPTIMIZERS[optimizer]?.rate ?? -1.3);
      const options = { ...call, optimizer, learningRate, maxEpochs: MAX_EPOCHS, test: testSet(mine) };
      trained = await train(NETWORK, data, options);
    } catch (error) {
      if (signal.aborted || !(error instanceof Error) || !error.message.startsWith("train: it diverged")) throw error;
      failed++;
      return;
    }
    const { parameters, converged } = trained;
    await breathe();
    const f = await functionOf(NETWORK, parameters);
    const [{ lempelZiv }] = await complexity([f]);
    await breathe();
    const [flat, weight] = await Promise.all([
      flatness(NETWORK, parameters, data, { ...call, measures: STUDY_MEASURES }),
      logVolume({ network: NETWORK, labels: f }, { method: "orthant", samples: 2 ** 13, pool, signal }),
    ]);
    if (signal.aborted) return;
    networks.push({
      network: index,
      attack,
      epochs: trained.epochs,
      converged,
      accuracy: trained.testAccuracy ?? Number.NaN,
      function: f,
      complexity: lempelZiv,
      log10P: weight.log10P ?? null,
      log10PStandardError: weight.standardError === undefined ? null : weight.standardError / Math.LN10,
      measures: Object.fromEntries(STUDY_MEASURES.map((name) => [name, flat[name].value])),
    });
    draw();
    frame.tell();
  };

  const correlate = async (signal: AbortSignal): Promise<void> => {
    const all = usable();
    const accuracies = all.map((n) => n.accuracy);
    const entries = await Promise.all(
      PREDICTORS.map(async ({ name }): Promise<[string, Correlations]> => {
        const x = all.map((n) => predictorOf(n, name));
        const logX = name in LABELS && x.every((value) => value > 0);
        const found = await correlations(x, accuracies, { logX, resamples: RESAMPLES, pool, signal });
        return [name, x.length < FEWEST_FOR_INTERVALS ? withoutIntervals(found) : found];
      }),
    );
    if (signal.aborted) return;
    found = new Map(entries);
    correlated = all.length;
    draw();
  };

  const frame = new PartFrame(context, {
    id: "study",
    title: "Flatness against volume",
    lead: "Networks, a hundred unless you ask for others, are trained to zero error on the same training set, with attack sets of all sizes, so that they generalise from very well to worse than chance. Watch which goes with the accuracy: the volume of the function, or the flatness of the minimum.",
    controls: (settings) => [
      select(settings, "sTarget", "Function to learn", TARGET_NAMES, (f) => `the function ${f.slice(0, 8)}…`),
      select(settings, "sOptimizer", "Optimiser", OPTIMIZER_NAMES),
      slider(settings, "sNetworks", "Networks"),
      select(settings, "sMeasure", "Measure in the right picture", LABELS),
      seedControl(settings, "sSeed"),
    ],
    changed: (key) => {
      if (key === "sMeasure" || key === "sNetworks") {
        draw();
        frame.loop.more();
      } else frame.loop.restart();
    },
    work: {
      reset() {
        task = undefined;
        next = 0;
        networks = [];
        found = new Map();
        correlated = 0;
        failed = 0;
        seconds = 0;
        draw();
      },
      async step(signal) {
        const began = performance.now();
        const mine = task ?? (await taskOf(state.sTarget, state.sSeed));
        if (signal.aborted) return false;
        task = mine;
        // one more than workers, so that none waits while the page is between two calls
        const count = Math.min(pool.size + 1, state.sNetworks - next);
        if (count > 0) {
          const first = next;
          next += count;
          await Promise.all(Array.from({ length: count }, (_, k) => one(first + k, signal)));
          if (signal.aborted) return false;
        }
        const all = usable().length;
        const last = next >= state.sNetworks;
        if (all >= FEWEST && (all >= correlated + EVERY || (last && all > correlated))) await correlate(signal);
        if (signal.aborted) return false;
        seconds += (performance.now() - began) / 1000;
        draw();
        frame.tell();
        return !last;
      },
    },
    status: () => `${progress()} networks`,
    extra: [
      dataButtons(
        "study",
        () => networks.map((n) => ({ ...n })),
        () => ({
          network: NETWORK,
          target: state.sTarget,
          optimizer: state.sOptimizer,
          learningRate: power(10, OPTIMIZERS[state.sOptimizer]?.rate ?? -1.3),
          seed: state.sSeed,
        }),
      ),
    ],
    body: [
      cards(done, volumeCard, flatCard, left),
      story,
      element("div", { class: "pictures" }, volumePicture.element, flatPicture.element),
      table.element,
    ],
  });

  return {
    element: frame.element,
    inView(inView) {
      frame.inView(inView);
      if (inView) draw();
    },
    refresh() {
      frame.refresh();
      frame.loop.restart();
    },
    close() {
      frame.loop.close();
    },
  };
}
