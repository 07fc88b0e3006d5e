/** The script of every worker, in Node and in browsers: gets the compiled module and a port, and runs tasks. */
import { expose, transfer } from "comlink";
import { Kernels } from "../src/engine/kernels.ts";
import { receiveStart } from "../src/engine/platform.ts";
import type { WorkerEndpoint, WorkerStart } from "../src/engine/pool.ts";
import type { Task } from "../src/engine/task.ts";
import { tasks } from "./tasks.ts";

const byName = new Map<string, Task<never, unknown>>(tasks.map((task) => [task.name, task as Task<never, unknown>]));

function start({ module, port }: WorkerStart): void {
  const kernels = Kernels.create(module);
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

receiveStart<WorkerStart>(start);
