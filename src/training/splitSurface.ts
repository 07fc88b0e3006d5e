/**
 * The loss of a network on a data set that is large: in shards, on several workers.
 *
 * @module
 */
import { type Remote, transfer, wrap } from "comlink";
import type { Kernels } from "../engine/kernels.ts";
import type { Network } from "../network/network.ts";
import { LocalSurface } from "./localSurface.ts";
import { computeShards, runOfMember, type ShardJob, type ShardResult, ShardTree, shardsOf } from "./shards.ts";
import type { ShardEndpoint, ShardReply } from "./shardTask.ts";
import type { BoxAscent, Dataset, LossName } from "./surface.ts";

/** Points times parameters from which on a data set is taken in shards, whether or not there are helpers. */
const LARGE = 5e7;

/** Whether a network on a data set is large enough: by their sizes alone, so that results do not depend on workers. */
export function isLarge(network: Network, data: Dataset): boolean {
  return shardsOf(data.points) > 1 && data.points * network.parameterCount >= LARGE;
}

/** Who helps, and how the thread that puts the parts together is kept well. */
export interface SplitOptions {
  /** To workers that run `shardTask`; none: everything is computed here, with the same bits. */
  readonly helpers?: readonly MessagePort[];
  /** Awaited between shards. */
  readonly pause?: () => Promise<void> | void;
  /** Rejects a call that waits for helpers. Needed where this thread outlives them. */
  readonly signal?: AbortSignal;
}

/**
 * What is a mean over all points is computed in shards, some of them by helpers, and added in the order of `ShardTree`: the
 * same bits for any number of helpers. Minibatches are not split. One call at a time.
 *
 * It needs a checked data set (`checkDataset`), and holds all of it: this thread computes the first shards itself.
 */
export class SplitSurface extends LocalSurface {
  readonly #helpers: ReadonlyArray<Remote<ShardEndpoint>>;
  readonly #pause: () => Promise<void> | void;
  readonly #signal: AbortSignal | undefined;
  readonly #tree: ShardTree;
  /** What the helpers have as w, in the kernels' layout. */
  #sent: Float32Array<ArrayBuffer> | undefined;
  #running = false;

  constructor(kernels: Kernels, network: Network, data: Dataset, lossName: LossName, options: SplitOptions = {}) {
    super(kernels, network, data, lossName);
    this.#helpers = (options.helpers ?? []).map((port) => wrap<ShardEndpoint>(port));
    this.#pause = options.pause ?? (() => {});
    this.#signal = options.signal;
    this.#tree = new ShardTree(kernels, this.plan.entries, { first: 0, count: shardsOf(data.points) });
  }

  override async loss(w: Float32Array): Promise<number> {
    return lossOf(await this.#compute("loss", w), this.data.points);
  }

  override async outputs(w: Float32Array): Promise<Float32Array> {
    const [, ...replies] = await this.#compute("outputs", w);
    const { layers } = this.network;
    const outputs = this.kernels.f32(this.outputAddress, this.data.points * layers[layers.length - 1]).slice();
    let end = outputs.length;
    for (const reply of replies.reverse()) {
      const part = (reply as ShardReply).outputs!;
      end -= part.length;
      outputs.set(part, end);
    }
    return outputs;
  }

  override async evaluate(w: Float32Array): Promise<{ loss: number; error: number }> {
    const parts = await this.#compute("loss", w);
    const loss = lossOf(parts, this.data.points);
    if (this.lossName === "mse") return { loss, error: Number.NaN };
    return { loss, error: parts.reduce((sum, { wrong }) => sum + wrong, 0) / this.data.points };
  }

  override async gradient(
    w: Float32Array,
    out: Float32Array,
    range?: { first: number; count: number },
  ): Promise<number> {
    if (range) return super.gradient(w, out, range);
    const parts = await this.#compute("gradient", w);
    this.get(this.#tree.total(), out);
    return lossOf(parts, this.data.points);
  }

  override async hessianProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void> {
    await this.#compute("hessian", w, v);
    this.get(this.#tree.total(), out);
  }

  override async gaussNewtonProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void> {
    await this.#compute("gaussNewton", w, v);
    this.get(this.#tree.total(), out);
  }

  /** None: the full losses are split. */
  override boxAscent(): BoxAscent | undefined {
    return undefined;
  }

  /** What each member gives, from left to right; the tree has all vectors. */
  async #compute(job: ShardJob, w: Float32Array, v?: Float32Array): Promise<ShardResult[]> {
    if (this.#running) throw new Error("surface: it is computing already");
    this.#running = true;
    try {
      const { points } = this.data;
      this.put(this.plan.w, w);
      if (v) this.put(this.plan.direction, v);
      const asked = this.#ask(job, v !== undefined);
      // one may fail while this thread still computes
      asked.catch(() => {});
      this.#tree.clear();
      const run = runOfMember(shardsOf(points), this.#helpers.length + 1, 0);
      const own = await computeShards(this, run, points, job, this.#tree, this.#pause);
      const replies = await asked;
      for (const { sums } of replies) for (const sum of sums) this.#tree.add(sum, sum.vector);
      return [own, ...replies];
    } finally {
      this.#running = false;
    }
  }

  /** Has the helpers compute their shards at the plan's w and direction. w is sent only if they have another. */
  #ask(job: ShardJob, direction: boolean): Promise<ShardReply[]> {
    if (this.#helpers.length === 0) return Promise.resolve([]);
    const { plan, kernels } = this;
    const send = (address: number): Float32Array<ArrayBuffer> => {
      const copy = kernels.f32(address, plan.entries).slice();
      return transfer(copy, [copy.buffer]);
    };
    const w = kernels.f32(plan.w, plan.entries);
    const moved = this.#sent === undefined || !sameBits(this.#sent, w);
    if (moved) {
      this.#sent ??= new Float32Array(plan.entries);
      this.#sent.set(w);
    }
    const replies = this.#helpers.map((helper) =>
      helper.compute(job, moved ? send(plan.w) : undefined, direction ? send(plan.direction) : undefined),
    );
    return unlessAborted(Promise.all(replies), this.#signal);
  }
}

/** Mean over the points, summed from left to right. */
function lossOf(parts: readonly ShardResult[], points: number): number {
  let sum = 0;
  for (const { losses } of parts) for (const loss of losses) sum += loss;
  return sum / points;
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  const x = new Uint32Array(a.buffer, a.byteOffset, a.length);
  const y = new Uint32Array(b.buffer, b.byteOffset, b.length);
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return true;
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  let onAbort = (): void => {};
  try {
    return await new Promise<T>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort);
      promise.then(resolve, reject);
    });
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
