/**
 * The loss of one network on one data set, as a function of its parameters.
 *
 * @module
 */
import type { Network } from "../network/network.ts";

/**
 * `bce`: one output, targets 0/1; `ce`: several outputs, targets class indices; `mse`: half the squared error, summed over
 * outputs. All are means over the points.
 */
export type LossName = "bce" | "ce" | "mse";

/** Points with targets. */
export interface Dataset {
  readonly points: number;
  readonly features: number;
  /** Row-major `[points][features]`. */
  readonly inputs: Float32Array;
  /** `[points]` for bce (0 or 1) and ce (class index), `[points][outputs]` for mse. */
  readonly targets: Float32Array;
}

/** Minibatch gradient ascent, projected to a box after each step; the full loss is taken after each. */
export interface BoxAscent {
  /** Steps over minibatches of `batch` of the listed points, in turn. */
  steps(points: Uint32Array, batch: number, rate: number): void;
  /** The largest loss of the start and all steps, and the step at which it was found (0: the start). */
  readonly best: { readonly loss: number; readonly step: number };
  /** The parameters there. */
  point(): Float32Array;
}

/** Every vector has `size` entries, in the library's flat layout of parameters. One call at a time. */
export interface LossSurface {
  readonly network: Network;
  readonly data: Dataset;
  readonly lossName: LossName;
  /** Number of parameters. */
  readonly size: number;
  /** Mean over the points, summed in f64. */
  loss(w: Float32Array): Promise<number>;
  /** Row-major `[points][outputs]`. */
  outputs(w: Float32Array): Promise<Float32Array>;
  /** Loss and mean error: share of points whose predicted class differs (bce: output > 0; ce: argmax; mse: NaN). */
  evaluate(w: Float32Array): Promise<{ loss: number; error: number }>;
  /**
   * The gradient, of the mean over all points or over a range of them (a minibatch).
   *
   * @returns that mean loss.
   */
  gradient(w: Float32Array, out: Float32Array, range?: { first: number; count: number }): Promise<number>;
  /**
   * Ascent by minibatches inside a box, where the surface takes many steps in one call; undefined: it does not.
   *
   * @param w the start.
   * @param low, high ends of the box.
   */
  boxAscent?(w: Float32Array, low: Float32Array, high: Float32Array): BoxAscent | undefined;
  /** `out = H v`, exact (Pearlmutter's R-operator). */
  hessianProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void>;
  /** `out = G v`, G the Gauss-Newton matrix: the mean of `J' (d2 loss / d output2) J`. */
  gaussNewtonProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void>;
  /**
   * The trace of the Gauss-Newton matrix, exactly, where the surface has it without products; undefined: it has not. For a ReLU
   * network it is the Hessian's too: an output is linear in each single weight almost everywhere.
   *
   * @param pause awaited every thousand points.
   */
  gaussNewtonTrace?(w: Float32Array, pause: () => Promise<void> | void): Promise<number>;
}
