/**
 * The rows of a range as a message: a line of JSON, then the rows, deflated.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import { checkInteger, checkOptions, show } from "../engine/checks.ts";
import { checkRows } from "../volume/checkRows.ts";
import { checkDigest } from "../volume/countIdentity.ts";
import type { FunctionTable } from "../volume/functionTable.ts";
import { rowShape } from "../volume/rows.ts";
import { type CountJob, rangeOf } from "./countJob.ts";

const FORMAT = "flatvol range 1";
/** The head is a few hundred bytes. */
const MAXIMUM_HEAD = 4096;

interface Head {
  readonly format: typeof FORMAT;
  readonly job: string;
  readonly range: number;
  readonly version: string;
  readonly wasm: string;
  readonly rows: number;
  /** SHA-256 of the rows before they were deflated. */
  readonly sha256: string;
}

/** A message and the digest by which two of the same range are compared: compressed bytes may differ between zlibs. */
export interface RangeMessage {
  readonly bytes: Buffer;
  readonly sha256: string;
}

/** Rows of a table as a message. */
export async function encodeRange(
  job: CountJob,
  id: string,
  range: number,
  table: FunctionTable,
): Promise<RangeMessage> {
  const rows = Buffer.concat(
    [...table.segments()].map((s) => Buffer.from(s.buffer as ArrayBuffer, s.byteOffset, s.byteLength)),
  );
  const sha256 = createHash("sha256").update(rows).digest("hex");
  const { version, wasm } = job.identity;
  const head: Head = { format: FORMAT, job: id, range, version, wasm, rows: table.distinct, sha256 };
  // the fastest level: counts are mostly one, keys hardly compress
  const packed = await promisify(deflateRaw)(rows, { level: 1 });
  return { bytes: Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), packed]), sha256 };
}

/**
 * The rows of a message, whoever wrote it.
 *
 * @throws RangeError naming the range: it is damaged, or of another job, version or module.
 */
export async function decodeRange(
  job: CountJob,
  id: string,
  range: number,
  bytes: Buffer,
): Promise<Uint32Array<ArrayBuffer>> {
  try {
    const end = bytes.subarray(0, MAXIMUM_HEAD).indexOf(10);
    if (end < 0) throw new RangeError("it has no head");
    const head = JSON.parse(bytes.toString("utf8", 0, end)) as Head;
    checkOptions("head", head, ["format", "job", "range", "version", "wasm", "rows", "sha256"]);
    if (head.format !== FORMAT) throw new RangeError(`format: expected "${FORMAT}", got ${show(head.format)}`);
    if (head.job !== id || head.range !== range) throw new RangeError("it is of another job or range");
    const { identity } = job;
    if (head.version !== identity.version) throw new RangeError(`it is of version ${show(head.version)} of flatvol`);
    if (head.wasm !== identity.wasm) throw new RangeError("it is of another WebAssembly module");
    checkDigest("sha256", head.sha256);
    const { samples } = rangeOf(job, range);
    const points = identity.inputs.kind === "points" ? identity.inputs.points : 2 ** identity.layers[0];
    const shape = rowShape(points, identity.outputDraws > 1);
    const count = checkInteger("rows", head.rows, 1, samples);
    const length = 4 * shape.stride * count;
    const packed = bytes.subarray(end + 1);
    // deflate makes nothing 1032 times smaller: what claims more is not even begun
    if (length > 1040 * packed.length) throw new RangeError(`rows: expected fewer than ${count} in so few bytes`);
    const flat = await promisify(inflateRaw)(packed, { maxOutputLength: length });
    if (flat.length !== length) throw new RangeError(`rows: expected ${count}, got ${flat.length} bytes`);
    if (createHash("sha256").update(flat).digest("hex") !== head.sha256) {
      throw new RangeError("its SHA-256 is not that of its rows");
    }
    const rows = new Uint32Array(length / 4);
    new Uint8Array(rows.buffer).set(flat);
    checkBits(rows, shape.stride, shape.words, points);
    const counted = checkRows(rows, shape, identity.outputDraws, { key: undefined });
    if (counted !== samples) throw new RangeError(`it has ${counted} samples in place of ${samples}`);
    return rows;
  } catch (error) {
    throw new RangeError(`range: the result of range ${range} of job ${id} is none (${(error as Error).message})`, {
      cause: error,
    });
  }
}

function checkBits(rows: Uint32Array, stride: number, words: number, points: number): void {
  const rest = points % 32;
  if (rest === 0) return;
  for (let at = words - 1; at < rows.length; at += stride) {
    if ((rows[at] << rest) >>> 0 !== 0) throw new RangeError("bits past the last point");
  }
}
