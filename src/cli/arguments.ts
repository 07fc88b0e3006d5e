/**
 * Texts of the command line as values, and errors as the one line that the command line owes.
 *
 * @module
 */
import { show } from "../engine/checks.ts";

/** Bad usage or bad input: one line on stderr, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const WHOLE = /^(\d+(?:_\d+)*)(?:\.(\d+))?(?:e\+?(\d{1,3}))?$/i;

/** A whole number, exactly: `1000000`, `1_000_000`, `1e6`, `2.5e6`. */
export function parseWhole(flag: string, text: string): bigint {
  const match = WHOLE.exec(text);
  if (match) {
    const [, digits, fraction = "", exponent = "0"] = match;
    const shift = Number(exponent) - fraction.length;
    const all = BigInt(digits.replaceAll("_", "") + fraction);
    if (shift >= 0) return all * 10n ** BigInt(shift);
    if (all % 10n ** BigInt(-shift) === 0n) return all / 10n ** BigInt(-shift);
  }
  throw new UsageError(`${flag}: expected a whole number like 250000, 250_000 or 2.5e5, got ${show(text)}`);
}

/** A whole number that a double holds exactly. */
export function parseInteger(flag: string, text: string): number {
  const value = parseWhole(flag, text);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new UsageError(`${flag}: expected at most 2^53 - 1, got ${show(text)}`);
  }
  return Number(value);
}

/** A shard: `3/64`, the first being 1. */
export function parseShard(flag: string, text: string): { index: number; of: number } {
  const match = /^(\d{1,15})\/(\d{1,15})$/.exec(text);
  const [index, of] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || index < 1 || index > of) {
    throw new UsageError(`${flag}: expected a shard like 3/64, from 1/64 to 64/64, got ${show(text)}`);
  }
  return { index, of };
}

/** A decimal number. */
export function parseNumber(flag: string, text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    throw new UsageError(`${flag}: expected a number, got ${show(text)}`);
  }
  return Number(text);
}

/** Layer sizes: `7,40,40,1`. */
export function parseLayers(flag: string, text: string): number[] {
  const parts = text.split(",");
  if (!parts.every((part) => /^\d+$/.test(part))) {
    throw new UsageError(`${flag}: expected layer sizes like 7,40,40,1, got ${show(text)}`);
  }
  return parts.map(Number);
}

const UNITS: Record<string, number> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes: `500M`, `2G`, `1.5GiB`; K, M, G and T are powers of 1024. */
export function parseBytes(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text);
  const bytes = match ? Math.round(Number(match[1]) * UNITS[match[2].toUpperCase()]) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new UsageError(`${flag}: expected a size like 500M or 2G, got ${show(text)}`);
  }
  return bytes;
}

const SECONDS: Record<string, number> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds: `90`, `90s`, `5m`, `1.5h`, `1d`. */
export function parseDuration(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text);
  if (!match) throw new UsageError(`${flag}: expected a duration like 90s, 5m or 2h, got ${show(text)}`);
  return Number(match[1]) * SECONDS[match[2]];
}

/** The library's arguments where the command line calls them otherwise than by their own names. */
const FLAGS: Record<string, string> = {
  memoryLimit: "--memory",
  inputs: "--x",
  "inputs.bits": "--bits",
  npy: "--x",
  "data.points": "--x",
  "data.features": "--x",
  "data.inputs": "--x",
  "data.targets": "--y",
  "test.points": "--x-test",
  "test.features": "--x-test",
  "test.inputs": "--x-test",
  "test.targets": "--y-test",
  parameters: "--weights",
  learningRate: "--lr",
  directory: "--spill",
  path: "--out",
  k: "--top",
  function: "HEX",
  functions: "HEX",
  files: "FILE",
  job: "JOB",
};

/** `--sigma-w2` for sigmaW2. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Names that are no common words, and so can stand for flags anywhere in a text. */
const ANYWHERE = /\b(sigmaW2|sigmaB2|firstSample|outputDraws|memoryLimit|learningRate|maxEpochs|targetLoss)\b/g;

/** A text of the library in the words of the command line. */
export function inFlags(text: string): string {
  return text
    .replace(ANYWHERE, (name) => FLAGS[name] ?? flagOf(name))
    .replace("give inputs", "give --x")
    .replace("expected resume", "expected --resume");
}

/**
 * The library's own argument errors in the words of the command line.
 *
 * @param flags those that the verb has, such as `--layers`.
 * @returns undefined if the error is no complaint about an argument.
 */
export function argumentMessage(error: unknown, flags: ReadonlySet<string>): string | undefined {
  if (error instanceof UsageError) return oneLine(error.message);
  if (!(error instanceof TypeError || error instanceof RangeError)) return undefined;
  const match = /^((?:data|test)\.[a-z]+|inputs\.bits|[A-Za-z][A-Za-z0-9]*)((?:\[\d+\]|\.[A-Za-z]+)*): /.exec(
    error.message,
  );
  if (!match) return undefined;
  const name = match[1];
  const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name] : flagOf(name);
  if (flag.startsWith("--") && !flags.has(flag)) return undefined;
  const rest = inFlags(error.message.slice(name.length)).replace(/(got -?\d+)n$/, "$1");
  return oneLine(flag + rest);
}

export function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, " ");
}
