/** Networks with data that flatvol and its peers are given alike, as files. */
import { writeFileSync } from "node:fs";

/** Uniform in [0, 1): a 32-bit generator (mulberry32), so that the cases are the same on every machine. */
function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/** Standard Gaussians [Box & Muller]. */
function gaussians(uniform) {
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Inputs [points][features] by kind. */
const INPUTS = {
  /** half of the Boolean inputs, drawn without replacement */
  boolean: (uniform, points, features) => {
    const numbers = Array.from({ length: 2 ** features }, (_, i) => i);
    for (let i = numbers.length - 1; i > 0; i--) {
      const j = Math.floor(uniform() * (i + 1));
      [numbers[i], numbers[j]] = [numbers[j], numbers[i]];
    }
    const bit = (number, j) => (number >> (features - 1 - j)) & 1;
    return Float32Array.from({ length: points * features }, (_, i) =>
      bit(numbers[Math.floor(i / features)], i % features),
    );
  },
  dense: (uniform, points, features) => Float32Array.from({ length: points * features }, () => 1 - uniform()),
  /** nonzero in 19 % of the places, the share in MNIST's digits */
  digits: (uniform, points, features) =>
    Float32Array.from({ length: points * features }, () => (uniform() < 0.19 ? 1 - uniform() : 0)),
};

/**
 * A network with data and a direction. Labels are those of a linear teacher: classes that can be learned.
 *
 * @param inputs a kind of `INPUTS`
 */
export function makeCase({ layers, points, inputs, seed = 1 }) {
  const uniform = uniforms(seed);
  const gaussian = gaussians(uniform);
  const features = layers[0];
  const outputs = layers[layers.length - 1];
  const x = INPUTS[inputs](uniform, points, features);
  const classes = Math.max(2, outputs);
  const teacher = Float32Array.from({ length: classes * features }, gaussian);
  const targets = Float32Array.from({ length: points }, (_, i) => {
    const scores = Array.from({ length: classes }, (_, c) => {
      let sum = 0;
      for (let j = 0; j < features; j++) sum += (x[i * features + j] - 0.5) * teacher[c * features + j];
      return sum;
    });
    return scores.indexOf(Math.max(...scores));
  });
  const vector = (scale) => {
    const parts = [];
    for (let l = 1; l < layers.length; l++) {
      for (let i = 0; i < layers[l] * layers[l - 1]; i++) parts.push(scale(layers[l - 1]) * gaussian());
      for (let i = 0; i < layers[l]; i++) parts.push(0.1 * gaussian());
    }
    return Float32Array.from(parts);
  };
  return {
    layers,
    loss: outputs === 1 ? "bce" : "ce",
    data: { points, features, inputs: x, targets },
    parameters: vector((fanIn) => Math.sqrt(2 / fanIn)),
    direction: vector(() => 1),
  };
}

/** Writes a case for the peers: bench/native/training.c says how. */
export function writeCase(path, { layers, loss, data, parameters, direction }) {
  const head = Uint32Array.of(layers.length, ["bce", "ce"].indexOf(loss), data.points, ...layers);
  const parts = [head, data.inputs, data.targets, parameters, direction];
  writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))));
}

/**
 * Operations (a multiplication or an addition each) of the products of matrices, zeros counted: a gradient's forward pass,
 * weights' sums and, above the first layer, way back; an HVP's forward pass and its derivative, the way back and its
 * derivative, and the weights' sums of the derivative, without what would only be multiplied by the derivative of the inputs.
 */
export function operations({ layers, data }) {
  let gradient = 0;
  let product = 0;
  for (let l = 1; l < layers.length; l++) {
    const one = 2 * data.points * layers[l - 1] * layers[l];
    gradient += one * (l === 1 ? 2 : 3);
    product += one * (l === 1 ? 3 : l === 2 ? 7 : 8);
  }
  return { gradient, product };
}
