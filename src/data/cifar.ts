/**
 * CIFAR-10 in its binary version: batches of records of one label and 3072 bytes, 32 x 32 pixels, red first.
 *
 * @module
 * @see https://www.cs.toronto.edu/~kriz/cifar.html
 */
import { show } from "../engine/checks.ts";
import type { Images } from "./images.ts";

/** Bytes of a picture. */
export const CIFAR_FEATURES = 3072;
const RECORD = 1 + CIFAR_FEATURES;
/** Classes of CIFAR-10. */
const CLASSES = 10;
/** The two that the study tells apart. */
export const CAR = 1;
export const CAT = 3;

/**
 * Reads a batch.
 *
 * @param name of the file, for messages.
 * @param bytes the whole file.
 * @throws TypeError, RangeError naming the file.
 * @example
 * const record = new Uint8Array(3073); // a label, then 1024 red, green and blue pixels
 * readCifarBatch("data_batch_1.bin", record).count; // 1
 */
export function readCifarBatch(name: string, bytes: Uint8Array): Images {
  const file = show(name);
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${file}: expected a Uint8Array, got ${show(bytes)}`);
  if (bytes.length === 0 || bytes.length % RECORD !== 0) {
    throw new RangeError(
      `${file}: expected records of ${RECORD} bytes (a label and 32 x 32 pixels of 3 colours), got ${bytes.length} bytes`,
    );
  }
  const count = bytes.length / RECORD;
  const labels = new Uint8Array(count);
  const pixels = new Uint8Array(count * CIFAR_FEATURES);
  for (let i = 0; i < count; i++) {
    labels[i] = bytes[i * RECORD];
    if (labels[i] >= CLASSES) {
      throw new RangeError(`${file}: expected labels from 0 to ${CLASSES - 1}, got ${labels[i]} in record ${i}`);
    }
    pixels.set(bytes.subarray(i * RECORD + 1, (i + 1) * RECORD), i * CIFAR_FEATURES);
  }
  return { count, features: CIFAR_FEATURES, pixels, labels };
}

/** Several batches, one after the other. */
export function joinImages(parts: readonly Images[]): Images {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const { features } = parts[0];
  const pixels = new Uint8Array(count * features);
  const labels = new Uint8Array(count);
  let at = 0;
  for (const part of parts) {
    pixels.set(part.pixels, at * features);
    labels.set(part.labels, at);
    at += part.count;
  }
  return { count, features, pixels, labels };
}
