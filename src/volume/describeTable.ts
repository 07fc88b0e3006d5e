/**
 * Orbit sizes and complexities of a whole table, by the workers.
 *
 * @module
 */
import { parseFunction } from "../data/functions.ts";
import { Pool } from "../engine/pool.ts";
import { type DescribeRowsResult, describeRows } from "./describeRows.ts";
import type { FunctionTable } from "./functionTable.ts";

/** Rows that one task takes. */
const TASK_ROWS = 16_384;

/** A stretch of a table's rows with what is known of each function. */
export interface DescribedRows extends DescribeRowsResult {
  /** Rows as in `FunctionTable.shape`. */
  readonly rows: Uint32Array<ArrayBuffer>;
  readonly count: number;
}

/** What `describeTable` takes. */
export interface DescribeOptions {
  /** Workers of the call's own pool; 0: the calling thread. Default: the machine's threads. */
  readonly workers?: number;
  /** A pool to use instead; it is left open. */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
  /** Called with the rows done so far and all. */
  readonly onProgress?: (rows: number, total: number) => void;
}

/** All rows of a table in order, with orbit size and complexity, a stretch at a time: never the whole table. */
export async function* describeTable(
  table: FunctionTable,
  options: DescribeOptions = {},
): AsyncGenerator<DescribedRows, void, undefined> {
  const { signal } = options;
  const pool = options.pool ?? new Pool({ workers: options.workers });
  const { stride } = table.shape;
  // one failing or abandoned stretch stops the others
  const stop = new AbortController();
  const inner = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const describe = async (rows: Uint32Array<ArrayBuffer>): Promise<DescribedRows> => {
    const result = await pool.run(
      describeRows,
      { rows, stride, bits: table.bits, symmetry: table.symmetry },
      { signal: inner },
    );
    return { rows, count: rows.length / stride, ...result };
  };
  const ahead = 2 * Math.max(1, pool.size);
  const running: Array<Promise<DescribedRows>> = [];
  let done = 0;
  const next = async (): Promise<DescribedRows> => {
    const batch = await running.shift()!;
    done += batch.count;
    return batch;
  };
  try {
    for (const segment of table.segments()) {
      for (let at = 0; at < segment.length; at += stride * TASK_ROWS) {
        signal?.throwIfAborted();
        const started = describe(segment.slice(at, at + stride * TASK_ROWS) as Uint32Array<ArrayBuffer>);
        // whether or not it is still awaited, its failure is dealt with
        started.catch(() => {});
        running.push(started);
        if (running.length >= ahead) {
          yield await next();
          options.onProgress?.(done, table.distinct);
        }
      }
    }
    while (running.length > 0) {
      yield await next();
      options.onProgress?.(done, table.distinct);
    }
  } finally {
    stop.abort(new Error("describeTable: abandoned"));
    if (!options.pool) pool.close();
  }
}

/** Orbit size and complexity of some functions of a table. */
export async function describeFunctions(
  table: FunctionTable,
  functions: readonly string[],
  options: Omit<DescribeOptions, "onProgress"> = {},
): Promise<DescribeRowsResult> {
  const stride = table.shape.words;
  const rows = new Uint32Array(stride * functions.length);
  functions.forEach((f, i) => {
    rows.set(parseFunction("function", f, table.bits), stride * i);
  });
  const pool = options.pool ?? new Pool({ workers: options.workers });
  try {
    const { bits, symmetry } = table;
    return await pool.run(describeRows, { rows, stride, bits, symmetry }, { signal: options.signal });
  } finally {
    if (!options.pool) pool.close();
  }
}
