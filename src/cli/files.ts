/**
 * Files of the command line as the library's arguments; what is wrong with one is bad input, named by its flag.
 *
 * @module
 */
import { extname } from "node:path";
import { checkWritableFile, readFileWhole } from "../data/files.ts";
import { type NpyArray, readNpy } from "../data/npy.ts";
import { readSafetensors } from "../data/safetensors.ts";
import { type Weights, weightsFromTensors } from "../network/weights.ts";
import type { Dataset, LossName } from "../training/surface.ts";
import { UsageError } from "./arguments.ts";
import { checkingInput } from "./session.ts";

/** Points `[points][features]`; pictures and the like are taken as rows, `[points][height][width]`. */
export function readPoints(name: string, path: string, layers: readonly number[]): NpyArray {
  const array = checkingInput(name, () => readNpy(readFileWhole(path)));
  const { shape } = array;
  const features = shape.length === 0 ? undefined : shape.slice(1).reduce((product, size) => product * size, 1);
  if (features !== layers[0]) {
    throw new UsageError(
      `${name}: expected an array of shape (points, ${layers[0]}) for layers ${layers.join(",")}, got (${shape.join(", ")})`,
    );
  }
  if (shape[0] === 0) {
    throw new UsageError(`${name}: expected at least one point, got an array of shape (${shape.join(", ")})`);
  }
  return array;
}

/** A network from its file. */
export function readWeights(name: string, path: string): Weights {
  return checkingInput(name, () => weightsFromTensors(readSafetensors(readFileWhole(path))));
}

/** The loss that was named, or the one that fits the outputs. The library checks it. */
export function lossOf(loss: string | undefined, layers: readonly number[]): LossName {
  return (loss ?? (layers[layers.length - 1] === 1 ? "bce" : "ce")) as LossName;
}

/** Points and targets; the library checks their values. */
export function readData(
  names: { readonly x: string; readonly y: string },
  paths: { readonly x: string; readonly y: string },
  layers: readonly number[],
  loss: LossName,
): Dataset {
  const x = readPoints(names.x, paths.x, layers);
  const y = checkingInput(names.y, () => readNpy(readFileWhole(paths.y)));
  const points = x.shape[0];
  const outputs = layers[layers.length - 1];
  const width = loss === "mse" ? outputs : 1;
  const expected = width === 1 ? [`(${points})`, `(${points}, 1)`] : [`(${points}, ${width})`];
  if (!expected.includes(`(${y.shape.join(", ")})`)) {
    throw new UsageError(
      `${names.y}: expected an array of shape ${expected[0]} for ${points} points and the loss ${loss}, got (${y.shape.join(", ")})`,
    );
  }
  return { points, features: layers[0], inputs: Float32Array.from(x.data), targets: Float32Array.from(y.data) };
}

/** Says before any work whether a file with one of the extensions can be written. */
export function checkOut(name: string, path: string, extensions: readonly string[]): void {
  if (!extensions.includes(extname(path).toLowerCase())) {
    throw new UsageError(`${name}: expected a name ending in ${extensions.join(" or ")}, got "${path}"`);
  }
  checkingInput(name, () => checkWritableFile(path));
}
