/**
 * Pictures with labels, and points made of them.
 *
 * @module
 */
import { show } from "../engine/checks.ts";
import type { Dataset } from "../training/surface.ts";
import type { IdxArray } from "./idx.ts";

/** Pictures of bytes, each a row. */
export interface Images {
  readonly count: number;
  /** Bytes of a picture: rows times columns times channels. */
  readonly features: number;
  /** `[count][features]`, 0 to 255. */
  readonly pixels: Uint8Array;
  /** `[count]`. */
  readonly labels: Uint8Array;
}

/**
 * Pictures and labels of two IDX files.
 *
 * @param names of the files, for messages.
 * @throws RangeError naming the files if they do not belong together.
 */
export function imagesOf(names: { pictures: string; labels: string }, pictures: IdxArray, labels: IdxArray): Images {
  const [count, rows, columns] = pictures.shape;
  if (labels.shape[0] !== count) {
    throw new RangeError(
      `${show(names.labels)}: expected ${count} labels, one for each picture of ${show(names.pictures)}, got ${labels.shape[0]}`,
    );
  }
  return { count, features: rows * columns, pixels: pictures.data, labels: labels.data };
}

/**
 * Listed pictures as points with pixels in [0, 1] and a target of 0 or 1 each.
 *
 * @param picks numbers of the pictures, in this order.
 * @param one whether a label's target is 1.
 * @example
 * const images = await loadDigits(undefined);
 * const data = pointsOfImages(images, [0, 1, 2], (label) => label >= 5); // three points, with targets
 */
export function pointsOfImages(images: Images, picks: ArrayLike<number>, one: (label: number) => boolean): Dataset {
  const { features, pixels, labels } = images;
  const points = picks.length;
  const inputs = new Float32Array(points * features);
  const targets = new Float32Array(points);
  for (let i = 0; i < points; i++) {
    const from = picks[i] * features;
    for (let j = 0; j < features; j++) inputs[i * features + j] = pixels[from + j] / 255;
    targets[i] = one(labels[picks[i]]) ? 1 : 0;
  }
  return { points, features, inputs, targets };
}
