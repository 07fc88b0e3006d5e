/** Facts about the prior that are known exactly or were published, as checks of any size (test/truth, test/slow). */
import { countFunctions, type FunctionTable, type NetworkOptions, type Pool } from "../src/index.ts";
import { bitsOf, hexOf } from "./reference/functions.ts";

export interface Run {
  readonly pool: Pool;
  readonly seed: number;
  readonly samples: number;
  readonly outputDraws: number;
}

export function countRun(network: NetworkOptions, run: Run): Promise<FunctionTable> {
  return countFunctions(network, run);
}

export const STUDY = { layers: [7, 40, 40, 1] };
export const ALL_ZERO = "0".repeat(32);
export const ALL_ONE = "f".repeat(32);
/** all-1 except at input 0 */
export const ONE_BUT_ZERO_INPUT = `7${"f".repeat(31)}`;

/**
 * 7-40-40-1 without biases: the values of an independent program, test/reference/prior.c, seeds 101, 102 and 903, 2 * 10^7 samples.
 *
 * A published tally of 10^7 samples gives 0.06295 +- 0.00005 and 1.0912e-3, 1.2 % and 0.9 % more; this library, prior.c and numpy
 * agree with each other and not with it, for Gaussian, uniform and truncated weights alike (at width 24 prior.c gives 0.0657).
 */
export const CONSTANT = { value: 0.06214, error: 0.00007 };
export const NEAR_CONSTANT = { value: 1.082e-3, error: 4e-6 };
export const PUBLISHED = { constant: 0.06295, nearConstant: 1.0912e-3 };

/** The 14 functions that, without biases, differ from a constant at one input of weight 1 only. */
export function nearConstants(): string[] {
  const functions: string[] = [];
  for (let bit = 0; bit < 7; bit++) {
    const single = bitsOf(ALL_ZERO, 128);
    single[1 << bit] = 1;
    functions.push(hexOf(single));
    const negated = single.map((b, i) => (i === 0 ? 0 : 1 - b));
    functions.push(hexOf(negated));
  }
  return functions;
}

function ones(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Number of samples by number of ones of their function. */
export function countsByOnes(table: FunctionTable): Float64Array {
  const counts = new Float64Array(table.bits + 1);
  const { words, stride } = table.shape;
  for (const rows of table.segments()) {
    for (let at = 0; at < rows.length; at += stride) {
      let t = 0;
      for (let w = 0; w < words; w++) t += ones(rows[at + w]);
      counts[t] += rows[at + words];
    }
  }
  return counts;
}

/** Pearson's statistic of counts against one expected count for all. */
export function chiSquare(counts: ArrayLike<number>, expected: number): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) sum += (counts[i] - expected) ** 2 / expected;
  return sum;
}

/** z-score of an estimate against a value that has its own standard error. */
export function score(estimate: { probability: number; standardError: number }, value: number, valueError = 0): number {
  return (estimate.probability - value) / Math.hypot(estimate.standardError, valueError);
}

/** Whether a function of n bits is linearly separable, by the perceptron rule in integers, bias included. */
export function isThreshold(bits: readonly number[], n: number): boolean {
  const weights = new Array<number>(n + 1).fill(0);
  // for n <= 4 integer weights up to 3 and a bias up to 7 do, which bounds the updates far below this
  for (let round = 0; round < 2000; round++) {
    let errors = 0;
    for (let i = 0; i < 2 ** n; i++) {
      let z = weights[n];
      for (let j = 0; j < n; j++) if ((i >> (n - 1 - j)) & 1) z += weights[j];
      const wanted = bits[i] ? 1 : -1;
      if (z * wanted > 0) continue;
      errors++;
      weights[n] += wanted;
      for (let j = 0; j < n; j++) if ((i >> (n - 1 - j)) & 1) weights[j] += wanted;
    }
    if (errors === 0) return true;
  }
  return false;
}

/** The orbit of a function of n bits under permutations of the bits, and, if `negation`, of the output: by brute force. */
export function orbitByHand(f: string, n: number, negation: 0 | 1 | 2): string[] {
  const bits = bitsOf(f, 2 ** n);
  const orbit = new Set<string>();
  for (const permutation of permutations(n)) {
    const moved = bits.map((_, i) => {
      let from = 0;
      for (let j = 0; j < n; j++) from |= ((i >> j) & 1) << permutation[j];
      return bits[from];
    });
    orbit.add(hexOf(moved));
    if (negation > 0) orbit.add(hexOf(moved.map((b, i) => (negation === 2 && i === 0 ? b : 1 - b))));
  }
  return [...orbit].sort();
}

export function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((p) =>
    Array.from({ length: n }, (_, at) => [...p.slice(0, at), n - 1, ...p.slice(at)]),
  );
}

/**
 * Homogeneity of counts within orbits: members of one orbit have one probability, so given the orbit's count they are
 * uniform over it. @returns the statistic and its degrees of freedom, over orbits with at least 10 samples a member.
 */
export function orbitHomogeneity(
  table: FunctionTable,
  n: number,
  negation: 0 | 1 | 2,
): { statistic: number; degrees: number } {
  const counts = new Map([...table.rows()].map((row) => [row.function, row.count]));
  const done = new Set<string>();
  let statistic = 0;
  let degrees = 0;
  for (const f of counts.keys()) {
    if (done.has(f)) continue;
    const orbit = orbitByHand(f, n, negation);
    for (const g of orbit) done.add(g);
    const own = orbit.map((g) => counts.get(g) ?? 0);
    const mean = own.reduce((a, b) => a + b) / orbit.length;
    if (orbit.length < 2 || mean < 10) continue;
    statistic += chiSquare(own, mean);
    degrees += orbit.length - 1;
  }
  return { statistic, degrees };
}
