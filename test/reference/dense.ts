/**
 * A dense network on one point, in f32 in the kernels' order of operations, and in f64.
 *
 * Flat parameters: layer by layer, weights `[fanOut][fanIn]`, then biases.
 */
import { tanh } from "./tanh.ts";

const f = Math.fround;

export type Activation = "relu" | "tanh";

/** What one layer is: its slice of the flat parameters. */
export interface DenseLayer {
  readonly fanIn: number;
  readonly fanOut: number;
  /** `[fanOut][fanIn]` */
  readonly weights: ArrayLike<number>;
  readonly biases: ArrayLike<number>;
}

export function layersOf(sizes: readonly number[], parameters: Float32Array): DenseLayer[] {
  const layers: DenseLayer[] = [];
  let at = 0;
  for (let l = 1; l < sizes.length; l++) {
    const fanIn = sizes[l - 1];
    const fanOut = sizes[l];
    const weights = parameters.subarray(at, at + fanIn * fanOut);
    at += fanIn * fanOut;
    layers.push({ fanIn, fanOut, weights, biases: parameters.subarray(at, at + fanOut) });
    at += fanOut;
  }
  return layers;
}

/** f32: `z = b; for j: z += w_j a_j`, each product and each sum rounded. */
export function denseLayer(layer: DenseLayer, input: ArrayLike<number>): number[] {
  const out: number[] = [];
  for (let k = 0; k < layer.fanOut; k++) {
    let z = layer.biases[k];
    for (let j = 0; j < layer.fanIn; j++) z = f(z + f(layer.weights[k * layer.fanIn + j] * input[j]));
    out.push(z);
  }
  return out;
}

/** The kernels' ReLU: NaN stays NaN, and -0 becomes 0 or stays (no sum can tell). */
export function activate(z: number, activation: Activation): number {
  if (activation === "tanh") return tanh(z);
  return Math.max(z, 0);
}

/** f32 outputs of the network from given first pre-activations on (or from the point, if there are none). */
export function networkF32(
  layers: readonly DenseLayer[],
  activation: Activation,
  point: ArrayLike<number>,
  firstLayer: (layer: DenseLayer, point: ArrayLike<number>) => number[] = denseLayer,
): number[] {
  let z = firstLayer(layers[0], point);
  for (const layer of layers.slice(1)) {
    z = denseLayer(
      layer,
      z.map((v) => activate(v, activation)),
    );
  }
  return z;
}

/** f64 outputs, and the size of the terms that were added: rounding in f32 is relative to it. */
export function networkF64(
  layers: readonly DenseLayer[],
  activation: Activation,
  point: ArrayLike<number>,
): { output: number[]; scale: number[] } {
  let a: number[] = Array.from(point);
  // |a| plus what its own rounding may be relative to
  let magnitude = a.map(Math.abs);
  let output: number[] = [];
  let scale: number[] = [];
  layers.forEach((layer, l) => {
    if (l > 0) {
      a = output.map((v) => (activation === "tanh" ? Math.tanh(v) : Math.max(v, 0)));
      magnitude = scale;
    }
    output = [];
    scale = [];
    for (let k = 0; k < layer.fanOut; k++) {
      let z = layer.biases[k];
      let size = Math.abs(z);
      for (let j = 0; j < layer.fanIn; j++) {
        const w = layer.weights[k * layer.fanIn + j];
        z += w * a[j];
        size += Math.abs(w) * magnitude[j];
      }
      output.push(z);
      scale.push(size);
    }
  });
  return { output, scale };
}
