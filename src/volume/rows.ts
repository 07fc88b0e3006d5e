/**
 * Rows of a table of functions, and runs of them sorted by function.
 *
 * A row is `words` u32 of key (point 0 the highest bit of the first), then u64 sums, low word first: the count k, and in
 * a clustered table (several output layers for one body) the sums over bodies of c_k^2 and c_k C_k (assembly/table.ts).
 *
 * @module
 */
import type { EngineBuild } from "../engine/build.ts";
import type { Kernels } from "../engine/kernels.ts";

/** The shape of a row. */
export interface RowShape {
  /** u32 words of the key. */
  readonly words: number;
  /** Whether a row has the two cluster sums. */
  readonly clustered: boolean;
  /** u32 words of the row. */
  readonly stride: number;
}

export function rowShape(points: number, clustered: boolean): RowShape {
  const words = Math.ceil(points / 32);
  return { words, clustered, stride: words + (clustered ? 6 : 2) };
}

/** A stretch of sorted rows, in memory or elsewhere. */
export interface Segment {
  readonly rows: number;
  /** Key of the first row. */
  readonly firstKey: Uint32Array;
  /** Bytes of this thread's memory that it holds. */
  readonly bytes: number;
  /** The rows; not to be changed. */
  read(): Uint32Array;
  /** Frees it. */
  release(): void;
}

/** Segments in ascending order of their keys. */
export type Run = Segment[];

/** Keeps segments out of memory: in Node, files. */
export interface SpillStore {
  /** Stores a copy of the rows. @throws if the disk is full. */
  write(rows: Uint32Array): { read(): Uint32Array; release(): void };
  /** Removes everything. */
  close(): void;
}

/** Bytes of rows that a segment aims at: small enough to stream, large enough that a merge refills rarely. */
const SEGMENT_BYTES = 512 * 1024;

/** Rows a segment. */
export function segmentRows(shape: RowShape): number {
  return Math.max(64, Math.floor(SEGMENT_BYTES / (4 * shape.stride)));
}

/** Takes segments in. */
export interface Keeper {
  readonly shape: RowShape;
  /** Keeps rows that the caller hands over. */
  keep(rows: Uint32Array): Segment;
}

/** Where segments are kept: in memory up to a limit, past it in the spill store. */
export class SegmentKeeper implements Keeper {
  #bytes = 0;
  #spilled = 0;

  constructor(
    readonly shape: RowShape,
    readonly memoryLimit: number,
    readonly spill: SpillStore | undefined,
  ) {}

  /** Bytes that segments hold in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that went to the spill store. */
  get spilledBytes(): number {
    return this.#spilled;
  }

  /** Keeps rows that the caller hands over. @throws RangeError past the limit if there is nowhere to spill to. */
  keep(rows: Uint32Array): Segment {
    const { stride, words } = this.shape;
    const base = { rows: rows.length / stride, firstKey: rows.slice(0, words) };
    if (this.#bytes + rows.byteLength > this.memoryLimit) {
      if (!this.spill) {
        throw new RangeError(
          `memoryLimit: the table needs more than ${this.memoryLimit} bytes; set a higher memoryLimit, ` +
            "take fewer samples, or (in Node) give a spill store: { spill: spillToDisk(directory) } or --spill DIR",
        );
      }
      const stored = this.spill.write(rows);
      this.#spilled += rows.byteLength;
      return { ...base, bytes: 0, ...onDisk(stored) };
    }
    this.#bytes += rows.byteLength;
    let held: Uint32Array | undefined = rows;
    return {
      ...base,
      bytes: rows.byteLength,
      read: () => {
        if (!held) throw new Error("table: it is closed");
        return held;
      },
      release: () => {
        if (held) this.#bytes -= held.byteLength;
        held = undefined;
      },
    };
  }

  /** Cuts sorted rows into segments. */
  keepRun(rows: Uint32Array): Run {
    const step = segmentRows(this.shape) * this.shape.stride;
    const run: Run = [];
    for (let at = 0; at < rows.length; at += step) {
      run.push(this.keep(rows.length <= step ? rows : rows.slice(at, at + step)));
    }
    return run;
  }
}

/** Apart from `keep`: functions made there would hold its rows in memory as long as they live. */
function onDisk(stored: ReturnType<SpillStore["write"]>): Pick<Segment, "read" | "release"> {
  return { read: () => stored.read(), release: () => stored.release() };
}

const OUTPUT_FULL = -1;
const DONE = -2;

/**
 * Merges runs into one, adding the sums of equal functions. Inputs are released as they are used up, so that memory
 * stays at the sum of the runs.
 *
 * @param pause awaited every few milliseconds.
 */
export async function mergeRuns(
  kernels: Kernels,
  keeper: Keeper,
  runs: readonly Run[],
  pause: () => Promise<void>,
  consume: boolean,
): Promise<Run> {
  const { words, stride } = keeper.shape;
  const capacity = segmentRows(keeper.shape);
  const mark = kernels.mark();
  try {
    // a run's rows may come in segments of any length: each is fed in pieces of `capacity`, and a short run needs less
    const lengths = runs.map((run) => run.reduce((sum, { rows }) => sum + rows, 0));
    const buffers = lengths.map((rows) => kernels.allocate(4 * stride * Math.min(capacity, rows)));
    const outputRows = Math.min(
      capacity,
      lengths.reduce((sum, rows) => sum + rows, 0),
    );
    const output = kernels.allocate(4 * stride * outputRows);
    const cursors = kernels.allocate(8 * runs.length);
    const heap = kernels.allocate(4 * runs.length);
    const state = kernels.allocate(12);
    const position = runs.map(() => ({ segment: 0, row: 0, rows: undefined as Uint32Array | undefined }));
    const merged: Run = [];
    const feed = (r: number): void => {
      const at = position[r];
      const run = runs[r];
      if (at.rows && at.row * stride >= at.rows.length) {
        if (consume) run[at.segment].release();
        at.rows = undefined;
        at.segment++;
        at.row = 0;
      }
      let count = 0;
      if (at.segment < run.length) {
        at.rows ??= run[at.segment].read();
        count = Math.min(capacity, at.rows.length / stride - at.row);
        kernels.u32(buffers[r], count * stride).set(at.rows.subarray(at.row * stride, (at.row + count) * stride));
        at.row += count;
      }
      kernels.u32(cursors + 8 * r, 2).set([buffers[r], buffers[r] + 4 * stride * count]);
    };
    for (let r = 0; r < runs.length; r++) feed(r);
    kernels.u32(state, 3).set([output, output, output + 4 * stride * outputRows]);
    const flush = (): void => {
      const end = kernels.u32(state, 1)[0];
      const length = (end - output) / 4;
      if (length > 0) merged.push(keeper.keep(kernels.u32(output, length).slice()));
      kernels.u32(state, 1)[0] = output;
    };
    while (true) {
      const code = kernels.exports.mergeRows(cursors, runs.length, heap, state, words, 4 * stride);
      if (code === DONE) break;
      if (code === OUTPUT_FULL) flush();
      else feed(code);
      await pause();
    }
    flush();
    return merged;
  } finally {
    kernels.release(mark);
  }
}

/** Runs are merged this many at a time: wide enough that 10^8 samples need two passes. */
export const FAN_IN = 24;

/**
 * Collects runs and merges them by levels, like a log-structured merge tree, so that each row is copied a few times
 * only however many runs there are.
 */
export class RunCollector {
  readonly #levels: Run[][] = [];
  #work: Promise<void> = Promise.resolve();

  constructor(
    /** Lends an instance for each merge. */
    readonly engine: EngineBuild,
    readonly keeper: SegmentKeeper,
    readonly pause: () => Promise<void>,
  ) {}

  /** Adds sorted rows that the caller hands over; resolves once there is room for more. */
  add(rows: Uint32Array): Promise<void> {
    this.#work = this.#work.then(() => this.#place(this.keeper.keepRun(rows), 0));
    return this.#work;
  }

  /** Adds a run whose segments the caller hands over. */
  addRun(run: Run): Promise<void> {
    this.#work = this.#work.then(() => this.#place(run, 0));
    return this.#work;
  }

  /** Merges all that was added. */
  async finish(): Promise<Run> {
    await this.#work;
    let runs = this.#levels.flat();
    this.#levels.length = 0;
    while (runs.length > FAN_IN) {
      const next: Run[] = [];
      for (let i = 0; i < runs.length; i += FAN_IN) next.push(await this.#merge(runs.slice(i, i + FAN_IN)));
      runs = next;
    }
    return this.#merge(runs);
  }

  async #place(run: Run, level: number): Promise<void> {
    this.#levels[level] ??= [];
    const runs = this.#levels[level];
    runs.push(run);
    if (runs.length < FAN_IN) return;
    this.#levels[level] = [];
    await this.#place(await this.#merge(runs), level + 1);
  }

  #merge(runs: Run[]): Promise<Run> {
    if (runs.length === 1) return Promise.resolve(runs[0]);
    return this.engine.lend((kernels) => mergeRuns(kernels, this.keeper, runs, this.pause, true));
  }
}
