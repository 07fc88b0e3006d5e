/**
 * Evaluating a network of given parameters.
 *
 * @module
 */
import { formatFunction } from "../data/functions.ts";
import { booleanPoints, givenPoints, MAXIMUM_BITS, type Points, type PointsOptions } from "../data/points.ts";
import { checkInteger, show } from "../engine/checks.ts";
import { coreBuild } from "../engine/core.ts";
import type { Kernels } from "../engine/kernels.ts";
import { checkScale, defineNetwork, type Network, type NetworkOptions } from "./network.ts";
import { checkParameters, keyOfParameters, layerOffsets, singleOutput } from "./parameters.ts";
import { RECORD } from "./plan.ts";

/** Points evaluated at a time, so that memory does not grow with their number. */
const BATCH = 1024;
const LINEAR = 2;

const pad4 = (n: number): number => Math.ceil(n / 4) * 4;

/**
 * The outputs (logits) of a network on any number of points, in f32: `z = b; for j: z += w_j a_j`, units in order.
 *
 * @param parameters flat, layer by layer, weights `[fanOut][fanIn]` row-major, then biases; finite.
 * @param inputs `[points][features]` row-major; finite.
 * @param points number of points.
 * @returns `[points][outputs]`, row-major.
 * @throws TypeError, RangeError naming the argument.
 * @example
 * const network = { layers: [2, 3, 1] };
 * const parameters = await sampleParameters(network, { seed: 1 });
 * const logits = await evaluate(network, parameters, [0, 0, 1, 1], 2); // two points, one output
 */
export async function evaluate(
  network: NetworkOptions,
  parameters: Float32Array,
  inputs: ArrayLike<number>,
  points: number,
): Promise<Float32Array<ArrayBuffer>> {
  const net = defineNetwork(network);
  checkParameters(net, parameters);
  const features = net.layers[0];
  checkInteger("points", points, 0, 2 ** 31);
  if (typeof inputs !== "object" || inputs === null || typeof inputs.length !== "number") {
    throw new TypeError(`inputs: expected an array of numbers, got ${show(inputs)}`);
  }
  if (inputs.length !== points * features) {
    throw new RangeError(
      `inputs: expected ${points} points x ${features} features = ${points * features} numbers, got ${inputs.length}`,
    );
  }
  const data = Float32Array.from(inputs);
  const bad = data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw new RangeError(`inputs[${bad}]: expected a finite number within f32, got ${show(inputs[bad])}`);
  const kernels = await coreBuild.kernels();
  return kernels.scoped(() => evaluateBatches(kernels, net, parameters, data, points));
}

function evaluateBatches(
  kernels: Kernels,
  network: Network,
  parameters: Float32Array,
  data: Float32Array,
  points: number,
): Float32Array<ArrayBuffer> {
  const { layers } = network;
  const outputs = layers[layers.length - 1];
  const offsets = layerOffsets(network);
  // weights by input unit, [fanIn][fanOut4], as assembly/dense.ts wants them
  const stored = layers.slice(1).map((fanOut, l) => {
    const fanIn = layers[l];
    const stride = pad4(fanOut);
    const weights = new Float32Array(fanIn * stride);
    const bias = new Float32Array(stride);
    for (let o = 0; o < fanOut; o++) {
      const row = offsets[l] + o * fanIn;
      for (let i = 0; i < fanIn; i++) weights[i * stride + o] = parameters[row + i];
      bias[o] = parameters[offsets[l] + fanOut * fanIn + o];
    }
    return { rows: kernels.put(weights), bias: kernels.put(bias), stride };
  });
  const batch = Math.min(BATCH, points);
  const blocks = Math.ceil(batch / 8);
  const blockBytes = (layers[0] + 1) * RECORD;
  const inputs = kernels.allocate(blockBytes * blocks);
  const ends = kernels.allocate(4 * blocks);
  const x = kernels.allocate(4 * batch * layers[0]);
  const widest = (Math.max(...stored.map((s) => s.stride)) + 1) * RECORD;
  const scratch = [kernels.allocate(widest), kernels.allocate(widest)];
  const activation = network.activation === "relu" ? 0 : 1;
  const result = new Float32Array(points * outputs);
  for (let first = 0; first < points; first += batch) {
    const count = Math.min(batch, points - first);
    kernels.f32(x, count * layers[0]).set(data.subarray(first * layers[0], (first + count) * layers[0]));
    kernels.exports.packPoints(x, count, layers[0], stored[0].rows, 4 * stored[0].stride, inputs, blockBytes, ends);
    for (let s = 0; s < Math.ceil(count / 8); s++) {
      let list = inputs + s * blockBytes;
      let end = kernels.u32(ends + 4 * s, 1)[0];
      stored.forEach(({ bias, stride }, l) => {
        const last = l === stored.length - 1;
        const out = scratch[l % 2];
        const next = last ? { rows: 0, stride: 0 } : stored[l + 1];
        const kind = last ? LINEAR : activation;
        end = kernels.exports.denseBlock(list, end, bias, stride, kind, out, next.rows, 4 * next.stride);
        list = out;
      });
      // records of eight points, the first in the last lane
      const values = kernels.f32(list, (outputs * RECORD) / 4);
      for (let r = 0; r < Math.min(8, count - 8 * s); r++) {
        const to = (first + 8 * s + r) * outputs;
        for (let o = 0; o < outputs; o++) result[to + o] = values[(o * RECORD) / 4 + 7 - r];
      }
    }
  }
  return result;
}

/**
 * The function that given parameters compute: the kernels that `countFunctions` uses, so the very function that it counts.
 *
 * @param inputs default: all 2^n Boolean inputs, n = layers[0] <= 10.
 * @returns hex digits of the bits `M(x_i) > 0`, point 0 first.
 * @throws TypeError, RangeError naming the argument.
 * @example
 * const parameters = await sampleParameters({ layers: [3, 8, 1] }, { seed: 1 });
 * await functionOf({ layers: [3, 8, 1] }, parameters); // two hex digits: a bit for each of the 8 inputs
 */
export async function functionOf(
  network: NetworkOptions,
  parameters: Float32Array,
  inputs?: PointsOptions,
): Promise<string> {
  const net = singleOutput(defineNetwork(network));
  checkParameters(net, parameters);
  const points = pointsOf(net, inputs);
  const key = keyOfParameters(await coreBuild.kernels(), net, points, parameters);
  return formatFunction(key, points.count);
}

/** The points that a user meant. */
export function pointsOf(network: Network, inputs: PointsOptions | undefined): Points {
  const features = network.layers[0];
  if (inputs !== undefined) {
    const points = givenPoints(inputs, features);
    let largest = 0;
    for (const value of points.values()) largest = Math.max(largest, Math.abs(value));
    checkScale(network, largest, "inputs.data");
    return points;
  }
  if (features > MAXIMUM_BITS) {
    throw new RangeError(
      `layers[0]: expected 1 to ${MAXIMUM_BITS} Boolean inputs, got ${features}; give inputs for more features`,
    );
  }
  return booleanPoints(features);
}
