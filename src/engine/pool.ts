/// <reference lib="esnext.disposable" preserve="true" />
/**
 * A pool of workers, each with its own instance of the module, called through Comlink.
 *
 * No SharedArrayBuffer: a worker gets plain data and hands its result's buffers over, so that it works on any page.
 *
 * @module
 */
import { type Remote, releaseProxy, transfer, wrap } from "comlink";
import type { EngineBuild } from "./build.ts";
import { checkInteger, checkOptions, show } from "./checks.ts";
import { coreBuild } from "./core.ts";
import type { Kernels } from "./kernels.ts";
import {
  breathe,
  hardwareThreads,
  isIsolated,
  setReferenced,
  startWorker,
  type WorkerFactory,
  type WorkerHandle,
} from "./platform.ts";
import { SLICE_MS, type Task } from "./task.ts";

/** What a worker exposes. */
export interface WorkerEndpoint {
  run(name: string, args: unknown): Promise<unknown>;
}

/** The first message a worker gets. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly port: MessagePort;
}

/** What `createPool` takes. */
export interface PoolOptions {
  /** Number of workers; 0 runs everything in the calling thread. Default: the machine's threads. */
  readonly workers?: number;
  /** Makes a DOM `Worker` from the file `flatvol/worker`, for pages whose content policy forbids blob workers. */
  readonly worker?: WorkerFactory;
}

/** What a pool runs on. */
export interface PoolInfo {
  /** Workers that compute; 0 means the calling thread. */
  readonly workers: number;
  readonly hardwareThreads: number;
  /** Always true: the module needs SIMD. */
  readonly simd: boolean;
  /** Whether the page is cross-origin isolated (not needed). */
  readonly isolated: boolean;
  readonly why: string;
}

/** How a call may be watched and stopped. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Buffers and ports of the arguments, which must be an object then, that are handed over to the worker. */
  readonly transfer?: Transferable[];
}

const MAXIMUM_WORKERS = 256;

interface Member {
  readonly build: EngineBuild;
  readonly handle: WorkerHandle;
  readonly port: MessagePort;
  readonly remote: Remote<WorkerEndpoint>;
  /** Rejects the running call; a call whose worker died would otherwise never settle. */
  reject: ((cause: unknown) => void) | undefined;
}

/**
 * Workers are started on first use, and replaced when they die.
 *
 * @example
 * const pool = createPool({ workers: 2 });
 * pool.info().why; // "2 workers with a memory of their own each; isolation headers are not needed"
 * pool.close();
 */
export class Pool {
  readonly size: number;
  readonly #factory: WorkerFactory | undefined;
  readonly #idle: Member[] = [];
  // also keeps the proxies alive: one that is garbage-collected during a call hangs
  readonly #members = new Set<Member>();
  readonly #waiting: Array<{ grant(): void; deny(cause: unknown): void }> = [];
  #busy = 0;
  /** Workers on their way: not members yet, but with a place. */
  #starting = 0;
  #closed = false;
  /** With no workers: the instances of the calling thread. */
  readonly #local = new Map<EngineBuild, Promise<Kernels>>();

  constructor(options: PoolOptions = {}) {
    checkOptions("pool", options, ["workers", "worker"]);
    this.size = checkInteger("workers", options.workers ?? hardwareThreads(), 0, MAXIMUM_WORKERS);
    if (options.worker !== undefined && typeof options.worker !== "function") {
      throw new TypeError(`worker: expected a function that returns a Worker, got ${show(options.worker)}`);
    }
    this.#factory = options.worker;
  }

  /** What this pool runs on, and why. */
  info(): PoolInfo {
    return {
      workers: this.size,
      hardwareThreads: hardwareThreads(),
      simd: true,
      isolated: isIsolated(),
      why:
        this.size === 0
          ? "workers: 0, so everything runs in the calling thread"
          : `${this.size} workers with a memory of their own each; isolation headers are not needed`,
    };
  }

  /** Workers that a call made now would get at once. */
  get free(): number {
    return this.#closed ? 0 : this.size - Math.min(this.size, this.#busy);
  }

  /**
   * Runs a task on the next free worker.
   *
   * @throws the task's error; the signal's reason; an Error with the cause if the worker died (it is replaced).
   */
  async run<A, R>(task: Task<A, R>, args: A, options: CallOptions = {}): Promise<R> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#closed) throw new Error("pool: it is closed");
    if (this.size === 0) return this.#runHere(task, args, signal);
    await this.#enter(signal);
    let member: Member | undefined;
    let sound = false;
    let onAbort: (() => void) | undefined;
    try {
      signal?.throwIfAborted();
      const build = task.build ?? coreBuild;
      member = this.#takeIdle(build) ?? (await this.#start(build));
      if (this.#closed) throw new Error("pool: it was closed");
      const current = member;
      setReferenced(current.port, true);
      const result = await new Promise<unknown>((resolve, reject) => {
        current.reject = reject;
        onAbort = () => reject(signal?.reason);
        if (signal?.aborted) return onAbort();
        signal?.addEventListener("abort", onAbort, { once: true });
        const given = options.transfer ? transfer(args as object, options.transfer) : args;
        current.remote.run(task.name, given).then(resolve, (error: unknown) => {
          // a trap leaves the instance in an unknown state: that worker is not used again
          sound = !(error instanceof Error && (error.name === "RuntimeError" || error.name === "InternalError"));
          reject(error);
        });
      });
      sound = true;
      return result as R;
    } finally {
      if (onAbort) signal?.removeEventListener("abort", onAbort);
      if (member) {
        member.reject = undefined;
        if (sound && !this.#closed && this.#members.has(member)) {
          setReferenced(member.port, false);
          this.#idle.push(member);
        } else {
          this.#stop(member);
        }
      }
      this.#leave();
    }
  }

  /** Stops every worker; running calls reject. The pool cannot be used afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const cause = new Error("pool: it was closed");
    for (const waiter of this.#waiting.splice(0)) waiter.deny(cause);
    for (const member of [...this.#members]) {
      member.reject?.(cause);
      this.#stop(member);
    }
    this.#idle.length = 0;
    // a call that still runs keeps its instance
    if (this.#busy > 0) return;
    for (const [build, local] of this.#local) {
      local.then(
        (kernels) => build.giveBack(kernels),
        () => {},
      );
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #runHere<A, R>(task: Task<A, R>, args: A, signal: AbortSignal | undefined): Promise<R> {
    const build = task.build ?? coreBuild;
    const local = this.#local.get(build) ?? build.take();
    this.#local.set(build, local);
    const kernels = await local;
    let last = performance.now();
    const pause = async (): Promise<void> => {
      if (performance.now() - last < SLICE_MS) return;
      await breathe();
      last = performance.now();
      signal?.throwIfAborted();
      if (this.#closed) throw new Error("pool: it was closed");
    };
    await this.#enter(signal);
    // calls take turns, so that what lies above the mark is this one's
    const mark = kernels.mark();
    try {
      signal?.throwIfAborted();
      return await task.run({ kernels, pause }, args);
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) this.#local.delete(build);
      throw error;
    } finally {
      kernels.release(mark);
      this.#leave();
    }
  }

  /** Waits until one of the pool's places is free. */
  async #enter(signal: AbortSignal | undefined): Promise<void> {
    if (this.#busy < Math.max(1, this.size)) {
      this.#busy++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal?.reason);
      };
      const waiter = {
        grant: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        deny: (cause: unknown) => {
          signal?.removeEventListener("abort", onAbort);
          reject(cause);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(waiter);
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next.grant();
    else this.#busy--;
  }

  /** An idle worker that knows the build's tasks. */
  #takeIdle(build: EngineBuild): Member | undefined {
    const own = this.#idle.findLastIndex((member) => member.build === build);
    const at = own >= 0 ? own : this.#idle.findLastIndex((member) => member.build.includes.includes(build));
    return at >= 0 ? this.#idle.splice(at, 1)[0] : undefined;
  }

  /** Starts a worker; where all places are taken, one that is idle makes room, and is gone before. */
  async #start(build: EngineBuild): Promise<Member> {
    const other = this.#members.size + this.#starting >= this.size ? this.#idle.shift() : undefined;
    this.#starting++;
    try {
      if (other) await this.#stop(other);
      return this.#startMember(build, await build.compile());
    } finally {
      this.#starting--;
    }
  }

  #startMember(build: EngineBuild, module: WebAssembly.Module): Member {
    const { port1, port2 } = new MessageChannel();
    const handle = startWorker(
      build.workerSource,
      (cause) => {
        const at = this.#idle.indexOf(member);
        if (at >= 0) this.#idle.splice(at, 1);
        this.#stop(member);
        member.reject?.(new Error(`worker died: ${cause.message}`, { cause }));
      },
      this.#factory,
    );
    const member: Member = { build, handle, port: port1, remote: wrap<WorkerEndpoint>(port1), reject: undefined };
    this.#members.add(member);
    handle.start({ module, port: port2 } satisfies WorkerStart, [port2]);
    return member;
  }

  /** Stops a worker; the promise as of `WorkerHandle.terminate`. */
  #stop(member: Member): Promise<unknown> | undefined {
    if (!this.#members.delete(member)) return undefined;
    member.remote[releaseProxy]();
    member.port.close();
    return member.handle.terminate();
  }
}

/**
 * Makes a pool to be shared by several calls. A call that gets none makes its own and closes it.
 *
 * @example
 * const pool = createPool({ workers: 2 });
 * const table = await countFunctions({ layers: [7, 40, 40, 1] }, { samples: 10_000, pool });
 * pool.close();
 */
export function createPool(options: PoolOptions = {}): Pool {
  return new Pool(options);
}
