/**
 * Work in steps that can be paused, resumed, begun anew and left: what drives each part.
 *
 * @module
 */

export type LoopState = "running" | "paused" | "done" | "failed";

/** What a loop does. */
export interface LoopWork {
  /** Forgets what was done: called before the first step and at each `restart`. */
  reset(): void;
  /** One step, which should take less than a second. @returns whether there is more to do. */
  step(signal: AbortSignal): Promise<boolean>;
  /** Told of every change. `failure`: why it failed. */
  changed(state: LoopState, failure?: unknown): void;
}

/** A loop works while its user wants it to and its part is in view. */
export class Loop {
  readonly #work: LoopWork;
  #wanted = true;
  #inView = false;
  #started = false;
  #run = new AbortController();
  #state: LoopState = "paused";
  #wake: (() => void) | undefined;

  constructor(work: LoopWork) {
    this.#work = work;
  }

  get state(): LoopState {
    return this.#state;
  }

  /** Aborted when the run that is under way is given up. */
  get signal(): AbortSignal {
    return this.#run.signal;
  }

  pause(): void {
    this.#wanted = false;
    if (this.#state === "running") this.#enter("paused");
  }

  resume(): void {
    this.#wanted = true;
    this.#go();
  }

  /** The part came into view, or went out of it: it rests there. */
  set inView(inView: boolean) {
    this.#inView = inView;
    if (!inView && this.#state === "running") this.#enter("paused");
    else if (inView) this.#go();
  }

  /** Gives up what is under way and begins anew, paused if it was paused. */
  restart(): void {
    this.#run.abort(new DOMException("begun anew", "AbortError"));
    this.#run = new AbortController();
    this.#wake = undefined;
    this.#started = false;
    this.#state = "paused";
    if (this.#inView && this.#wanted) this.#go();
    else this.#begin();
  }

  /** Gives up what is under way, for good. */
  close(): void {
    this.#inView = false;
    this.#run.abort(new DOMException("closed", "AbortError"));
    // lets the step that waits see it
    this.#wake?.();
  }

  /** Goes on after it was done: there is more to do now. */
  more(): void {
    if (this.#state !== "done") return;
    this.#state = "paused";
    void this.#drive(this.#run.signal);
    this.#go();
  }

  #enter(state: LoopState, failure?: unknown): void {
    this.#state = state;
    this.#work.changed(state, failure);
  }

  #begin(): void {
    this.#started = true;
    this.#work.reset();
    this.#work.changed(this.#state);
    void this.#drive(this.#run.signal);
  }

  #go(): void {
    if (!this.#wanted || !this.#inView) return;
    if (!this.#started) this.#begin();
    if (this.#state !== "paused") return;
    this.#enter("running");
    this.#wake?.();
    this.#wake = undefined;
  }

  async #drive(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        if (this.#state !== "running") {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          if (signal.aborted) return;
          continue;
        }
        const more = await this.#work.step(signal);
        if (signal.aborted) return;
        if (!more) {
          this.#enter("done");
          return;
        }
      }
    } catch (error) {
      if (!signal.aborted) this.#enter("failed", error);
    }
  }
}
