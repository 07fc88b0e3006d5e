/**
 * Lays out the memory that the sampler kernel works on (see assembly/sampler.ts): scales, parameters, blocks of points.
 *
 * @module
 */

import type { Points } from "../data/points.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { Network } from "./network.ts";

/** Bytes of a unit's record in a block (assembly/dense.ts). */
export const RECORD = 48;

/** Words of a plan before its layers (assembly/plan.ts). */
const HEADER_WORDS = 48;

/** Fewest input bits at which turning units around pays (assembly/affineCube.ts). */
const TURN_FROM = 5;
/**
 * Least bias variance, relative to the weights', at which units are turned around. Where a layer is dead its z + relu(-z) is
 * 0 up to rounding only, which must not decide a sign that exact zeros (or tiny biases) ought to.
 */
const TURN_BIAS = 1e-6;

const pad = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Where a layer's parameters lie among the Gaussians of a draw, in floats. */
interface Region {
  /** first float */
  readonly start: number;
  readonly fanIn: number;
  readonly fanOut: number;
  /** floats from one row to the next; a row is an input unit's outgoing weights */
  readonly stride: number;
  /** float of the first bias */
  readonly bias: number;
}

/** The layout of one draw's Gaussians: hidden layers, then the output layers. */
export interface Layout {
  /** evaluated by assembly/booleanKeys.ts: ReLU on all Boolean inputs */
  readonly boolean: boolean;
  readonly hidden: readonly Region[];
  readonly hiddenFloats: number;
  readonly output: Region;
  readonly outputFloats: number;
  /** output layers for a body, and that number as stored (1, or a multiple of 4) */
  readonly draws: number;
  readonly drawsStride: number;
}

/** Lays out a network with `draws` output layers for each body. The output has one unit. */
export function layoutOf(network: Network, points: Points, draws: number): Layout {
  const { layers } = network;
  const depth = layers.length - 2;
  const boolean = points.kind === "boolean" && depth > 0 && network.activation === "relu";
  const hidden: Region[] = [];
  let start = 0;
  for (let l = 0; l < depth; l++) {
    const fanIn = layers[l];
    const fanOut = layers[l + 1];
    const stride = pad(fanOut, 4);
    // all Boolean inputs: biases before the weights, else behind them
    if (l === 0 && boolean) hidden.push({ start: start + stride, fanIn, fanOut, stride, bias: start });
    else hidden.push({ start, fanIn, fanOut, stride, bias: start + fanIn * stride });
    start += (fanIn + 1) * stride;
  }
  const fanIn = layers[depth];
  const drawsStride = draws === 1 ? 1 : pad(draws, 4);
  // with hidden layers the last one is padded to a multiple of 4 units that are always zero
  const rows = depth > 0 ? pad(fanIn, 4) : fanIn;
  const output: Region = {
    start: 0,
    fanIn,
    fanOut: draws,
    stride: drawsStride,
    bias: rows * drawsStride,
  };
  return {
    boolean,
    hidden,
    hiddenFloats: pad(start, 8),
    output,
    outputFloats: pad((rows + 1) * drawsStride, 8),
    draws,
    drawsStride,
  };
}

/** Calls `visit(float, weight?)` for each parameter of a region: `row` the unit in, `column` the unit out, row -1 a bias. */
export function visitRegion(region: Region, visit: (float: number, row: number, column: number) => void): void {
  for (let column = 0; column < region.fanOut; column++) {
    for (let row = -1; row < region.fanIn; row++) {
      const float = row < 0 ? region.bias + column : region.start + row * region.stride + column;
      visit(float, row, column);
    }
  }
}

function scales(region: Region, network: Network, out: Float32Array): void {
  const weight = Math.sqrt(network.sigmaW2 / region.fanIn);
  const bias = Math.sqrt(network.sigmaB2);
  visitRegion(region, (float, row) => {
    out[float] = row < 0 ? bias : weight;
  });
}

/** What makes two functions members of one class of equal probability. */
export interface SymmetryClass {
  /** number of input bits whose permutations belong to it; 0: none do */
  readonly bits: number;
  /** output negation: 0 none, 1 all points, 2 all points but point 0 */
  readonly negation: 0 | 1 | 2;
}

/** A plan in a kernel instance's memory. */
export interface Plan {
  readonly address: number;
  readonly layout: Layout;
  /** u32 words of a key */
  readonly words: number;
  readonly hidden: number;
  readonly output: number;
  readonly keys: number;
}

/** Allocates and fills a plan; the caller releases the arena when done. */
export function makePlan(
  kernels: Kernels,
  network: Network,
  points: Points,
  draws: number,
  symmetry: SymmetryClass,
): Plan {
  const layout = layoutOf(network, points, draws);
  const { layers } = network;
  const depth = layers.length - 2;
  const count = points.count;
  const blocks = Math.ceil(count / 8);
  const words = Math.ceil(count / 32);
  const widest = Math.max(4, layout.drawsStride, ...layers.slice(1, -1).map((w) => pad(w, 4)));

  const address = kernels.allocate(4 * (HEADER_WORDS + 4 * (depth + 1)));
  const hiddenScales = new Float32Array(layout.hiddenFloats);
  for (const region of layout.hidden) scales(region, network, hiddenScales);
  const outputScales = new Float32Array(layout.outputFloats);
  scales(layout.output, network, outputScales);
  const hiddenScalesAt = kernels.put(hiddenScales);
  const outputScalesAt = kernels.put(outputScales);
  const hidden = kernels.allocate(4 * layout.hiddenFloats);
  const output = kernels.allocate(4 * layout.outputFloats);
  const outputBias = output + 4 * layout.output.bias;

  // rows of outgoing weights of the units of layer l (l = 0: the inputs)
  const rowsOf = (l: number): { rows: number; stride: number } => {
    if (l === depth) return { rows: output, stride: 4 * layout.drawsStride };
    const region = layout.hidden[l];
    return { rows: hidden + 4 * region.start, stride: 4 * region.stride };
  };

  let inputs = 0;
  let ends = 0;
  const inputStride = layout.boolean ? 0 : (layers[0] + 1) * RECORD;
  if (!layout.boolean) {
    inputs = kernels.allocate(inputStride * blocks);
    ends = kernels.allocate(4 * blocks);
    const data = kernels.put(points.values());
    const { rows, stride } = rowsOf(0);
    kernels.exports.packPoints(data, count, layers[0], rows, stride, inputs, inputStride, ends);
  }
  // a block of records, or eight rows padded to 16 units
  const rowScratch = 4 * pad(widest, 16);
  const scratchBytes = layout.boolean ? 8 * rowScratch : (widest + 1) * RECORD;
  const scratch0 = kernels.allocate(scratchBytes);
  const scratch1 = kernels.allocate(scratchBytes);
  const state = kernels.allocate(64);
  const keys = kernels.allocate(4 * words * Math.max(draws, layout.drawsStride));
  const slots = kernels.allocate(4 * draws);
  const hashes = kernels.allocate(8 * draws);
  const classScratch = kernels.allocate(4 * words);

  const boolean: number[] = [];
  if (layout.boolean) {
    const units4 = layout.hidden[0].stride;
    const rowBytes = 4 * pad(units4, 16);
    const turns =
      depth > 1 && layers[0] >= TURN_FROM && network.sigmaB2 >= TURN_BIAS * network.sigmaW2 && network.sigmaB2 > 0;
    const next4 = turns ? layout.hidden[1].stride : 0;
    const nextRowBytes = 4 * pad(next4, 16);
    boolean.push(
      kernels.allocate(4 * units4), // signs
      kernels.allocate(8 * Math.ceil(units4 / 64)), // turned
      turns ? 1 : 0,
      kernels.allocate(rowBytes * blocks), // base
      kernels.allocate(rowBytes * 8), // low
      rowBytes,
      kernels.allocate(4 * next4 * (layers[0] + 2)), // folded
      kernels.put(new Uint32Array(next4).fill(0x80000000)),
      kernels.allocate(nextRowBytes * blocks), // next base
      kernels.allocate(nextRowBytes * 8), // next low
      nextRowBytes,
      kernels.allocate(64 * Math.ceil(widest / 64)), // masks
      8 * Math.ceil(widest / 64),
      kernels.allocate(8 * (16 + rowScratch)), // sums, each before scratch of `sparseDense`
      16 + rowScratch,
      kernels.allocate(16 * Math.ceil(layout.drawsStride / 16)), // bits
      kernels.allocate(Math.max(160, rowScratch)), // zeros
      rowScratch,
    );
  }

  const plan = kernels.i32(address, HEADER_WORDS + 4 * (depth + 1));
  const absent = blocks * 8 - count;
  // in the order of assembly/plan.ts
  plan.set([
    layout.boolean ? 1 : 0,
    layers[0],
    blocks,
    depth,
    network.activation === "relu" ? 0 : 1,
    draws,
    hidden,
    layout.hiddenFloats / 8,
    hiddenScalesAt,
    output,
    layout.outputFloats / 8,
    outputScalesAt,
    outputBias,
    layout.drawsStride,
    inputs,
    inputStride,
    ends,
    scratch0,
    scratch1,
    state,
    keys,
    words,
    (0xff << absent) & 0xff,
    slots,
    hashes,
    symmetry.negation,
    count,
    symmetry.bits,
    classScratch,
    ...boolean,
  ]);
  for (let l = 0; l < depth; l++) {
    const region = layout.hidden[l];
    const { rows, stride } = rowsOf(l + 1);
    plan.set([region.stride, hidden + 4 * region.bias, rows, stride], HEADER_WORDS + 4 * l);
  }
  return { address, layout, words, hidden, output, keys };
}
