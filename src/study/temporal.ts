/**
 * The temporal study: one training, on for a thousand epochs past zero error, with an alpha-rescaling on the way that leaves
 * every output alone. How do sharpness and volume go? [Zhang et al. 2021, figure 5]
 *
 * @module
 */
import { type Images, pointsOfImages } from "../data/images.ts";
import { fullBuild } from "../engine/module.ts";
import { derivedSeed } from "../engine/random.ts";
import { shuffledPoints } from "../flatness/minibatch.ts";
import { flatness, rescale, train } from "../flatness.ts";
import { evaluate } from "../network/evaluate.ts";
import { defineNetwork } from "../network/network.ts";
import type { Dataset } from "../training/surface.ts";
import { initialParameters } from "../training/train.ts";
import { DIGITS, functionOfValues, joinSets } from "./images.ts";
import { type InfiniteWidthMethod, infiniteWidthVolumes, type VolumeFinder, type Volumes } from "./infiniteWidth.ts";
import { type MeasureValue, measureValues } from "./networks.ts";
import type { StudyContext, StudyTask } from "./run.ts";
import type { Study } from "./study.ts";

/** What the study depends on, beside its seed and pictures. */
export interface TemporalSettings {
  readonly hidden: readonly number[];
  readonly train: number;
  readonly test: number;
  readonly learningRate: number;
  readonly batch: number;
  /** Epochs between two looks. */
  readonly every: number;
  /** Looks in a task. */
  readonly block: number;
  /** Cap of epochs to zero error. */
  readonly maxEpochs: number;
  /** Epochs past zero error: in all, and to the rescaling. */
  readonly beyond: number;
  readonly rescaleAfter: number;
  readonly alpha: number;
  readonly measures: readonly string[];
  /** How the volume of the network's function on S and E is found. */
  readonly volumes: readonly InfiniteWidthMethod[];
  /** Of expectation propagation: with 600 points 1e-3 leaves log P within some 0.001. */
  readonly volumeTolerance: number;
}

/** A look at the training. */
export interface TemporalEpoch {
  readonly epoch: number;
  /** At the epoch of the rescaling there are two looks: before and after. */
  readonly rescaled: boolean;
  readonly loss: number;
  readonly trainError: number;
  readonly accuracy: number;
  /** On S and E: bits in hex. */
  readonly function: string;
  readonly volumes: Volumes;
  readonly measures: Readonly<Record<string, MeasureValue>>;
}

export type TemporalRecord =
  | { readonly kind: "zero"; readonly epoch: number | null }
  | { readonly kind: "block"; readonly looks: readonly TemporalEpoch[] };

/** What the rescaling did to a measure. */
export interface RescalingJump {
  readonly name: string;
  readonly invariant: boolean;
  /** After over before. */
  readonly factor: number | null;
}

/** How a volume went. All log10. */
export interface VolumeCourse {
  readonly name: string;
  /** Least and largest from zero error on. */
  readonly least: number | null;
  readonly largest: number | null;
  readonly before: number | null;
  readonly after: number | null;
  /** Whether the rescaling left it as it was, to the last digit. */
  readonly unchanged: boolean;
}

export interface TemporalAnalysis {
  readonly zeroError: number | null;
  readonly rescaledAt: number | null;
  readonly looks: readonly TemporalEpoch[];
  readonly jumps: readonly RescalingJump[];
  /** One a method. */
  readonly volumes: readonly VolumeCourse[];
  /** Functions met from zero error on. */
  readonly functions: number;
  readonly finding: string;
}

export const TEMPORAL_SETTINGS: TemporalSettings = {
  hidden: [40, 40],
  train: 500,
  test: 100,
  learningRate: 0.01,
  batch: 32,
  every: 1,
  block: 50,
  maxEpochs: 2000,
  beyond: 1000,
  rescaleAfter: 500,
  alpha: 5.9,
  measures: ["keskar-protocol"],
  volumes: ["ep-probit", "ep"],
  volumeTolerance: 1e-3,
};

/** Streams: choice of pictures, start, and the order of each stretch. */
const PICTURE_STREAM = 0x1240;
const START_STREAM = 0x1241;
const STRETCH_STREAM = 0x1242;
const MEASURE_STREAM = 0x1243;

/** Seed of a volume, which none of the methods here draws from. */
const NO_SEED = 0;

/** A training as a chain of stretches of `every` epochs, each a function of where it starts and the seed: any look can be reached anew. */
class Chain {
  readonly #all: Dataset;
  readonly #volumesOf: VolumeFinder;
  /** Parameters after so many stretches: where blocks begin. Nothing depends on which of them are here. */
  readonly #starts = new Map<number, Float32Array<ArrayBuffer>>();

  constructor(
    readonly settings: TemporalSettings,
    readonly seed: bigint,
    readonly data: Dataset,
    readonly test: Dataset,
  ) {
    this.#all = joinSets(data, test);
    this.#volumesOf = infiniteWidthVolumes({
      points: this.#all.inputs,
      count: this.#all.points,
      hiddenLayers: settings.hidden.length,
      truth: functionOfValues(this.#all.targets).function,
      samples: 1,
      tolerance: settings.volumeTolerance,
    });
  }

  /** Keeps what is reached after a number of stretches, if a block begins there. */
  keep(stretch: number, w: Float32Array<ArrayBuffer>): void {
    if (stretch % this.settings.block === 0) this.#starts.set(stretch, w);
  }

  /** The last that is known at or before the stretch. */
  async nearest(stretch: number): Promise<{ readonly stretch: number; readonly w: Float32Array<ArrayBuffer> }> {
    for (let s = stretch; s > 0; s--) {
      const w = this.#starts.get(s);
      if (w) return { stretch: s, w };
    }
    return { stretch: 0, w: await this.start() };
  }

  get network() {
    return defineNetwork({ layers: [this.data.features, ...this.settings.hidden, 1] });
  }

  async start(): Promise<Float32Array<ArrayBuffer>> {
    const kernels = await fullBuild.kernels();
    return initialParameters(this.network, BigInt(derivedSeed(kernels, this.seed, 0, START_STREAM)));
  }

  /** The stretch with this number. */
  async step(w: Float32Array, stretch: number, { pool, signal }: StudyContext) {
    const kernels = await fullBuild.kernels();
    const { learningRate, batch, every } = this.settings;
    return train(this.network, this.data, {
      loss: "bce",
      learningRate,
      batch,
      // a loss of 0 is not reached: all epochs are done
      targetLoss: 0,
      maxEpochs: every,
      parameters: w,
      test: this.test,
      seed: derivedSeed(kernels, this.seed, stretch, STRETCH_STREAM),
      pool,
      signal,
    });
  }

  /** Flatness, loss and accuracy at parameters. */
  async look(
    w: Float32Array,
    epoch: number,
    rescaled: boolean,
    accuracy: number,
    context: StudyContext,
  ): Promise<TemporalEpoch> {
    const kernels = await fullBuild.kernels();
    const { measures } = this.settings;
    const { pool, signal } = context;
    const seed = derivedSeed(kernels, this.seed, 2 * epoch + Number(rescaled), MEASURE_STREAM);
    const f = functionOfValues(await evaluate(this.network, w, this.#all.inputs, this.#all.points)).function;
    const [found, volumes] = await Promise.all([
      flatness(this.network, w, this.data, { loss: "bce", measures, seed, pool, signal }),
      // only those of functions that were not met before take time
      this.#volumesOf(f, this.settings.volumes, NO_SEED, context),
    ]);
    return {
      epoch,
      rescaled,
      loss: found.loss as unknown as number,
      trainError: found.error as unknown as number,
      accuracy,
      function: f,
      volumes,
      measures: measureValues(found, measures),
    };
  }
}

async function chainFor(settings: TemporalSettings, seed: bigint, images: Images): Promise<Chain> {
  const kernels = await fullBuild.kernels();
  const { train: inS, test: inE } = settings;
  if (images.count < inS + inE)
    throw new RangeError(`data: expected at least ${inS + inE} pictures, got ${images.count}`);
  const order = shuffledPoints(kernels, seed, 0, PICTURE_STREAM, images.count);
  return new Chain(
    settings,
    seed,
    pointsOfImages(images, order.subarray(0, inS), DIGITS.one),
    pointsOfImages(images, order.subarray(inS, inS + inE), DIGITS.one),
  );
}

/** First of all: the stretch at whose end no training picture is wrong. */
async function zeroTasks(
  settings: TemporalSettings,
  seed: bigint,
  images: Images,
): Promise<Array<StudyTask<TemporalRecord>>> {
  const chain = await chainFor(settings, seed, images);
  return [
    {
      key: "zero error",
      stage: "training to zero error",
      async run(context) {
        let w = await chain.start();
        for (let stretch = 0; stretch * settings.every < settings.maxEpochs; stretch++) {
          const trained = await chain.step(w, stretch, context);
          w = trained.parameters;
          if (trained.trainError === 0) return { kind: "zero", epoch: (stretch + 1) * settings.every };
        }
        return { kind: "zero", epoch: null };
      },
    },
  ];
}

/** Then blocks of looks, each of which runs the training up to its own stretches, from where it is known already. */
async function blockTasks(
  settings: TemporalSettings,
  seed: bigint,
  images: Images,
  [zero]: readonly TemporalRecord[],
): Promise<Array<StudyTask<TemporalRecord>>> {
  if (zero.kind !== "zero" || zero.epoch === null) return [];
  const chain = await chainFor(settings, seed, images);
  const { every, block, beyond, rescaleAfter, alpha } = settings;
  const looks = Math.ceil((zero.epoch + beyond) / every);
  const turn = Math.ceil((zero.epoch + rescaleAfter) / every);
  return Array.from({ length: Math.ceil(looks / block) }, (_, b) => ({
    key: `block ${b}`,
    stage: "looks",
    async run(context): Promise<TemporalRecord> {
      const found: Array<Promise<TemporalEpoch>> = [];
      const end = Math.min(looks, (b + 1) * block);
      const from = await chain.nearest(b * block);
      let { w } = from;
      for (let { stretch } = from; stretch < end; stretch++) {
        const { parameters, testAccuracy = Number.NaN } = await chain.step(w, stretch, context);
        w = parameters;
        const mine = stretch >= b * block;
        const epoch = (stretch + 1) * every;
        if (mine) found.push(chain.look(w, epoch, stretch + 1 > turn, testAccuracy, context));
        if (stretch + 1 === turn) {
          w = rescale(chain.network, w, { layer: 1, alpha });
          if (mine) found.push(chain.look(w, epoch, true, testAccuracy, context));
        }
        chain.keep(stretch + 1, w);
        if (found.length > 0) await found[found.length - 1];
      }
      return { kind: "block", looks: await Promise.all(found) };
    },
  }));
}

async function analyse(records: readonly TemporalRecord[], settings: TemporalSettings): Promise<TemporalAnalysis> {
  const zero = records.find((record) => record.kind === "zero");
  const zeroError = zero?.kind === "zero" ? zero.epoch : null;
  const looks = records.flatMap((record) => (record.kind === "block" ? record.looks : []));
  const after = looks.find(({ rescaled }) => rescaled);
  const before = after && looks.find(({ epoch, rescaled }) => epoch === after.epoch && !rescaled);
  const jumps = settings.measures.map((name): RescalingJump => {
    const [a, b] = [before?.measures[name], after?.measures[name]];
    const factor = a?.value != null && b?.value != null && a.value !== 0 ? b.value / a.value : null;
    return { name, invariant: a?.invariant ?? false, factor };
  });
  const settled = zeroError === null ? [] : looks.filter(({ epoch }) => epoch >= zeroError);
  const volumes = settings.volumes.map((name): VolumeCourse => {
    const known = settled.flatMap((look) => look.volumes[name]?.log10P ?? []);
    const at = (look: TemporalEpoch | undefined): number | null => look?.volumes[name]?.log10P ?? null;
    return {
      name,
      least: known.length > 0 ? Math.min(...known) : null,
      largest: known.length > 0 ? Math.max(...known) : null,
      before: at(before),
      after: at(after),
      unchanged: at(before) !== null && at(before) === at(after),
    };
  });
  return {
    zeroError,
    rescaledAt: after?.epoch ?? null,
    looks,
    jumps,
    volumes,
    functions: new Set(settled.map((look) => look.function)).size,
    finding: findingOf(settings, zeroError, jumps, volumes),
  };
}

/** One sentence, made of the numbers. */
function findingOf(
  { alpha, maxEpochs }: TemporalSettings,
  zeroError: number | null,
  jumps: readonly RescalingJump[],
  volumes: readonly VolumeCourse[],
): string {
  if (zeroError === null) return `The training did not reach zero error within ${maxEpochs} epochs.`;
  const signed = (x: number): string => x.toFixed(2).replace("-", "−");
  const moved = jumps.flatMap(({ name, factor }) =>
    factor === null ? [] : [`${name} by a factor of ${factor.toPrecision(3)}`],
  );
  const courses = volumes.flatMap(({ name, least, largest, before, after, unchanged }) =>
    least === null || largest === null || before === null || after === null
      ? []
      : [
          `log₁₀ P(f) by ${name} stayed within ${signed(least)} and ${signed(largest)} from there on, and ${
            unchanged ? `at ${signed(before)}, to the last digit,` : `went from ${signed(before)} to ${signed(after)}`
          } at the rescaling`,
        ],
  );
  return `The training reached zero error at epoch ${zeroError}; the rescaling by α = ${alpha}, which changes no output, moved ${
    moved.join(", ") || "nothing"
  }${courses.length > 0 ? `; ${courses.join("; ")}` : ""}.`;
}

/** The study. */
export const temporalStudy: Study<TemporalSettings, TemporalRecord, TemporalAnalysis, Images> = {
  name: "temporal",
  full: TEMPORAL_SETTINGS,
  quick: { ...TEMPORAL_SETTINGS, every: 10, block: 10, beyond: 400, rescaleAfter: 200 },
  tasks: zeroTasks,
  followUp: blockTasks,
  analyse,
};
