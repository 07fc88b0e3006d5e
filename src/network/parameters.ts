/**
 * Parameters as one `Float32Array`: layer by layer, weights row-major `[fanOut][fanIn]`, then that layer's biases.
 *
 * @module
 */
import type { Points } from "../data/points.ts";
import { show } from "../engine/checks.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { Network } from "./network.ts";
import { type Layout, makePlan, type Plan, visitRegion } from "./plan.ts";

/** The most output layers for a body. */
export const MAXIMUM_DRAWS = 256;

/** Index of the first parameter of each layer in the flat array. */
export function layerOffsets(network: Network): number[] {
  const offsets = [0];
  const { layers } = network;
  for (let l = 1; l < layers.length; l++) offsets.push(offsets[l - 1] + layers[l] * (layers[l - 1] + 1));
  return offsets;
}

/** Copies between the flat array and the sampler's memory; `draw` says which of a body's output layers. */
function transfer(
  network: Network,
  layout: Layout,
  hidden: Float32Array,
  output: Float32Array,
  flat: Float32Array,
  draw: number,
  toFlat: boolean,
): void {
  const offsets = layerOffsets(network);
  const copy = (l: number, memory: Float32Array, float: number, row: number, column: number): void => {
    const fanIn = network.layers[l];
    const fanOut = network.layers[l + 1];
    const index = row < 0 ? offsets[l] + fanIn * fanOut + column : offsets[l] + column * fanIn + row;
    if (toFlat) flat[index] = memory[float];
    else memory[float] = flat[index];
  };
  layout.hidden.forEach((region, l) => {
    visitRegion(region, (float, row, column) => copy(l, hidden, float, row, column));
  });
  const last = network.layers.length - 2;
  visitRegion(layout.output, (float, row, column) => {
    if (column === draw) copy(last, output, float, row, 0);
  });
}

function views(kernels: Kernels, plan: Plan): { hidden: Float32Array; output: Float32Array } {
  return {
    hidden: kernels.f32(plan.hidden, plan.layout.hiddenFloats),
    output: kernels.f32(plan.output, plan.layout.outputFloats),
  };
}

/** The parameters that stand in the sampler's memory; `draw` says which of the body's output layers. */
export function parametersOfPlan(
  kernels: Kernels,
  network: Network,
  plan: Plan,
  draw: number,
): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(network.parameterCount);
  const { hidden, output } = views(kernels, plan);
  transfer(network, plan.layout, hidden, output, flat, draw, true);
  return flat;
}

/** Checks flat parameters against a network. */
export function checkParameters(network: Network, parameters: Float32Array): void {
  if (!(parameters instanceof Float32Array)) {
    throw new TypeError(`parameters: expected a Float32Array, got ${show(parameters)}`);
  }
  if (parameters.length !== network.parameterCount) {
    throw new RangeError(`parameters: expected ${network.parameterCount} numbers, got ${parameters.length}`);
  }
  const bad = parameters.findIndex((p) => !Number.isFinite(p));
  if (bad >= 0) throw new RangeError(`parameters[${bad}]: expected a finite number, got ${parameters[bad]}`);
}

/** Checks that a network has one output: only then is it a Boolean-valued function. */
export function singleOutput(network: Network): Network {
  const last = network.layers[network.layers.length - 1];
  if (last !== 1) throw new RangeError(`layers[${network.layers.length - 1}]: expected one output unit, got ${last}`);
  return network;
}

/** The key (u32 words) of the function that given parameters compute on the points, by the sampler's own kernels. */
export function keyOfParameters(
  kernels: Kernels,
  network: Network,
  points: Points,
  parameters: Float32Array,
): Uint32Array<ArrayBuffer> {
  return kernels.scoped(() => {
    const plan = makePlan(kernels, network, points, 1, { bits: 0, negation: 0 });
    const { hidden, output } = views(kernels, plan);
    transfer(network, plan.layout, hidden, output, parameters, 0, false);
    kernels.exports.firstLayer(plan.address);
    kernels.exports.evaluateKeys(plan.address);
    return kernels.u32(plan.keys, plan.words).slice();
  });
}
