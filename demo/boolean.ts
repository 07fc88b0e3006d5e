/**
 * Boolean functions: as bits and as hex digits, the ones to be learned, and the sets that networks learn them from.
 *
 * Input `i` of n bits has bit `j = (i >> (n-1-j)) & 1`; a function's digits start with input 0.
 *
 * @module
 */
import { sampleParameters } from "flatvol";
import type { Dataset, OptimizerName } from "flatvol/flatness";

/** The network of the parts that train: its inputs are all of the 7 bits. */
export const NETWORK = { layers: [7, 40, 40, 1] } as const;
export const BITS = 7;
export const POINTS = 2 ** BITS;
/** Points of the training set S; the others are the test set E. */
export const GENUINE = 64;

const bit = (i: number, j: number): number => (i >> (BITS - 1 - j)) & 1;
const ones = (i: number): number => {
  let sum = 0;
  for (let j = 0; j < BITS; j++) sum += bit(i, j);
  return sum;
};

const NAMED: Readonly<Record<string, (i: number) => boolean>> = {
  majority: (i) => ones(i) >= 4,
  multiplexer: (i) => bit(i, bit(i, 0) ? 1 : 2) === 1,
  first: (i) => bit(i, 0) === 1,
  threshold: (i) => 4 * bit(i, 0) + 2 * bit(i, 1) + bit(i, 2) + 3 * bit(i, 3) >= 5,
  parity: (i) => ones(i) % 2 === 1,
};

/** Names of the functions to be learned, as a reader sees them. */
export const TARGET_NAMES: Readonly<Record<string, string>> = {
  majority: "majority of the 7 bits",
  multiplexer: "multiplexer of the first 3 bits",
  first: "the first bit alone",
  threshold: "a weighted threshold of 4 bits",
  parity: "parity of the 7 bits",
};

/** Optimisers that the page offers, as a reader sees them, with learning rates (log10) that suit these networks. */
export const OPTIMIZERS: Readonly<Partial<Record<OptimizerName, { readonly name: string; readonly rate: number }>>> = {
  sgd: { name: "SGD", rate: -1.3 },
  momentum: { name: "SGD with momentum", rate: -2 },
  adam: { name: "Adam", rate: -2.3 },
  rmsprop: { name: "RMSprop", rate: -2.6 },
  adagrad: { name: "Adagrad", rate: -1.6 },
  "entropy-sgd": { name: "Entropy-SGD", rate: 0 },
  sam: { name: "SAM", rate: -1.3 },
};
export const OPTIMIZER_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(OPTIMIZERS).map(([key, { name }]) => [key, name]),
);

/** A function's answers, from hex digits. */
export function bitsOf(hex: string, points: number): number[] {
  return Array.from({ length: points }, (_, i) => (Number.parseInt(hex[i >> 2], 16) >> (3 - (i & 3))) & 1);
}

/** The answers of a target: a name, or hex digits. */
export function targetBits(target: string): number[] {
  const named = NAMED[target];
  return named ? Array.from({ length: POINTS }, (_, i) => Number(named(i))) : bitsOf(target, POINTS);
}

/** A function to be learned from half of its inputs. */
export interface Task {
  readonly bits: readonly number[];
  /** Inputs of S, and of E in the order in which attack sets take them. */
  readonly inS: readonly number[];
  readonly inE: readonly number[];
}

/**
 * Splits the inputs into S and E by a seed: in the order of the first 128 numbers that the library draws with it, which are
 * the same on every machine.
 */
export async function taskOf(target: string, seed: number): Promise<Task> {
  // a layer of 127 weights and a bias: 128 independent Gaussians
  const draws = await sampleParameters({ layers: [POINTS - 1, 1], sigmaW2: POINTS - 1, sigmaB2: 1 }, { seed });
  const order = [...draws.keys()].sort((a, b) => draws[a] - draws[b]);
  return {
    bits: targetBits(target),
    inS: order.slice(0, GENUINE).sort((a, b) => a - b),
    inE: order.slice(GENUINE),
  };
}

/** The test set. */
export const testSet = ({ bits, inE }: Task): Dataset => dataset(inE, (i) => bits[i]);

/** S and, after it, the first so many inputs of E with flipped answers. */
export function trainingSet({ bits, inS, inE }: Task, attack: number): Dataset {
  const attacked = inE.slice(0, attack);
  const flipped = new Set(attacked);
  return dataset([...inS, ...attacked], (i) => (flipped.has(i) ? 1 - bits[i] : bits[i]));
}

function dataset(inputs: readonly number[], answer: (i: number) => number): Dataset {
  const data = new Float32Array(inputs.length * BITS);
  inputs.forEach((i, k) => {
    for (let j = 0; j < BITS; j++) data[k * BITS + j] = bit(i, j);
  });
  return { points: inputs.length, features: BITS, inputs: data, targets: Float32Array.from(inputs, answer) };
}

/** All inputs. */
export function allInputs(): Float32Array {
  return dataset([...Array(POINTS).keys()], () => 0).inputs;
}
