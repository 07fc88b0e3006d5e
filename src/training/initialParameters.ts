/**
 * Where a training starts.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { RandomStream } from "../engine/random.ts";
import type { Network } from "../network/network.ts";

/** Stream of random numbers of the start. */
const INITIAL_STREAM = 0x100;

/** A draw of parameters from the prior, layer by layer: a function of the seed. */
export function drawInitialParameters(kernels: Kernels, network: Network, seed: bigint): Float32Array<ArrayBuffer> {
  const w = new Float32Array(network.parameterCount);
  new RandomStream(kernels, seed, 0, INITIAL_STREAM).gaussians(w);
  const { layers, sigmaW2, sigmaB2 } = network;
  let at = 0;
  for (let l = 1; l < layers.length; l++) {
    const weights = at + layers[l] * layers[l - 1];
    const scale = Math.sqrt(sigmaW2 / layers[l - 1]);
    for (; at < weights; at++) w[at] *= scale;
    for (const end = weights + layers[l]; at < end; at++) w[at] *= Math.sqrt(sigmaB2);
  }
  return w;
}
