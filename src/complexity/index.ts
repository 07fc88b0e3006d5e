/**
 * Complexity of Boolean functions.
 *
 * @module
 */
import { formatFunction, hexDigits, parseFunction } from "../data/functions.ts";
import { MAXIMUM_BITS } from "../data/points.ts";
import { checkInteger, checkOptions, show } from "../engine/checks.ts";
import { coreBuild } from "../engine/core.ts";
import type { Kernels } from "../engine/kernels.ts";
import { criticalSampleRatioOfRows } from "./criticalSampleRatio.ts";
import { entropyOfRows } from "./entropy.ts";
import { lempelZivOfRows } from "./lempelZiv.ts";
import type { FunctionRows } from "./rows.ts";
import { sensitivityOfRows } from "./sensitivity.ts";

/** A measure: one number a function. A new one is one file, and one line here. */
const MEASURES = {
  lempelZiv: lempelZivOfRows,
  entropy: entropyOfRows,
  sensitivity: sensitivityOfRows,
  criticalSampleRatio: criticalSampleRatioOfRows,
} satisfies Record<string, (kernels: Kernels, rows: FunctionRows) => Float64Array>;

/** Complexity measures of one Boolean function of n bits. */
export interface Complexity {
  /** The function: the hex string of its 2^n bits, input 0 first, lower case. */
  readonly function: string;
  /** `log2(m) (words of the LZ76 parse + words of that of the reverse) / 2`, m = 2^n; `log2(m)` for a constant [Dingle, Camargo & Louis 2018]. */
  readonly lempelZiv: number;
  /** Entropy of the outputs in bits, 0 to 1. */
  readonly entropy: number;
  /** Average sensitivity: mean number of neighbours at Hamming distance 1 with another output, 0 to n. */
  readonly sensitivity: number;
  /** Fraction of inputs with a neighbour at Hamming distance 1 with another output, 0 to 1. */
  readonly criticalSampleRatio: number;
}

/** Options of `complexity`. */
export interface ComplexityOptions {
  /**
   * Number of input bits n of every function, 1 to 10. Default: from the number of digits, one digit being n = 2.
   * With n = 1 the function is the two high bits of one digit.
   */
  readonly bits?: number;
}

/** Points by number of hex digits; a single digit is taken for n = 2. */
const POINTS_BY_DIGITS = new Map<number, number>();
for (let n = MAXIMUM_BITS; n >= 2; n--) POINTS_BY_DIGITS.set(hexDigits(2 ** n), 2 ** n);

function pointsOf(name: string, text: unknown): number {
  if (typeof text !== "string") throw new TypeError(`${name}: expected a string of hex digits, got ${show(text)}`);
  const points = POINTS_BY_DIGITS.get(text.length);
  if (points !== undefined) return points;
  const lengths = [...POINTS_BY_DIGITS.keys()].reverse();
  throw new RangeError(
    `${name}: expected ${lengths.slice(0, -1).join(", ")} or ${lengths.at(-1)} hex digits, got ${text.length}`,
  );
}

/**
 * Complexity measures of Boolean functions.
 *
 * @param functions one function or several, each the hex string of its 2^n bits, input 0 first: 1 digit for n = 2, 2 for 3,
 *   4 for 4, ... 256 for 10. Functions of different n may be mixed.
 * @returns the measures, in the order of the functions.
 * @throws TypeError if a function is not a string, or an option unknown; RangeError if it is no hex string of such a
 *   length, or not of `bits` bits.
 * @example
 * const [{ lempelZiv }] = await complexity("7fffffffffffffffffffffffffffffff"); // 17.5
 */
export async function complexity(
  functions: string | readonly string[],
  options: ComplexityOptions = {},
): Promise<Complexity[]> {
  checkOptions("options", options, ["bits"]);
  const bits = options.bits === undefined ? undefined : checkInteger("bits", options.bits, 1, MAXIMUM_BITS);
  if (typeof functions !== "string" && !Array.isArray(functions)) {
    throw new TypeError(`functions: expected a hex string or an array of them, got ${show(functions)}`);
  }
  const single = typeof functions === "string";
  const list: readonly unknown[] = single ? [functions] : functions;
  // functions of one length share calls
  const groups = new Map<number, { indices: number[]; keys: Uint32Array[] }>();
  list.forEach((text, i) => {
    const name = single ? "functions" : `functions[${i}]`;
    const points = bits === undefined ? pointsOf(name, text) : 2 ** bits;
    const key = parseFunction(name, text, points);
    let group = groups.get(points);
    if (!group) {
      group = { indices: [], keys: [] };
      groups.set(points, group);
    }
    group.indices.push(i);
    group.keys.push(key);
  });
  const kernels = await coreBuild.kernels();
  const result = new Array<Complexity>(list.length);
  for (const [points, { indices, keys }] of groups) {
    const stride = Math.ceil(points / 32);
    const data = new Uint32Array(stride * keys.length);
    keys.forEach((key, k) => {
      data.set(key, stride * k);
    });
    const rows = { data, stride, points };
    const values = Object.entries(MEASURES).map(([name, measure]) => [name, measure(kernels, rows)] as const);
    indices.forEach((i, k) => {
      result[i] = {
        function: formatFunction(keys[k], points),
        ...Object.fromEntries(values.map(([name, column]) => [name, column[k]])),
      } as unknown as Complexity;
    });
  }
  return result;
}
