/**
 * One thread's part of expectation propagation: it holds the covariance K, factors `B = I + S^½ K S^½`, and computes the
 * marginal variances of some of the points.
 *
 * @module
 */
import { discard } from "../engine/discard.ts";
import type { Kernels } from "../engine/kernels.ts";
import {
  allocateFactor,
  type Factor,
  factorise,
  inverseNorms,
  lowerIndex,
  makeRest,
  type Pause,
  panelsOf,
  sideBytes,
  solveSides,
} from "./panels.ts";

/** Marginal variances of some points. */
export interface Marginals {
  /** `1 - s_i Sigma_ii`: what the other points have of each. */
  readonly share: Float64Array<ArrayBuffer>;
  /** `Sigma_ii`. */
  readonly variance: Float64Array<ArrayBuffer>;
}

/** Sites `exp(shift f - ½ precision f²)`, one a point: what expectation propagation puts in place of the likelihood. */
export interface Sites {
  readonly precision: Float64Array<ArrayBuffer>;
  readonly shift: Float64Array<ArrayBuffer>;
}

/** Panels of points: `first`, ..., `last - 1`. */
export interface PanelRun {
  readonly first: number;
  readonly last: number;
}

/** Below this `s_i Sigma_ii` loses more than four digits as `1 - (B^-1)_ii`, and is computed the other way. */
const CANCELS = 1e-4;
/** Panels of right-hand sides that are solved together. */
const SIDES = 32;

/** Panels of member k of `members`: about the same work for each, and that of column i of an inverse goes as `(n - i)^2`. */
export function runOfMember(panels: number, members: number, k: number): PanelRun {
  const edge = (part: number): number =>
    part >= members ? panels : Math.min(panels, Math.round(panels * (1 - Math.cbrt(1 - part / members))));
  return { first: edge(k), last: edge(k + 1) };
}

/** A covariance in an instance's memory. */
export class CovarianceMember {
  readonly kernels: Kernels;
  readonly size: number;
  readonly panels: number;
  readonly factor: Factor;
  /** Address of K by panels. */
  readonly covariance: number;
  /** Address of `sqrt(s)`, `4 panels` f64. */
  readonly root: number;
  /** Addresses of two vectors of `4 panels` f64. */
  readonly #vector: number;
  readonly #product: number;
  /** K's diagonal. */
  readonly variances: Float64Array;
  readonly #pause: Pause;

  /** @param covariance by panels, padded with 0; it is empty afterwards, so that K is not in memory twice. */
  constructor(kernels: Kernels, covariance: Float64Array<ArrayBuffer>, size: number, pause: Pause) {
    this.kernels = kernels;
    this.size = size;
    this.panels = panelsOf(size);
    this.variances = Float64Array.from({ length: size }, (_, i) => covariance[lowerIndex(i, i)]);
    this.covariance = kernels.put(covariance);
    discard(covariance);
    this.root = kernels.allocate(32 * this.panels);
    this.#vector = kernels.allocate(32 * this.panels);
    this.#product = kernels.allocate(32 * this.panels);
    this.factor = allocateFactor(kernels, this.panels);
    this.#pause = pause;
  }

  /**
   * Factors B for site precisions s >= 0.
   *
   * @returns the first row whose pivot is not positive, or -1.
   */
  async prepare(precision: Float64Array): Promise<number> {
    const { kernels, covariance, root, factor, panels } = this;
    const roots = kernels.f64(root, 4 * panels);
    for (let i = 0; i < this.size; i++) roots[i] = Math.sqrt(precision[i]);
    const rest = makeRest(this.#pause);
    for (let from = 0; from < panels; from += SIDES) {
      kernels.exports.scaledPlusIdentity(covariance, root, factor.lower, from, Math.min(panels, from + SIDES));
      await rest();
    }
    return factorise(kernels, factor, this.#pause);
  }

  /** `B^-1 v`, after `prepare`. */
  solve(v: ArrayLike<number>): Float64Array<ArrayBuffer> {
    const { kernels, factor, panels } = this;
    kernels
      .f64(this.#vector, 4 * panels)
      .fill(0)
      .set(v);
    kernels.exports.forwardSolve(factor.lower, factor.inverses, panels, this.#vector);
    kernels.exports.backwardSolve(factor.lower, factor.inverses, panels, this.#vector);
    return kernels.f64(this.#vector, this.size).slice();
  }

  /** `K v`. */
  times(v: ArrayLike<number>): Float64Array<ArrayBuffer> {
    const { kernels, panels } = this;
    kernels
      .f64(this.#vector, 4 * panels)
      .fill(0)
      .set(v);
    kernels.exports.symmetricProduct(this.covariance, panels, this.#vector, this.#product);
    return kernels.f64(this.#product, this.size).slice();
  }

  /** `r = K^-1 mu = S^½ B^-1 S^-½ shift` and `mu = K r`, which take no difference of like numbers; after `prepare`. */
  means({ precision, shift }: Sites): { readonly weight: Float64Array; readonly mean: Float64Array } {
    const weight = this.solve(shift.map((x, i) => (precision[i] > 0 ? x / Math.sqrt(precision[i]) : 0)));
    for (let i = 0; i < this.size; i++) weight[i] *= Math.sqrt(precision[i]);
    return { weight, mean: this.times(weight) };
  }

  /** Marginal variances of the points of a run, after `prepare`. */
  async marginals(precision: Float64Array, { first, last }: PanelRun): Promise<Marginals> {
    const { kernels, size } = this;
    const count = Math.max(0, Math.min(size, 4 * last) - 4 * first);
    const share = new Float64Array(count);
    const variance = new Float64Array(count);
    if (count === 0) return { share, variance };
    const mark = kernels.mark();
    try {
      const norms = kernels.allocate(32 * (last - first));
      await inverseNorms(kernels, this.factor, first, last, norms, this.#pause);
      share.set(kernels.f64(norms, count));
      const direct: number[] = [];
      for (let i = 0; i < count; i++) {
        if (1 - share[i] < CANCELS) direct.push(4 * first + i);
        else variance[i] = (1 - share[i]) / precision[4 * first + i];
      }
      const solved = await this.#variancesOf(direct);
      direct.forEach((point, k) => {
        const i = point - 4 * first;
        variance[i] = solved[k];
        share[i] = 1 - precision[point] * solved[k];
      });
      return { share, variance };
    } finally {
      kernels.release(mark);
    }
  }

  /** `K_ii - |L^-1 S^½ K_i|²` of some points. */
  async #variancesOf(points: readonly number[]): Promise<number[]> {
    const { kernels, covariance, root, factor, panels } = this;
    const result: number[] = [];
    const rest = makeRest(this.#pause);
    for (let from = 0; from < points.length; from += 4 * SIDES) {
      const some = points.slice(from, from + 4 * SIDES);
      const mark = kernels.mark();
      const out = kernels.allocate(32);
      const sides = { address: 0, count: panelsOf(some.length), start: 0, begins: () => 0 };
      const address = kernels.allocate(sideBytes(panels, sides));
      const bytes = 128 * panels;
      some.forEach((point, k) => {
        kernels.exports.scaledRow(covariance, panels, root, point, k & 3, address + (k >> 2) * bytes);
      });
      await solveSides(kernels, factor, { ...sides, address }, rest);
      for (let side = 0; side < sides.count; side++) {
        kernels.exports.panelNorms(address + side * bytes, 0, 4 * panels, out);
        const norms = kernels.f64(out, 4);
        some.slice(4 * side, 4 * side + 4).forEach((point, r) => {
          result.push(Math.max(0, this.variances[point] - norms[r]));
        });
      }
      kernels.release(mark);
    }
    return result;
  }
}
