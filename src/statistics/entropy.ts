/**
 * Entropy of a discrete distribution from counts.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";

/** Estimates of an entropy, in nats. */
export interface EntropyEstimates {
  /** `-sum p ln p` at p = k / N: too low when much is unseen. */
  readonly plugIn: number;
  /** Plug-in plus (S - 1) / 2N, S the number of functions seen [Miller 1955]. */
  readonly millerMadow: number;
  /** Coverage-adjusted Horvitz-Thompson estimate [Chao & Shen 2003]: for many unseen functions. NaN if every sample is a singleton. */
  readonly chaoShen: number;
}

/**
 * @param frequencies pairs [count k, number of functions seen k times].
 * @param samples N = sum of k times number.
 * @param kernels for logarithms whose bits are the same on every engine.
 */
export function entropyOf(
  frequencies: Iterable<readonly [number, number]>,
  samples: number,
  kernels: Kernels,
): EntropyEstimates {
  const { naturalLog, logOnePlus, expMinusOne } = kernels.exports;
  const pairs = [...frequencies];
  const once = pairs.find(([count]) => count === 1)?.[1] ?? 0;
  const coverage = 1 - once / samples;
  let sum = 0;
  let distinct = 0;
  let chaoShen = 0;
  for (const [count, functions] of pairs) {
    sum += functions * count * naturalLog(count);
    distinct += functions;
    const p = (coverage * count) / samples;
    // 1 - (1 - p)^N, the chance to be seen at all
    const seen = p < 1 ? -expMinusOne(samples * logOnePlus(-p)) : 1;
    chaoShen -= (functions * p * naturalLog(p)) / seen;
  }
  const plugIn = naturalLog(samples) - sum / samples;
  return {
    plugIn,
    millerMadow: plugIn + (distinct - 1) / (2 * samples),
    chaoShen: coverage > 0 ? chaoShen : Number.NaN,
  };
}
