/** Workers that tests watch, and make die. */
import { expect, vi } from "vitest";
import { workerSource } from "../src/generated/workerSource.ts";

export interface Started {
  /** whether the worker's thread is gone */
  gone(): boolean;
}
interface Threads {
  Worker: new (source: string, options: object) => { threadId: number };
}

const host = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
const threads = host.process?.getBuiltinModule?.("node:worker_threads") as Threads | undefined;
export const inNode = threads !== undefined;

/**
 * Runs `body` with every worker seen. `prefix(i)` is script put before the source of the i-th worker started.
 * In Node the class that the library starts is replaced for the time; in a browser it gets a factory.
 *
 * @param megabytes of heap that a worker gets, in Node.
 */
export async function watching(
  body: (started: Started[], options: { worker?: () => Worker }) => Promise<void>,
  prefix: (index: number) => string = () => "",
  megabytes?: number,
): Promise<void> {
  const started: Started[] = [];
  if (threads) {
    const Original = threads.Worker;
    threads.Worker = class extends Original {
      constructor(source: string, options: object) {
        const resourceLimits = megabytes === undefined ? {} : { maxOldGenerationSizeMb: megabytes };
        super(prefix(started.length) + source, { ...options, resourceLimits });
        started.push({ gone: () => this.threadId === -1 });
      }
    };
    try {
      await body(started, {});
    } finally {
      threads.Worker = Original;
    }
    return;
  }
  const worker = (): Worker => {
    const url = URL.createObjectURL(new Blob([prefix(started.length) + workerSource], { type: "text/javascript" }));
    const made = new Worker(url);
    let gone = false;
    const terminate = made.terminate.bind(made);
    made.terminate = () => {
      gone = true;
      terminate();
    };
    started.push({ gone: () => gone });
    return made;
  };
  await body(started, { worker });
}

export async function allGone(started: readonly Started[]): Promise<void> {
  await vi.waitFor(() => expect(started.filter((worker) => !worker.gone())).toHaveLength(0), { timeout: 5000 });
}

/** Script that kills its worker after a while: the thread exits (Node), or throws where nothing catches (browser). */
export const dies = (milliseconds: number): string =>
  inNode
    ? `setTimeout(() => process.exit(7), ${milliseconds});`
    : `setTimeout(() => { throw new Error("boom"); }, ${milliseconds});`;
