/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The counted functions of random networks.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { compareWords, formatFunction, parseFunction } from "../data/functions.ts";
import type { Points } from "../data/points.ts";
import { checkInteger } from "../engine/checks.ts";
import { coreBuild } from "../engine/core.ts";
import type { Kernels } from "../engine/kernels.ts";
import { breathe } from "../engine/platform.ts";
import { SLICE_MS } from "../engine/task.ts";
import { version } from "../generated/version.ts";
import type { Network } from "../network/network.ts";
import type { SymmetryClass } from "../network/plan.ts";
import { type EntropyEstimates, entropyOf } from "../statistics/entropy.ts";
import { clusteredProportion, wilsonInterval } from "../statistics/intervals.ts";
import { engineDigest, hex, pointsDigest } from "./countIdentity.ts";
import { rowBytes } from "./rowBytes.ts";
import { mergeRuns, type RowShape, type Run, type Segment, SegmentKeeper } from "./rows.ts";
import { orbitOf } from "./symmetry.ts";

/** An estimate of P(f). */
export interface FunctionEstimate {
  /** Hex digits of the function's bits, input 0 first. */
  readonly function: string;
  /** Samples that computed it. */
  readonly count: number;
  /** count / samples. */
  readonly probability: number;
  readonly standardError: number;
  /** 95 % Wilson interval, on the effective number of samples. */
  readonly ci95: readonly [number, number];
  /** Variance inflation by drawing several output layers for a body; 1 for independent samples. */
  readonly designEffect: number;
}

/** An estimate of P(f) from all members of the function's orbit: P(orbit) / |orbit|. */
export interface OrbitEstimate extends FunctionEstimate {
  /** Number of functions in the orbit. */
  readonly orbitSize: number;
  /** Samples that computed any member. */
  readonly orbitCount: number;
}

/** A step of the rank-frequency curve: the functions of rank `firstRank` to `lastRank` were each seen `count` times. */
export interface RankStep {
  readonly firstRank: number;
  readonly lastRank: number;
  readonly count: number;
}

/** Good-Turing estimate of the probability of all functions not seen. */
export interface UnseenMass {
  readonly probability: number;
  /** Esty's (1983) standard error, which takes the samples as independent. */
  readonly standardError: number;
  /** False if several output layers share a body: the standard error is then a lower bound. */
  readonly independent: boolean;
}

/** Variance inflation of a table with several output layers for a body. */
export interface DesignEffect {
  /** Mean over the probability mass, `sum_f p_f deff_f`. */
  readonly mean: number;
  /** Largest among functions seen at least 1,000 times. */
  readonly largest: number;
  /** Pooled over functions seen at most 30 times; used for them, and for functions not seen. */
  readonly rare: number;
  /** samples / mean. */
  readonly effectiveSamples: number;
}

/** Bodies that were drawn: indices `first` to `end - 1` of a seed. */
export interface SampleRange {
  readonly seed: bigint;
  readonly first: number;
  readonly end: number;
}

/** What a table knows of its making. */
export interface TableSource {
  readonly network: Network;
  readonly points: Points;
  readonly outputDraws: number;
  readonly symmetry: SymmetryClass;
  readonly ranges: readonly SampleRange[];
  /** The version and module that counted; default: this one's. */
  readonly engine?: { readonly version: string; readonly wasm: string };
}

const RARE = 30;
const OFTEN = 1000;

function u64(rows: Uint32Array, at: number): number {
  return rows[at] + rows[at + 1] * 2 ** 32;
}

/**
 * Counts of functions, exact; rows in ascending order of the function. Made by `countFunctions` and `mergeTables`.
 *
 * @example
 * const table = await countFunctions({ layers: [3, 8, 1] }, { samples: 2000, seed: 1 });
 * const { probability, ci95 } = table.probability("17"); // of the majority of three bits, with a 95 % interval
 * table.unseenMass().probability; // of the functions that no sample computed
 * table.close();
 */
export class FunctionTable {
  readonly network: Network;
  /** Number of points m: bits of a function. */
  readonly bits: number;
  /** Output layers drawn for each body. */
  readonly outputDraws: number;
  /** Samples counted. */
  readonly samples: number;
  /** Different functions seen. */
  readonly distinct: number;
  /** Functions seen exactly once. */
  readonly singletons: number;
  /** Which draws were counted, in bodies. */
  readonly ranges: readonly SampleRange[];
  /** Bytes of rows that went to the spill store. */
  readonly spilledBytes: number;
  readonly #source: TableSource;
  readonly #run: Run;
  readonly #shape: RowShape;
  #kernels: Kernels | undefined;
  readonly #entropy: EntropyEstimates;
  readonly #keeper: SegmentKeeper;
  /** [count, number of functions seen so often], most frequent first */
  readonly #frequencies: ReadonlyArray<readonly [number, number]>;
  readonly #designEffect: DesignEffect;

  private constructor(source: TableSource, run: Run, keeper: SegmentKeeper, kernels: Kernels, summary: Summary) {
    this.#source = source;
    this.#run = run;
    this.#shape = keeper.shape;
    this.#keeper = keeper;
    this.#kernels = kernels;
    this.network = source.network;
    this.bits = source.points.count;
    this.outputDraws = source.outputDraws;
    this.ranges = source.ranges;
    this.spilledBytes = keeper.spilledBytes;
    this.samples = summary.samples;
    this.distinct = run.reduce((sum, segment) => sum + segment.rows, 0);
    this.#frequencies = summary.frequencies;
    this.singletons = summary.frequencies.find(([count]) => count === 1)?.[1] ?? 0;
    this.#designEffect = summary.designEffect;
    this.#entropy = entropyOf(summary.frequencies, summary.samples, kernels);
  }

  /** @internal */
  static async fromRun(
    source: TableSource,
    run: Run,
    keeper: SegmentKeeper,
    pause: () => Promise<void>,
  ): Promise<FunctionTable> {
    const summary = await summarize(run, keeper.shape, source.outputDraws, pause);
    // tables share the thread's instance: a browser reserves gigabytes of addresses for each
    return new FunctionTable(source, run, keeper, await coreBuild.kernels(), summary);
  }

  /** @internal */
  get source(): TableSource {
    return this.#source;
  }

  /** @internal */
  get run(): Run {
    this.#open();
    return this.#run;
  }

  /** @internal */
  get keeper(): SegmentKeeper {
    return this.#keeper;
  }

  /** Symmetries that `orbit` uses: permutations of how many input bits, and the mode of negation. */
  get symmetry(): SymmetryClass {
    return this.#source.symmetry;
  }

  /** Samples that computed the function. @throws TypeError, RangeError if it is no function on these points. */
  count(f: string): number {
    return this.#sums(parseFunction("function", f, this.bits)).count;
  }

  /** Estimates P(f) by its own count. */
  probability(f: string): FunctionEstimate {
    const key = parseFunction("function", f, this.bits);
    const { count, squares } = this.#sums(key);
    return { function: formatFunction(key, this.bits), count, ...this.estimate(count, squares) };
  }

  /**
   * Estimates P(f) by the counts of its whole orbit under permutations of the input bits and output negation, all of
   * whose members have the same probability: from the same samples it reaches functions up to |orbit| times rarer.
   */
  orbit(f: string): OrbitEstimate {
    const key = parseFunction("function", f, this.bits);
    const { words } = this.#shape;
    const members = orbitOf(this.#open(), key, this.bits, this.#source.symmetry);
    // an orbit of 10 bits can take a gigabyte
    coreBuild.shed();
    const orbitSize = members.length / words;
    let orbitCount = 0;
    let squares = 0;
    for (let i = 0; i < members.length; i += words) {
      const sums = this.#sums(members, i);
      orbitCount += sums.count;
      squares += sums.classSquares;
    }
    const whole = this.estimate(orbitCount, squares);
    return {
      function: formatFunction(key, this.bits),
      count: this.#sums(key).count,
      orbitSize,
      orbitCount,
      probability: whole.probability / orbitSize,
      standardError: whole.standardError / orbitSize,
      ci95: [whole.ci95[0] / orbitSize, whole.ci95[1] / orbitSize],
      designEffect: whole.designEffect,
    };
  }

  /** The `k` most frequent functions; equal counts in ascending order of the function. */
  top(k: number): FunctionEstimate[] {
    checkInteger("k", k, 0, Number.MAX_SAFE_INTEGER);
    // the count that the k-th function has
    let least = 0;
    let above = 0;
    let ties = 0;
    for (const [count, functions] of this.#frequencies) {
      least = count;
      ties = Math.min(functions, k - above);
      if (ties < functions) break;
      above += functions;
    }
    const found: Array<{ count: number; squares: number; key: Uint32Array }> = [];
    const { words, clustered, stride } = this.#shape;
    for (const rows of this.segments()) {
      for (let at = 0; at < rows.length; at += stride) {
        const count = u64(rows, at + words);
        if (count < least || (count === least && ties-- <= 0)) continue;
        const squares = clustered ? u64(rows, at + words + 2) : count;
        found.push({ count, squares, key: rows.slice(at, at + words) });
      }
    }
    // stable, so equal counts stay in ascending order
    found.sort((a, b) => b.count - a.count);
    return found.slice(0, k).map(({ count, squares, key }) => ({
      function: formatFunction(key, this.bits),
      count,
      ...this.estimate(count, squares),
    }));
  }

  /** Rank-frequency curve (Zipf plot) in steps of equal count, rank 1 first. */
  rankFrequency(): RankStep[] {
    let rank = 0;
    return this.#frequencies.map(([count, functions]) => {
      const step = { firstRank: rank + 1, lastRank: rank + functions, count };
      rank += functions;
      return step;
    });
  }

  /** Good-Turing estimate of the probability of the functions not seen, `f_1 / N` [Good 1953]. */
  unseenMass(): UnseenMass {
    const twice = this.#frequencies.find(([count]) => count === 2)?.[1] ?? 0;
    const once = this.singletons;
    const probability = once / this.samples;
    return {
      probability,
      standardError: Math.sqrt(once * (1 - probability) + 2 * twice) / this.samples,
      independent: this.outputDraws === 1,
    };
  }

  /** Entropy of the prior over functions, in nats: plug-in, Miller-Madow, and Chao-Shen for many unseen functions. */
  entropy(): EntropyEstimates {
    return this.#entropy;
  }

  /** How much the variance of probabilities is inflated by sharing bodies; all 1 if `outputDraws` is 1. */
  designEffect(): DesignEffect {
    return this.#designEffect;
  }

  /** Every function and its count, in ascending order of the function. */
  *rows(): Generator<{ function: string; count: number }> {
    const { words, stride } = this.#shape;
    for (const rows of this.segments()) {
      for (let at = 0; at < rows.length; at += stride) {
        this.#open();
        yield { function: formatFunction(rows, this.bits, at), count: u64(rows, at + words) };
      }
    }
  }

  /** The shape of the rows of `segments`. */
  get shape(): RowShape {
    return this.#shape;
  }

  /** Raw rows, a stretch at a time, in ascending order (see `RowShape`); not to be changed. */
  *segments(): Generator<Uint32Array> {
    for (const segment of this.#run) {
      this.#open();
      yield segment.read();
    }
    this.#open();
  }

  /**
   * SHA-256 over the table, hex: for each function in ascending order its bits (big-endian, ceil(bits / 8) bytes) and its
   * count (8 bytes, little-endian). The same for any number of workers, any chunks, Node or browser.
   */
  async digest(): Promise<string> {
    const hash = sha256.create();
    const pause = makePause();
    for (const rows of this.segments()) {
      hash.update(rowBytes(rows, this.#shape, this.bits, 1));
      await pause();
    }
    return hex(hash.digest());
  }

  /** Frees the rows, and removes what was spilled. What needs them throws from then on; what was summed up stays. */
  close(): void {
    if (!this.#kernels) return;
    this.#kernels = undefined;
    for (const segment of this.#run) segment.release();
    this.#keeper.spill?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** What the sums of a function (or an orbit) say of its probability. @internal */
  estimate(count: number, squares: number): Omit<FunctionEstimate, "function" | "count"> {
    const n = this.samples;
    if (this.outputDraws === 1) {
      const probability = count / n;
      return {
        probability,
        standardError: Math.sqrt((probability * (1 - probability)) / n),
        ci95: wilsonInterval(count, n),
        designEffect: 1,
      };
    }
    const own = clusteredProportion(count, squares, n / this.outputDraws, this.outputDraws);
    // few occurrences cannot tell their own clustering: a single one always looks independent
    // and bodies that happen to agree cannot tell more than if each of their draws were a body
    const least = count > RARE ? 1 / this.outputDraws : this.#designEffect.rare;
    const designEffect = Math.max(own.designEffect, least);
    const effective = n / designEffect;
    const { probability } = own;
    return {
      probability,
      standardError: Math.sqrt((probability * (1 - probability)) / effective),
      ci95: wilsonInterval(probability * effective, effective),
      designEffect,
    };
  }

  /** What is not there any more cannot be asked. @throws Error once it is closed. */
  #open(): Kernels {
    if (!this.#kernels) throw new Error("table: it is closed");
    return this.#kernels;
  }

  #sums(key: Uint32Array, offset = 0): { count: number; squares: number; classSquares: number } {
    this.#open();
    const { words, stride, clustered } = this.#shape;
    let low = 0;
    let high = this.#run.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareWords(this.#run[middle].firstKey, key, words, 0, offset) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low > 0) {
      const rows = this.#run[low - 1].read();
      let from = 0;
      let to = rows.length / stride;
      while (from < to) {
        const middle = (from + to) >> 1;
        const order = compareWords(rows, key, words, middle * stride, offset);
        if (order === 0) {
          const at = middle * stride + words;
          const count = u64(rows, at);
          return clustered
            ? { count, squares: u64(rows, at + 2), classSquares: u64(rows, at + 4) }
            : { count, squares: count, classSquares: count };
        }
        if (order < 0) from = middle + 1;
        else to = middle;
      }
    }
    return { count: 0, squares: 0, classSquares: 0 };
  }
}

interface Summary {
  readonly samples: number;
  readonly frequencies: ReadonlyArray<readonly [number, number]>;
  readonly designEffect: DesignEffect;
}

async function summarize(
  run: readonly Segment[],
  shape: RowShape,
  draws: number,
  pause: () => Promise<void>,
): Promise<Summary> {
  const { words, stride, clustered } = shape;
  const small = new Float64Array(1024);
  const large = new Map<number, number>();
  let samples = 0;
  for (const segment of run) {
    const rows = segment.read();
    for (let at = words; at < rows.length; at += stride) {
      const count = u64(rows, at);
      samples += count;
      if (count < small.length) small[count]++;
      else large.set(count, (large.get(count) ?? 0) + 1);
    }
    await pause();
  }
  small.forEach((functions, count) => {
    if (functions > 0) large.set(count, functions);
  });
  const frequencies = [...large].sort((a, b) => b[0] - a[0]);
  const none = { mean: 1, largest: 1, rare: 1, effectiveSamples: samples };
  if (!clustered) return { samples, frequencies, designEffect: none };
  const bodies = samples / draws;
  let mean = 0;
  let largest = 1;
  let rareCount = 0;
  let rareSquares = 0;
  for (const segment of run) {
    const rows = segment.read();
    for (let at = words; at < rows.length; at += stride) {
      const count = u64(rows, at);
      const squares = u64(rows, at + 2);
      // a single function cannot tell its own inflation when it is rare; its share of the pooled sum can
      if (count <= RARE) {
        rareCount += count;
        rareSquares += squares;
      } else {
        const { probability, designEffect } = clusteredProportion(count, squares, bodies, draws);
        mean += probability * designEffect;
        if (count >= OFTEN) largest = Math.max(largest, designEffect);
      }
    }
    await pause();
  }
  const rare = rareCount > 0 ? Math.max(1, rareSquares / rareCount) : 1;
  mean += (rareCount / samples) * rare;
  return { samples, frequencies, designEffect: { mean, largest, rare, effectiveSamples: samples / mean } };
}

/** A pause for long loops in the calling thread. */
export function makePause(signal?: AbortSignal): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < SLICE_MS) return;
    await breathe();
    last = performance.now();
    signal?.throwIfAborted();
  };
}

function samePoints(a: Points, b: Points): boolean {
  if (a.kind !== b.kind || a.count !== b.count || a.features !== b.features) return false;
  return a.kind === "boolean" || pointsDigest(a) === pointsDigest(b);
}

function sameNetwork(a: Network, b: Network): boolean {
  return (
    a.layers.length === b.layers.length &&
    a.layers.every((w, l) => w === b.layers[l]) &&
    a.activation === b.activation &&
    a.sigmaW2 === b.sigmaW2 &&
    a.sigmaB2 === b.sigmaB2
  );
}

/** Ranges in order, those that follow each other as one. @throws RangeError naming `tables` if two overlap. */
export function joinRanges(ranges: readonly SampleRange[]): SampleRange[] {
  const sorted = [...ranges].sort((a, b) => (a.seed < b.seed ? -1 : a.seed > b.seed ? 1 : a.first - b.first));
  const joined: SampleRange[] = [];
  for (const range of sorted) {
    const last = joined[joined.length - 1];
    if (last && last.seed === range.seed && range.first < last.end) {
      throw new RangeError(
        `tables: bodies ${range.first} to ${Math.min(last.end, range.end) - 1} of seed ${range.seed} were counted twice`,
      );
    }
    if (last && last.seed === range.seed && range.first === last.end)
      joined[joined.length - 1] = { ...last, end: range.end };
    else joined.push(range);
  }
  return joined;
}

/**
 * Merges tables of the same network and points over disjoint ranges of samples; the inputs stay as they are.
 *
 * @throws TypeError, RangeError if they do not belong together or a range was counted twice.
 * @example
 * const network = { layers: [3, 8, 1] };
 * const first = await countFunctions(network, { samples: 1000 });
 * const second = await countFunctions(network, { samples: 1000, firstSample: 1000 });
 * const both = await mergeTables([first, second]); // the table of 2000 samples, to the bit
 */
export async function mergeTables(
  tables: readonly FunctionTable[],
  options: { signal?: AbortSignal } = {},
): Promise<FunctionTable> {
  options.signal?.throwIfAborted();
  if (!Array.isArray(tables) || tables.length === 0 || !tables.every((t) => t instanceof FunctionTable)) {
    throw new TypeError("tables: expected a non-empty array of FunctionTable");
  }
  const [first, ...others] = tables;
  others.forEach((table, i) => {
    const name = `tables[${i + 1}]`;
    if (!sameNetwork(first.network, table.network)) throw new RangeError(`${name}: another network than tables[0]`);
    if (!samePoints(first.source.points, table.source.points))
      throw new RangeError(`${name}: other inputs than tables[0]`);
    if (first.outputDraws !== table.outputDraws) {
      throw new RangeError(
        `${name}: expected outputDraws ${first.outputDraws} as in tables[0], got ${table.outputDraws}`,
      );
    }
  });
  if (tables.some(({ source }) => source.engine)) {
    const own = { version, wasm: await engineDigest() };
    const made = tables.map(({ source }) => source.engine ?? own);
    const other = made.findIndex((e) => e.version !== made[0].version || e.wasm !== made[0].wasm);
    if (other > 0) throw new RangeError(`tables[${other}]: counted by another build of flatvol than tables[0]`);
  }
  const joined = joinRanges(tables.flatMap((table) => table.ranges));
  const keeper = new SegmentKeeper(first.keeper.shape, Math.max(...tables.map((t) => t.keeper.memoryLimit)), undefined);
  const pause = makePause(options.signal);
  const runs = tables.map((table) => table.run);
  const run = await coreBuild.lend((kernels) => mergeRuns(kernels, keeper, runs, pause, false));
  return FunctionTable.fromRun({ ...first.source, ranges: joined }, run, keeper, pause);
}
