/**
 * Checks of a data set against a network and a loss.
 *
 * @module
 */
import { checkChoice, checkInteger, checkOptions, show } from "../engine/checks.ts";
import type { Network } from "../network/network.ts";
import type { Dataset, LossName } from "./surface.ts";

const LOSSES = ["bce", "ce", "mse"] as const;

function floats(name: string, value: unknown, length: number): Float32Array {
  if (!(value instanceof Float32Array)) throw new TypeError(`${name}: expected a Float32Array, got ${show(value)}`);
  if (value.length !== length) throw new RangeError(`${name}: expected ${length} numbers, got ${value.length}`);
  const bad = value.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) throw new RangeError(`${name}[${bad}]: expected a finite number, got ${value[bad]}`);
  return value;
}

/**
 * A loss that fits the network's outputs.
 *
 * @throws TypeError, RangeError naming the argument.
 */
export function checkLoss(network: Network, loss: unknown): LossName {
  const name = checkChoice("loss", loss, LOSSES);
  const outputs = network.layers[network.layers.length - 1];
  if (name === "bce" && outputs !== 1) {
    throw new RangeError(`loss: expected "ce" or "mse" for ${outputs} outputs, got "bce"`);
  }
  if (name === "ce" && outputs === 1) throw new RangeError(`loss: expected "bce" or "mse" for one output, got "ce"`);
  return name;
}

/**
 * Points with targets that a network and a loss can take.
 *
 * @param name the argument, for messages.
 * @throws TypeError, RangeError naming the argument.
 */
export function checkDataset(network: Network, data: Dataset, loss: LossName, name = "data"): Dataset {
  checkOptions(name, data, ["points", "features", "inputs", "targets"]);
  const { layers } = network;
  const outputs = layers[layers.length - 1];
  const points = checkInteger(`${name}.points`, data.points, 1, 2 ** 31);
  const features = checkInteger(`${name}.features`, data.features, 1, 2 ** 31);
  if (features !== layers[0]) {
    throw new RangeError(`${name}.features: expected ${layers[0]}, the network's inputs, got ${features}`);
  }
  const inputs = floats(`${name}.inputs`, data.inputs, points * features);
  const targets = floats(`${name}.targets`, data.targets, loss === "mse" ? points * outputs : points);
  if (loss !== "mse") {
    const classes = loss === "bce" ? 2 : outputs;
    const bad = targets.findIndex((t) => !Number.isInteger(t) || t < 0 || t >= classes);
    if (bad >= 0) {
      const expected = loss === "bce" ? "0 or 1" : `an integer from 0 to ${classes - 1}`;
      throw new RangeError(`${name}.targets[${bad}]: expected ${expected}, got ${targets[bad]}`);
    }
  }
  return { points, features, inputs, targets };
}
