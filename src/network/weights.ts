/**
 * Networks as named tensors, with PyTorch's names and shapes.
 *
 * @module
 */

import type { Tensor } from "../data/safetensors.ts";
import { show } from "../engine/checks.ts";
import { defineNetwork } from "./network.ts";
import { checkParameters, layerOffsets } from "./parameters.ts";

/** Layers and parameters of a network that was trained somewhere. */
export interface Weights {
  readonly layers: readonly number[];
  /** f32, the library's flat layout: layer by layer, weights `[fanOut][fanIn]`, then biases. */
  readonly parameters: Float32Array<ArrayBuffer>;
  /** Each layer's name, to which `.weight` and `.bias` are added. Default: `0`, `2`, … as in a `torch.nn.Sequential` with activations between. */
  readonly names?: readonly string[];
}

const natural = new Intl.Collator("en", { numeric: true });

/**
 * A dense network from tensors named as PyTorch names them: `0.weight` of shape [out, in] and `0.bias` [out], then `2.weight` and so
 * on with any prefix; layers follow each other in the natural order of their names.
 *
 * @throws RangeError naming the tensor: a missing bias, shapes that do not chain, numbers that are not finite.
 * @example
 * const tensors = new Map([
 *   ["0.weight", { shape: [1, 2], data: Float32Array.of(1, -1) }],
 *   ["0.bias", { shape: [1], data: Float32Array.of(0.5) }],
 * ]);
 * weightsFromTensors(tensors).layers; // [2, 1]
 */
export function weightsFromTensors(tensors: ReadonlyMap<string, Tensor>): Weights {
  const modules = new Set<string>();
  for (const name of tensors.keys()) {
    const module = /^(?:(.*)\.)?(?:weight|bias)$/.exec(name);
    if (!module) throw new RangeError(`weights: expected names that end in weight or bias, got ${show(name)}`);
    modules.add(module[1] === undefined ? "" : `${module[1]}.`);
  }
  if (modules.size === 0) throw new RangeError("weights: expected at least one layer, got no tensors");
  const layers: number[] = [];
  const parts: Float32Array[] = [];
  const sorted = [...modules].sort(natural.compare);
  for (const module of sorted) {
    const weight = tensors.get(`${module}weight`);
    const bias = tensors.get(`${module}bias`);
    if (!weight) throw new RangeError(`weights: ${show(`${module}weight`)} is missing`);
    if (!bias)
      throw new RangeError(`weights: ${show(`${module}bias`)} is missing; give zeros for a layer without biases`);
    const [out, fanIn] = weight.shape;
    if (weight.shape.length !== 2 || out < 1 || fanIn < 1) {
      throw new RangeError(`weights: ${module}weight: expected shape (out, in), got (${weight.shape.join(", ")})`);
    }
    if (bias.shape.length !== 1 || bias.shape[0] !== out) {
      throw new RangeError(`weights: ${module}bias: expected shape (${out}), got (${bias.shape.join(", ")})`);
    }
    const before = layers.at(-1);
    if (before === undefined) layers.push(fanIn);
    else if (before !== fanIn) {
      throw new RangeError(
        `weights: ${module}weight: expected ${before} inputs, the layer before has as many outputs, got ${fanIn}`,
      );
    }
    layers.push(out);
    for (const [name, { data }] of [
      [`${module}weight`, weight],
      [`${module}bias`, bias],
    ] as const) {
      const bad = data.findIndex((x) => !Number.isFinite(x));
      if (bad >= 0) throw new RangeError(`weights: ${name}[${bad}]: expected a finite number, got ${data[bad]}`);
      parts.push(data);
    }
  }
  const parameters = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    parameters.set(part, at);
    at += part.length;
  }
  return { layers, parameters, names: sorted.map((module) => module.slice(0, -1)) };
}

/**
 * The reverse: tensors with the layers' names, in order.
 *
 * @throws TypeError, RangeError naming the argument.
 * @example
 * const tensors = tensorsFromWeights({ layers: [2, 1], parameters: Float32Array.of(1, -1, 0.5) });
 * tensors.get("0.weight").shape; // [1, 2]
 */
export function tensorsFromWeights({ layers, parameters, names }: Weights): Map<string, Tensor> {
  const network = defineNetwork({ layers });
  checkParameters(network, parameters);
  const count = layers.length - 1;
  if (names !== undefined && (names.length !== count || new Set(names).size !== count)) {
    throw new RangeError(`names: expected ${count} different names, one a layer, got ${show([...names])}`);
  }
  const tensors = new Map<string, Tensor>();
  layerOffsets(network)
    .slice(0, count)
    .forEach((offset, l) => {
      const [fanIn, fanOut] = [layers[l], layers[l + 1]];
      const biases = offset + fanIn * fanOut;
      const name = names ? names[l] : `${2 * l}`;
      const module = name === "" ? "" : `${name}.`;
      tensors.set(`${module}weight`, { shape: [fanOut, fanIn], data: parameters.slice(offset, biases) });
      tensors.set(`${module}bias`, { shape: [fanOut], data: parameters.slice(biases, biases + fanOut) });
    });
  return tensors;
}
