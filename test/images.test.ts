import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinImages, readCifarBatch } from "../src/data/cifar.ts";
import { expanded } from "../src/data/gzip.ts";
import { readIdx } from "../src/data/idx.ts";
import { type Images, imagesOf, pointsOfImages } from "../src/data/images.ts";
import { LONGER } from "./fuzz.ts";

/** An IDX file as LeCun's page describes it. */
function idx(shape: readonly number[], data: ArrayLike<number>, type = 8): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  bytes.set([0, 0, type, shape.length]);
  const view = new DataView(bytes.buffer);
  shape.forEach((size, i) => {
    view.setUint32(4 + 4 * i, size, false);
  });
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

describe("readIdx", () => {
  it("reads pictures and labels: sizes big-endian, one byte a pixel, rows first", () => {
    // the first bytes of train-images-idx3-ubyte: magic 2051, 60000 pictures of 28 x 28
    expect([...idx([60000, 28, 28], []).subarray(0, 16)]).toEqual([
      0, 0, 8, 3, 0, 0, 234, 96, 0, 0, 0, 28, 0, 0, 0, 28,
    ]);
    const pictures = readIdx("p", idx([2, 1, 3], [1, 2, 3, 253, 254, 255]), 3);
    expect(pictures.shape).toEqual([2, 1, 3]);
    expect([...pictures.data]).toEqual([1, 2, 3, 253, 254, 255]);
    expect([...readIdx("l", idx([3], [7, 0, 9]), 1).data]).toEqual([7, 0, 9]);
    // bytes that start anywhere
    const shifted = new Uint8Array(20);
    shifted.set(idx([3], [7, 0, 9]), 5);
    expect([...readIdx("l", shifted.subarray(5, 16), 1).data]).toEqual([7, 0, 9]);
  });

  it.for([
    ["other bytes", Uint8Array.of(1, 2, 3, 4, 5), 3, /"f": expected an IDX file \(two zero bytes first\), got other/],
    ["nothing", new Uint8Array(0), 3, /expected an IDX file/],
    ["a gzip file that was not expanded", Uint8Array.of(0x1f, 0x8b, 8, 0), 3, /expected an IDX file/],
    ["floats", idx([1], [0, 0, 0, 0], 13), 1, /of unsigned bytes, got floats/],
    ["an unknown type", idx([1], [0], 7), 1, /of unsigned bytes, got other bytes/],
    ["labels for pictures", idx([2], [1, 2]), 3, /expected 3 dimensions, an IDX file of pictures, got 1/],
    ["pictures for labels", idx([1, 1, 1], [1]), 1, /expected 1 dimensions, an IDX file of labels, got 3/],
    ["a cut header", idx([1, 1, 1], []).subarray(0, 9), 3, /ends within its header/],
    ["too few data", idx([2, 2, 2], [1, 2, 3]), 3, /expected 8 bytes for shape \(2, 2, 2\), got 3/],
    ["too many data", idx([1], [1, 2]), 1, /expected 1 bytes for shape \(1\), got 2/],
    ["a size out of this world", idx([0xffffffff, 1, 1], []), 3, /expected 4294967295 bytes/],
    ["sizes whose product is beyond 2^53", idx([0xffffffff, 0xffffffff, 2], []), 3, /less than 2\^53 numbers/],
  ] as const)("refuses %s", ([, bytes, dimensions, message]) => {
    expect(() => readIdx("f", bytes, dimensions)).toThrow(RangeError);
    expect(() => readIdx("f", bytes, dimensions)).toThrow(message);
  });

  it("refuses what are no bytes", () => {
    expect(() => readIdx("f", "x" as unknown as Uint8Array, 1)).toThrow(TypeError);
  });

  const whole = idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  it.each([
    ["any bytes", fc.uint8Array({ maxLength: 60 })],
    [
      "a file with a byte changed, cut anywhere",
      fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length)).map(([at, byte, length]) => {
        const bytes = whole.slice(0, Math.max(length, at + 1));
        bytes[at] = byte;
        return bytes;
      }),
    ],
    [
      "headers of every kind",
      fc
        .tuple(
          fc.array(fc.oneof(fc.nat(3), fc.nat(2 ** 31 - 1)), { maxLength: 4 }),
          fc.uint8Array({ maxLength: 30 }),
          fc.constantFrom(8, 8, 8, 9, 13),
        )
        .map(([shape, data, type]) => idx(shape, data, type)),
    ],
  ] as const)("refuses or reads %s, and nothing beyond them", (what, files) => {
    let read = 0;
    fc.assert(
      fc.property(files, fc.constantFrom(1, 3), (bytes, dimensions) => {
        try {
          const { shape, data } = readIdx("f", bytes, dimensions);
          expect(data).toHaveLength(shape.reduce((product, n) => product * n, 1));
          expect(data.length).toBe(bytes.length - 4 - 4 * dimensions);
          read++;
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          expect((error as Error).message).toMatch(/^"f": [^\n]{1,300}$/);
        }
      }),
      { seed: 1, numRuns: 2000 * LONGER },
    );
    if (what !== "any bytes") expect(read).toBeGreaterThan(5);
  });
});

describe("imagesOf", () => {
  it("refuses files that do not belong together", () => {
    const pictures = readIdx("p", idx([2, 1, 1], [1, 2]), 3);
    const labels = readIdx("l", idx([3], [1, 2, 3]), 1);
    expect(() => imagesOf({ pictures: "p", labels: "l" }, pictures, labels)).toThrow(
      '"l": expected 2 labels, one for each picture of "p", got 3',
    );
  });

  it("points: pixels from 0 to 1 and a target for each label", () => {
    const images: Images = {
      count: 3,
      features: 2,
      pixels: Uint8Array.of(0, 255, 51, 102, 1, 2),
      labels: Uint8Array.of(4, 5, 9),
    };
    expect(pointsOfImages(images, [1, 0], (label) => label >= 5)).toEqual({
      points: 2,
      features: 2,
      inputs: Float32Array.of(0.2, 0.4, 0, 1),
      targets: Float32Array.of(1, 0),
    });
  });
});

describe("readCifarBatch", () => {
  const record = (label: number, first: number): number[] => [label, first, ...new Array(3071).fill(9)];

  it("reads records of a label and 3072 bytes, and joins batches", () => {
    const a = readCifarBatch("a", Uint8Array.from([...record(1, 7), ...record(3, 8)]));
    expect(a.count).toBe(2);
    expect([...a.labels]).toEqual([1, 3]);
    expect(a.pixels[0]).toBe(7);
    expect(a.pixels[3072]).toBe(8);
    const both = joinImages([a, readCifarBatch("b", Uint8Array.from(record(9, 5)))]);
    expect([...both.labels]).toEqual([1, 3, 9]);
    expect(both.pixels[2 * 3072]).toBe(5);
  });

  it.for([
    ["nothing", new Uint8Array(0), /"f": expected records of 3073 bytes .* got 0 bytes/],
    ["a cut file", new Uint8Array(3073 * 2 - 1), /got 6145 bytes/],
    ["another format's labels", Uint8Array.from(record(10, 0)), /labels from 0 to 9, got 10 in record 0/],
  ] as const)("refuses %s", ([, bytes, message]) => {
    expect(() => readCifarBatch("f", bytes)).toThrow(RangeError);
    expect(() => readCifarBatch("f", bytes)).toThrow(message);
  });

  it("refuses or reads any bytes", () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), fc.nat(3), fc.constantFrom(0, 0, 1, -1), (a, b, records, off) => {
        const bytes = new Uint8Array(Math.max(0, 3073 * records + off));
        bytes.fill(b);
        if (bytes.length > 0) bytes[0] = a;
        try {
          expect(readCifarBatch("f", bytes).count).toBe(records);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          expect((error as Error).message).toMatch(/^"f": /);
        }
      }),
      { seed: 1, numRuns: 300 * LONGER },
    );
  });
});

describe("expanded", () => {
  it("expands what is gzipped, and leaves alone what is not", async () => {
    const file = idx([3], [7, 0, 9]);
    expect(await expanded("f", file)).toBe(file);
    expect(await expanded("f", await gzip(file))).toEqual(file);
    expect(await expanded("f", new Uint8Array(0))).toEqual(new Uint8Array(0));
  });

  it("refuses cut and broken files, and those that expand without end", async () => {
    const zeros = await gzip(new Uint8Array(1e6));
    const broken = zeros.slice();
    broken[12] ^= 0xff;
    for (const bytes of [zeros.subarray(0, 50), zeros.slice(0, -4), broken, Uint8Array.of(0x1f, 0x8b)]) {
      await expect(expanded("f", bytes.slice())).rejects.toThrow('"f": expected a gzip file, got a broken or cut one');
    }
    await expect(expanded("f", zeros, 1000)).rejects.toThrow('"f": expected at most 1000 bytes once expanded');
  });

  it("refuses or expands any changed file", async () => {
    const whole = await gzip(
      idx(
        [20],
        new Uint8Array(20).map((_, i) => 3 * i),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), async (at, byte, cut) => {
        const bytes = whole.slice(0, Math.max(cut, 2));
        if (at >= 2) bytes[at] = byte;
        try {
          expect((await expanded("f", bytes, 1000)).length).toBeLessThanOrEqual(1000);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          expect((error as Error).message).toMatch(/^"f": /);
        }
      }),
      { seed: 1, numRuns: 300 * LONGER },
    );
  });
});
