/** Small random networks on random data, for the tests of flatness measures. */
import type { Kernels } from "../src/engine/kernels.ts";
import { sharedKernels } from "../src/engine/module.ts";
import { RandomStream } from "../src/engine/random.ts";
import type { MeasureContext, MeasureOptions } from "../src/flatness/measure.ts";
import type { Activation } from "../src/network/network.ts";
import type { LossName, LossSurface } from "../src/training/surface.ts";
import { PlainSurface } from "./reference/plainSurface.ts";

const kernels: Kernels = await sharedKernels();

export interface RandomSurfaceOptions {
  readonly layers: readonly number[];
  readonly loss: LossName;
  readonly activation?: Activation;
  readonly points: number;
  readonly seed: number;
  /** Standard deviation of the biases, default 0.5. */
  readonly biases?: number;
}

/** He-normal weights; Gaussian inputs; random targets. */
export function randomSurface(options: RandomSurfaceOptions): { surface: PlainSurface; w: Float32Array } {
  const { layers, loss, points } = options;
  const random = new RandomStream(kernels, BigInt(options.seed), 0, 0x7e57);
  const features = layers[0];
  const outputs = layers[layers.length - 1];
  const inputs = new Float32Array(points * features);
  random.gaussians(inputs);
  const uniforms = new Float64Array(points * outputs);
  random.uniforms(uniforms);
  const targets =
    loss === "mse"
      ? Float32Array.from(uniforms, (u) => 2 * u - 1)
      : Float32Array.from(uniforms.subarray(0, points), (u) => Math.floor(u * (loss === "bce" ? 2 : outputs)));
  const data = { points, features, inputs, targets };
  const surface = new PlainSurface({ layers, activation: options.activation }, data, loss);
  const w = new Float32Array(surface.size);
  random.gaussians(w);
  let at = 0;
  for (let l = 1; l < layers.length; l++) {
    const weights = layers[l] * layers[l - 1];
    for (let p = at; p < at + weights; p++) w[p] *= Math.sqrt(2 / layers[l - 1]);
    for (let p = at + weights; p < at + weights + layers[l]; p++) w[p] *= options.biases ?? 0.5;
    at += weights + layers[l];
  }
  return { surface, w };
}

/** A number of standard Gaussians. */
export function gaussianVector(length: number, seed: number): Float32Array {
  const out = new Float32Array(length);
  new RandomStream(kernels, BigInt(seed), 1, 0x7e57).gaussians(out);
  return out;
}

/** What a measure is run with. */
export function contextOf(
  surface: LossSurface,
  w: Float32Array,
  options: MeasureOptions = {},
  seed = 1n,
): MeasureContext {
  return { surface, w, kernels, seed, pause: () => {}, options };
}
