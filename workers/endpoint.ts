/** What every worker does, in Node and in browsers: gets the compiled module and a port, and runs tasks. */
import { expose, transfer } from "comlink";
import { Kernels } from "../src/engine/kernels.ts";
import { receiveStart } from "../src/engine/platform.ts";
import type { WorkerEndpoint, WorkerStart } from "../src/engine/pool.ts";
import type { Task } from "../src/engine/task.ts";

/** Serves the tasks. */
export function serve(tasks: ReadonlyArray<Task<never, unknown>>): void {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  receiveStart<WorkerStart>((message) => start(byName, message));
}

function start(byName: ReadonlyMap<string, Task<never, unknown>>, { module, port }: WorkerStart): void {
  // a failure belongs to the calls, and the pool takes a worker that tells of one for broken
  const kernels = Kernels.create(module).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw Object.assign(new Error(`worker: its module could not be instantiated: ${why}`), { name: "InternalError" });
  });
  kernels.catch(() => {});
  const endpoint: WorkerEndpoint = {
    async run(name, args) {
      const task = byName.get(name);
      if (!task) throw new Error(`worker: no task "${name}"`);
      const instance = await kernels;
      const mark = instance.mark();
      try {
        const result = await task.run({ kernels: instance, pause: () => {} }, args as never);
        return transfer(result as object, task.transfer(result));
      } finally {
        instance.release(mark);
      }
    },
  };
  expose(endpoint, port);
}
