/**
 * Work that runs in a worker or in the calling thread alike.
 *
 * @module
 */
import type { EngineBuild } from "./build.ts";
import type { Kernels } from "./kernels.ts";

/** What a running task may use. */
export interface TaskContext {
  readonly kernels: Kernels;
  /** To be awaited every few milliseconds: in the calling thread it lets the page breathe and throws once the call is aborted. */
  pause(): Promise<void> | void;
}

/** A named piece of work: plain data in, plain data out. */
export interface Task<Arguments, Result> {
  readonly name: string;
  /**
   * The build that runs it; default: the core. Only those who call a pool say it (`onBuild`), since a build carries the
   * source of the workers, which workers cannot contain.
   */
  readonly build?: EngineBuild;
  run(context: TaskContext, args: Arguments): Promise<Result>;
  /** Buffers of the result that are handed over, not copied. */
  transfer(result: Result): Transferable[];
}

/** A task for a build other than the core. */
export function onBuild<A, R>(build: EngineBuild, task: Task<A, R>): Task<A, R> {
  return { ...task, build };
}

/** Milliseconds that one call of a kernel should take: short enough for V8 to swap in optimised code and for a page to breathe. */
export const SLICE_MS = 8;
