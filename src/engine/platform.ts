/**
 * What differs between Node and browsers: starting a worker, counting threads, yielding. The only file that looks.
 *
 * @module
 */

interface NodeWorker {
  postMessage(message: unknown, transfer: readonly unknown[]): void;
  terminate(): Promise<number>;
  unref(): void;
  on(event: string, listener: (value: never) => void): void;
}
interface NodeWorkerThreads {
  parentPort: { once(event: "message", listener: (message: never) => void): void } | null;
  Worker: new (source: string, options: { eval: boolean }) => NodeWorker;
}

/** A started worker, either kind. */
export interface WorkerHandle {
  /** Posts the first message. */
  start(message: unknown, transfer: Transferable[]): void;
  /** In Node settles once the thread is gone; a browser does not tell. */
  terminate(): Promise<unknown> | undefined;
}

// reached this way bundlers do not see it, and a browser build needs no stub
function nodeModule<T>(name: string): T | undefined {
  const host = globalThis as {
    process?: { getBuiltinModule?: (name: string) => unknown; versions?: { node?: string } };
  };
  if (!host.process?.versions?.node) return undefined;
  return host.process.getBuiltinModule?.(name) as T | undefined;
}

/** A user's own way to start a worker: returns a DOM `Worker`, for pages whose policy forbids blob workers. */
export type WorkerFactory = () => Worker;

/**
 * Starts a worker that runs `source` (a classic script).
 *
 * @param onFailure called at most once, with the cause, if the worker dies by itself.
 */
export function startWorker(
  source: string,
  onFailure: (cause: Error) => void,
  factory: WorkerFactory | undefined,
): WorkerHandle {
  let over = false;
  const fail = (cause: Error): void => {
    if (over) return;
    over = true;
    onFailure(cause);
  };
  const threads = factory ? undefined : nodeModule<NodeWorkerThreads>("node:worker_threads");
  if (threads) {
    const worker = new threads.Worker(source, { eval: true });
    worker.on("error", (error: Error) => fail(error));
    worker.on("messageerror", (error: Error) => fail(error));
    worker.on("exit", (code: number) => fail(new Error(`worker exited with code ${code}`)));
    worker.unref();
    return {
      start: (message, transfer) => worker.postMessage(message, transfer),
      terminate: () => {
        over = true;
        return worker.terminate();
      },
    };
  }
  let url: string | undefined;
  const make = (): Worker => {
    url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    return new Worker(url);
  };
  const worker = factory ? factory() : make();
  const hint = factory ? "" : "; where a content security policy forbids blob workers, give `worker` or `workers: 0`";
  worker.addEventListener("error", (event) => fail(new Error(event.message || `worker failed to load${hint}`)));
  worker.addEventListener("messageerror", () => fail(new Error("worker message could not be read")));
  return {
    start: (message, transfer) => worker.postMessage(message, transfer),
    terminate: () => {
      over = true;
      worker.terminate();
      if (url !== undefined) URL.revokeObjectURL(url);
      return undefined;
    },
  };
}

/** In a worker: calls `listener` with the first message. */
export function receiveStart<Message>(listener: (message: Message) => void): void {
  const parent = nodeModule<NodeWorkerThreads>("node:worker_threads")?.parentPort;
  if (parent) parent.once("message", listener as (message: never) => void);
  else globalThis.addEventListener("message", (event) => listener((event as MessageEvent).data), { once: true });
}

/** Keeps Node alive while `port` has work, and lets it exit when not; browsers need neither. */
export function setReferenced(port: MessagePort, referenced: boolean): void {
  const node = port as MessagePort & { ref?: () => void; unref?: () => void };
  if (referenced) node.ref?.();
  else node.unref?.();
}

/** Hardware threads that this process may use. */
export function hardwareThreads(): number {
  const os = nodeModule<{ availableParallelism(): number }>("node:os");
  if (os) return os.availableParallelism();
  return Math.max(1, globalThis.navigator?.hardwareConcurrency ?? 1);
}

/** Lets timers, input and painting run. A message, unlike a timer, is not delayed by the browser's 4 ms clamp. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** Whether the page is cross-origin isolated; in Node always. */
export function isIsolated(): boolean {
  return nodeModule("node:os") !== undefined || globalThis.crossOriginIsolated === true;
}
