/**
 * Tasks of the page, kept short.
 *
 * @module
 */

/** Lets the page breathe: clicks, painting. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Runs something after the next frame is laid out, in a task of its own: what it asks of the layout is known then. */
export function afterFrame(run: () => void): void {
  requestAnimationFrame(() => setTimeout(run));
}
