/**
 * The covariance of a finite network's outputs under its prior, by Monte Carlo.
 *
 * @module
 */
import { checkInteger, checkOptions, checkSeed } from "../engine/checks.ts";
import type { Kernels } from "../engine/kernels.ts";
import { fullBuild } from "../engine/module.ts";
import { breathe } from "../engine/platform.ts";
import { RandomStream } from "../engine/random.ts";
import { evaluate } from "../network/evaluate.ts";
import { defineNetwork, type Network, type NetworkOptions } from "../network/network.ts";
import { layerOffsets, singleOutput } from "../network/parameters.ts";
import { addGram, type Covariance, type CovariancePoints, checkPoints } from "./nngpKernel.ts";
import { lowerSize, makeRest, panelsOf, unpackSymmetric } from "./panels.ts";

/** What `empiricalKernel` takes. */
export interface EmpiricalKernelOptions {
  /** Hidden layers that are drawn; at least 2. */
  readonly samples: number;
  /** Default 0. */
  readonly seed?: number | bigint;
  readonly signal?: AbortSignal;
}

/** A covariance estimated from samples. */
export interface EmpiricalCovariance extends Covariance {
  /** Of each entry, `[points][points]`. Entries share their samples: their errors are correlated. */
  readonly standardError: Float64Array<ArrayBuffer>;
  readonly samples: number;
}

/** Stream of random numbers. */
const STREAM = 0x310;

/**
 * `E[z_i z_j]` of a network's output z. Hidden layers are drawn; the output layer is integrated out: given the last hidden
 * layer's h, the covariance is `σ_b² + σ_w²/n Σ_u h_u(x_i) h_u(x_j)`, so few samples say much. As the widths grow it tends to
 * the `nngpKernel`. A function of the arguments and the seed, to the bit.
 *
 * @param inputs at most 2000 points.
 * @throws TypeError, RangeError naming the argument; the signal's reason.
 * @example
 * const { kernel, standardError } = await empiricalKernel({ layers: [3, 40, 40, 1] }, { bits: 3 }, { samples: 2000 });
 */
export async function empiricalKernel(
  network: NetworkOptions,
  inputs: CovariancePoints,
  options: EmpiricalKernelOptions,
): Promise<EmpiricalCovariance> {
  const net = singleOutput(defineNetwork(network));
  checkOptions("options", options, ["samples", "seed", "signal"]);
  const samples = checkInteger("samples", options.samples, 2, 2 ** 31);
  const seed = checkSeed("seed", options.seed ?? 0).value;
  const { signal } = options;
  const { data, points } = checkPoints(inputs, net.layers[0]);
  signal?.throwIfAborted();
  return fullBuild.lend(async (kernels) => {
    const rest = makeRest(async () => {
      await breathe();
      signal?.throwIfAborted();
    });
    const width = net.layers[net.layers.length - 2];
    const scale = net.sigmaW2 / width;
    const size = lowerSize(panelsOf(points));
    const gram = kernels.allocate(8 * size);
    const sum = new Float64Array(size);
    const squares = new Float64Array(size);
    for (let sample = 0; sample < samples; sample++) {
      const hidden = await drawHidden(kernels, net, data, points, seed, sample);
      kernels.f64(gram, size).fill(0);
      await addGram(kernels, gram, hidden, points, rest);
      const values = kernels.f64(gram, size);
      // Welford: no difference of large sums
      for (let i = 0; i < size; i++) {
        const value = net.sigmaB2 + scale * values[i];
        const off = value - sum[i];
        sum[i] += off / (sample + 1);
        squares[i] += off * (value - sum[i]);
      }
      await rest();
    }
    const error = squares.map((square) => Math.sqrt(square / (samples - 1) / samples));
    return {
      kernel: unpackSymmetric(sum, points),
      standardError: unpackSymmetric(error, points),
      points,
      samples,
    };
  });
}

/** The last hidden layer's activations `[points][units]` of one draw; the inputs themselves if there is none. */
async function drawHidden(
  kernels: Kernels,
  network: Network,
  data: Float64Array,
  points: number,
  seed: bigint,
  sample: number,
): Promise<ArrayLike<number>> {
  const { activation, sigmaW2, sigmaB2 } = network;
  const layers = network.layers.slice(0, -1);
  if (layers.length < 2) return data;
  const body = defineNetwork({ layers, activation, sigmaW2, sigmaB2 });
  const parameters = new Float32Array(body.parameterCount);
  new RandomStream(kernels, seed, sample, STREAM).gaussians(parameters);
  const offsets = layerOffsets(body);
  for (let l = 1; l < layers.length; l++) {
    const weight = Math.sqrt(sigmaW2 / layers[l - 1]);
    const bias = Math.sqrt(sigmaB2);
    const biases = offsets[l - 1] + layers[l] * layers[l - 1];
    for (let i = offsets[l - 1]; i < biases; i++) parameters[i] *= weight;
    for (let i = biases; i < offsets[l]; i++) parameters[i] *= bias;
  }
  const hidden = await evaluate(body, parameters, data, points);
  if (activation === "relu") return hidden.map((z) => Math.max(0, z));
  return kernels.scoped(() => {
    const padded = new Float32Array(4 * Math.ceil(hidden.length / 4));
    padded.set(hidden);
    const at = kernels.put(padded);
    kernels.exports.tanhArray(at, at, padded.length / 4);
    return kernels.f32(at, hidden.length).slice();
  });
}
