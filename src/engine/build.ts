/**
 * A build of the engine: the WebAssembly module and the script of the workers that run it, as text in the bundle.
 *
 * There are two, so that who only counts does not load what trains and measures: `coreBuild` and `fullBuild`, which
 * has everything.
 *
 * @module
 */
import { Kernels } from "./kernels.ts";

export class EngineBuild {
  #compiled: Promise<WebAssembly.Module> | undefined;
  #shared: Promise<Kernels> | undefined;
  /** Instances of the calling thread that nobody uses. */
  readonly #spare: Kernels[] = [];

  /**
   * @param deflatedWasm bytes of the module, deflated, in base64.
   * @param workerSource script of a worker.
   * @param includes builds whose tasks this one's workers can run too, with the same results.
   */
  constructor(
    readonly deflatedWasm: string,
    readonly workerSource: string,
    readonly includes: readonly EngineBuild[] = [],
  ) {}

  /** The bytes of the module. */
  async bytes(): Promise<ArrayBuffer> {
    const text = atob(this.deflatedWasm);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  }

  /** The module, compiled once for a thread; it can be posted to workers. */
  compile(): Promise<WebAssembly.Module> {
    this.#compiled ??= this.bytes().then((bytes) => WebAssembly.compile(bytes));
    return this.#compiled;
  }

  /** The calling thread's own instance, made on first use. */
  kernels(): Promise<Kernels> {
    this.#shared ??= this.compile().then((module) => Kernels.create(module));
    return this.#shared;
  }

  /** An instance of the calling thread for one user, who gives it back in the end. */
  async take(): Promise<Kernels> {
    return this.#spare.pop() ?? Kernels.create(await this.compile());
  }

  /**
   * Takes an instance back, for the next `take`: memories that are dropped hold their addresses until a garbage collection,
   * and a worker that needs one cannot ask for it.
   */
  giveBack(kernels: Kernels): void {
    if (kernels.reusable) this.#spare.push(kernels);
  }
}
