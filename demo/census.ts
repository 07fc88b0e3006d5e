/**
 * A count of functions that goes on for hours in bounded memory.
 *
 * Every function is counted until the table is full. From then on the most frequent ones, and no others, go on being counted:
 * their counts stay exact.
 *
 * @module
 */
import { complexity, countFunctions, type FunctionTable, mergeTables, type NetworkOptions, type Pool } from "flatvol";
import { breathe } from "./frames.ts";

/** A function as the pictures show it. */
export interface Counted {
  readonly function: string;
  readonly count: number;
  /** Lempel-Ziv. */
  readonly complexity: number;
}

/** Functions of a table before it is full: at 24 bytes each, and three tables at most during a merge, some 30 MB. */
export const MOST_FUNCTIONS = 400_000;
/** Functions that are shown, and counted for ever. */
export const SHOWN = 2500;
/** Networks of the first call, so that something is there at once; and of the largest. */
const FIRST = 500;
const LARGEST = 200_000;
/** Milliseconds that a call should take: the page hears of it twice a second. */
const CALL_MS = 450;
/** Functions looked up between two breaths. */
const SLICE = 120;

export class Census {
  readonly #network: NetworkOptions;
  readonly #seed: number;
  readonly #pool: Pool;
  #table: FunctionTable | undefined;
  #samples = 0;
  #size = FIRST;
  #shown: Counted[] = [];
  #complexities = new Map<string, number>();
  /** Once the table is full. */
  #tracked: Map<string, number> | undefined;
  #seconds = 0;

  constructor(network: NetworkOptions, seed: number, pool: Pool) {
    this.#network = network;
    this.#seed = seed;
    this.#pool = pool;
  }

  /** Networks so far. */
  get samples(): number {
    return this.#samples;
  }

  /** Networks a second while counting. */
  get rate(): number {
    return this.#seconds > 0 ? this.#samples / this.#seconds : 0;
  }

  /** The most frequent functions, most frequent first. */
  get shown(): readonly Counted[] {
    return this.#shown;
  }

  /** The table of all functions; of the first `table.samples` networks once it is full. */
  get table(): FunctionTable | undefined {
    return this.#table;
  }

  get full(): boolean {
    return this.#tracked !== undefined;
  }

  /** The count of a function among all networks, if it is known. */
  countOf(f: string): number | undefined {
    return this.#tracked ? this.#tracked.get(f) : this.#table?.count(f);
  }

  /** Draws more networks. */
  async advance(signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const batch = await countFunctions(this.#network, {
      samples: this.#size,
      seed: this.#seed,
      firstSample: this.#samples,
      pool: this.#pool,
      signal,
    });
    const took = performance.now() - began;
    if (this.#tracked) await this.#track(batch, this.#tracked, signal);
    else await this.#merge(batch, signal);
    this.#samples += batch.samples;
    this.#seconds += (performance.now() - began) / 1000;
    batch.close();
    const ideal = (this.#size * CALL_MS) / Math.max(1, took);
    this.#size = Math.round(Math.max(FIRST, Math.min(ideal, 3 * this.#size, LARGEST)));
  }

  close(): void {
    this.#table?.close();
    this.#table = undefined;
  }

  async #merge(batch: FunctionTable, signal: AbortSignal): Promise<void> {
    const old = this.#table;
    // merged even if alone: the batch is closed
    const table = await mergeTables(old ? [old, batch] : [batch], { signal });
    this.#table = table;
    old?.close();
    await breathe();
    signal.throwIfAborted();
    const top = table.top(SHOWN);
    await this.#describe(
      top.map((f) => [f.function, f.count]),
      signal,
    );
    if (table.distinct > MOST_FUNCTIONS) this.#tracked = new Map(top.map((f) => [f.function, f.count]));
  }

  async #track(batch: FunctionTable, tracked: Map<string, number>, signal: AbortSignal): Promise<void> {
    let done = 0;
    const counts: Array<readonly [string, number]> = [];
    for (const [f, count] of tracked) {
      counts.push([f, count + batch.count(f)]);
      if (++done % SLICE === 0) {
        await breathe();
        signal.throwIfAborted();
      }
    }
    for (const [f, count] of counts) tracked.set(f, count);
    await this.#describe(
      counts.sort((a, b) => b[1] - a[1]),
      signal,
    );
  }

  async #describe(counts: ReadonlyArray<readonly [string, number]>, signal: AbortSignal): Promise<void> {
    const unknown = counts.flatMap(([f]) => (this.#complexities.has(f) ? [] : [f]));
    for (let at = 0; at < unknown.length; at += SLICE) {
      for (const c of await complexity(unknown.slice(at, at + SLICE), { bits: this.#network.layers[0] })) {
        this.#complexities.set(c.function, c.lempelZiv);
      }
      await breathe();
      signal.throwIfAborted();
    }
    const known = this.#complexities;
    this.#shown = counts.map(([f, count]) => ({ function: f, count, complexity: known.get(f) as number }));
    // functions that were overtaken are forgotten
    this.#complexities = new Map(this.#shown.map((f) => [f.function, f.complexity]));
  }
}
