/**
 * Correlation coefficients of a few dozen pairs, with intervals that hold what they promise.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { type Correlation, kendall, pearson, quantile, resample, spearman } from "./correlation.ts";
import { type LeaveOneOut, leaveOneOutKendall, leaveOneOutPearson, leaveOneOutSpearman } from "./leaveOneOut.ts";

/** The three coefficients of one pair of variables. */
export interface Correlations {
  readonly pearson: Correlation;
  readonly spearman: Correlation;
  readonly kendall: Correlation;
}

interface Coefficient {
  readonly of: (x: Float64Array, y: Float64Array) => number;
  readonly leaveOneOut: LeaveOneOut;
}

const COEFFICIENTS: Record<keyof Correlations, Coefficient> = {
  pearson: { of: pearson, leaveOneOut: leaveOneOutPearson },
  spearman: { of: spearman, leaveOneOut: leaveOneOutSpearman },
  kendall: { of: kendall, leaveOneOut: leaveOneOutKendall },
};

/** Fewer pairs than these say nothing of their own spread. */
const FEWEST = 5;
/** Share of the resamples that must have a value. */
const SOUND = 0.5;

/**
 * Pearson's, Spearman's and Kendall's (tau-b) coefficients, each with a studentised bootstrap interval on Fisher's scale
 * `z = atanh r`: resamples give the distribution of `(z* - z) / s*`, s the jackknife's standard error of z
 * [Efron & Tibshirani 1993, sections 11.5 and 12.5-12.6]. O(n^2) a resample.
 *
 * @param words returns the next 32 random bits.
 * @param kernels for logarithms and exponentials whose bits are the same on every engine.
 */
export function correlateFew(
  x: Float64Array,
  y: Float64Array,
  resamples: number,
  words: () => number,
  kernels: Kernels,
): Correlations {
  const steps = correlateInSteps(x, y, resamples, words, kernels);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** The same, a resample at a step, for who must pause between them. */
export function* correlateInSteps(
  x: Float64Array,
  y: Float64Array,
  resamples: number,
  words: () => number,
  kernels: Kernels,
): Generator<void, Correlations> {
  const n = x.length;
  const names = Object.keys(COEFFICIENTS) as Array<keyof Correlations>;
  const found = names.map((name) => (n > 1 ? COEFFICIENTS[name].of(x, y) : Number.NaN));
  const centre = names.map((name, k) => studentise(COEFFICIENTS[name], found[k], x, y, kernels));
  const picked = new Uint32Array(n);
  const [a, b] = [new Float64Array(n), new Float64Array(n)];
  const drawn: number[][] = names.map(() => []);
  const wanted = n >= FEWEST && centre.some(({ error }) => error > 0);
  for (let r = 0; wanted && r < resamples; r++) {
    resample(picked, words);
    for (let i = 0; i < n; i++) {
      a[i] = x[picked[i]];
      b[i] = y[picked[i]];
    }
    names.forEach((name, k) => {
      const coefficient = COEFFICIENTS[name];
      const { z, error } = studentise(coefficient, coefficient.of(a, b), a, b, kernels);
      if (error > 0) drawn[k].push((z - centre[k].z) / error);
    });
    yield;
  }
  return Object.fromEntries(
    names.map((name, k): [string, Correlation] => {
      const value = found[k];
      if (Number.isNaN(value)) return [name, { value: null, ci95: null }];
      const t = drawn[k].sort((p, q) => p - q);
      const { z, error } = centre[k];
      if (!(error > 0) || t.length < SOUND * resamples) return [name, { value, ci95: null }];
      const end = (q: number): number => hyperbolicTangent(z - error * quantile(t, q), kernels);
      return [name, { value, ci95: [end(0.975), end(0.025)] }];
    }),
  ) as unknown as Correlations;
}

/** Fisher's z of a coefficient and its standard error by the jackknife; NaN where one of them is undefined. */
function studentise(
  { leaveOneOut }: Coefficient,
  value: number,
  x: Float64Array,
  y: Float64Array,
  kernels: Kernels,
): { z: number; error: number } {
  const n = x.length;
  const z = fisher(value, kernels);
  if (!Number.isFinite(z)) return { z, error: Number.NaN };
  const without = new Float64Array(n);
  leaveOneOut(x, y, without);
  let mean = 0;
  for (let i = 0; i < n; i++) {
    without[i] = fisher(without[i], kernels);
    mean += without[i];
  }
  mean /= n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (without[i] - mean) ** 2;
  const error = Math.sqrt(((n - 1) / n) * squares);
  return { z, error: Number.isFinite(error) ? error : Number.NaN };
}

function fisher(r: number, { exports }: Kernels): number {
  return (exports.logOnePlus(r) - exports.logOnePlus(-r)) / 2;
}

function hyperbolicTangent(z: number, { exports }: Kernels): number {
  if (Math.abs(z) > 20) return Math.sign(z);
  const e = exports.expMinusOne(2 * z);
  return e / (e + 2);
}
