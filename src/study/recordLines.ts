/**
 * The text of a file of records: a head, then a line a record with the digest of its own text.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { show } from "../engine/checks.ts";
import { fingerprintOf, type StudyIdentity } from "./run.ts";

const FORMAT = "flatvol records 1";

/** Which records of a study a file has, if it has not all. */
export interface RecordShard {
  /** 1 the first. */
  readonly index: number;
  readonly of: number;
  /** 1: the study's tasks; 2: those that follow from their records. */
  readonly stage: number;
  /** Records that it has when it is whole. */
  readonly records: number;
}

/** What the first line says. */
export interface RecordHead {
  readonly fingerprint: string;
  readonly shard?: RecordShard;
}

export function headLine(identity: StudyIdentity, shard?: RecordShard): string {
  return JSON.stringify({ format: FORMAT, fingerprint: fingerprintOf(identity), ...(shard ? { shard } : {}) });
}

function digestOf(text: string): string {
  const bytes = sha256(new TextEncoder().encode(text)).subarray(0, 8);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function recordLine(key: string, json: string): string {
  const body = `${JSON.stringify(key)},${json}`;
  return `["${digestOf(body)}",${body}]`;
}

/** Records that were read. */
export interface RecordLines {
  /** The first line; undefined if not even that is whole. */
  readonly head: string | undefined;
  readonly records: Map<string, unknown>;
  /** Bytes of the text that are whole lines. */
  readonly sound: number;
}

/**
 * Reads a file's text. Whatever cut the last line short, the lines before it count; any other damage is an error.
 *
 * @param file its name, for a reader.
 * @throws RangeError naming the file.
 */
export function readRecordLines(text: string, file: string): RecordLines {
  const [head, ...lines] = text.split("\n");
  const records = new Map<string, unknown>();
  // what follows the last line break was cut off
  if (lines.length === 0) return { head: undefined, records, sound: 0 };
  lines.pop();
  let sound = new TextEncoder().encode(head).length + 1;
  for (const [i, line] of lines.entries()) {
    const [, digest, body] = /^\["([0-9a-f]{16})",(.*)\]$/s.exec(line) ?? [];
    if (body === undefined || digestOf(body) !== digest) {
      if (i === lines.length - 1) break;
      throw damaged(file, i + 1);
    }
    let read: unknown;
    try {
      read = JSON.parse(line);
    } catch {
      throw damaged(file, i + 1);
    }
    const [, key, record] = read as [string, unknown, unknown];
    if (typeof key !== "string") throw damaged(file, i + 1);
    records.set(key, record);
    sound += new TextEncoder().encode(line).length + 1;
  }
  return { head, records, sound };
}

function damaged(file: string, record: number): RangeError {
  return new RangeError(
    `${show(file)}: expected record ${record} as it was written, got a damaged one; remove the file`,
  );
}

/** The head of a file of records. @returns undefined if it is none. */
export function parseHead(line: string | undefined): RecordHead | undefined {
  try {
    const { format, fingerprint, shard } = JSON.parse(line ?? "") as RecordHead & { format: unknown };
    if (format !== FORMAT || typeof fingerprint !== "string") return undefined;
    if (shard === undefined) return { fingerprint };
    const { index, of, stage, records } = shard;
    const whole = [index, of, stage, records].every((n) => Number.isSafeInteger(n) && n >= 0);
    return whole && index >= 1 && index <= of ? { fingerprint, shard: { index, of, stage, records } } : undefined;
  } catch {
    return undefined;
  }
}
