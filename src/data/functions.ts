/**
 * Functions as text: the hex string of their bits, point 0 first, padded with zero bits to a whole digit.
 *
 * @module
 */
import { show } from "../engine/checks.ts";

/** Hex digits of a function on `points` points. */
export function hexDigits(points: number): number {
  return Math.ceil(points / 4);
}

/** The u32 words of a function (point 0 the highest bit of the first) as hex. */
export function formatFunction(words: ArrayLike<number>, points: number, offset = 0): string {
  let text = "";
  const count = Math.ceil(points / 32);
  for (let i = 0; i < count; i++) text += words[offset + i].toString(16).padStart(8, "0");
  return text.slice(0, hexDigits(points));
}

/**
 * Reads a function.
 *
 * @param text hex digits, either case.
 * @throws TypeError, RangeError naming `name`.
 */
export function parseFunction(name: string, text: unknown, points: number): Uint32Array<ArrayBuffer> {
  if (typeof text !== "string") throw new TypeError(`${name}: expected a string of hex digits, got ${show(text)}`);
  const digits = hexDigits(points);
  if (text.length !== digits) {
    throw new RangeError(`${name}: expected ${digits} hex digits (${points} bits), got ${text.length}: ${show(text)}`);
  }
  const bad = /[^0-9a-f]/i.exec(text);
  if (bad) throw new RangeError(`${name}: expected hex digits, got ${show(bad[0])} at position ${bad.index}`);
  const words = new Uint32Array(Math.ceil(points / 32));
  for (let i = 0; i < words.length; i++) {
    words[i] = Number.parseInt(text.slice(8 * i, 8 * i + 8).padEnd(8, "0"), 16);
  }
  const rest = points % 32;
  if (rest > 0 && (words[words.length - 1] << rest) >>> 0 !== 0) {
    throw new RangeError(`${name}: expected zero bits past the ${points} points, got ${show(text)}`);
  }
  return words;
}

/** Compares two keys. @returns negative, 0 or positive. */
export function compareWords(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  words: number,
  offsetA = 0,
  offsetB = 0,
): number {
  for (let i = 0; i < words; i++) {
    const difference = a[offsetA + i] - b[offsetB + i];
    if (difference !== 0) return difference;
  }
  return 0;
}
