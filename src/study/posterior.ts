/**
 * The posterior study: how often does an optimiser find each function that fits S, and how large is that function's part of
 * the volume of all that fit? [Mingard, Valle-Perez, Skalse & Louis 2021, figure 1]
 *
 * @module
 */
import { complexity } from "../complexity/index.ts";
import { formatFunction } from "../data/functions.ts";
import type { Kernels } from "../engine/kernels.ts";
import { fullBuild, sharedKernels } from "../engine/module.ts";
import { derivedSeed } from "../engine/random.ts";
import { onBuild } from "../engine/task.ts";
import { defineNetwork } from "../network/network.ts";
import { bootstrapWords } from "../statistics/bootstrapWords.ts";
import { type Correlations, correlateFew } from "../statistics/correlateFew.ts";
import { wilsonInterval } from "../statistics/intervals.ts";
import { checkOptimizer, type OptimizerName } from "../training/optimiser.ts";
import { NEVER, trainManyTask } from "../training/trainManyTask.ts";
import { BOOLEAN_SETTINGS, type BooleanSettings, booleanTargets, volumeOf } from "./boolean.ts";
import type { VolumeRecord } from "./networks.ts";
import type { StudyTask } from "./run.ts";
import type { Study } from "./study.ts";

/** An optimiser with its settings. */
export interface PosteriorOptimizer {
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly batch: number;
}

/** What the study depends on, beside its seed. */
export interface PosteriorSettings
  extends Pick<
    BooleanSettings,
    "layers" | "train" | "complexities" | "candidates" | "repetitions" | "particles" | "moves" | "steps" | "keep"
  > {
  readonly optimizers: readonly PosteriorOptimizer[];
  /** Trainings of each optimiser. */
  readonly trainings: number;
  readonly maxEpochs: number;
  /** Functions, the most often found ones, whose volume is measured. */
  readonly functions: number;
}

/** A stretch of an optimiser's trainings. */
export interface TrainingsRecord extends PosteriorOptimizer {
  readonly kind: "trainings";
  readonly first: number;
  readonly count: number;
  readonly converged: number;
  /** Epochs of those that converged, in all. */
  readonly epochs: number;
  /** Functions that were found, in hex and ascending, and how often. */
  readonly found: ReadonlyArray<readonly [string, number]>;
}

/** A volume: of one function, or of all that fit S. */
export interface PosteriorVolumeRecord {
  readonly kind: "volume";
  /** null: P(S). */
  readonly function: string | null;
  readonly complexity: number | null;
  readonly volume: VolumeRecord;
}

export type PosteriorRecord = TrainingsRecord | PosteriorVolumeRecord;

/** One function: what optimisers and the prior make of it. */
export interface PosteriorFunction {
  readonly function: string;
  readonly complexity: number;
  /** P_B(f|S) = P(f) / P(S), and its log10 with a standard error; null where a volume stalled. */
  readonly posterior: number | null;
  readonly log10Posterior: number | null;
  readonly standardError: number | null;
  /** For each optimiser: how often it was found, P_opt and its 95 % interval. */
  readonly found: ReadonlyArray<{
    readonly count: number;
    readonly probability: number;
    readonly ci95: readonly [number, number];
  }>;
}

/** One optimiser. */
export interface OptimizerSummary extends PosteriorOptimizer {
  readonly trainings: number;
  readonly converged: number;
  readonly meanEpochs: number;
  readonly distinct: number;
  /** Its P_opt of all the functions whose volume is known. */
  readonly covered: number;
  /** Of log10 P_opt with log10 P_B over the functions that it found. */
  readonly correlations: Correlations;
  readonly functions: number;
}

export interface PosteriorAnalysis {
  readonly log10PofS: number | null;
  readonly standardErrorOfS: number | null;
  readonly functions: readonly PosteriorFunction[];
  readonly optimizers: readonly OptimizerSummary[];
  /** P_B of all the functions together: at most 1 within its error. */
  readonly totalPosterior: number;
  readonly totalStandardError: number;
  readonly finding: string;
}

/** Streams of seeds: the optimisers', and the volumes'. */
const OPTIMIZER_STREAM = 0x1220;
const VOLUME_STREAM = 0x1221;
/** Trainings in a task: some ten seconds. */
const CHUNK = 2500;
const RESAMPLES = 1000;

const { layers, train, candidates, moves, steps, keep } = BOOLEAN_SETTINGS;

export const POSTERIOR_SETTINGS: PosteriorSettings = {
  layers,
  train,
  candidates,
  complexities: [30],
  optimizers: [
    { optimizer: "sgd", learningRate: 0.2, batch: 16 },
    { optimizer: "momentum", learningRate: 0.02, batch: 16 },
    { optimizer: "adam", learningRate: 0.005, batch: 16 },
    { optimizer: "rmsprop", learningRate: 0.003, batch: 16 },
  ],
  trainings: 25_000,
  maxEpochs: 1000,
  functions: 30,
  repetitions: 6,
  particles: 60,
  moves,
  steps,
  keep,
};

async function posteriorTasks(settings: PosteriorSettings, seed: bigint): Promise<Array<StudyTask<PosteriorRecord>>> {
  const network = defineNetwork({ layers: settings.layers });
  const [target] = await booleanTargets(settings, seed);
  const kernels = await fullBuild.kernels();
  const { maxEpochs, trainings } = settings;
  const points = target.bits.length;
  const words = Math.ceil(points / 32);
  const chunk = Math.min(CHUNK, Math.ceil(trainings / 4));
  const tasks: Array<StudyTask<PosteriorRecord>> = [
    {
      key: "S",
      stage: "P(S)",
      run: async (context) => ({
        kind: "volume",
        function: null,
        complexity: null,
        volume: await volumeOf(
          settings,
          target.function,
          target.onS,
          derivedSeed(kernels, seed, 0, VOLUME_STREAM),
          context,
        ),
      }),
    },
  ];
  settings.optimizers.forEach((how, o) => {
    const own = BigInt(derivedSeed(kernels, seed, o, OPTIMIZER_STREAM));
    const { batch, ...options } = how;
    const checked = checkOptimizer(options);
    for (let first = 0; first < trainings; first += chunk) {
      const count = Math.min(chunk, trainings - first);
      tasks.push({
        key: `trainings ${o} ${first}`,
        stage: "trainings",
        async run({ pool, signal }) {
          const { functions, epochs } = await pool.run(
            onBuild(fullBuild, trainManyTask),
            { network, data: target.training, settings: checked, batch, maxEpochs, first, count, seed: own },
            { signal },
          );
          const found = new Map<string, number>();
          let converged = 0;
          let total = 0;
          epochs.forEach((epoch, i) => {
            if (epoch === NEVER) return;
            converged++;
            total += epoch;
            const f = formatFunction(functions, points, i * words);
            found.set(f, (found.get(f) ?? 0) + 1);
          });
          const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
          return { kind: "trainings", ...how, first, count, converged, epochs: total, found: sorted };
        },
      });
    }
  });
  return tasks;
}

interface Sums {
  readonly how: PosteriorOptimizer;
  readonly trainings: number;
  readonly converged: number;
  readonly epochs: number;
  readonly found: ReadonlyMap<string, number>;
}

/** The stretches of each optimiser put together. */
function sumsOf(settings: PosteriorSettings, records: readonly PosteriorRecord[]): Sums[] {
  return settings.optimizers.map((how) => {
    const found = new Map<string, number>();
    let [trainings, converged, epochs] = [0, 0, 0];
    for (const record of records) {
      if (record.kind !== "trainings") continue;
      const { optimizer, learningRate, batch } = record;
      if (optimizer !== how.optimizer || learningRate !== how.learningRate || batch !== how.batch) continue;
      trainings += record.count;
      converged += record.converged;
      epochs += record.epochs;
      for (const [f, count] of record.found) found.set(f, (found.get(f) ?? 0) + count);
    }
    return { how, trainings, converged, epochs, found };
  });
}

/** The volumes of the functions that the optimisers together found most often. */
async function volumeTasks(
  settings: PosteriorSettings,
  seed: bigint,
  _data: undefined,
  records: readonly PosteriorRecord[],
): Promise<Array<StudyTask<PosteriorRecord>>> {
  const counts = new Map<string, number>();
  for (const { found } of sumsOf(settings, records)) {
    for (const [f, count] of found) counts.set(f, (counts.get(f) ?? 0) + count);
  }
  const chosen = [...counts].sort(([f, a], [g, b]) => b - a || (f < g ? -1 : 1)).slice(0, settings.functions);
  const kernels = await fullBuild.kernels();
  return chosen.map(([f], i) => ({
    key: `volume ${f}`,
    stage: "volumes",
    run: async (context) => ({
      kind: "volume",
      function: f,
      complexity: (await complexity([f]))[0].lempelZiv,
      volume: await volumeOf(settings, f, undefined, derivedSeed(kernels, seed, 1 + i, VOLUME_STREAM), context),
    }),
  }));
}

const LN10 = Math.LN10;

function logOf(kernels: Kernels, p: number): number {
  return kernels.exports.naturalLog(p) / LN10;
}

function power(kernels: Kernels, log10: number): number {
  return kernels.exports.expMinusOne(log10 * LN10) + 1;
}

async function analyse(records: readonly PosteriorRecord[], settings: PosteriorSettings): Promise<PosteriorAnalysis> {
  const kernels = await sharedKernels();
  const sums = sumsOf(settings, records);
  const volumes = records.flatMap((record) => (record.kind === "volume" ? [record] : []));
  const whole = volumes.find((record) => record.function === null)?.volume;
  const functions = volumes.flatMap((record): PosteriorFunction[] => {
    const { function: f, volume } = record;
    if (f === null) return [];
    const known = volume.log10P !== null && whole?.log10P != null;
    const log10Posterior = known ? volume.log10P! - whole!.log10P! : null;
    return [
      {
        function: f,
        complexity: record.complexity ?? 0,
        posterior: log10Posterior === null ? null : power(kernels, log10Posterior),
        log10Posterior,
        standardError: known ? Math.sqrt((volume.standardError ?? 0) ** 2 + (whole!.standardError ?? 0) ** 2) : null,
        found: sums.map(({ found, converged }) => {
          const count = found.get(f) ?? 0;
          const trials = Math.max(1, converged);
          return { count, probability: count / trials, ci95: wilsonInterval(count, trials) };
        }),
      },
    ];
  });
  const optimizers = sums.map(({ how, trainings, converged, epochs, found }, o): OptimizerSummary => {
    const both = functions.filter((f) => f.log10Posterior !== null && f.found[o].count > 0);
    return {
      ...how,
      trainings,
      converged,
      meanEpochs: converged > 0 ? epochs / converged : 0,
      distinct: found.size,
      covered: functions.reduce((sum, f) => sum + (f.posterior === null ? 0 : f.found[o].probability), 0),
      correlations: correlateFew(
        Float64Array.from(both, (f) => f.log10Posterior!),
        Float64Array.from(both, (f) => logOf(kernels, f.found[o].probability)),
        RESAMPLES,
        bootstrapWords(kernels),
        kernels,
      ),
      functions: both.length,
    };
  });
  const total = functions.reduce((sum, { posterior }) => sum + (posterior ?? 0), 0);
  let square = 0;
  // P(S) is common to all; the P(f) are independent of it and of each other
  volumes.forEach(({ function: f, volume }) => {
    const posterior = functions.find((one) => one.function === f)?.posterior ?? 0;
    square += (posterior * LN10 * (volume.standardError ?? 0)) ** 2;
  });
  const totalStandardError = Math.sqrt(square + (total * LN10 * (whole?.standardError ?? 0)) ** 2);
  return {
    log10PofS: whole?.log10P ?? null,
    standardErrorOfS: whole?.standardError ?? null,
    functions,
    optimizers,
    totalPosterior: total,
    totalStandardError,
    finding: findingOf(optimizers, functions.length),
  };
}

function findingOf(optimizers: readonly OptimizerSummary[], functions: number): string {
  const say = (x: number): string => x.toFixed(2).replace("-", "−");
  const parts = optimizers.map(({ optimizer, correlations }) => {
    const { value, ci95 } = correlations.spearman;
    if (value === null) return `${optimizer} undefined`;
    return `${optimizer} ${say(value)}${ci95 ? ` (${say(ci95[0])} to ${say(ci95[1])})` : ""}`;
  });
  const trainings = optimizers.reduce((sum, one) => sum + one.trainings, 0);
  const clear = optimizers.filter(({ correlations }) => (correlations.spearman.ci95?.[0] ?? -1) > 0).length;
  const verdict =
    clear === optimizers.length
      ? "the optimisers find functions as often as their volume lets expect, in order of size"
      : clear === 0
        ? "how often the optimisers find a function does not follow its volume here"
        : `${clear} of ${optimizers.length} optimisers find functions in the order of their volumes`;
  return `Over ${trainings} trainings, Spearman's rank correlation of P_opt(f) with P_B(f|S) over the ${functions} functions found most often is, for ${parts.join(", ")}: ${verdict}.`;
}

/** The study. */
export const posteriorStudy: Study<PosteriorSettings, PosteriorRecord, PosteriorAnalysis> = {
  name: "posterior",
  full: POSTERIOR_SETTINGS,
  quick: { ...POSTERIOR_SETTINGS, trainings: 2000, functions: 10, particles: 40, repetitions: 4 },
  tasks: posteriorTasks,
  followUp: volumeTasks,
  analyse,
};
