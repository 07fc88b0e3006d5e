/**
 * How many threads a page's figures take.
 *
 * @module
 */

/** All but one, which is the page's own: where workers have all, its tasks wait for them and it stutters. */
export function workersBesidePage(): number {
  return Math.max(1, (navigator.hardwareConcurrency ?? 2) - 1);
}
