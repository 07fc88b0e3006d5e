/**
 * Which quantity tells how well a network generalises: the analysis that the studies of trained networks share.
 *
 * @module
 */

import type { Kernels } from "../engine/kernels.ts";
import { sharedKernels } from "../engine/module.ts";
import { breathe } from "../engine/platform.ts";
import { bootstrapWords } from "../statistics/bootstrapWords.ts";
import { type Correlations, correlateFew } from "../statistics/correlateFew.ts";
import { type Correlation, spearman } from "../statistics/correlation.ts";
import { type GranulatedKendall, granulatedKendall } from "../statistics/granulatedKendall.ts";
import { logGamma } from "../statistics/logGamma.ts";
import type { NetworkRecord, VolumeRecord } from "./networks.ts";

/** What a predictor is. */
export type PredictorKind = "volume" | "flatness" | "null";

/** A quantity and how it goes with the accuracy on E. */
export interface PredictorRecord {
  readonly name: string;
  /** As a reader sees it: `log10 P(f), splitting`. */
  readonly label: string;
  readonly kind: PredictorKind;
  /** Whether it stays as it is when a network is rescaled without a change of its outputs. */
  readonly invariant: boolean;
  /** Networks that have it. */
  readonly networks: number;
  /** One a network, in the order of `PredictionAnalysis.networks`; null where there is none. */
  readonly values: ReadonlyArray<number | null>;
  readonly standardErrors: ReadonlyArray<number | null>;
  readonly correlations: Correlations;
  /** Spearman's coefficient over the networks that every volume is known of: volumes miss the rarest functions, flatness does not. */
  readonly onCommon: Correlation;
  readonly granulated: GranulatedKendall;
  /**
   * Kendall's coefficient among networks that differ in their random start alone, mean over the groups: what is left when a
   * predictor cannot follow how large the attack set is. null where no group has two networks.
   */
  readonly randomStarts: { readonly value: number | null; readonly groups: number };
  /** Spearman's coefficient within each task; null where it is undefined. */
  readonly byTask: ReadonlyArray<{
    readonly task: string;
    readonly networks: number;
    readonly spearman: number | null;
  }>;
}

/** How conclusions move with the optimiser's settings. */
export interface SettingRecord {
  readonly optimizer: string;
  readonly learningRate: number;
  readonly batch: number;
  readonly task: string;
  readonly networks: number;
  /** Spearman's coefficient of each predictor, in the order of the predictors. */
  readonly spearman: ReadonlyArray<number | null>;
}

/** What the records say. Plain data. */
export interface PredictionAnalysis {
  /** Keys of the networks of the main set that converged. */
  readonly networks: readonly string[];
  /** How many of them have every volume. */
  readonly common: number;
  readonly counts: {
    readonly trained: number;
    readonly converged: number;
    readonly diverged: number;
    /** Networks of each volume whose estimate failed or stalled, and those whose error is not to be believed. */
    readonly withoutVolume: Readonly<Record<string, number>>;
    readonly doubtfulVolume: Readonly<Record<string, number>>;
  };
  /** Strongest first, by Spearman's coefficient. */
  readonly predictors: readonly PredictorRecord[];
  readonly settings: readonly SettingRecord[];
  /** Approximate volumes beside exact ones, of the networks that have both. */
  readonly checks: readonly VolumeCheck[];
  readonly finding: string;
}

/** An approximate volume and the exact one of the same function. */
export interface VolumeCheck {
  readonly key: string;
  readonly attack: number;
  readonly accuracy: number | null;
  /** The methods' names. */
  readonly approximation: string;
  readonly exact: string;
  readonly approximate: VolumeRecord;
  readonly true: VolumeRecord;
}

/** What each approximation is one of. Only some networks have the exact volume: it predicts nothing by itself. */
const EXACT: Readonly<Record<string, string>> = { ep: "orthant", "ep-probit": "orthant-probit" };

function checksOf(records: readonly NetworkRecord[]): VolumeCheck[] {
  return records.flatMap(({ key, attack, accuracy, volumes }) =>
    Object.entries(EXACT).flatMap(([approximation, exact]) =>
      volumes[approximation] && volumes[exact]
        ? [{ key, attack, accuracy, approximation, exact, approximate: volumes[approximation], true: volumes[exact] }]
        : [],
    ),
  );
}

const RESAMPLES = 1000;
const LN10 = Math.LN10;

const VOLUME_LABELS: Record<string, string> = {
  splitting: "log₁₀ P(f), splitting",
  ep: "log₁₀ P(f), EP",
  "ep-probit": "log₁₀ P(f), EP with probit",
};

interface Predictor {
  readonly name: string;
  readonly label: string;
  readonly kind: PredictorKind;
  readonly invariant: boolean;
  value(record: NetworkRecord): number | null;
  error(record: NetworkRecord): number | null;
}

const none = (): null => null;

/** log10 of the chance of a function if only its number of ones mattered, each number being equally likely. */
function onesAlone(kernels: Kernels, { ones, points }: NetworkRecord): number | null {
  if (ones === null) return null;
  const logChoose = logGamma(kernels, points + 1) - logGamma(kernels, ones + 1) - logGamma(kernels, points - ones + 1);
  return -(logChoose + kernels.exports.naturalLog(points + 1)) / LN10;
}

function predictorsOf(records: readonly NetworkRecord[], kernels: Kernels): Predictor[] {
  const names = (of: (record: NetworkRecord) => object): string[] => [
    ...new Set(records.flatMap((record) => Object.keys(of(record)))),
  ];
  const spot = Object.values(EXACT);
  const found = names((record) => record.volumes).filter((name) => !spot.includes(name));
  const volumes = found.map(
    (name): Predictor => ({
      name,
      label: VOLUME_LABELS[name] ?? `log₁₀ P(f), ${name}`,
      kind: "volume",
      invariant: true,
      value: (record) => record.volumes[name]?.log10P ?? null,
      error: (record) => record.volumes[name]?.standardError ?? null,
    }),
  );
  const measures = names((record) => record.measures).map((name): Predictor => {
    const found = records.flatMap((record) => record.measures[name] ?? []);
    const positive = found.every(({ value }) => value !== null && value > 0);
    return {
      name,
      label: positive ? `log₁₀ ${name}` : name,
      kind: "flatness",
      invariant: found.every(({ invariant }) => invariant),
      value: (record) => {
        const value = record.measures[name]?.value ?? null;
        return positive && value !== null ? kernels.exports.naturalLog(value) / LN10 : value;
      },
      error: (record) => {
        const { value, standardError } = record.measures[name] ?? { value: null, standardError: null };
        if (value === null || standardError === null) return null;
        return positive ? standardError / value / LN10 : standardError;
      },
    };
  });
  const nulls: Predictor[] = [
    {
      name: "ones",
      label: "number of ones alone",
      kind: "null",
      invariant: true,
      value: (record) => onesAlone(kernels, record),
      error: none,
    },
  ];
  if (records.some(({ complexity }) => complexity !== null)) {
    nulls.push({
      name: "complexity",
      label: "Lempel-Ziv complexity of f",
      kind: "null",
      invariant: true,
      value: (record) => record.complexity,
      error: none,
    });
  }
  return [...volumes, ...measures, ...nulls];
}

interface Pair {
  readonly record: NetworkRecord;
  readonly value: number;
  readonly accuracy: number;
}

function pairsOf(predictor: Predictor, records: readonly NetworkRecord[]): Pair[] {
  return records.flatMap((record) => {
    const value = predictor.value(record);
    return value === null || record.accuracy === null ? [] : [{ record, value, accuracy: record.accuracy }];
  });
}

const columns = (pairs: readonly Pair[]): [Float64Array, Float64Array] => [
  Float64Array.from(pairs, ({ value }) => value),
  Float64Array.from(pairs, ({ accuracy }) => accuracy),
];

function spearmanOf(pairs: readonly Pair[]): number | null {
  const value = pairs.length > 2 ? spearman(...columns(pairs)) : Number.NaN;
  return Number.isNaN(value) ? null : value;
}

function strength({ correlations }: PredictorRecord): number {
  return Math.abs(correlations.spearman.value ?? 0);
}

/**
 * Analyses the networks of a study. The same records give the same analysis.
 *
 * @param what names the networks in the finding: "networks that fit their training sets".
 * @param resamples of the bootstrap intervals.
 */
export async function analysePrediction(
  records: readonly NetworkRecord[],
  what: string,
  signal?: AbortSignal,
  resamples = RESAMPLES,
): Promise<PredictionAnalysis> {
  const kernels = await sharedKernels();
  const fitting = records.filter(({ converged }) => converged);
  const main = fitting.filter((record) => record.main);
  const defined = predictorsOf(main, kernels);
  const volumes = defined.filter(({ kind }) => kind === "volume");
  const common = main.filter((record) => volumes.every((volume) => volume.value(record) !== null));
  const correlated = (pairs: readonly Pair[]): Correlations =>
    correlateFew(...columns(pairs), resamples, bootstrapWords(kernels), kernels);
  const predictors: PredictorRecord[] = [];
  for (const predictor of defined) {
    await breathe();
    signal?.throwIfAborted();
    const pairs = pairsOf(predictor, main);
    const all = pairsOf(predictor, fitting);
    const axis = (name: string, of: (record: NetworkRecord) => string | number, grouping = false) => ({
      name,
      values: all.map(({ record }) => of(record)),
      grouping,
    });
    const correlations = correlated(pairs);
    const task = axis("task", ({ task }) => task, true);
    const settings = [
      axis("optimiser", ({ optimizer }) => optimizer),
      axis("learning rate", ({ learningRate }) => learningRate),
      axis("batch", ({ batch }) => batch),
      axis("attack set", ({ attack }) => attack),
    ];
    const fixed = [task, ...settings.map((setting) => ({ ...setting, grouping: true }))];
    const starts = granulatedKendall(...columns(all), [...fixed, axis("random start", ({ repeat }) => repeat)]);
    predictors.push({
      name: predictor.name,
      label: predictor.label,
      kind: predictor.kind,
      invariant: predictor.invariant,
      networks: pairs.length,
      values: main.map((record) => predictor.value(record)),
      standardErrors: main.map((record) => predictor.error(record)),
      correlations,
      onCommon: (common.length < main.length ? correlated(pairsOf(predictor, common)) : correlations).spearman,
      granulated: granulatedKendall(...columns(all), [task, ...settings]),
      randomStarts: { value: starts.value, groups: starts.axes[0].groups },
      byTask: [...new Set(main.map(({ task }) => task))].map((task) => {
        const own = pairs.filter(({ record }) => record.task === task);
        return { task, networks: own.length, spearman: spearmanOf(own) };
      }),
    });
  }
  const order = predictors.map((_, i) => i).sort((a, b) => strength(predictors[b]) - strength(predictors[a]) || a - b);
  const sorted = order.map((i) => predictors[i]);
  const settings = settingsOf(
    fitting,
    order.map((i) => defined[i]),
  );
  const countBy = (test: (record: NetworkRecord, name: string) => boolean): Record<string, number> =>
    Object.fromEntries(volumes.map(({ name }) => [name, main.filter((record) => test(record, name)).length]));
  return {
    networks: main.map(({ key }) => key),
    common: common.length,
    counts: {
      trained: records.length,
      converged: fitting.length,
      diverged: records.filter(({ failure }) => failure !== null).length,
      withoutVolume: countBy((record, name) => (record.volumes[name]?.log10P ?? null) === null),
      doubtfulVolume: countBy(
        ({ volumes: found }, name) => found[name]?.log10P != null && found[name].warnings.length > 0,
      ),
    },
    predictors: sorted,
    settings,
    checks: checksOf(main),
    finding: findingOf(sorted, common.length, main.length, what),
  };
}

/** Every setting of the optimiser on a task that several of them share. */
function settingsOf(records: readonly NetworkRecord[], predictors: readonly Predictor[]): SettingRecord[] {
  const groups = new Map<string, NetworkRecord[]>();
  for (const record of records) {
    const name = JSON.stringify([record.task, record.optimizer, record.learningRate, record.batch]);
    const group = groups.get(name);
    if (group) group.push(record);
    else groups.set(name, [record]);
  }
  const rows = [...groups.values()].map((group): SettingRecord => {
    const [{ optimizer, learningRate, batch, task }] = group;
    return {
      optimizer,
      learningRate,
      batch,
      task,
      networks: group.length,
      spearman: predictors.map((predictor) => spearmanOf(pairsOf(predictor, group))),
    };
  });
  return rows.filter(({ task }) => rows.filter((row) => row.task === task).length > 1);
}

const signed = (x: number): string => x.toFixed(2).replace("-", "−");

function inWords({ label, onCommon: { value, ci95 } }: PredictorRecord): string {
  return `${label} ${value === null ? "not at all" : signed(value)}${ci95 ? ` (${signed(ci95[0])} to ${signed(ci95[1])})` : ""}`;
}

/** Whether the intervals of two strengths leave a gap, the first above. */
function clearlyStronger(a: PredictorRecord, b: PredictorRecord): boolean {
  const ends = ({ onCommon: { value, ci95 } }: PredictorRecord): [number, number] | null => {
    if (value === null || ci95 === null) return null;
    return value < 0 ? [-ci95[1], -ci95[0]] : [ci95[0], ci95[1]];
  };
  const [first, second] = [ends(a), ends(b)];
  return first !== null && second !== null && first[0] > second[1];
}

/** How a volume compares with a measure of flatness. */
function comparison(volume: PredictorRecord, flat: PredictorRecord): string {
  if (clearlyStronger(volume, flat)) return "volume predicts better, as the paper claims";
  if (clearlyStronger(flat, volume)) return "flatness predicts better, against the paper's claim";
  return "these networks do not tell which of the two predicts better";
}

/** The paper's measure of flatness. */
const PAPERS = "keskar-protocol";

/** One sentence, made of the numbers. */
function findingOf(predictors: readonly PredictorRecord[], common: number, networks: number, what: string): string {
  const strongest = (kind: PredictorKind): PredictorRecord | undefined =>
    predictors
      .filter((p) => p.kind === kind)
      .reduce<PredictorRecord | undefined>(
        (best, p) => (best && Math.abs(best.onCommon.value ?? 0) >= Math.abs(p.onCommon.value ?? 0) ? best : p),
        undefined,
      );
  const [volume, flat, nothing] = [strongest("volume"), strongest("flatness"), strongest("null")];
  const start =
    volume && common < networks
      ? `Over the ${common} of ${networks} ${what} whose volume is known`
      : `Over ${networks} ${what}`;
  const subject = `${start}, Spearman's rank correlation with the accuracy on E is`;
  const rest = nothing ? `, for ${inWords(nothing)}` : "";
  if (!volume || !flat) return `${subject} strongest for ${predictors[0] ? inWords(predictors[0]) : "nothing"}${rest}.`;
  const wrong = (volume.onCommon.value ?? 0) > 0 ? "" : " (of the wrong sign: larger volumes generalise worse)";
  const papers = predictors.find(({ name }) => name === PAPERS);
  const sharpness = papers && papers !== flat ? `, for the paper's sharpness, ${inWords(papers)}` : "";
  const against =
    papers && papers !== flat
      ? `against the paper's sharpness, ${comparison(volume, papers)}; against the strongest, ${comparison(volume, flat)}`
      : comparison(volume, flat);
  return `${subject}, for ${inWords(volume)}${wrong}${sharpness}, for the strongest measure of flatness, ${inWords(flat)}${rest}: ${against}.`;
}
