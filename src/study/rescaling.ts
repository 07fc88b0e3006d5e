/**
 * The rescaling study: one trained network, its first hidden layer rescaled by alpha, so that its outputs stay as they are.
 * Which measures stay too? [Dinh et al. 2017; Zhang et al. 2021]
 *
 * @module
 */
import { fullBuild } from "../engine/module.ts";
import { derivedSeed } from "../engine/random.ts";
import { flatness, rescale, train } from "../flatness.ts";
import { evaluate, functionOf } from "../network/evaluate.ts";
import { BOOLEAN_SETTINGS, type BooleanSettings, booleanTargets, volumeOf } from "./boolean.ts";
import { type MeasureValue, measureValues, type VolumeRecord } from "./networks.ts";
import type { StudyTask } from "./run.ts";
import type { Study } from "./study.ts";

/** What the study depends on, beside its seed. */
export interface RescalingSettings extends Omit<BooleanSettings, "attacks" | "repeats" | "variants"> {
  /** Factors; the first is 1, with which the others are compared. */
  readonly alphas: readonly number[];
}

/** One rescaled network. */
export interface RescalingRecord {
  readonly alpha: number;
  readonly seed: number;
  readonly converged: boolean;
  /** Largest change of an output over all inputs, relative to the largest output. */
  readonly outputChange: number;
  readonly function: string;
  readonly accuracy: number;
  readonly volume: VolumeRecord;
  readonly measures: Readonly<Record<string, MeasureValue>>;
}

/** How one quantity moves. */
export interface RescalingLine {
  readonly name: string;
  /** Whether it says of itself that it is invariant. */
  readonly invariant: boolean;
  /** Largest over smallest value; null if one is not positive. */
  readonly ratio: number | null;
  /** Whether all values are within 0.1 % of that at alpha = 1. */
  readonly flat: boolean;
  /** Values over that at alpha = 1, in the order of the records. */
  readonly relative: ReadonlyArray<number | null>;
}

export interface RescalingAnalysis {
  readonly lines: readonly RescalingLine[];
  /** Whether every alpha has the function, and the volume to the last digit, of alpha = 1. */
  readonly volumeUnchanged: boolean;
  readonly finding: string;
}

/** Streams of the seeds of training and measures. */
const STREAM = 0x1210;
/** f32 rounding moves an invariant measure a little. */
const FLAT = 1e-3;

const SIXTHS = [1, 6, 4, 3, 2.5, 2, 1.5, 1.25];

const { attacks, repeats, variants, ...shared } = BOOLEAN_SETTINGS;

export const RESCALING_SETTINGS: RescalingSettings = {
  ...shared,
  complexities: [60],
  measures: [
    "keskar-protocol",
    "keskar",
    "spectral-norm",
    "trace",
    "frobenius",
    "log-product",
    "ggn-top",
    "ggn-trace",
    "sam",
    "asam",
    "pac-bayes-sigma",
    "fisher-rao",
    "relative-flatness",
  ],
  alphas: [...SIXTHS, ...SIXTHS.slice(1).map((alpha) => 1 / alpha)],
};

/** Each alpha is a task of its own: the network is trained again, which takes less time than keeping it. */
async function rescalingTasks(settings: RescalingSettings, seed: bigint): Promise<Array<StudyTask<RescalingRecord>>> {
  const network = { layers: settings.layers };
  const [target] = await booleanTargets(settings, seed);
  const kernels = await fullBuild.kernels();
  const own = derivedSeed(kernels, seed, 0, STREAM);
  const measureSeed = derivedSeed(kernels, seed, 1, STREAM);
  const { learningRate, batch, maxEpochs, measures } = settings;
  return settings.alphas.map((alpha) => ({
    key: `alpha ${alpha}`,
    stage: "rescalings",
    async run(context): Promise<RescalingRecord> {
      const { pool, signal } = context;
      const { training, test, inputs } = target;
      const options = { loss: "bce", learningRate, batch, maxEpochs, test, seed: own, pool, signal } as const;
      const { parameters, converged, testAccuracy } = await train(network, training, options);
      const scaled = rescale(network, parameters, { layer: 1, alpha });
      const before = await evaluate(network, parameters, inputs, target.bits.length);
      const after = await evaluate(network, scaled, inputs, target.bits.length);
      const f = await functionOf(network, scaled);
      const found = await flatness(network, scaled, training, {
        loss: "bce",
        measures,
        seed: measureSeed,
        pool,
        signal,
      });
      return {
        alpha,
        seed: own,
        converged,
        outputChange: largest(after.map((z, i) => z - before[i])) / largest(before),
        function: f,
        accuracy: testAccuracy ?? Number.NaN,
        volume: await volumeOf(settings, f, undefined, measureSeed, context),
        measures: measureValues(found, measures),
      };
    },
  }));
}

function largest(values: Float32Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

async function analyse(records: readonly RescalingRecord[]): Promise<RescalingAnalysis> {
  const [first] = records;
  const lines = Object.keys(first.measures).map((name): RescalingLine => {
    const values = records.map((record) => record.measures[name].value);
    const reference = values[0];
    const relative = values.map((value) =>
      value === null || reference === null || reference === 0 ? null : value / reference,
    );
    const known = values.flatMap((value) => (value === null ? [] : [value]));
    const positive = known.length === values.length && known.every((value) => value > 0);
    return {
      name,
      invariant: first.measures[name].invariant,
      ratio: positive ? Math.max(...known) / Math.min(...known) : null,
      flat: relative.every((value) => value !== null && Math.abs(value - 1) <= FLAT),
      relative,
    };
  });
  const volumeUnchanged = records.every(
    (record) => record.function === first.function && record.volume.log10P === first.volume.log10P,
  );
  const flat = lines.filter((line) => line.flat).map(({ name }) => name);
  const moving = lines.filter((line) => !line.flat).map(({ name }) => name);
  const alphas = records.map(({ alpha }) => alpha);
  const range = `α from ${Math.min(...alphas).toPrecision(3)} to ${Math.max(...alphas).toPrecision(3)}`;
  const volume = volumeUnchanged
    ? "the function and log P(f) stay the same to the last digit"
    : "the function or log P(f) changed, which the theory forbids: rounding moved an output across zero";
  return {
    lines,
    volumeUnchanged,
    finding: `Over ${range}, ${volume}; of the measures of flatness ${flat.length > 0 ? flat.join(", ") : "none"} stayed within 0.1 %, and ${
      moving.length > 0 ? moving.join(", ") : "none"
    } did not.`,
  };
}

/** The study. */
export const rescalingStudy: Study<RescalingSettings, RescalingRecord, RescalingAnalysis> = {
  name: "rescaling",
  full: RESCALING_SETTINGS,
  quick: { ...RESCALING_SETTINGS, alphas: [1, 6, 2, 1 / 2, 1 / 6] },
  tasks: rescalingTasks,
  analyse,
};
