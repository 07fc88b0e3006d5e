/**
 * Minibatches in a random order.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { RandomStream } from "../engine/random.ts";
import type { LossSurface } from "../training/surface.ts";

/** A surface that takes a minibatch by the numbers of its points, in one call. */
export interface IndexedSurface extends LossSurface {
  /** Gradient of the mean loss over the listed points. @returns that loss. */
  gradientOf(w: Float32Array, out: Float32Array, points: Uint32Array): Promise<number>;
}

/** The order of an epoch's points [Fisher & Yates], a function of (seed, stream, epoch). */
export function shuffledPoints(
  kernels: Kernels,
  seed: bigint,
  epoch: number,
  stream: number,
  points: number,
): Uint32Array {
  const order = Uint32Array.from({ length: points }, (_, i) => i);
  const uniforms = new Float64Array(points);
  new RandomStream(kernels, seed, epoch, stream).uniforms(uniforms);
  for (let i = points - 1; i > 0; i--) {
    const j = Math.min(i, Math.floor(uniforms[i] * (i + 1)));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/**
 * Gradient of the mean loss over the listed points: in one call where the surface has one for it, point after point else.
 *
 * @returns the mean loss.
 */
export async function batchGradient(
  surface: LossSurface,
  w: Float32Array,
  out: Float32Array,
  points: Uint32Array,
): Promise<number> {
  if (typeof (surface as IndexedSurface).gradientOf === "function") {
    return (surface as IndexedSurface).gradientOf(w, out, points);
  }
  if (points.length === surface.data.points) return surface.gradient(w, out);
  const sum = new Float64Array(out.length);
  let loss = 0;
  for (const first of points) {
    loss += await surface.gradient(w, out, { first, count: 1 });
    for (let i = 0; i < sum.length; i++) sum[i] += out[i];
  }
  for (let i = 0; i < sum.length; i++) out[i] = sum[i] / points.length;
  return loss / points.length;
}
