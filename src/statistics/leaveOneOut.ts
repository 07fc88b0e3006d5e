/**
 * Correlation coefficients of a sample without each of its pairs in turn: what a jackknife needs, without computing each
 * coefficient anew.
 *
 * @module
 */

/** Fills `out[i]` with the coefficient without pair i; NaN where it is undefined. */
export type LeaveOneOut = (x: Float64Array, y: Float64Array, out: Float64Array) => void;

/** Pearson's r: O(n), by `sum of squares' = sum of squares - d^2 n / (n - 1)` with d the deviation of what is left out. */
export const leaveOneOutPearson: LeaveOneOut = (x, y, out) => {
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
    xx += (x[i] - meanX) ** 2;
    yy += (y[i] - meanY) ** 2;
    xy += (x[i] - meanX) * (y[i] - meanY);
  }
  const c = n / (n - 1);
  for (let i = 0; i < n; i++) {
    const a = x[i] - meanX;
    const b = y[i] - meanY;
    out[i] = ratio(xy - c * a * b, xx - c * a * a, yy - c * b * b);
  }
};

/** Spearman's: Pearson's of the mean ranks, those above what is left out one lower, those tied with it one half. O(n^2). */
export const leaveOneOutSpearman: LeaveOneOut = (x, y, out) => {
  const n = x.length;
  const rankX = meanRanks(x);
  const rankY = meanRanks(y);
  // mean ranks of n - 1 entries have the mean n / 2, whatever the ties
  const mean = n / 2;
  for (let i = 0; i < n; i++) {
    const [ownX, ownY] = [rankX[i], rankY[i]];
    let xx = 0;
    let yy = 0;
    let xy = 0;
    for (let j = 0; j < n; j++) {
      const a = rankX[j] - (rankX[j] > ownX ? 1 : rankX[j] < ownX ? 0 : 0.5) - mean;
      const b = rankY[j] - (rankY[j] > ownY ? 1 : rankY[j] < ownY ? 0 : 0.5) - mean;
      xx += a * a;
      yy += b * b;
      xy += a * b;
    }
    // its own terms came in too
    const [a, b] = [ownX - 0.5 - mean, ownY - 0.5 - mean];
    out[i] = ratio(xy - a * b, xx - a * a, yy - b * b);
  }
};

/** Kendall's tau-b: the pairs with what is left out taken from the sums. O(n^2). */
export const leaveOneOutKendall: LeaveOneOut = (x, y, out) => {
  const n = x.length;
  const score = new Float64Array(n);
  const untiedX = new Float64Array(n);
  const untiedY = new Float64Array(n);
  const sums = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [ownX, ownY] = [x[i], y[i]];
    let both = 0;
    let freeX = 0;
    let freeY = 0;
    for (let j = 0; j < n; j++) {
      const a = x[j] > ownX ? 1 : x[j] < ownX ? -1 : 0;
      const b = y[j] > ownY ? 1 : y[j] < ownY ? -1 : 0;
      both += a * b;
      freeX += a * a;
      freeY += b * b;
    }
    score[i] = both;
    untiedX[i] = freeX;
    untiedY[i] = freeY;
    // each pair comes twice
    sums[0] += both / 2;
    sums[1] += freeX / 2;
    sums[2] += freeY / 2;
  }
  for (let i = 0; i < n; i++) out[i] = ratio(sums[0] - score[i], sums[1] - untiedX[i], sums[2] - untiedY[i]);
};

function ratio(both: number, x: number, y: number): number {
  const scale = Math.sqrt(x) * Math.sqrt(y);
  return scale > 0 ? Math.max(-1, Math.min(1, both / scale)) : Number.NaN;
}

/** Mean ranks, from 1. */
function meanRanks(x: Float64Array): Float64Array {
  const order = Float64Array.from(x).sort();
  const ranks = new Map<number, number>();
  for (let first = 0, end = 0; first < order.length; first = end) {
    while (end < order.length && order[end] === order[first]) end++;
    ranks.set(order[first], (first + 1 + end) / 2);
  }
  return x.map((value) => ranks.get(value)!);
}
