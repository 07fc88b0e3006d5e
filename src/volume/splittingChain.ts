/**
 * Memory of the kernel that moves one network under its prior (assembly/splitting.ts).
 *
 * @module
 */
import type { Points } from "../data/points.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { Network } from "../network/network.ts";

const HEADER_WORDS = 36;
const LAYER_WORDS = 16;
const OUTPUT_STATS = 112;
const LAYER_STATS = 32;
const TWO_PI = 6.283185307179586;

const round8 = (n: number): number => Math.ceil(n / 8) * 8;

/** How one kind of move fared since it was last asked. */
export interface MoveStatistics {
  readonly moves: number;
  /** Evaluations of a proposal, for each move. */
  readonly evaluations: number;
  /** Mean |angle| of a move, at most pi. */
  readonly angle: number;
}

/** Where things are. Addresses in bytes. */
export interface Chain {
  readonly address: number;
  /** The parameters that are moved, and their standard deviations under the prior: `[fanOut][fanIn + 1]` by layer. */
  readonly parameters: number;
  readonly scales: number;
  /** f32 entries of them, a multiple of 8. */
  readonly entries: number;
  readonly state: number;
  /** u32 words of a function. */
  readonly words: number;
  readonly points: number;
  readonly kinds: readonly number[];
}

/** What a chain aims at. */
export interface Target {
  readonly network: Network;
  readonly points: Points;
  /** The function's bits, point 0 the highest of the first word. */
  readonly bits: Uint32Array;
  /** Points that count, as bits likewise; undefined: all. */
  readonly counts: Uint32Array | undefined;
  /** Energy of a wrong point, beside its distance. */
  readonly jump: number;
}

/** Allocates and fills a chain. It lives until the arena is released. */
export function makeChain(kernels: Kernels, { network, points, bits, counts, jump }: Target): Chain {
  const { layers, sigmaW2, sigmaB2 } = network;
  const hidden = layers.length - 2;
  const { count, features } = points;
  const wide = round8(count);
  const row = 4 * wide;
  const address = kernels.allocate(4 * (HEADER_WORDS + LAYER_WORDS * hidden));

  // parameters and their prior
  let total = 0;
  const starts = layers.slice(1).map((units, l) => {
    const start = total;
    total += units * (layers[l] + 1);
    return start;
  });
  const entries = round8(total);
  const deviations = new Float32Array(entries);
  const weight = (fanIn: number): number => Math.sqrt(sigmaW2 / fanIn);
  const bias = Math.sqrt(sigmaB2);
  starts.forEach((start, l) => {
    const fanIn = layers[l];
    for (let u = 0, at = start; u < layers[l + 1]; u++) {
      for (let i = 0; i < fanIn; i++) deviations[at++] = weight(fanIn);
      deviations[at++] = bias;
    }
  });
  const scales = kernels.put(deviations);
  const parameters = kernels.allocate(4 * entries);

  // points in the lanes
  const values = points.values();
  const inputs = new Float32Array(features * wide);
  const squares = new Float32Array(wide);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < features; j++) {
      const x = values[i * features + j];
      inputs[j * wide + i] = x;
      squares[i] += x * x;
    }
  }
  const mask = (words: Uint32Array | undefined): Uint32Array =>
    Uint32Array.from({ length: wide }, (_, i) =>
      i < count && (words === undefined || (words[i >> 5] >>> (31 - (i & 31))) & 1) ? 0xffffffff : 0,
    );
  const last = layers[layers.length - 2];
  const draws = Math.max(...layers.slice(0, -1).map((fanIn, l) => fanIn + 1 + (layers[l + 2] ?? 0)), last + 1);
  const state = kernels.allocate(64);
  const words = kernels.allocate(256);
  const rows = (n: number): number => kernels.allocate(row * n);
  const outputScales = new Float32Array(round8(last + 1)).fill(weight(last), 0, last).fill(bias, last, last + 1);
  const header = [
    wide / 4,
    hidden,
    network.activation === "relu" ? 0 : 1,
    kernels.put(inputs),
    kernels.put(mask(bits)),
    kernels.put(mask(counts)),
    rows(1),
    kernels.put(squares),
    rows(1),
    rows(1),
    rows(1),
    rows(1),
    rows(1),
    rows(1),
    rows(1),
    kernels.allocate(4 * round8(draws)),
    state,
    words,
    64,
    0,
    0,
    0,
    0,
    0,
    parameters + 4 * starts[starts.length - 1],
    kernels.put(outputScales),
    last,
    kernels.allocate(12 * Math.max(...layers)),
  ];
  const kinds = [address + OUTPUT_STATS];
  const blocks: number[][] = [];
  for (let l = 1; l <= hidden; l++) {
    const fanIn = layers[l - 1];
    const units = layers[l];
    const out = layers[l + 1];
    const unit = new Float32Array(round8(fanIn + 1 + out))
      .fill(weight(fanIn), 0, fanIn)
      .fill(bias, fanIn, fanIn + 1)
      .fill(weight(units), fanIn + 1, fanIn + 1 + out);
    const four = [0, 1, 2, 3].map(() => rows(units));
    blocks.push([fanIn, units, parameters + 4 * starts[l - 1], ...four, kernels.put(unit)]);
    kinds.push(address + 4 * (HEADER_WORDS + LAYER_WORDS * (l - 1)) + LAYER_STATS);
  }
  kernels.u32(address, header.length).set(header);
  kernels.f32(address + 76, 3).set([sigmaB2, sigmaW2 / last, jump]);
  blocks.forEach((block, l) => {
    kernels.u32(address + 4 * (HEADER_WORDS + LAYER_WORDS * l), block.length).set(block);
  });
  const chain = { address, parameters, scales, entries, state, words: Math.ceil(count / 32), points: count, kinds };
  for (const kind of kinds) setWidth(kernels, kind, TWO_PI);
  return chain;
}

function setWidth(kernels: Kernels, kind: number, width: number): void {
  kernels.f64(kind, 1)[0] = width;
  kernels.u32(kind + 8, 2).fill(0);
  kernels.f64(kind + 16, 1)[0] = 0;
}

/** A move's bracket is so many times the mean angle of the moves before. */
const BRACKET = 6;

/** Takes the statistics of each kind of move, and sets the brackets of the moves to come by them. */
export function adaptMoves(kernels: Kernels, { kinds }: Chain): MoveStatistics[] {
  return kinds.map((kind) => {
    const [moves, evaluations] = kernels.u32(kind + 8, 2);
    const angle = kernels.f64(kind + 16, 1)[0] / Math.max(1, moves);
    setWidth(kernels, kind, moves > 0 && angle > 0 ? Math.min(TWO_PI, BRACKET * angle) : TWO_PI);
    return { moves, evaluations: evaluations / Math.max(1, moves), angle };
  });
}

/** Sets the level that the energy must not exceed. */
export function setLevel(kernels: Kernels, { address }: Chain, level: number): void {
  kernels.f32(address + 88, 1)[0] = level;
}

/** The bits of the current state: those of absent points are 0. */
export function bitsOf(kernels: Kernels, chain: Chain, out: number): Uint32Array<ArrayBuffer> {
  kernels.exports.splittingBits(chain.address, out);
  const bits = kernels.u32(out, chain.words).slice();
  const rest = chain.points % 32;
  if (rest > 0) bits[chain.words - 1] &= ~(0xffffffff >>> rest);
  return bits;
}
