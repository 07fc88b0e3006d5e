/**
 * Workers that hold some shards of a data set each, and compute them for one thread that puts the parts together.
 *
 * A worker is taken for as long as the surface is used: it gets its points once, and then answers over a port of its own, so
 * that no product passes through the thread that started it.
 *
 * @module
 */
import { expose, transfer } from "comlink";
import type { Pool } from "../engine/pool.ts";
import type { Task } from "../engine/task.ts";
import type { Network } from "../network/network.ts";
import { LocalSurface } from "./localSurface.ts";
import { isSparse } from "./plan.ts";
import {
  computeShards,
  runOfMember,
  SHARD,
  type ShardJob,
  type ShardResult,
  type ShardRun,
  type ShardSum,
  ShardTree,
  shardsOf,
} from "./shards.ts";
import type { Dataset, LossName } from "./surface.ts";

/** What a helper exposes on its port. Vectors are in the kernels' layout; those not given are the last ones'. */
export interface ShardEndpoint {
  compute(job: ShardJob, w?: Float32Array, v?: Float32Array): Promise<ShardReply>;
}

/** What a helper answers. */
export interface ShardReply extends ShardResult {
  /** Of `outputs`: its points'. */
  readonly outputs: Float32Array<ArrayBuffer> | undefined;
  /** From left to right. */
  readonly sums: ShardSum[];
}

/** Plain data and two ports, which are handed over. */
export interface ShardArguments {
  readonly network: Network;
  /** The points of the run alone. */
  readonly data: Dataset;
  readonly lossName: LossName;
  readonly sparse: boolean;
  readonly run: ShardRun;
  /** Points of the whole data set. */
  readonly all: number;
  /** To the thread that puts the parts together. */
  readonly port: MessagePort;
  /** Any message on it is the end. */
  readonly end: MessagePort;
}

/** Serves until it is told to end. */
export const shardTask: Task<ShardArguments, null> = {
  name: "shards",
  async run({ kernels, pause }, { network, data, lossName, sparse, run, all, port, end }) {
    const surface = new LocalSurface(kernels, network, data, lossName, sparse);
    const { plan } = surface;
    const tree = new ShardTree(kernels, plan.entries, run);
    const outputs = network.layers[network.layers.length - 1];
    const compute: ShardEndpoint["compute"] = async (job, w, v) => {
      if (w) kernels.f32(plan.w, plan.entries).set(w);
      if (v) kernels.f32(plan.direction, plan.entries).set(v);
      tree.clear();
      const reply: ShardReply = {
        ...(await computeShards(surface, run, all, job, tree, pause)),
        outputs: job === "outputs" ? kernels.f32(surface.outputAddress, data.points * outputs).slice() : undefined,
        sums: tree.sums(),
      };
      const buffers = reply.sums.map(({ vector }) => vector.buffer);
      if (reply.outputs) buffers.push(reply.outputs.buffer);
      return transfer(reply, buffers);
    };
    await new Promise<void>((resolve, reject) => {
      end.onmessage = () => resolve();
      const endpoint: ShardEndpoint = {
        // the task fails with a product, so that the pool gets to know of a trap
        compute: (...call) =>
          compute(...call).catch((error: unknown) => {
            reject(error);
            throw error;
          }),
      };
      expose(endpoint, port);
    });
    end.close();
    port.close();
    return null;
  },
  transfer: () => [],
};

/**
 * Takes workers of a pool as helpers for the time of `body`: at most `members - 1`, and no more than are free beside one for
 * `body` itself, which is to ask the pool for it at once. So calls that share a pool never wait for each other's helpers.
 *
 * @param body gets the helpers' ports, and a signal that aborts with the cause if a helper dies.
 * @throws what `body` throws.
 */
export async function withHelpers<T>(
  pool: Pool,
  members: number,
  network: Network,
  data: Dataset,
  lossName: LossName,
  signal: AbortSignal,
  body: (ports: MessagePort[], signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { points, features } = data;
  const shards = shardsOf(points);
  const size = Math.max(1, Math.min(members, shards, pool.free));
  if (size === 1) return body([], signal);
  const width = data.targets.length / points;
  const sparse = isSparse(data);
  const failed = new AbortController();
  const inner = AbortSignal.any([signal, failed.signal]);
  const ports: MessagePort[] = [];
  const ends: MessagePort[] = [];
  const sessions: Promise<unknown>[] = [];
  for (let k = 1; k < size; k++) {
    const run = runOfMember(shards, size, k);
    const first = run.first * SHARD;
    const end = Math.min(points, first + run.count * SHARD);
    const part = {
      points: end - first,
      features,
      inputs: data.inputs.slice(first * features, end * features),
      targets: data.targets.slice(first * width, end * width),
    };
    const product = new MessageChannel();
    const ending = new MessageChannel();
    ports.push(product.port1);
    ends.push(ending.port1);
    const args = { network, data: part, lossName, sparse, run, all: points, port: product.port2, end: ending.port2 };
    const session = pool.run(shardTask, args, {
      // a signal of its own: many listeners on one are taken for a leak
      signal: AbortSignal.any([inner]),
      transfer: [args.port, args.end, part.inputs.buffer, part.targets.buffer],
    });
    sessions.push(session.catch((reason: unknown) => failed.abort(reason)));
  }
  try {
    return await body(ports, inner);
  } finally {
    for (const end of ends) end.postMessage(null);
    await Promise.all(sessions);
    for (const port of [...ports, ...ends]) port.close();
  }
}
