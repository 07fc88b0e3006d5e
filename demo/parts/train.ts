/**
 * Part 2: one training, looked at as it goes: loss and accuracy, sharpness, and the volume of the function.
 *
 * A training is a function of its seed. Each look trains anew up to its epoch, which for these small networks takes
 * milliseconds; so every optimiser keeps its own memory, and a look is exact.
 *
 * @module
 */
import { functionOf } from "flatvol";
import { flatness, type TrainingRecord, train } from "flatvol/flatness";
import { logVolume } from "flatvol/volume";
import {
  bitsOf,
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
import { type Axis, domainOf } from "../chart/scale.ts";
import { seedControl, select, slider } from "../controls.ts";
import { dataButtons } from "../download.ts";
import { card, cards, element } from "../elements.ts";
import { percent, short, whole, withError } from "../format.ts";
import { breathe } from "../frames.ts";
import { hypercube } from "../hypercube.ts";
import { type Part, type PartContext, PartFrame } from "../part.ts";
import { power } from "../state.ts";

/** Where epoch 0 is drawn, on a logarithmic axis. */
const ZERO = 0.6;
/** Epochs that are looked at: about a quarter more each time. */
const LOOKS = [
  0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 24, 30, 38, 48, 60, 75, 95, 120, 150, 190, 240, 300, 380, 480, 600,
];
const MORE_LOOKS = [760, 960, 1200, 1500, 1900, 2400, 3000, 3800, 4800];
/** After zero error a training goes on for so many times as long, to see what happens then. */
const BEYOND = 3;
const EIGENVALUES = 3;

/** What is seen at an epoch. */
interface Look {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly testAccuracy: number;
  readonly sharpness: number;
  readonly eigenvalues: readonly number[];
  readonly log10P: number | undefined;
  readonly standardError: number | undefined;
  readonly function: string;
}

export function trainPart(context: PartContext): Part {
  const { state, pool } = context;
  let task: Task | undefined;
  let looks: Look[] = [];
  let history: readonly TrainingRecord[] = [];
  let convergedAt: number | undefined;
  /** Why there are no more looks. */
  let ending = "";

  const epochCard = card("epoch");
  const accuracyCard = card("accuracy on the test set");
  const sharpCard = card("largest Hessian eigenvalue");
  const volumeCard = card("log₁₀ P(f), infinitely wide");

  const rows = element("tbody");
  const looksTable = element(
    "table",
    {},
    element("caption", {}, "The looks"),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        ...[
          "epoch",
          "loss",
          "right on S and the attack set",
          "right on E",
          "Keskar sharpness (%)",
          "largest eigenvalue",
          "log₁₀ P(f)",
        ].map((title) => element("th", { scope: "col" }, title)),
      ),
    ),
    rows,
  );
  const loss = new Figure({
    name: "training-loss",
    title: "The loss falls …",
    height: 250,
    legend: [{ kind: "line", colour: "mark", text: "training loss, on S and the attack set" }],
  });
  const accuracy = new Figure({
    name: "training-accuracy",
    title: "… and the answers become right",
    height: 250,
    legend: [
      { kind: "line", colour: "mark", text: "on the training and attack sets" },
      { kind: "line", colour: "second", text: "on the test set E" },
    ],
  });
  const sharp = new Figure({
    name: "training-sharpness",
    title: "Flatness on the way",
    height: 270,
    legend: [
      { kind: "line", colour: "mark", text: `${EIGENVALUES} largest eigenvalues of the Hessian` },
      { kind: "line", colour: "second", text: "Keskar sharpness (the study’s protocol)" },
    ],
  });
  const volume = new Figure({
    name: "training-volume",
    title: "The volume of the function that it computes",
    height: 270,
    legend: [{ kind: "dot", colour: "mark", text: "log₁₀ P(f) on all 128 inputs, ± 2 standard errors" }],
  });
  const cube = element("div", { class: "cube-box" });
  const story = element("p", { class: "finding", "aria-live": "polite" });
  story.hidden = true;

  const at = (epoch: number): number => (epoch === 0 ? ZERO : epoch);

  const draw = (): void => {
    const last = Math.max(20, looks.at(-1)?.epoch ?? 0, convergedAt ?? 0);
    const epochs: Axis = {
      label: "epochs (logarithmic; the start is at 0)",
      log: true,
      domain: [ZERO * 0.9, last * 1.1],
      ticks: [[ZERO, "0"], ...[1, 3, 10, 30, 100, 300, 1000, 3000].map((e): [number, string] => [e, whole(e)])],
    };
    const done =
      convergedAt === undefined
        ? []
        : [
            {
              kind: "rule" as const,
              across: "x" as const,
              at: at(convergedAt),
              colour: "soft" as const,
              label: "zero error",
            },
          ];
    const seen = history.filter((h) => h.epoch <= (looks.at(-1)?.epoch ?? -1));
    const x = seen.map((h) => at(h.epoch));
    const line = { kind: "line" as const, x, width: 2.5 };
    loss.show({
      label: "Training loss against epochs, both logarithmic",
      x: epochs,
      y: {
        label: "loss (nats)",
        log: true,
        domain: domainOf(
          seen.map((h) => h.loss),
          { log: true },
        ),
      },
      marks: [...done, { ...line, y: seen.map((h) => h.loss), colour: "mark" }],
    });
    accuracy.show({
      label: "Accuracy on the training and the test set against epochs",
      x: epochs,
      y: { label: "share of right answers (%)", domain: [0, 104] },
      marks: [
        ...done,
        { kind: "rule", across: "y", at: 50, colour: "line" },
        { ...line, y: seen.map((h) => 100 * (h.testAccuracy ?? Number.NaN)), colour: "second" },
        { ...line, y: seen.map((h) => 100 * h.accuracy), colour: "mark" },
      ],
    });
    const lx = looks.map((l) => at(l.epoch));
    const sharpness = looks.map((l) => l.sharpness);
    const eigen = Array.from({ length: EIGENVALUES }, (_, k) => looks.map((l) => l.eigenvalues[k]));
    sharp.show({
      label: "Sharpness and the largest eigenvalues of the Hessian against epochs, logarithmic",
      x: epochs,
      y: {
        label: "eigenvalue; sharpness (%)",
        log: true,
        domain: domainOf([...sharpness, ...eigen.flat()], { log: true }),
      },
      marks: [
        ...done,
        ...eigen.map((y, k) => ({
          kind: "line" as const,
          x: lx,
          y,
          colour: "mark" as const,
          width: k === 0 ? 2.5 : 1.2,
          opacity: k === 0 ? 1 : 0.65,
        })),
        { kind: "line", x: lx, y: sharpness, colour: "second", width: 2.5 },
        { kind: "dots", x: lx, y: sharpness, colour: "second", radius: 2.5 },
        { kind: "dots", x: lx, y: eigen[0], colour: "mark", radius: 2.5 },
      ],
    });
    const known = looks.filter((l) => l.log10P !== undefined);
    const y = known.map((l) => l.log10P as number);
    const error = known.map((l) => 2 * (l.standardError ?? 0));
    volume.show({
      label: "Logarithm of the volume of the function against epochs",
      x: epochs,
      y: { label: "log₁₀ P(f)", domain: domainOf([0, ...y], { padding: 0.04 }) },
      marks: [
        ...done,
        { kind: "line", x: known.map((l) => at(l.epoch)), y, colour: "mark", width: 1.5, opacity: 0.6 },
        {
          kind: "dots",
          x: known.map((l) => at(l.epoch)),
          y,
          low: y.map((v, i) => v - error[i]),
          high: y.map((v, i) => v + error[i]),
          colour: "mark",
          radius: 4,
        },
      ],
    });
  };

  const tellLook = (): void => {
    const look = looks.at(-1);
    if (!look || !task) return;
    epochCard.set(
      whole(look.epoch),
      convergedAt === undefined ? "not at zero error yet" : `zero error at epoch ${whole(convergedAt)}`,
    );
    const majority =
      Math.max(...[0, 1].map((a) => task?.inE.filter((i) => task?.bits[i] === a).length ?? 0)) / task.inE.length;
    accuracyCard.set(percent(look.testAccuracy), `${percent(majority)} if one answer were always given`);
    sharpCard.set(short(look.eigenvalues[0]), `Keskar sharpness ${short(look.sharpness)} %`);
    volumeCard.set(
      look.log10P === undefined ? "–" : withError(look.log10P, look.standardError),
      "exact orthant of the NNGP",
    );
    const texts = [
      whole(look.epoch),
      short(look.loss),
      percent(look.accuracy),
      percent(look.testAccuracy),
      short(look.sharpness),
      short(look.eigenvalues[0]),
      look.log10P === undefined ? "–" : withError(look.log10P, look.standardError),
    ];
    rows.prepend(element("tr", {}, ...texts.map((text) => element("td", {}, text))));
    const answers = bitsOf(look.function, POINTS);
    const { bits, inS } = task;
    const genuine = new Set(inS);
    const wrong = answers.filter((a, i) => a !== bits[i]).length;
    cube.innerHTML = `${hypercube(
      answers,
      `The network's function at epoch ${look.epoch}: ${wrong} of ${POINTS} inputs wrong`,
      (i) => ({
        ring: genuine.has(i),
        wrong: answers[i] !== bits[i],
      }),
    )}<p class="caption">The network at epoch ${look.epoch}: filled where it answers 1, ringed on the ${GENUINE} inputs of S, <span class="failure">red</span> where it is wrong (${wrong} of ${POINTS}).</p>`;
  };

  const frame = new PartFrame(context, {
    id: "train",
    title: "Train and look",
    lead: "A 7‑40‑40‑1 network learns a function from half of its inputs. An attack set (test inputs with flipped answers) spoils what it learns: the training still reaches zero error, but ends on a function of smaller volume that generalises worse.",
    controls: (settings) => [
      select(settings, "tTarget", "Function to learn", TARGET_NAMES, (f) => `the function ${f.slice(0, 8)}…`),
      slider(settings, "tAttack", "Attack set", (n) => `${n} of 64 test inputs`),
      select(settings, "tOptimizer", "Optimiser", OPTIMIZER_NAMES),
      slider(settings, "tRate", "Learning rate", (r) => short(power(10, r), 2)),
      seedControl(settings, "tSeed"),
    ],
    changed: (key) => {
      if (key === "tOptimizer") {
        state.tRate = OPTIMIZERS[state.tOptimizer]?.rate ?? state.tRate;
        frame.refresh();
      }
      frame.loop.restart();
    },
    work: {
      reset() {
        task = undefined;
        looks = [];
        history = [];
        convergedAt = undefined;
        ending = "";
        story.hidden = true;
        rows.replaceChildren();
        cube.replaceChildren();
        for (const each of [epochCard, accuracyCard, sharpCard, volumeCard]) each.set("–");
        draw();
      },
      async step(signal) {
        const mine = task ?? (await taskOf(state.tTarget, state.tSeed));
        if (signal.aborted) return false;
        task = mine;
        const epoch = [...LOOKS, ...MORE_LOOKS][looks.length];
        const data = trainingSet(mine, state.tAttack);
        const call = { loss: "bce", seed: state.tSeed, pool, signal } as const;
        let trained: Awaited<ReturnType<typeof train>>;
        try {
          trained = await train(NETWORK, data, {
            ...call,
            optimizer: state.tOptimizer,
            learningRate: power(10, state.tRate),
            test: testSet(mine),
            maxEpochs: epoch,
            extraEpochs: convergedAt === undefined ? 0 : epoch - convergedAt,
            historyEvery: 1,
          });
        } catch (error) {
          if (signal.aborted || !(error instanceof Error) || !error.message.startsWith("train: it diverged"))
            throw error;
          ending = "The training diverged: take a smaller learning rate.";
          return finish();
        }
        await breathe();
        const f = await functionOf(NETWORK, trained.parameters);
        await breathe();
        const [flat, weight] = await Promise.all([
          flatness(NETWORK, trained.parameters, data, {
            ...call,
            measures: ["keskar-protocol", "top-eigenvalues"],
            eigenCount: EIGENVALUES,
          }),
          logVolume({ network: NETWORK, labels: f }, { method: "orthant", samples: 2 ** 13, pool, signal }),
        ]);
        if (signal.aborted) return false;
        history = trained.history;
        convergedAt = trained.convergedAt;
        looks.push({
          epoch: trained.epochs,
          loss: trained.trainLoss,
          accuracy: trained.trainAccuracy,
          testAccuracy: trained.testAccuracy ?? Number.NaN,
          sharpness: flat["keskar-protocol"].value,
          eigenvalues: flat["top-eigenvalues"].eigenvalues as number[],
          log10P: weight.log10P,
          standardError: weight.standardError === undefined ? undefined : weight.standardError / Math.LN10,
          function: f,
        });
        draw();
        tellLook();
        frame.tell();
        const following = [...LOOKS, ...MORE_LOOKS][looks.length];
        if (convergedAt !== undefined && (following === undefined || following > BEYOND * Math.max(10, convergedAt)))
          return finish();
        if (following === undefined) {
          ending = "No zero error within 4,800 epochs.";
          return finish();
        }
        return true;
      },
    },
    status: () => {
      const look = looks.at(-1);
      return look
        ? `epoch ${whole(look.epoch)}: loss ${short(look.loss)}, ${percent(look.testAccuracy)} right on the test set`
        : "drawing the first weights";
    },
    extra: [dataButtons("training", records, () => settingsOfRun())],
    body: [
      cards(epochCard, accuracyCard, sharpCard, volumeCard),
      story,
      element("div", { class: "pictures" }, loss.element, accuracy.element, sharp.element, volume.element),
      element(
        "section",
        { class: "function", "aria-label": "The network’s function" },
        element("h3", {}, "The function now"),
        element("div", { class: "columns" }, cube, element("div", { class: "looks" }, looksTable)),
      ),
    ],
  });

  function finish(): false {
    const first = looks[0];
    const last = looks.at(-1);
    story.hidden = false;
    if (ending || !first || !last) story.textContent = ending;
    else {
      const volumes = [first, last].map((l) => (l.log10P === undefined ? "–" : withError(l.log10P, l.standardError)));
      story.textContent = `With an attack set of ${state.tAttack}, ${OPTIMIZER_NAMES[state.tOptimizer]} was at zero error after ${whole(convergedAt ?? 0)} epochs. The function that it ends on has log₁₀ P(f) = ${volumes[1]} (the random start: ${volumes[0]}) and is right on ${percent(last.testAccuracy)} of the test set. Move the attack set and compare.`;
    }
    return false;
  }

  const settingsOfRun = () => ({
    network: NETWORK,
    target: state.tTarget,
    attack: state.tAttack,
    optimizer: state.tOptimizer,
    learningRate: power(10, state.tRate),
    seed: state.tSeed,
  });

  function records(): unknown[] {
    return looks.map(({ eigenvalues, log10P, standardError, ...look }) => ({
      ...look,
      ...Object.fromEntries(eigenvalues.map((value, k) => [`eigenvalue${k + 1}`, value])),
      log10P: log10P ?? null,
      log10PStandardError: standardError ?? null,
    }));
  }

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
