/**
 * Shapes of arrays in files.
 *
 * @module
 */
import { show } from "../engine/checks.ts";

/** NumPy's limit. */
const MOST_DIMENSIONS = 64;

/**
 * How many numbers a shape holds.
 *
 * @param name of what has the shape, for the message.
 * @throws RangeError for a size that is no whole number, too many dimensions, or a product that f64 does not hold.
 */
export function countOf(name: string, shape: unknown): number {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new RangeError(`${name}: expected a shape of whole numbers below 2^53, got ${show(shape)}`);
  }
  if (shape.length > MOST_DIMENSIONS) {
    throw new RangeError(`${name}: expected at most ${MOST_DIMENSIONS} dimensions, got ${shape.length}`);
  }
  const count = shape.reduce((product, size) => product * size, 1);
  if (!Number.isSafeInteger(count)) {
    throw new RangeError(`${name}: expected less than 2^53 numbers, got shape (${shape.join(", ")})`);
  }
  return count;
}
