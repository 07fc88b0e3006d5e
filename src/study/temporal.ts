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
import { defineNetwork } from "../network/network.ts";
import type { Dataset } from "../training/surface.ts";
import { initialParameters } from "../training/train.ts";
import { DIGITS } from "./images.ts";
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
}

/** A look at the training. */
export interface TemporalEpoch {
  readonly epoch: number;
  /** At the epoch of the rescaling there are two looks: before and after. */
  readonly rescaled: boolean;
  readonly loss: number;
  readonly trainError: number;
  readonly accuracy: number;
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

export interface TemporalAnalysis {
  readonly zeroError: number | null;
  readonly rescaledAt: number | null;
  readonly looks: readonly TemporalEpoch[];
  readonly jumps: readonly RescalingJump[];
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
};

/** Streams: choice of pictures, start, and the order of each stretch. */
const PICTURE_STREAM = 0x1240;
const START_STREAM = 0x1241;
const STRETCH_STREAM = 0x1242;
const MEASURE_STREAM = 0x1243;

/** A training as a chain of stretches of `every` epochs, each a function of where it starts and the seed: any look can be reached anew. */
class Chain {
  constructor(
    readonly settings: TemporalSettings,
    readonly seed: bigint,
    readonly data: Dataset,
    readonly test: Dataset,
  ) {}

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
    const found = await flatness(this.network, w, this.data, { loss: "bce", measures, seed, pool, signal });
    return {
      epoch,
      rescaled,
      loss: found.loss as unknown as number,
      trainError: found.error as unknown as number,
      accuracy,
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

/** Then blocks of looks, each of which runs the training up to its own stretches anew. */
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
      let w = await chain.start();
      const end = Math.min(looks, (b + 1) * block);
      for (let stretch = 0; stretch < end; stretch++) {
        const { parameters, testAccuracy = Number.NaN } = await chain.step(w, stretch, context);
        w = parameters;
        const mine = stretch >= b * block;
        const epoch = (stretch + 1) * every;
        if (mine) found.push(chain.look(w, epoch, stretch + 1 > turn, testAccuracy, context));
        if (stretch + 1 === turn) {
          w = rescale(chain.network, w, { layer: 1, alpha });
          if (mine) found.push(chain.look(w, epoch, true, testAccuracy, context));
        }
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
  const moved = jumps.flatMap(({ name, factor }) =>
    factor === null ? [] : [`${name} by a factor of ${factor.toPrecision(3)}`],
  );
  return {
    zeroError,
    rescaledAt: after?.epoch ?? null,
    looks,
    jumps,
    finding:
      zeroError === null
        ? `The training did not reach zero error within ${settings.maxEpochs} epochs.`
        : `The training reached zero error at epoch ${zeroError}; the rescaling by α = ${settings.alpha}, which changes no output, moved ${moved.join(", ") || "nothing"}.`,
  };
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
