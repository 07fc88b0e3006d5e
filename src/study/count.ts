/**
 * The count study: what a table of functions says about the prior, as plain records (JSON).
 *
 * @module
 */

import { formatFunction } from "../data/functions.ts";
import { coreBuild } from "../engine/core.ts";
import type { Kernels } from "../engine/kernels.ts";
import { breathe } from "../engine/platform.ts";
import { version } from "../generated/version.ts";
import { bootstrapWords } from "../statistics/bootstrapWords.ts";
import { type Correlation, correlate } from "../statistics/correlation.ts";
import type { EntropyEstimates } from "../statistics/entropy.ts";
import { wilsonInterval } from "../statistics/intervals.ts";
import { type DescribedRows, type DescribeOptions, describeFunctions, describeTable } from "../volume/describeTable.ts";
import type { DesignEffect, FunctionTable, UnseenMass } from "../volume/functionTable.ts";

/** How the numbers came about: what a table does not know. All of it is optional, and printed as given. */
export interface RunRecord {
  /** The command line. */
  readonly command?: string;
  /** When it began, ISO 8601. */
  readonly startedAt?: string;
  /** Seconds that counting took. */
  readonly seconds?: number;
  readonly samplesPerSecond?: number;
  readonly workers?: number;
  /** Such as "node 20.20.2, linux x64". */
  readonly platform?: string;
}

/** One of the most frequent functions. */
export interface TopFunction {
  readonly function: string;
  readonly count: number;
  readonly probability: number;
  readonly ci95: readonly [number, number];
  readonly orbitSize: number;
  /** Samples that computed any function of the orbit. */
  readonly orbitCount: number;
  /** P(f) from the whole orbit. */
  readonly orbitProbability: number;
  readonly orbitCi95: readonly [number, number];
  /** Lempel-Ziv. */
  readonly complexity: number;
}

/** P(f) of the function of a randomly chosen sample, estimated from the orbit's other samples, so without selection bias. */
export interface OrbitPoint {
  readonly function: string;
  readonly complexity: number;
  readonly count: number;
  readonly orbitSize: number;
  /** Samples of the orbit without the one that chose it (in a clustered table: without its body's). */
  readonly others: number;
  readonly probability: number;
  readonly ci95: readonly [number, number];
}

/** A correlation over functions. */
export interface CorrelationRecord {
  readonly x: string;
  readonly y: string;
  /** Number of functions, each seen at least `minimumCount` times. */
  readonly functions: number;
  readonly minimumCount: number;
  readonly pearson: Correlation;
  readonly spearman: Correlation;
}

/** Everything that the report shows. Plain data. */
export interface CountRecords {
  readonly study: "count";
  readonly version: string;
  readonly network: {
    readonly layers: readonly number[];
    readonly activation: string;
    readonly sigmaW2: number;
    readonly sigmaB2: number;
    readonly parameterCount: number;
  };
  /** Points on which a network is a function: all 2^features Boolean inputs, or given ones. */
  readonly inputs: { readonly kind: "boolean" | "points"; readonly points: number; readonly features: number };
  /** Bodies drawn, by seed (decimal). */
  readonly ranges: ReadonlyArray<{ readonly seed: string; readonly first: number; readonly end: number }>;
  readonly outputDraws: number;
  readonly samples: number;
  readonly distinct: number;
  readonly singletons: number;
  readonly unseenMass: UnseenMass;
  /** In nats. */
  readonly entropy: EntropyEstimates;
  readonly designEffect: DesignEffect;
  readonly digest: string;
  readonly symmetry: { readonly bits: number; readonly negation: number };
  readonly top: readonly TopFunction[];
  /** Functions of rank firstRank to lastRank were each seen `count` times. */
  readonly rankFrequency: ReadonlyArray<{
    readonly firstRank: number;
    readonly lastRank: number;
    readonly count: number;
    readonly probability: number;
    readonly ci95: readonly [number, number];
  }>;
  /** Distinct functions and samples by Lempel-Ziv complexity, ascending. */
  readonly byComplexity: ReadonlyArray<{
    readonly complexity: number;
    readonly functions: number;
    readonly samples: number;
    /** Count of the most frequent function. */
    readonly largest: number;
  }>;
  /** Number of distinct functions of a complexity that were seen countFrom to countTo times. */
  readonly cells: ReadonlyArray<{
    readonly complexity: number;
    readonly countFrom: number;
    readonly countTo: number;
    readonly functions: number;
  }>;
  /** Distinct functions and samples by the number of inputs with output 1, ascending; only those that occurred. */
  readonly byOnes: ReadonlyArray<{ readonly ones: number; readonly functions: number; readonly samples: number }>;
  readonly orbits: readonly OrbitPoint[];
  readonly correlations: readonly CorrelationRecord[];
  readonly run: RunRecord;
}

/** What `countRecords` takes. */
export interface CountStudyOptions extends DescribeOptions {
  /** Functions in `top`. Default 20. */
  readonly top?: number;
  readonly run?: RunRecord;
  /** Called with each stretch of the table, in order: to write it elsewhere in the same pass. */
  readonly visit?: (batch: DescribedRows) => void;
}

/** Samples whose functions' orbits are looked up. */
const ORBIT_SAMPLES = 1000;
/** Counts below this say too little about log P. */
const MINIMUM_COUNT = 10;
/** More functions than this do not narrow a correlation in any way that matters. */
const CORRELATED = 10_000;
const RESAMPLES = 1000;
/** Bins of count a decade. */
const BINS = 8;

/**
 * Records of the count study from a table. The same table gives the same records, but for `run`.
 *
 * @example
 * const table = await countFunctions({ layers: [3, 8, 1] }, { samples: 2000 });
 * const { distinct, correlations } = await countRecords(table);
 */
export async function countRecords(table: FunctionTable, options: CountStudyOptions = {}): Promise<CountRecords> {
  const { signal, pool, workers } = options;
  const kernels = await coreBuild.kernels();
  const tally = new Tally(table);
  for await (const batch of describeTable(table, options)) {
    tally.add(batch);
    options.visit?.(batch);
  }
  const top = table.top(options.top ?? 20);
  const described = await describeFunctions(
    table,
    top.map((f) => f.function),
    { pool, workers, signal },
  );
  const topFunctions: TopFunction[] = [];
  for (const [i, f] of top.entries()) {
    await checkpoint(signal);
    const orbit = table.orbit(f.function);
    topFunctions.push({
      function: f.function,
      count: f.count,
      probability: f.probability,
      ci95: f.ci95,
      orbitSize: described.orbitSizes[i],
      orbitCount: orbit.orbitCount,
      orbitProbability: orbit.probability,
      orbitCi95: orbit.ci95,
      complexity: described.complexities[i],
    });
  }
  const { network, samples } = table;
  const { points } = table.source;
  return {
    study: "count",
    version,
    network: {
      layers: [...network.layers],
      activation: network.activation,
      sigmaW2: network.sigmaW2,
      sigmaB2: network.sigmaB2,
      parameterCount: network.parameterCount,
    },
    inputs: { kind: points.kind, points: points.count, features: points.features },
    ranges: table.ranges.map(({ seed, first, end }) => ({ seed: String(seed), first, end })),
    outputDraws: table.outputDraws,
    samples,
    distinct: table.distinct,
    singletons: table.singletons,
    unseenMass: table.unseenMass(),
    entropy: table.entropy(),
    designEffect: table.designEffect(),
    digest: await table.digest(),
    symmetry: { ...table.symmetry },
    top: topFunctions,
    rankFrequency: table.rankFrequency().map((step) => {
      const { mean } = table.designEffect();
      return {
        ...step,
        probability: step.count / samples,
        ci95: wilsonInterval(step.count / mean, samples / mean),
      };
    }),
    ...tally.summary(),
    orbits: await orbitPoints(table, tally.picked, signal),
    correlations: correlations(tally, samples, kernels),
    run: { ...options.run },
  };
}

interface Picked {
  readonly function: string;
  readonly complexity: number;
  readonly count: number;
  readonly orbitSize: number;
  /** Samples of its orbit that a sample of it has in its own body, itself among them: their mean. */
  readonly own: number;
}

/** Sums over all rows of a table. */
class Tally {
  readonly picked: Picked[] = [];
  readonly often: Array<{ count: number; complexity: number }> = [];
  readonly #table: FunctionTable;
  readonly #byComplexity = new Map<number, { functions: number; samples: number; largest: number; bins: number[] }>();
  readonly #byOnes: Array<{ functions: number; samples: number }> = [];
  readonly #every: number;
  #samples = 0;
  #nextPick: number;

  constructor(table: FunctionTable) {
    this.#table = table;
    this.#every = table.samples / ORBIT_SAMPLES;
    this.#nextPick = this.#every / 2;
  }

  add({ rows, count, complexities, orbitSizes }: DescribedRows): void {
    const { words, stride, clustered } = this.#table.shape;
    for (let i = 0, at = 0; i < count; i++, at += stride) {
      const seen = rows[at + words] + rows[at + words + 1] * 2 ** 32;
      const complexity = complexities[i];
      let level = this.#byComplexity.get(complexity);
      if (!level) {
        level = { functions: 0, samples: 0, largest: 0, bins: [] };
        this.#byComplexity.set(complexity, level);
      }
      level.functions++;
      level.samples += seen;
      level.largest = Math.max(level.largest, seen);
      const bin = binOf(seen);
      level.bins[bin] = (level.bins[bin] ?? 0) + 1;
      let ones = 0;
      for (let w = 0; w < words; w++) ones += popcount(rows[at + w]);
      this.#byOnes[ones] ??= { functions: 0, samples: 0 };
      this.#byOnes[ones].functions++;
      this.#byOnes[ones].samples += seen;
      if (seen >= MINIMUM_COUNT) this.often.push({ count: seen, complexity });
      // samples in the order of the table, one in every `every`: a function is picked in proportion to its count
      this.#samples += seen;
      if (this.#nextPick < this.#samples) {
        const own = clustered ? (rows[at + words + 4] + rows[at + words + 5] * 2 ** 32) / seen : 1;
        this.picked.push({
          function: formatFunction(rows, this.#table.bits, at),
          complexity,
          count: seen,
          orbitSize: orbitSizes[i],
          own,
        });
        this.#nextPick += this.#every * Math.ceil((this.#samples - this.#nextPick) / this.#every);
      }
    }
  }

  summary(): Pick<CountRecords, "byComplexity" | "cells" | "byOnes"> {
    const levels = [...this.#byComplexity].sort((a, b) => a[0] - b[0]);
    return {
      byComplexity: levels.map(([complexity, { functions, samples, largest }]) => ({
        complexity,
        functions,
        samples,
        largest,
      })),
      cells: levels.flatMap(([complexity, { bins }]) =>
        bins
          .map((functions, bin) => ({
            complexity,
            countFrom: BIN_STARTS[bin],
            countTo: BIN_STARTS[bin + 1] - 1,
            functions,
          }))
          .filter((cell) => cell !== undefined),
      ),
      byOnes: this.#byOnes.map((level, ones) => ({ ones, ...level })).filter((level) => level !== undefined),
    };
  }
}

/** First count of each bin, `BINS` a decade; bins that hold no whole number are empty. */
const BIN_STARTS = Array.from({ length: 17 * BINS }, (_, bin) => Math.ceil(10 ** (bin / BINS) - 1e-9));

function binOf(count: number): number {
  let low = 0;
  let high = BIN_STARTS.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (BIN_STARTS[middle] <= count) low = middle;
    else high = middle;
  }
  return low;
}

function popcount(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

async function orbitPoints(
  table: FunctionTable,
  picked: readonly Picked[],
  signal: AbortSignal | undefined,
): Promise<OrbitPoint[]> {
  if (table.symmetry.bits === 0 && table.symmetry.negation === 0) return [];
  const points: OrbitPoint[] = [];
  for (const { function: f, complexity, count, orbitSize, own } of picked) {
    await checkpoint(signal);
    const orbit = table.orbit(f);
    // the other samples are independent of the one that chose the function
    const others = Math.max(0, orbit.orbitCount - own);
    const effect = Math.max(1, orbit.designEffect);
    const interval = wilsonInterval(others / effect, (table.samples - own) / effect);
    points.push({
      function: f,
      complexity,
      count,
      orbitSize,
      others,
      probability: others / (table.samples - own) / orbitSize,
      ci95: [interval[0] / orbitSize, interval[1] / orbitSize],
    });
  }
  return points;
}

let lastPause = 0;

/** Lets timers and signals run now and then. */
async function checkpoint(signal: AbortSignal | undefined): Promise<void> {
  if (performance.now() - lastPause < 20) return;
  await breathe();
  lastPause = performance.now();
  signal?.throwIfAborted();
}

function correlations(tally: Tally, samples: number, kernels: Kernels): CorrelationRecord[] {
  const often = tally.often.sort((a, b) => b.count - a.count);
  let functions = often.length;
  let minimumCount = MINIMUM_COUNT;
  if (functions > CORRELATED) {
    // all functions of the last count, or none
    minimumCount = often[CORRELATED].count + 1;
    functions = often.findIndex((f) => f.count < minimumCount);
  }
  const used = often.slice(0, functions);
  const { naturalLog } = kernels.exports;
  const logs = Float64Array.from(used, (f) => (naturalLog(f.count) - naturalLog(samples)) / Math.LN10);
  const complexities = Float64Array.from(used, (f) => f.complexity);
  return [
    {
      x: "lempelZiv",
      y: "log10P",
      functions,
      minimumCount,
      ...correlate(complexities, logs, RESAMPLES, bootstrapWords(kernels)),
    },
  ];
}
