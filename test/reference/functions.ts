/** Functions as keys, point by point: the truth table as an array of 0 and 1, its words, its hex string. */
import { type Activation, layersOf, networkF64 } from "./dense.ts";

export interface Case {
  readonly layers: readonly number[];
  readonly activation: Activation;
  /** points, each an array of features */
  readonly points: ReadonlyArray<readonly number[]>;
}

/** All inputs of n bits; input i has bit j = (i >> (n-1-j)) & 1. */
export function booleanInputs(n: number): number[][] {
  return Array.from({ length: 2 ** n }, (_, i) => Array.from({ length: n }, (_, j) => (i >> (n - 1 - j)) & 1));
}

export function wordsOf(bits: readonly number[]): Uint32Array {
  const words = new Uint32Array(Math.ceil(bits.length / 32));
  bits.forEach((bit, i) => {
    if (bit) words[i >> 5] |= 1 << (31 - (i & 31));
  });
  return words;
}

export function hexOf(bits: readonly number[]): string {
  let text = "";
  for (let i = 0; i < bits.length; i += 4) {
    let digit = 0;
    for (let j = 0; j < 4; j++) digit = 2 * digit + (bits[i + j] ?? 0);
    text += digit.toString(16);
  }
  return text;
}

export function bitsOf(hex: string, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (Number.parseInt(hex[i >> 2], 16) >> (3 - (i & 3))) & 1);
}

/** The f64 outputs, and each over the size of what was summed (small: f32 may have the other sign). */
export function outputsF64(
  { layers, activation, points }: Case,
  parameters: Float32Array,
): Array<{ output: number; relative: number }> {
  const dense = layersOf(layers, parameters);
  return points.map((point) => {
    const { output, scale } = networkF64(dense, activation, point);
    return { output: output[0], relative: scale[0] === 0 ? 0 : Math.abs(output[0]) / scale[0] };
  });
}
