/**
 * A count as a job of the queue: what is counted, and in which ranges.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import type { Points, PointsOptions } from "../data/points.ts";
import { givenPoints } from "../data/points.ts";
import { checkInteger, checkOptions, show } from "../engine/checks.ts";
import type { Network } from "../network/network.ts";
import { type CountIdentity, checkIdentity, hex, identityOf, pointsDigest } from "../volume/countIdentity.ts";
import { shardRange } from "../volume/shard.ts";
import { symmetryOf } from "../volume/symmetry.ts";

const FORMAT = "flatvol job 1";
const LARGEST = 2 ** 52;
/** The most ranges: the queue holds an entry for each. */
export const MAXIMUM_RANGES = 1_000_000;

/** Plain data. Its id is a digest of it: the same count, cut alike, is the same job. */
export interface CountJob {
  readonly identity: CountIdentity;
  readonly firstSample: number;
  readonly samples: number;
  /** Range k = 1 … `ranges` is shard k of `ranges`. */
  readonly ranges: number;
  /** Given points as base64 of little-endian f32. */
  readonly data?: string;
}

/** What a job is made of. */
export interface CountJobOptions {
  readonly network: Network;
  readonly points: Points;
  readonly outputDraws: number;
  readonly seed: bigint;
  readonly firstSample: number;
  readonly samples: number;
  readonly ranges: number;
}

/** @throws RangeError naming the option. */
export async function makeJob(options: CountJobOptions): Promise<CountJob> {
  const { network, points, outputDraws, seed, firstSample, samples, ranges } = options;
  for (const [name, value] of [
    ["samples", samples],
    ["firstSample", firstSample],
  ] as const) {
    if (value % outputDraws !== 0) {
      throw new RangeError(`${name}: expected a multiple of outputDraws = ${outputDraws}, got ${value}`);
    }
  }
  checkInteger("ranges", ranges, 1, Math.min(MAXIMUM_RANGES, samples / outputDraws));
  const identity = await identityOf(network, points, outputDraws, seed, symmetryOf(network, points));
  const values = points.kind === "points" ? points.values() : undefined;
  return {
    identity,
    firstSample,
    samples,
    ranges,
    ...(values ? { data: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64") } : {}),
  };
}

export function jobText(job: CountJob): string {
  return JSON.stringify({ format: FORMAT, ...job });
}

/** 16 hex digits. */
export function jobId(job: CountJob): string {
  return hex(sha256(new TextEncoder().encode(jobText(job)))).slice(0, 16);
}

/**
 * A job as it was read, whoever wrote it.
 *
 * @throws RangeError naming the job.
 */
export function parseJob(id: string, text: string): CountJob {
  try {
    const value = JSON.parse(text) as CountJob & { format: unknown };
    checkOptions("job", value, ["format", "identity", "firstSample", "samples", "ranges", "data"]);
    if (value.format !== FORMAT) throw new RangeError(`format: expected "${FORMAT}", got ${show(value.format)}`);
    const identity = checkIdentity(value.identity);
    const firstSample = checkInteger("firstSample", value.firstSample, 0, LARGEST);
    const samples = checkInteger("samples", value.samples, 1, LARGEST);
    if (samples % identity.outputDraws !== 0 || firstSample % identity.outputDraws !== 0) {
      throw new RangeError("samples: expected a multiple of outputDraws");
    }
    const ranges = checkInteger("ranges", value.ranges, 1, Math.min(MAXIMUM_RANGES, samples / identity.outputDraws));
    const job = { identity, firstSample, samples, ranges, ...(value.data === undefined ? {} : { data: value.data }) };
    inputsOf(job);
    if (jobId(job) !== id) throw new RangeError("its id is not the digest of it");
    return job;
  } catch (error) {
    throw new RangeError(`job: ${show(id)} is none (${(error as Error).message})`, { cause: error });
  }
}

/** The inputs of a job, as `countFunctions` takes them. @throws RangeError if they are not those of its identity. */
export function inputsOf({ identity, data }: Pick<CountJob, "identity" | "data">): PointsOptions | undefined {
  const { inputs, layers } = identity;
  if (inputs.kind === "boolean") {
    if (data !== undefined) throw new RangeError("data: expected none beside Boolean inputs");
    return undefined;
  }
  if (typeof data !== "string") throw new TypeError(`data: expected base64, got ${show(data)}`);
  const bytes = Buffer.from(data, "base64");
  if (bytes.length !== 4 * inputs.points * layers[0]) {
    throw new RangeError(`data: expected ${inputs.points} points x ${layers[0]} features, got ${bytes.length} bytes`);
  }
  const values = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
  const options = { data: values, points: inputs.points };
  if (pointsDigest(givenPoints(options, layers[0])) !== inputs.sha256) {
    throw new RangeError("data: expected points with the digest of the identity");
  }
  return options;
}

/** The samples of range `index`, 1 the first. */
export function rangeOf(job: CountJob, index: number): { firstSample: number; samples: number } {
  return shardRange(job, job.identity.outputDraws, index, job.ranges);
}
