/**
 * Workers of a pool that hold shards of a large data set for the time of a call.
 *
 * @module
 */
import { fullBuild } from "../engine/module.ts";
import type { Pool } from "../engine/pool.ts";
import { onBuild } from "../engine/task.ts";
import type { Network } from "../network/network.ts";
import { isSparse } from "./plan.ts";
import { runOfMember, SHARD, shardsOf } from "./shards.ts";
import { shardTask } from "./shardTask.ts";
import type { Dataset, LossName } from "./surface.ts";

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
    const session = pool.run(onBuild(fullBuild, shardTask), args, {
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
