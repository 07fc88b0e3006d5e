/**
 * A fully connected network and the prior over its parameters.
 *
 * @module
 */
import { checkChoice, checkInteger, checkNumber, checkOptions, show } from "../engine/checks.ts";

/** Activation between layers; the last layer is linear. */
export type Activation = "relu" | "tanh";

const ACTIVATIONS = ["relu", "tanh"] as const;

/** What `defineNetwork` takes. */
export interface NetworkOptions {
  /** Units of each layer, inputs first: `[7, 40, 40, 1]`. */
  readonly layers: readonly number[];
  /** Default `"relu"`. */
  readonly activation?: Activation;
  /** Variance of the weights times fan-in, `W_l ~ N(0, sigmaW2 / fanIn)`. Default 2 (He). */
  readonly sigmaW2?: number;
  /** Variance of the biases, `b_l ~ N(0, sigmaB2)`. Default 1. */
  readonly sigmaB2?: number;
}

/** A network with every default filled in. */
export interface Network {
  readonly layers: readonly number[];
  readonly activation: Activation;
  readonly sigmaW2: number;
  readonly sigmaB2: number;
  /** Number of weights and biases. */
  readonly parameterCount: number;
}

/** Widest layer, so that a row of weights stays addressable. */
const MAXIMUM_WIDTH = 65_536;
const MAXIMUM_PARAMETERS = 200_000_000;

/**
 * Checks a network's description and fills in the defaults.
 *
 * Layer `l` is `z = W_l a + b_l`, `W_l` of shape `[fanOut, fanIn]`; all weights and biases are independent Gaussians
 * (Zhang, Reid, Valle-Perez, Louis, arXiv 2103.06219, use the defaults).
 *
 * @throws TypeError, RangeError naming the option.
 * @example
 * const network = defineNetwork({ layers: [7, 40, 40, 1] });
 * network.parameterCount; // 2001
 */
export function defineNetwork(options: NetworkOptions): Network {
  checkOptions("network", options, ["layers", "activation", "sigmaW2", "sigmaB2", "parameterCount"]);
  const { layers, activation = "relu", sigmaW2 = 2, sigmaB2 = 1 } = options;
  if (!Array.isArray(layers)) throw new TypeError(`layers: expected an array of integers, got ${show(layers)}`);
  if (layers.length < 2) {
    throw new RangeError(`layers: expected at least an input and an output size, got ${show(layers)}`);
  }
  let parameterCount = 0;
  for (let l = 0; l < layers.length; l++) {
    checkInteger(`layers[${l}]`, layers[l], 1, MAXIMUM_WIDTH);
    if (l > 0) parameterCount += layers[l] * (layers[l - 1] + 1);
  }
  if (parameterCount > MAXIMUM_PARAMETERS) {
    throw new RangeError(`layers: expected at most ${MAXIMUM_PARAMETERS} parameters, got ${parameterCount}`);
  }
  checkChoice("activation", activation, ACTIVATIONS);
  checkNumber("sigmaW2", sigmaW2, 0, 1e12);
  checkNumber("sigmaB2", sigmaB2, 0, 1e12);
  if (sigmaB2 > 0 && Math.sqrt(sigmaB2) < SMALLEST) {
    throw new RangeError(`sigmaB2: expected 0 or at least ${SMALLEST ** 2} (f32), got ${sigmaB2}`);
  }
  checkScale({ layers, activation, sigmaW2, sigmaB2 }, 1, "sigmaW2");
  return Object.freeze({ layers: Object.freeze([...layers]), activation, sigmaW2, sigmaB2, parameterCount });
}

/** Values that layers may typically produce: well inside f32's [1e-38, 3e38]. */
const SMALLEST = 1e-30;
const LARGEST = 1e30;

/**
 * Checks that f32 holds what the layers produce; bits of a function would be lost silently otherwise.
 *
 * @param input size of the inputs.
 * @param name argument to blame.
 */
export function checkScale(network: Omit<Network, "parameterCount">, input: number, name: string): void {
  const { layers, activation, sigmaW2, sigmaB2 } = network;
  if (sigmaW2 === 0) return;
  let largest = Math.max(1, input);
  let smallest = 1;
  for (let l = 1; l < layers.length; l++) {
    // a pre-activation's standard deviation, from above and (ReLU halves the second moment) from below
    largest = Math.sqrt(sigmaW2 * largest * largest + sigmaB2);
    smallest = Math.sqrt((sigmaW2 / 2) * smallest * smallest + sigmaB2);
    const least = Math.min(smallest, Math.sqrt(sigmaW2 / layers[l - 1]));
    if (largest > LARGEST || least < SMALLEST) {
      throw new RangeError(
        `${name}: expected values that stay within f32 (${SMALLEST} to ${LARGEST}) in every layer, got about ` +
          `${largest > LARGEST ? largest : least} in layer ${l} (sigmaW2 = ${sigmaW2}, sigmaB2 = ${sigmaB2})`,
      );
    }
    if (activation === "tanh") {
      largest = Math.min(largest, 1);
      smallest = Math.min(smallest, 1);
    }
  }
}
