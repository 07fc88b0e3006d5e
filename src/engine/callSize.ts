/**
 * How much work to hand to the module in one call.
 *
 * @module
 */
import { SLICE_MS } from "./task.ts";

/** So many steps of like cost make a call of some milliseconds; it starts with one and learns from what calls took. */
export class CallSize {
  #steps = 1;

  get steps(): number {
    return this.#steps;
  }

  /** A call of `steps` steps took so long. One of fewer than asked (the data ended) says nothing of longer ones. */
  took(steps: number, milliseconds: number): void {
    if (milliseconds > SLICE_MS) this.#steps = Math.max(1, Math.floor(this.#steps / 2));
    else if (milliseconds < SLICE_MS / 2 && steps >= this.#steps) this.#steps *= 2;
  }
}
