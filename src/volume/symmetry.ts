/**
 * Symmetries of the prior: which functions have the same probability.
 *
 * Weights and biases are symmetric and exchangeable, so P(f) is invariant under permuting the input bits and under negating
 * the output. Hence `P(f) = P(orbit) / |orbit|`: the orbit of a Boolean function of 7 bits has up to 2 * 7! = 10,080 members.
 *
 * @module
 */
import type { Points } from "../data/points.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { Network } from "../network/network.ts";
import type { SymmetryClass } from "../network/plan.ts";

/** The largest probability of a network with an input on which it is dead that we treat as none. */
const DEAD_PROBABILITY = 1e-9;

/**
 * The symmetry class of a network's functions on these points.
 *
 * Without biases (`sigmaB2 = 0`) the output at the zero input is exactly 0 and its bit always 0: negation acts on the other
 * inputs. A ReLU layer without biases is dead on an input with probability 2^-width, its output exactly 0 there and
 * its bit 0 however the rest is negated; where that is not negligible (narrow layers), negation is no symmetry.
 */
export function symmetryOf(network: Network, points: Points): SymmetryClass {
  return { bits: points.kind === "boolean" ? points.features : 0, negation: negationOf(network, points) };
}

function negationOf(network: Network, points: Points): 0 | 1 | 2 {
  if (network.sigmaB2 > 0) return 1;
  if (network.sigmaW2 === 0) return 0;
  if (network.activation === "relu") {
    let dead = 0;
    for (const width of network.layers.slice(1, -1)) dead += 2 ** -width;
    if (dead * points.count > DEAD_PROBABILITY) return 0;
  }
  const values = points.values();
  let zeros = 0;
  for (let i = 0; i < points.count; i++) {
    const row = values.subarray(i * points.features, (i + 1) * points.features);
    if (row.some((v) => v !== 0)) continue;
    if (i > 0) return 0;
    zeros++;
  }
  return zeros === 0 ? 1 : 2;
}

/** Members of an orbit, ascending, `words` u32 each. */
export function orbitOf(
  kernels: Kernels,
  key: Uint32Array,
  points: number,
  symmetry: SymmetryClass,
): Uint32Array<ArrayBuffer> {
  const words = key.length;
  if (symmetry.bits > 0) {
    return kernels.scoped(() => {
      const { exports } = kernels;
      const at = kernels.put(key);
      const scratch = kernels.allocate(2048 + 4 * words + 8192 * words + 8);
      const size = exports.orbitSize(at, symmetry.bits, symmetry.negation, scratch);
      const out = kernels.allocate(4 * words * size);
      const found = exports.orbitMembers(at, symmetry.bits, symmetry.negation, out, size, scratch);
      return kernels.u32(out, words * found).slice();
    });
  }
  if (symmetry.negation === 0) return key.slice() as Uint32Array<ArrayBuffer>;
  const negated = new Uint32Array(words);
  for (let i = 0; i < words; i++) {
    const rest = points - 32 * i;
    let mask = rest < 32 ? ~(0xffffffff >>> rest) : 0xffffffff;
    if (symmetry.negation === 2 && i === 0) mask &= 0x7fffffff;
    negated[i] = key[i] ^ mask;
  }
  const both = new Uint32Array(2 * words);
  const first = firstDiffers(key, negated);
  both.set(first < 0 ? key : negated, 0);
  both.set(first < 0 ? negated : key, words);
  return both;
}

function firstDiffers(a: Uint32Array, b: Uint32Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}
