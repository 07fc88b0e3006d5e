/**
 * Memory of a network on a data set for the training kernels (assembly/gradient.ts), and its layout of parameters.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import type { Network } from "../network/network.ts";
import type { Dataset, LossName } from "./surface.ts";

const HEADER_WORDS = 20;
const LAYER_WORDS = 12;
/** Most points that a kernel takes at a time. */
const BLOCK = 256;
/** Share of nonzero inputs below which the first layer takes only those. */
const SPARSE = 0.5;

const LOSSES: Record<LossName, number> = { bce: 0, ce: 1, mse: 2 };

const round4 = (n: number): number => (n + 3) & ~3;

/** Where things are. Addresses in bytes. */
export interface TrainingPlan {
  readonly address: number;
  /** Entries of a vector of parameters, padding included: a multiple of 8. */
  readonly entries: number;
  readonly w: number;
  readonly gradient: number;
  readonly direction: number;
  readonly product: number;
  /** Scratch for flat parameters. */
  readonly flat: number;
  readonly sparse: boolean;
}

/** Whether so many inputs are zero that the first layer takes only the others. */
export function isSparse({ inputs }: Dataset): boolean {
  let nonzero = 0;
  for (const x of inputs) nonzero += Number(x !== 0);
  return nonzero < SPARSE * inputs.length;
}

/**
 * Allocates and fills a plan. It lives until the arena is released.
 *
 * @param sparse whether the first layer takes only inputs that are not zero; the last bits depend on it.
 */
export function makeTrainingPlan(
  kernels: Kernels,
  network: Network,
  data: Dataset,
  loss: LossName,
  sparse = isSparse(data),
): TrainingPlan {
  const { layers } = network;
  const count = layers.length - 1;
  const { points, features } = data;
  const widths = layers.map(round4);
  const wide = Math.max(...widths, features);
  const block = Math.min(BLOCK, points);
  const address = kernels.allocate(4 * (HEADER_WORDS + LAYER_WORDS * count));

  let entries = 0;
  const regions: Array<{ weights: number; biases: number }> = [];
  for (let l = 0; l < count; l++) {
    const weights = 4 * entries;
    entries += layers[l] * widths[l + 1];
    regions.push({ weights, biases: 4 * entries });
    entries += widths[l + 1];
  }
  entries = Math.ceil(entries / 8) * 8;
  const [w, gradient, direction, product] = [0, 1, 2, 3].map(() => kernels.allocate(4 * entries));
  const packA = kernels.allocate(kernels.exports.packRowsBytes());
  const packB = kernels.allocate(kernels.exports.packBytes(wide));
  const probabilities = kernels.allocate(4 * block * widths[count]);
  const buffers = regions.map((_, l) => [0, 1, 2, 3].map(() => kernels.allocate(4 * block * widths[l + 1])));
  const targets = kernels.put(data.targets);

  let inputs = 0;
  let starts = 0;
  let gathered = 0;
  if (sparse) {
    let nonzero = 0;
    for (const x of data.inputs) nonzero += Number(x !== 0);
    starts = kernels.allocate(4 * (points + 1));
    const records = kernels.allocate(8 * (nonzero + 1));
    const row = kernels.allocate(4 * features);
    const index = new Uint32Array(points + 1);
    let at = records;
    for (let i = 0; i < points; i++) {
      index[i] = at;
      kernels.f32(row, features).set(data.inputs.subarray(i * features, (i + 1) * features));
      at = kernels.exports.sparsePoint(row, features, 4 * widths[1], at);
    }
    index[points] = at;
    kernels.u32(starts, points + 1).set(index);
  } else {
    inputs = kernels.put(data.inputs);
    gathered = kernels.allocate(4 * block * features);
  }

  const activation = network.activation === "relu" ? 0 : 1;
  kernels
    .u32(address, HEADER_WORDS)
    .set([
      count,
      activation,
      LOSSES[loss],
      layers[count],
      inputs,
      features,
      targets,
      starts,
      gathered,
      probabilities,
      packA,
      packB,
      w,
      gradient,
      direction,
      product,
      4 * entries,
    ]);
  regions.forEach(({ weights, biases }, l) => {
    kernels
      .u32(address + 4 * (HEADER_WORDS + LAYER_WORDS * l), 9)
      .set([layers[l], layers[l + 1], widths[l + 1], weights, biases, ...buffers[l]]);
  });
  const flat = kernels.allocate(4 * network.parameterCount);
  return { address, entries, w, gradient, direction, product, flat, sparse };
}

/** Flat parameters into the vector at `address`, in the kernels' layout; its padding stays as it is. */
export function putParameters(kernels: Kernels, plan: TrainingPlan, flat: Float32Array, address: number): void {
  kernels.f32(plan.flat, flat.length).set(flat);
  kernels.exports.fromFlat(plan.address, plan.flat, address);
}

/** The vector at `address` as flat parameters. */
export function getParameters(kernels: Kernels, plan: TrainingPlan, address: number, out: Float32Array): void {
  kernels.exports.toFlat(plan.address, address, plan.flat);
  out.set(kernels.f32(plan.flat, out.length));
}
