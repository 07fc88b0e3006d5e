/**
 * What a table's Parquet file says of itself, under the key "flatvol" of its metadata.
 *
 * @module
 */
import { checkInteger, checkOptions, show } from "../engine/checks.ts";
import { type CountIdentity, checkDigest, checkIdentity, checkSeedText, identityOf } from "../volume/countIdentity.ts";
import type { FunctionTable, SampleRange } from "../volume/functionTable.ts";

/** Of the file; a reader refuses others. */
const FORMAT = "flatvol table 2";
export const METADATA_KEY = "flatvol";

/** The whole that a shard belongs to, in samples. */
export interface ShardOf {
  /** 1 the first. */
  readonly index: number;
  readonly of: number;
  readonly firstSample: number;
  readonly samples: number;
}

/** Plain data. */
export interface TableMetadata extends CountIdentity {
  readonly format: typeof FORMAT;
  /** Points: bits of a function. */
  readonly bits: number;
  readonly samples: number;
  readonly distinct: number;
  /** The bodies that were counted. */
  readonly ranges: ReadonlyArray<{ readonly seed: string; readonly first: number; readonly end: number }>;
  readonly shard?: ShardOf;
  /** SHA-256 over the rows (`rowBytes`), the cluster sums among them if `outputDraws` is over 1. */
  readonly sha256: string;
}

/** The metadata of a table, without the digest of its rows. */
export async function metadataOf(
  table: FunctionTable,
  shard: ShardOf | undefined,
): Promise<Omit<TableMetadata, "sha256">> {
  const { network, source, outputDraws, ranges } = table;
  return {
    format: FORMAT,
    ...(await identityOf(network, source.points, outputDraws, ranges[0].seed, source.symmetry)),
    ...source.engine,
    bits: table.bits,
    samples: table.samples,
    distinct: table.distinct,
    ranges: ranges.map((range) => ({ ...range, seed: String(range.seed) })),
    ...(shard ? { shard } : {}),
  };
}

/** Metadata that was read, whoever wrote it. */
export interface CheckedMetadata {
  readonly identity: CountIdentity;
  readonly bits: number;
  readonly samples: number;
  readonly distinct: number;
  readonly ranges: readonly SampleRange[];
  readonly shard: ShardOf | undefined;
  readonly sha256: string;
}

const LARGEST = 2 ** 52;

/**
 * Checks metadata from a file.
 *
 * @throws TypeError, RangeError, SyntaxError saying what is wrong.
 */
export function checkMetadata(text: string): CheckedMetadata {
  const value = JSON.parse(text) as TableMetadata;
  if (typeof value !== "object" || value === null || value.format !== FORMAT) {
    throw new RangeError(`format: expected "${FORMAT}", got ${show(value?.format)}`);
  }
  const { format: _format, bits, samples, distinct, ranges, shard, sha256, ...rest } = value;
  const identity = checkIdentity(rest);
  const { inputs, layers, outputDraws } = identity;
  const points = inputs.kind === "points" ? inputs.points : 2 ** layers[0];
  checkInteger("bits", bits, points, points);
  checkInteger("samples", samples, 1, LARGEST);
  checkInteger("distinct", distinct, 1, samples);
  if (!Array.isArray(ranges) || ranges.length === 0) {
    throw new TypeError(`ranges: expected a list of bodies, got ${show(ranges)}`);
  }
  let counted = 0;
  const checked = ranges.map((range, i) => {
    checkOptions(`ranges[${i}]`, range, ["seed", "first", "end"]);
    const first = checkInteger(`ranges[${i}].first`, range.first, 0, LARGEST);
    const end = checkInteger(`ranges[${i}].end`, range.end, first + 1, 2 * LARGEST);
    counted += end - first;
    return { seed: checkSeedText(`ranges[${i}].seed`, range.seed), first, end };
  });
  if (counted * outputDraws !== samples) {
    throw new RangeError(`ranges: expected ${samples} samples in all, got ${counted * outputDraws}`);
  }
  if (shard !== undefined) {
    checkOptions("shard", shard, ["index", "of", "firstSample", "samples"]);
    checkInteger("shard.of", shard.of, 1, LARGEST);
    checkInteger("shard.index", shard.index, 1, shard.of);
    checkInteger("shard.firstSample", shard.firstSample, 0, LARGEST);
    checkInteger("shard.samples", shard.samples, 1, LARGEST);
  }
  return { identity, bits, samples, distinct, ranges: checked, shard, sha256: checkDigest("sha256", sha256) };
}
