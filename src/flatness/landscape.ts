/**
 * Loss landscapes: the loss on a line or a plane through the parameters, `L(w + a d1 + b d2)` [Goodfellow et al. 2015;
 * Li et al. 2018].
 *
 * With filter normalisation every filter of a direction, for a dense layer the row of weights into one unit, is scaled to the
 * norm of the same row of w, so that the picture does not depend on a rescaling of whole layers; biases stay where they are,
 * as in the authors' figures.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { RandomStream } from "../engine/random.ts";
import type { Network } from "../network/network.ts";
import { layerOffsets } from "../network/parameters.ts";
import type { LossSurface } from "../training/surface.ts";
import { LANDSCAPE_STREAM } from "./streams.ts";

/** `filter`: rows of weights to the norms of w's rows, biases 0; `layer`: the same by whole weight matrices; `none`: as it is. */
export type DirectionScaling = "filter" | "layer" | "none";

/**
 * A copy of a direction with its filters (or layers) scaled to w's.
 *
 * @param direction one number a parameter; a filter of zeros stays.
 */
export function scaleDirection(
  network: Network,
  w: Float32Array,
  direction: ArrayLike<number>,
  scaling: DirectionScaling,
): Float32Array<ArrayBuffer> {
  const out = Float32Array.from(direction);
  if (scaling === "none") return out;
  const { layers } = network;
  layerOffsets(network)
    .slice(0, -1)
    .forEach((at, l) => {
      const weights = layers[l] * layers[l + 1];
      const filter = scaling === "filter" ? layers[l] : weights;
      for (let first = at; first < at + weights; first += filter) {
        let own = 0;
        let wanted = 0;
        for (let p = first; p < first + filter; p++) {
          own += out[p] * out[p];
          wanted += w[p] * w[p];
        }
        const factor = own > 0 ? Math.sqrt(wanted / own) : 0;
        for (let p = first; p < first + filter; p++) out[p] *= factor;
      }
      out.fill(0, at + weights, at + weights + layers[l + 1]);
    });
  return out;
}

/** A direction of independent standard Gaussians: number `index` of a seed. */
export function randomDirection(
  kernels: Kernels,
  size: number,
  seed: bigint,
  index: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(size);
  new RandomStream(kernels, seed, index, LANDSCAPE_STREAM).gaussians(out);
  return out;
}

/** Plain data: the loss along one direction or on the plane of two. */
export interface Landscape {
  /** Coordinates along the first direction. */
  readonly a: number[];
  /** Coordinates along the second; empty for a line. */
  readonly b: number[];
  /** Row-major `[a]` for a line, `[a][b]` for a plane. */
  readonly losses: number[];
  /** Share of points whose class is wrong, likewise; NaN for mse. */
  readonly errors: number[];
  /** At w itself. */
  readonly loss: number;
  readonly error: number;
  /** Norms of the directions, as used. */
  readonly norms: number[];
  /** Cosine of the angle between the two; NaN for a line. */
  readonly cosine: number;
}

/** `steps` coordinates from -radius to radius; the middle of an odd number is exactly 0. */
export function coordinates(radius: number, steps: number): number[] {
  return Array.from({ length: steps }, (_, i) => (steps === 1 ? 0 : (radius * (2 * i - (steps - 1))) / (steps - 1)));
}

/** Losses and errors at `w + a d1 + b d2`, row-major `[a][b]`; along one direction b is not used. */
export async function lossesOnGrid(
  surface: LossSurface,
  w: Float32Array,
  directions: readonly Float32Array[],
  a: readonly number[],
  b: readonly number[],
  pause: () => Promise<void> | void,
): Promise<{ losses: number[]; errors: number[] }> {
  const [first, second] = directions;
  const point = new Float32Array(w.length);
  const losses: number[] = [];
  const errors: number[] = [];
  for (const x of a) {
    for (const y of second ? b : [0]) {
      for (let i = 0; i < point.length; i++) point[i] = w[i] + x * first[i] + (second ? y * second[i] : 0);
      const { loss, error } = await surface.evaluate(point);
      losses.push(loss);
      errors.push(error);
      await pause();
    }
  }
  return { losses, errors };
}

/** Norms of one or two directions, and the cosine of the angle between two. */
export function describeDirections(directions: readonly Float32Array[]): Pick<Landscape, "norms" | "cosine"> {
  const dot = (u: Float32Array, v: Float32Array): number => {
    let sum = 0;
    for (let i = 0; i < u.length; i++) sum += u[i] * v[i];
    return sum;
  };
  const norms = directions.map((d) => Math.sqrt(dot(d, d)));
  const [first, second] = directions;
  return { norms, cosine: second ? dot(first, second) / (norms[0] * norms[1]) : Number.NaN };
}

/**
 * @param directions one or two, as they are to be used.
 * @param radius largest |a| and |b|, in units of the directions.
 * @param steps of each axis.
 */
export async function lossLandscape(
  surface: LossSurface,
  w: Float32Array,
  directions: readonly Float32Array[],
  radius: number,
  steps: number,
  pause: () => Promise<void> | void,
): Promise<Landscape> {
  const a = coordinates(radius, steps);
  const b = directions.length > 1 ? a.slice() : [];
  const grid = await lossesOnGrid(surface, w, directions, a, b, pause);
  return { a, b, ...grid, ...(await surface.evaluate(w)), ...describeDirections(directions) };
}
