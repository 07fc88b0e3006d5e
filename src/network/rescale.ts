/**
 * Alpha-rescaling of a ReLU network [Dinh, Pascanu, Bengio & Bengio 2017, arXiv 1703.04933].
 *
 * @module
 */
import { checkInteger, checkNumber, checkOptions, show } from "../engine/checks.ts";
import { defineNetwork, type NetworkOptions } from "./network.ts";
import { checkParameters, layerOffsets } from "./parameters.ts";

/** What `rescale` takes. */
export interface RescaleOptions {
  /** The hidden layer, 1 the first. */
  readonly layer: number;
  /** One factor for all units of the layer, or one for each; positive. */
  readonly alpha: number | ArrayLike<number>;
  /** Only this unit of the layer, 0 the first. */
  readonly unit?: number;
}

const LEAST = 1e-30;
const MOST = 1e30;

/**
 * Divides the weights and the bias into each unit of a hidden layer by alpha, and multiplies the weights out of it by alpha.
 * `relu(z / alpha) alpha = relu(z)`, so the network's outputs stay as they are: exactly for powers of two, else to f32 rounding.
 *
 * @param parameters flat, layer by layer, weights `[fanOut][fanIn]` row-major, then biases.
 * @returns a rescaled copy.
 * @throws TypeError, RangeError naming the argument: another activation than ReLU, no such layer or unit, an alpha for which
 * a parameter would leave f32.
 * @example
 * const network = { layers: [2, 3, 1] };
 * const parameters = new Float32Array(13).fill(0.5);
 * const sharper = rescale(network, parameters, { layer: 1, alpha: 5.9 }); // other weights, the same outputs
 */
export function rescale(
  network: NetworkOptions,
  parameters: Float32Array,
  options: RescaleOptions,
): Float32Array<ArrayBuffer> {
  const net = defineNetwork(network);
  checkParameters(net, parameters);
  checkOptions("options", options, ["layer", "alpha", "unit"]);
  const { layers, activation } = net;
  if (activation !== "relu") {
    throw new RangeError(
      `activation: expected "relu", the only one that a rescaling leaves alone, got ${show(activation)}`,
    );
  }
  if (layers.length < 3) throw new RangeError(`layer: expected a network with hidden layers, got ${show([...layers])}`);
  const layer = checkInteger("layer", options.layer, 1, layers.length - 2);
  const [fanIn, units, fanOut] = layers.slice(layer - 1, layer + 2);
  const factors = factorsOf(options, units);

  const offsets = layerOffsets(net);
  const into = offsets[layer - 1];
  const out = offsets[layer];
  const result = Float32Array.from(parameters);
  const put = (at: number, value: number, unit: number): void => {
    result[at] = value;
    if (Number.isFinite(result[at]) && (result[at] !== 0 || parameters[at] === 0)) return;
    throw new RangeError(
      `alpha: expected one for which every parameter stays within f32, got ${factors[unit]}: parameters[${at}] = ${parameters[at]} would become ${value}`,
    );
  };
  factors.forEach((alpha, unit) => {
    for (let i = 0; i < fanIn; i++) {
      const at = into + unit * fanIn + i;
      put(at, parameters[at] / alpha, unit);
    }
    const bias = into + units * fanIn + unit;
    put(bias, parameters[bias] / alpha, unit);
    for (let o = 0; o < fanOut; o++) {
      const at = out + o * units + unit;
      put(at, parameters[at] * alpha, unit);
    }
  });
  return result;
}

/** One factor a unit. */
function factorsOf({ alpha, unit }: RescaleOptions, units: number): number[] {
  if (typeof alpha === "number" || alpha === null || typeof alpha !== "object") {
    const factor = checkNumber("alpha", alpha, LEAST, MOST);
    const only = unit === undefined ? undefined : checkInteger("unit", unit, 0, units - 1);
    return Array.from({ length: units }, (_, u) => (only === undefined || only === u ? factor : 1));
  }
  if (unit !== undefined) throw new TypeError("unit: expected none beside an alpha for each unit");
  if (alpha.length !== units)
    throw new RangeError(`alpha: expected ${units} factors, one a unit, got ${show(alpha.length)}`);
  return Array.from(alpha, (factor, u) => checkNumber(`alpha[${u}]`, factor, LEAST, MOST));
}
