/**
 * `flatvol count`.
 *
 * @module
 */

import { checkInteger } from "../engine/checks.ts";
import { createPool, type Pool } from "../engine/pool.ts";
import { formatNumber, formatWhole } from "../report/format.ts";
import type { ShardOf } from "../report/tableMetadata.ts";
import { checkWritable, TableWriter } from "../report/tableWriter.ts";
import { checkpointTo, type DirectoryCheckpoint } from "../volume/checkpointTo.ts";
import { countFunctions } from "../volume/count.ts";
import { describeFunctions, describeTable } from "../volume/describeTable.ts";
import type { FunctionTable } from "../volume/functionTable.ts";
import { shardRange } from "../volume/shard.ts";
import { type CheckpointFlags, checkpointOf, type OpenCheckpoint } from "./checkpointFlags.ts";
import { type CountFlags, countOptionsOf, networkOf } from "./networkOptions.ts";
import { formatSeconds } from "./progress.ts";
import type { Session } from "./session.ts";
import { factLines, textTable } from "./textTable.ts";

/** How long a count took. */
export interface Timing {
  readonly seconds: number;
  /** Samples that an earlier run had counted. */
  readonly resumed?: number;
}

/** How a table is shown. */
export interface TableFlags {
  readonly top: number;
  readonly orbits?: boolean;
  readonly out?: string;
}

/** Flags of the verb. */
export interface CountVerbFlags extends CountFlags, TableFlags, CheckpointFlags {
  readonly samples: number;
  readonly shard?: { readonly index: number; readonly of: number };
}

/** The most functions that `--top` prints. */
const MAXIMUM_TOP = 1_000_000;

export async function count(flags: CountVerbFlags, session: Session): Promise<void> {
  const network = networkOf(flags);
  const { workers, ...options } = countOptionsOf(flags, session);
  const pool = createPool({ workers });
  let kept: OpenCheckpoint<DirectoryCheckpoint> | undefined;
  let finished = false;
  try {
    checkTableFlags(flags);
    const { samples, firstSample, shard } = stretchOf(flags);
    kept = checkpointOf(flags, checkpointTo);
    const checkpoint = kept?.store;
    const started = performance.now();
    const table = await countFunctions(network, { ...options, samples, firstSample, pool, checkpoint });
    const seconds = (performance.now() - started) / 1000;
    const resumed = (checkpoint?.resumedBodies ?? 0) * flags.outputDraws;
    try {
      await showTable(table, { seconds, resumed }, flags, session, pool, shard);
    } finally {
      table.close();
    }
    finished = true;
  } finally {
    kept?.end(finished);
    options.spill?.close();
    pool.close();
  }
}

/** What of the whole is counted. */
function stretchOf(flags: CountVerbFlags): { samples: number; firstSample?: number; shard?: ShardOf } {
  const { samples, firstSample, shard, outputDraws } = flags;
  if (!shard) return { samples, firstSample };
  const whole = { samples, firstSample: firstSample ?? 0 };
  if (samples % outputDraws !== 0) {
    throw new RangeError(`samples: expected a multiple of outputDraws = ${outputDraws}, got ${samples}`);
  }
  return { ...shardRange(whole, outputDraws, shard.index, shard.of), shard: { ...shard, ...whole } };
}

/** Says before any work what would fail after it. */
export function checkTableFlags({ top, out }: TableFlags): void {
  checkInteger("k", top, 0, MAXIMUM_TOP);
  if (out !== undefined) checkWritable(out);
}

/**
 * Writes a table if `--out` asks for it, and prints what there is to say of it.
 *
 * @param timing undefined if it was counted elsewhere.
 * @param written called with the digest once the file is in place, before anything is printed.
 */
export async function showTable(
  table: FunctionTable,
  timing: Timing | undefined,
  flags: TableFlags,
  session: Session,
  pool: Pool,
  shard?: ShardOf,
  written?: (digest: string) => Promise<void>,
): Promise<void> {
  const { signal } = session;
  if (flags.out !== undefined) await write(table, flags.out, session, pool, shard);
  const functions = table.top(flags.top);
  const described = await describeFunctions(
    table,
    functions.map((f) => f.function),
    { pool, signal },
  );
  const orbits: Array<ReturnType<FunctionTable["orbit"]>> = [];
  if (flags.orbits) {
    for (const [i, f] of functions.entries()) {
      orbits.push(table.orbit(f.function));
      session.progress.show("orbits", i + 1, functions.length);
      if (i % 16 === 15) await new Promise(setImmediate);
      signal.throwIfAborted();
    }
  }
  const digest = await table.digest();
  await written?.(digest);
  session.progress.clear();
  const entries = functions.map((f, i) => ({
    function: f.function,
    count: f.count,
    probability: f.probability,
    ci95: f.ci95,
    orbitSize: described.orbitSizes[i],
    complexity: described.complexities[i],
    ...(flags.orbits
      ? {
          orbitCount: orbits[i].orbitCount,
          orbitProbability: orbits[i].probability,
          orbitCi95: orbits[i].ci95,
        }
      : {}),
  }));
  if (session.json) session.printJson(jsonOf(table, entries, timing, digest, flags));
  else for (const line of linesOf(table, entries, timing, digest)) session.print(line);
}

async function write(
  table: FunctionTable,
  path: string,
  session: Session,
  pool: Pool,
  shard: ShardOf | undefined,
): Promise<void> {
  const writer = new TableWriter(table, path, shard);
  try {
    const onProgress = (rows: number, total: number): void => session.progress.show("writing", rows, total);
    for await (const batch of describeTable(table, { pool, signal: session.signal, onProgress })) writer.add(batch);
    await writer.finish();
  } finally {
    writer.abandon();
  }
}

/** One of the most frequent functions, as printed. */
export interface TopEntry {
  readonly function: string;
  readonly count: number;
  readonly probability: number;
  readonly ci95: readonly [number, number];
  readonly orbitSize: number;
  readonly complexity: number;
  readonly orbitProbability?: number;
  readonly orbitCi95?: readonly [number, number];
}

function jsonOf(
  table: FunctionTable,
  top: readonly TopEntry[],
  timing: Timing | undefined,
  digest: string,
  flags: TableFlags,
): unknown {
  const { network } = table;
  return {
    samples: table.samples,
    distinct: table.distinct,
    singletons: table.singletons,
    unseenMass: table.unseenMass(),
    entropy: table.entropy(),
    outputDraws: table.outputDraws,
    designEffect: table.designEffect(),
    network: {
      layers: network.layers,
      activation: network.activation,
      sigmaW2: network.sigmaW2,
      sigmaB2: network.sigmaB2,
    },
    points: table.bits,
    seed: seedOf(table.ranges[0].seed),
    firstSample: table.ranges[0].first * table.outputDraws,
    ...(timing === undefined
      ? {}
      : {
          seconds: timing.seconds,
          samplesPerSecond: (table.samples - (timing.resumed ?? 0)) / timing.seconds,
          ...(timing.resumed ? { resumedSamples: timing.resumed } : {}),
        }),
    top,
    ...(flags.out === undefined ? {} : { out: flags.out }),
    digest,
  };
}

/** A number where it is exact, else its decimal digits. */
export function seedOf(seed: bigint): number | string {
  return seed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seed) : String(seed);
}

function linesOf(table: FunctionTable, top: readonly TopEntry[], timing: Timing | undefined, digest: string): string[] {
  return [
    `${table.network.layers.join("-")} ${table.network.activation}, ${describePrior(table)}, ${describeInputs(table)}`,
    "",
    ...topLines(top),
    ...(top.length > 0 ? [""] : []),
    ...factLines(totals(table, timing, digest)),
  ];
}

function describePrior({ network }: FunctionTable): string {
  return `sigma_w^2 = ${network.sigmaW2}, sigma_b^2 = ${network.sigmaB2}`;
}

function describeInputs(table: FunctionTable): string {
  const { bits } = table.symmetry;
  return bits > 0 ? `all ${table.bits} inputs of ${bits} bits` : `${table.bits} given points`;
}

/** The most frequent functions as an aligned table. */
export function topLines(top: readonly TopEntry[]): string[] {
  if (top.length === 0) return [];
  const orbits = top[0].orbitProbability !== undefined;
  const interval = ([low, high]: readonly [number, number]): string => `${formatNumber(low)} to ${formatNumber(high)}`;
  return textTable(
    [
      { title: "rank" },
      { title: "function", align: "left" },
      { title: "count" },
      { title: "P(f)" },
      { title: "95 % interval" },
      ...(orbits ? [{ title: "P(f) by orbit" }, { title: "95 % interval" }] : []),
      { title: "orbit" },
      { title: "complexity" },
    ],
    top.map((f, i) => [
      String(i + 1),
      f.function,
      formatWhole(f.count),
      formatNumber(f.probability),
      interval(f.ci95),
      ...(f.orbitProbability !== undefined && f.orbitCi95
        ? [formatNumber(f.orbitProbability), interval(f.orbitCi95)]
        : []),
      formatWhole(f.orbitSize),
      formatNumber(f.complexity),
    ]),
  );
}

/** What is said of a whole table. */
export function totals(
  table: FunctionTable,
  timing: Timing | undefined,
  digest: string,
): Array<readonly [string, string]> {
  const { seconds = 0, resumed = 0 } = timing ?? {};
  const counted = table.samples - resumed;
  const unseen = table.unseenMass();
  const entropy = table.entropy();
  const effect = table.designEffect();
  return [
    [
      "samples",
      timing === undefined
        ? formatWhole(table.samples)
        : `${formatWhole(table.samples)}${
            resumed > 0 ? `, ${formatWhole(resumed)} of them from the checkpoint, the others` : ""
          } in ${seconds < 60 ? `${formatNumber(seconds, 3)} s` : formatSeconds(seconds)} (${formatWhole(counted / seconds)} a second)`,
    ],
    ["distinct functions", formatWhole(table.distinct)],
    ["seen once", formatWhole(table.singletons)],
    [
      "unseen mass",
      `${formatNumber(unseen.probability)} +- ${formatNumber(unseen.standardError, 2)} (Good-Turing${
        unseen.independent ? "" : "; the error takes samples as independent"
      })`,
    ],
    [
      "entropy",
      `${formatNumber(entropy.chaoShen)} nats (Chao-Shen), ${formatNumber(entropy.plugIn)} plug-in, ${formatNumber(
        entropy.millerMadow,
      )} Miller-Madow`,
    ],
    ...(table.outputDraws > 1
      ? [
          [
            "design effect",
            `${formatNumber(effect.mean, 3)} mean, ${formatNumber(effect.largest, 3)} largest: ${formatWhole(
              effect.effectiveSamples,
            )} effective samples${
              timing ? `, ${formatWhole(((effect.effectiveSamples / table.samples) * counted) / seconds)} a second` : ""
            }`,
          ] as const,
        ]
      : []),
    ...(table.spilledBytes > 0 ? [["spilled to disk", `${formatWhole(table.spilledBytes)} bytes`] as const] : []),
    ["digest", digest],
  ];
}
