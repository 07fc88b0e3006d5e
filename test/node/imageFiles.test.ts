import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadCifar, loadDigits } from "../../src/data/imageFiles.ts";

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "flatvol-images-test-"));
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

const put = (name: string, bytes: ArrayLike<number>): void =>
  fs.writeFileSync(join(directory, name), Uint8Array.from(bytes));
const pictures = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40];
const labels = [0, 0, 8, 1, 0, 0, 0, 2, 5, 4];

describe("loadDigits", () => {
  it("reads MNIST from the package: 60,000 digits, the first a 5, ten classes as published", async () => {
    const images = await loadDigits(undefined);
    expect([images.count, images.features]).toEqual([60000, 784]);
    // the first labels of the training set, and its count of each digit (LeCun, Cortes & Burges)
    expect([...images.labels.subarray(0, 8)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3]);
    const counts = new Array(10).fill(0);
    for (const label of images.labels) counts[label]++;
    expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    // mean pixel 0.1307 and the share of nonzero pixels, 19.1 %, as usually quoted
    let sum = 0;
    let nonzero = 0;
    for (const pixel of images.pixels) {
      sum += pixel;
      nonzero += Number(pixel > 0);
    }
    expect(sum / images.pixels.length / 255).toBeCloseTo(0.1307, 4);
    expect(nonzero / images.pixels.length).toBeCloseTo(0.191, 3);
  });

  it.each([
    ["plain", "train-images-idx3-ubyte", "train-labels-idx1-ubyte", false],
    ["gzipped", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", true],
    ["with a dot", "train-images.idx3-ubyte", "train-labels.idx1-ubyte", false],
    ["EMNIST's", "emnist-digits-train-images-idx3-ubyte.gz", "emnist-digits-train-labels-idx1-ubyte.gz", true],
  ])("finds %s names", async (_, first, second, gzipped) => {
    put(first, gzipped ? gzipSync(Uint8Array.from(pictures)) : pictures);
    put(second, gzipped ? gzipSync(Uint8Array.from(labels)) : labels);
    const images = await loadDigits(directory);
    expect(images.count).toBe(2);
    expect([...images.pixels]).toEqual([10, 20, 30, 40]);
    expect([...images.labels]).toEqual([5, 4]);
  });

  it("says what is missing, what is too many, and which file is wrong", async () => {
    await expect(loadDigits(join(directory, "none"))).rejects.toThrow(/^data: cannot read the directory .*no such/);
    await expect(loadDigits(directory)).rejects.toThrow(/^data: expected train-images-idx3-ubyte or .*\.gz in/);
    put("train-images-idx3-ubyte", pictures);
    await expect(loadDigits(directory)).rejects.toThrow(/^data: expected train-labels-idx1-ubyte or/);
    put("train-labels-idx1-ubyte", labels.slice(0, -1));
    await expect(loadDigits(directory)).rejects.toThrow('"train-labels-idx1-ubyte": expected 2 bytes');
    put("train-labels-idx1-ubyte", labels);
    put("other-train-images-idx3-ubyte", pictures);
    await expect(loadDigits(directory)).rejects.toThrow(/expected one data set in .* got other-train.* and train-im/);
    // the same file twice is one data set
    fs.rmSync(join(directory, "other-train-images-idx3-ubyte"));
    put("train-images-idx3-ubyte.gz", gzipSync(Uint8Array.from(pictures)));
    expect((await loadDigits(directory)).count).toBe(2);
  });
});

describe("loadCifar", () => {
  const batch = (label: number): number[] => [label, ...new Array(3072).fill(label)];

  it("joins the batches in order, in the directory or the archive's", async () => {
    put("data_batch_2.bin", batch(3));
    put("data_batch_1.bin", batch(1));
    put("test_batch.bin", batch(9));
    expect([...(await loadCifar(directory)).labels]).toEqual([1, 3]);
    fs.mkdirSync(join(directory, "cifar-10-batches-bin"));
    put("cifar-10-batches-bin/data_batch_1.bin", batch(7));
    expect([...(await loadCifar(directory)).labels]).toEqual([7]);
  });

  it("says what is missing, and which file is wrong", async () => {
    await expect(loadCifar(undefined)).rejects.toThrow(/^data: expected a directory with data_batch_1\.bin .*cifar/);
    await expect(loadCifar(directory)).rejects.toThrow(/^data: expected data_batch_1\.bin to data_batch_5\.bin in/);
    put("data_batch_1.bin", batch(1).slice(1));
    await expect(loadCifar(directory)).rejects.toThrow('"data_batch_1.bin": expected records of 3073 bytes');
  });
});
