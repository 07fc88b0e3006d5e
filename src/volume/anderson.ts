/**
 * Anderson's acceleration of a fixed-point iteration [Walker & Ni 2011].
 *
 * @module
 */

/** Differences of one step. */
interface Step {
  readonly x: Float64Array;
  readonly f: Float64Array;
}

/** Added to the squares in the least-squares problem, as a share of them: old steps may be all but parallel. */
const RIDGE = 1e-12;

/**
 * From the last few residuals `f = g(x) - x`, the combination of steps that would have made the residual least: where plain steps
 * swing to and fro it lands between, where they creep it leaps.
 */
export class Anderson {
  readonly #depth: number;
  #steps: Step[] = [];
  #last: Step | undefined;

  /** @param depth steps that are remembered. */
  constructor(depth: number) {
    this.#depth = depth;
  }

  /** Forgets all steps. */
  restart(): void {
    this.#steps = [];
    this.#last = undefined;
  }

  /**
   * Moves x.
   *
   * @param x where the iteration stands; the next point is written there.
   * @param f residual there.
   * @param weights of the residual's entries in the least squares.
   * @param share of the residual that is taken as a step.
   */
  advance(x: Float64Array, f: Float64Array, weights: Float64Array, share: number): void {
    const size = x.length;
    if (this.#last) {
      const { x: oldX, f: oldF } = this.#last;
      this.#steps.push({ x: x.map((value, i) => value - oldX[i]), f: f.map((value, i) => value - oldF[i]) });
      if (this.#steps.length > this.#depth) this.#steps.shift();
    }
    this.#last = { x: x.slice(), f: f.slice() };
    const steps = this.#steps;
    const gamma = leastSquares(
      steps.map((step) => step.f),
      f,
      weights,
    );
    for (let i = 0; i < size; i++) {
      let to = x[i] + share * f[i];
      for (let j = 0; j < steps.length; j++) to -= gamma[j] * (steps[j].x[i] + share * steps[j].f[i]);
      x[i] = to;
    }
  }
}

/** Coefficients c that make `|W (f - sum_j c_j columns_j)|` least, by Cholesky of the normal equations. */
function leastSquares(columns: readonly Float64Array[], f: Float64Array, weights: Float64Array): number[] {
  const count = columns.length;
  const inner = (a: Float64Array, b: Float64Array): number => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += weights[i] * a[i] * (weights[i] * b[i]);
    return sum;
  };
  const lower: number[][] = [];
  const c: number[] = [];
  for (let i = 0; i < count; i++) {
    lower.push([]);
    let right = inner(columns[i], f);
    for (let j = 0; j <= i; j++) {
      let sum = inner(columns[i], columns[j]) * (i === j ? 1 + RIDGE : 1);
      for (let k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k];
      if (i > j) lower[i].push(sum / lower[j][j]);
      // a step that says nothing new is left out
      else lower[i].push(sum > 0 ? Math.sqrt(sum) : Number.POSITIVE_INFINITY);
    }
    for (let k = 0; k < i; k++) right -= lower[i][k] * c[k];
    c.push(right / lower[i][i]);
  }
  for (let i = count - 1; i >= 0; i--) {
    for (let k = i + 1; k < count; k++) c[i] -= lower[k][i] * c[k];
    c[i] /= lower[i][i];
  }
  return c;
}
