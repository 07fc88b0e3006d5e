/**
 * Correlation coefficients with bootstrap intervals.
 *
 * @module
 */

/** Pearson's r; NaN if one side is constant. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const n = x.length;
  let meanX = 0;
  let meanY = 0;
  for (let i = 0; i < n; i++) {
    meanX += x[i];
    meanY += y[i];
  }
  meanX /= n;
  meanY /= n;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < n; i++) {
    const a = x[i] - meanX;
    const b = y[i] - meanY;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  const scale = Math.sqrt(xx) * Math.sqrt(yy);
  // rounding must not carry it past its bounds
  return scale > 0 ? Math.max(-1, Math.min(1, xy / scale)) : Number.NaN;
}

/** Distinct values in ascending order, and which of them each entry is. */
function levelsOf(x: ArrayLike<number>): { count: number; level: Uint32Array } {
  const values = [...new Set(Array.from(x))].sort((a, b) => a - b);
  const index = new Map(values.map((value, i) => [value, i]));
  return { count: values.length, level: Uint32Array.from(x, (value) => index.get(value)!) };
}

/** Mean ranks of the picked entries, by level. */
function ranks(levels: { count: number; level: Uint32Array }, picked: Uint32Array, out: Float64Array): void {
  const sizes = new Float64Array(levels.count);
  for (let i = 0; i < picked.length; i++) sizes[levels.level[picked[i]]]++;
  let below = 0;
  for (let l = 0; l < sizes.length; l++) {
    const size = sizes[l];
    sizes[l] = below + (size + 1) / 2;
    below += size;
  }
  for (let i = 0; i < picked.length; i++) out[i] = sizes[levels.level[picked[i]]];
}

/** Spearman's rank correlation: Pearson's r of mean ranks. */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const all = Uint32Array.from({ length: x.length }, (_, i) => i);
  const rankX = new Float64Array(x.length);
  const rankY = new Float64Array(x.length);
  ranks(levelsOf(x), all, rankX);
  ranks(levelsOf(y), all, rankY);
  return pearson(rankX, rankY);
}

/**
 * Kendall's tau-b [Kendall 1945]: concordant less discordant pairs, over the geometric mean of the numbers of pairs that are
 * not tied in x and in y. O(n^2); NaN if one side is constant.
 */
export function kendall(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let score = 0;
  let untiedX = 0;
  let untiedY = 0;
  for (let i = 1; i < x.length; i++) {
    for (let j = 0; j < i; j++) {
      const a = Math.sign(x[i] - x[j]);
      const b = Math.sign(y[i] - y[j]);
      score += a * b;
      untiedX += a * a;
      untiedY += b * b;
    }
  }
  const scale = Math.sqrt(untiedX) * Math.sqrt(untiedY);
  return scale > 0 ? Math.max(-1, Math.min(1, score / scale)) : Number.NaN;
}

/** A coefficient and its 95 % interval; null where it is undefined. */
export interface Correlation {
  readonly value: number | null;
  readonly ci95: readonly [number, number] | null;
}

/**
 * Pearson's and Spearman's coefficients with percentile bootstrap intervals over the pairs [Efron & Tibshirani 1993, 13.3]:
 * for thousands of pairs. For few, percentiles are too narrow (`correlateFew`).
 *
 * @param words returns the next 32 random bits.
 */
export function correlate(
  x: Float64Array,
  y: Float64Array,
  resamples: number,
  words: () => number,
): { pearson: Correlation; spearman: Correlation } {
  const n = x.length;
  const levelsX = levelsOf(x);
  const levelsY = levelsOf(y);
  const picked = new Uint32Array(n);
  const [a, b] = [new Float64Array(n), new Float64Array(n)];
  const linear: number[] = [];
  const ranked: number[] = [];
  for (let r = 0; r < resamples; r++) {
    resample(picked, words);
    for (let i = 0; i < n; i++) {
      a[i] = x[picked[i]];
      b[i] = y[picked[i]];
    }
    linear.push(pearson(a, b));
    ranks(levelsX, picked, a);
    ranks(levelsY, picked, b);
    ranked.push(pearson(a, b));
  }
  return {
    pearson: summary(n > 1 ? pearson(x, y) : Number.NaN, linear),
    spearman: summary(n > 1 ? spearman(x, y) : Number.NaN, ranked),
  };
}

/** Draws with replacement from 0 to n - 1, n the length. */
export function resample(picked: Uint32Array, words: () => number): void {
  // the multiply-shift map of 32 bits to [0, n) is uneven by at most n / 2^32
  for (let i = 0; i < picked.length; i++) picked[i] = Math.floor((words() / 2 ** 32) * picked.length);
}

function summary(value: number, resampled: number[]): Correlation {
  if (Number.isNaN(value)) return { value: null, ci95: null };
  const sound = resampled.filter((r) => !Number.isNaN(r)).sort((p, q) => p - q);
  if (sound.length < 40) return { value, ci95: null };
  return { value, ci95: [quantile(sound, 0.025), quantile(sound, 0.975)] };
}

/** Linear interpolation between order statistics. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}
