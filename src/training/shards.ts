/**
 * A data set in shards: what each gives of a loss, gradient or product, and the order in which they are added.
 *
 * Shards are made by the number of points alone, and added in one tree: neighbours in pairs, pairs in pairs, and so on. Who
 * computes a run of shards adds what of the tree lies in it, so few vectors cross between threads, and the bits do not depend
 * on who computes what.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import type { LocalSurface } from "./localSurface.ts";

/** Points of a shard; the last may have fewer. As many as the kernels take at a time: with half as many a gradient costs a tenth more. */
export const SHARD = 256;

/** What is computed. `outputs` gives the losses too, and so does `gradient`. */
export type ShardJob = "loss" | "outputs" | "gradient" | "hessian" | "gaussNewton";

/** Some shards in a row. */
export interface ShardRun {
  readonly first: number;
  readonly count: number;
}

/** The sum of the vectors of shards that have a common parent in the tree; in the kernels' layout. */
export interface ShardSum extends ShardRun {
  readonly vector: Float32Array<ArrayBuffer>;
}

/** What a run of shards gives. */
export interface ShardResult {
  /** Sum of the losses of each shard's points. */
  readonly losses: number[];
  /** Points whose class is wrong. */
  readonly wrong: number;
}

/** Number of shards of so many points. */
export function shardsOf(points: number): number {
  return Math.ceil(points / SHARD);
}

/** The shards of member `k` of `members`: as many for each as can be, the later ones one more. */
export function runOfMember(shards: number, members: number, k: number): ShardRun {
  const first = Math.floor((k * shards) / members);
  return { first, count: Math.floor(((k + 1) * shards) / members) - first };
}

/** Adds to a list of neighbouring sums one more on the right, and joins what has a common parent. */
function push<T extends ShardRun>(sums: T[], next: T, join: (left: T, right: T) => T): void {
  sums.push(next);
  while (sums.length > 1) {
    const left = sums[sums.length - 2];
    const right = sums[sums.length - 1];
    if (left.count !== right.count || left.first % (2 * left.count) !== 0) return;
    sums.length -= 2;
    sums.push(join(left, right));
  }
}

/** The most sums that stand beside each other while the shards of a run come one by one. */
function mostSums(run: ShardRun): number {
  const sums: ShardRun[] = [];
  let most = 0;
  for (let i = 0; i < run.count; i++) {
    most = Math.max(most, sums.length + 1);
    push(sums, { first: run.first + i, count: 1 }, ({ first, count }) => ({ first, count: 2 * count }));
  }
  return most;
}

/** A sum in an instance's memory. */
interface PlacedSum extends ShardRun {
  readonly address: number;
}

/** Vectors of shards, in memory of an instance, added up as they come from left to right. */
export class ShardTree {
  readonly #kernels: Kernels;
  readonly #entries: number;
  readonly #free: number[];
  readonly #sums: PlacedSum[] = [];

  /**
   * @param entries of a vector, a multiple of 4.
   * @param shards all that will come between two calls of `clear`.
   */
  constructor(kernels: Kernels, entries: number, shards: ShardRun) {
    this.#kernels = kernels;
    this.#entries = entries;
    this.#free = Array.from({ length: mostSums(shards) }, () => kernels.allocate(4 * entries));
  }

  /** Forgets all sums. */
  clear(): void {
    for (const { address } of this.#sums.splice(0)) this.#free.push(address);
  }

  /** Adds the next vector on the right. `shards` have a common parent (or are one). */
  add({ first, count }: ShardRun, vector: Float32Array): void {
    const address = this.#free.pop();
    if (address === undefined) throw new Error("shards: more sums than there is memory for");
    this.#kernels.f32(address, this.#entries).set(vector);
    push(this.#sums, { first, count, address }, (left, right) => this.#join(left, right));
  }

  /** Copies of the sums as they are. */
  sums(): ShardSum[] {
    return this.#sums.map(({ first, count, address }) => ({
      first,
      count,
      vector: this.#kernels.f32(address, this.#entries).slice(),
    }));
  }

  /** The sum of everything; a tree whose shards are no power of two is joined from the right. @returns its address. */
  total(): number {
    while (this.#sums.length > 1) {
      const [left, right] = this.#sums.splice(-2);
      this.#sums.push(this.#join(left, right));
    }
    return this.#sums[0].address;
  }

  #join(left: PlacedSum, right: PlacedSum): PlacedSum {
    this.#kernels.exports.offset(left.address, right.address, 1, left.address, this.#entries / 4);
    this.#free.push(right.address);
    return { first: left.first, count: left.count + right.count, address: left.address };
  }
}

/**
 * Computes a run of shards: the first points of a surface, whose w and direction are in place.
 *
 * @param run shards; their points are the surface's first.
 * @param all points of the whole data set.
 * @param tree gets the vectors.
 * @param pause awaited between shards.
 */
export async function computeShards(
  surface: LocalSurface,
  run: ShardRun,
  all: number,
  job: ShardJob,
  tree: ShardTree,
  pause: () => Promise<void> | void,
): Promise<ShardResult> {
  const { kernels, plan, network } = surface;
  const { exports } = kernels;
  const outputBytes = 4 * network.layers[network.layers.length - 1];
  const losses: number[] = [];
  let wrong = 0;
  for (let i = 0; i < run.count; i++) {
    if (i > 0) await pause();
    const first = i * SHARD;
    const count = Math.min(SHARD, all - run.first * SHARD - first);
    if (job === "hessian" || job === "gaussNewton") {
      if (job === "hessian") exports.hessianAt(plan.address, first, count, all);
      else exports.gaussNewtonAt(plan.address, first, count, all);
      tree.add({ first: run.first + i, count: 1 }, kernels.f32(plan.product, plan.entries));
      continue;
    }
    if (job === "gradient") {
      losses.push(exports.partialGradientAt(plan.address, first, count, all) * count);
      tree.add({ first: run.first + i, count: 1 }, kernels.f32(plan.gradient, plan.entries));
    } else {
      const outputs = job === "outputs" ? surface.outputAddress + first * outputBytes : 0;
      losses.push(exports.lossAt(plan.address, first, 0, count, outputs) * count);
    }
    wrong += exports.wrongPredictions();
  }
  return { losses, wrong };
}
