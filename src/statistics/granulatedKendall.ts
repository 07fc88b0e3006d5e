/**
 * Kendall's coefficient within groups of trainings that differ in one hyper-parameter alone.
 *
 * @module
 */

/** One axis of hyper-parameters: its name, and the value of each record, of any kind that `===` tells apart. */
export interface Axis {
  readonly name: string;
  readonly values: readonly (string | number)[];
  /** It only tells groups apart, as data sets do: no coefficient along it. */
  readonly grouping?: boolean;
}

/** The granulated coefficient of a measure. */
export interface GranulatedKendall {
  /** Mean over the axes; null if no axis has a group with pairs. */
  readonly value: number | null;
  readonly axes: ReadonlyArray<{
    readonly name: string;
    /** Mean over the groups; null if none has pairs. */
    readonly value: number | null;
    /** Groups of records that agree in all other axes, and hold pairs that differ in this one. */
    readonly groups: number;
  }>;
}

/**
 * The granulated Kendall coefficient [Jiang, Neyshabur, Mobahi, Krishnan & Bengio 2020, equations 5 and 6]:
 * `psi_i` is the mean, over the settings of all other hyper-parameters, of the mean over pairs of records that differ in axis i
 * of `sign(dx) sign(dy)`; `Psi` is the mean of the `psi_i`. So a measure does not shine by following a hyper-parameter that
 * moves the accuracy too. Pairs with equal values on the axis (repetitions) are left out.
 */
export function granulatedKendall(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  axes: readonly Axis[],
): GranulatedKendall {
  const results = axes.flatMap(({ name, values, grouping }, a) => {
    if (grouping) return [];
    const groups = new Map<string, number[]>();
    for (let i = 0; i < x.length; i++) {
      const key = JSON.stringify(axes.map((axis, b) => (b === a ? null : axis.values[i])));
      const group = groups.get(key);
      if (group) group.push(i);
      else groups.set(key, [i]);
    }
    const taus: number[] = [];
    for (const group of groups.values()) {
      let score = 0;
      let pairs = 0;
      for (const [k, i] of group.entries()) {
        for (const j of group.slice(0, k)) {
          if (values[i] === values[j]) continue;
          score += Math.sign(x[i] - x[j]) * Math.sign(y[i] - y[j]);
          pairs++;
        }
      }
      if (pairs > 0) taus.push(score / pairs);
    }
    return [{ name, value: meanOf(taus), groups: taus.length }];
  });
  const known = results.flatMap(({ value }) => (value === null ? [] : [value]));
  return { value: meanOf(known), axes: results };
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
