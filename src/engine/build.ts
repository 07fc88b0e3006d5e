/**
 * A build of the engine: the WebAssembly module and the script of the workers that run it, as text in the bundle.
 *
 * There are two, so that who only counts does not load what trains and measures: `coreBuild` and `fullBuild`, which
 * has everything.
 *
 * @module
 */
import { Kernels } from "./kernels.ts";

/** Instances of a thread that are kept for later, at most: each holds gigabytes of addresses in a browser. */
const MOST_SPARE = 4;
/** Instances of a thread that are lent at a time; who comes later waits. */
const MOST_LENT = 8;

export class EngineBuild {
  #compiled: Promise<WebAssembly.Module> | undefined;
  #shared: Promise<Kernels> | undefined;
  /** What `#shared` came to. */
  #made: Kernels | undefined;
  /** Instances of the calling thread that nobody uses. */
  readonly #spare: Kernels[] = [];
  #lent = 0;
  readonly #waiting: Array<() => void> = [];

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
    this.#compiled ??= this.bytes()
      .then((bytes) => WebAssembly.compile(bytes))
      .catch((error: unknown) => {
        // what failed is tried anew
        this.#compiled = undefined;
        throw error;
      });
    return this.#compiled;
  }

  /**
   * The calling thread's own instance, made on first use. It is for work that holds nothing while it waits: who does takes
   * one by `lend`. One that has grown large is left to those who have it.
   */
  kernels(): Promise<Kernels> {
    this.shed();
    this.#shared ??= this.take().then(
      (kernels) => {
        this.#made = kernels;
        return kernels;
      },
      (error: unknown) => {
        this.#shared = undefined;
        throw error;
      },
    );
    return this.#shared;
  }

  /** Lets the shared instance go if it has grown large: who has it keeps it. */
  shed(): void {
    if (!this.#made?.large) return;
    this.#shared = undefined;
    this.#made = undefined;
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
    if (kernels.reusable && this.#spare.length < MOST_SPARE) this.#spare.push(kernels);
  }

  /**
   * Runs `body` with an instance that nobody else uses meanwhile, and frees what it allocated. Few are lent at a time: `body`
   * must not wait for another.
   */
  async lend<T>(body: (kernels: Kernels) => Promise<T>): Promise<T> {
    if (this.#lent >= MOST_LENT) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#lent++;
    try {
      const kernels = await this.take();
      const mark = kernels.mark();
      let sound = false;
      try {
        const result = await body(kernels);
        sound = true;
        return result;
      } catch (error) {
        // a trap leaves the instance in an unknown state
        sound = !(error instanceof WebAssembly.RuntimeError);
        throw error;
      } finally {
        kernels.release(mark);
        if (sound) this.giveBack(kernels);
      }
    } finally {
      // the place goes to who waits longest
      const next = this.#waiting.shift();
      if (next) next();
      else this.#lent--;
    }
  }
}
