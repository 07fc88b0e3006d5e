/**
 * Volumes of many functions on the same points, at infinite width: the covariance is checked and packed once, and expectation
 * propagation starts from what it found for a reference function.
 *
 * @module
 */
import type { Pool } from "../engine/pool.ts";
import { checkCovariance, checkLabels } from "./covariance.ts";
import {
  EP_DEFAULTS,
  type ExpectationPropagation,
  type GaussianApproximation,
  type OrthantLikelihood,
  propagate,
  type Sites,
} from "./expectationPropagation.ts";
import { packSymmetric } from "./panels.ts";

/** Where a call runs. */
export interface SharedKernelCall {
  readonly pool: Pool;
  readonly signal: AbortSignal;
}

/**
 * A covariance and a reference function. Every call runs on one worker of its own, so that as many functions are under way as
 * there are workers; a result is a function of the covariance, the reference and the labels alone, whatever was asked before.
 */
export class SharedKernel {
  readonly size: number;
  readonly #kernel: Float64Array;
  readonly #packed: Float64Array<ArrayBuffer>;
  readonly #scale: number;
  readonly #reference: Float64Array<ArrayBuffer>;
  readonly #tolerance: number;
  /** Fixed points of the reference, and functions already done. */
  readonly #known = new Map<string, Promise<ExpectationPropagation>>();

  /**
   * @param kernel K, `[m][m]`, m <= 2000; symmetric, positive semidefinite.
   * @param reference labels, as `expectationPropagation` takes them, of a function to which the others are likely to be near:
   *   half of the iterations remain where only a third of the labels differ.
   * @param tolerance as of `expectationPropagation`: log P is off by about m times its square.
   * @throws TypeError, RangeError naming the argument; for an indefinite K from the first call.
   */
  constructor(
    kernel: Float64Array,
    reference: ArrayLike<number | boolean> | string,
    tolerance: number = EP_DEFAULTS.tolerance,
  ) {
    const signs = checkLabels(reference, Math.round(Math.sqrt(kernel.length)));
    this.size = signs.length;
    this.#scale = checkCovariance(kernel, this.size);
    this.#kernel = kernel;
    this.#packed = packSymmetric(kernel, this.size);
    this.#reference = signs;
    this.#tolerance = tolerance;
  }

  /** log P of a function by expectation propagation. A function that was asked for before is not computed again. */
  async logVolume(
    labels: ArrayLike<number | boolean> | string,
    likelihood: OrthantLikelihood,
    call: SharedKernelCall,
  ): Promise<GaussianApproximation> {
    const signs = checkLabels(labels, this.size);
    const { sites } = await this.#once(`${likelihood} reference`, () =>
      this.#run(this.#reference, likelihood, undefined, call),
    );
    return this.#once(`${likelihood} ${signs.map((y) => Number(y > 0)).join("")}`, () =>
      this.#run(signs, likelihood, this.#turned(sites, signs), call),
    );
  }

  /** Sites of the reference, mirrored where the labels differ. */
  #turned({ precision, shift }: Sites, signs: Float64Array): Sites {
    return { precision, shift: shift.map((x, i) => (signs[i] === this.#reference[i] ? x : -x)) };
  }

  #run(
    signs: Float64Array<ArrayBuffer>,
    likelihood: OrthantLikelihood,
    start: Sites | undefined,
    call: SharedKernelCall,
  ): Promise<ExpectationPropagation> {
    const orthant = { size: this.size, covariance: this.#packed.slice(), signs, scale: this.#scale };
    // the reference, which comes first, has found K to be semidefinite
    const checked = start !== undefined;
    const settings = { ...EP_DEFAULTS, tolerance: this.#tolerance, likelihood, start };
    return propagate(this.#kernel, orthant, settings, { ...call, helped: false, checked });
  }

  #once(key: string, work: () => Promise<ExpectationPropagation>): Promise<ExpectationPropagation> {
    const known = this.#known.get(key);
    if (known) return known;
    const made = work();
    this.#known.set(key, made);
    // an aborted call says nothing about the next one
    made.catch(() => this.#known.delete(key));
    return made;
  }
}
