import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readNpy, writeNpy } from "../src/data/npy.ts";
import { LONGER } from "./fuzz.ts";

/** A file as numpy.save writes it (numpy/lib/format.py): the header padded to a multiple of 64 bytes. */
function npy(header: string, data: Uint8Array | number[], version = 1): Uint8Array {
  const start = version === 1 ? 10 : 12;
  const text = header.padEnd(64 * Math.ceil((start + header.length + 1) / 64) - start - 1).concat("\n");
  const bytes = new Uint8Array(start + text.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  bytes.set(new TextEncoder().encode(text), start);
  bytes.set(data, start + text.length);
  return bytes;
}

const head = (dtype: string, shape: string, order = "False"): string =>
  `{'descr': '${dtype}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

describe("readNpy", () => {
  it.for([
    ["<f4", Float32Array.of(1.5, -2, Number.NaN, 3e38)],
    ["<f8", Float64Array.of(0.1, -0, Number.POSITIVE_INFINITY, 5e-324)],
    ["|i1", Int8Array.of(-128, 127, 0, 1)],
    ["<i2", Int16Array.of(-32768, 32767, 0, 1)],
    ["<i4", Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0, 1)],
    ["<i8", BigInt64Array.of(-(2n ** 53n), 2n ** 53n, 0n, 1n)],
    ["|u1", Uint8Array.of(255, 0, 1, 2)],
    ["<u2", Uint16Array.of(65535, 0, 1, 2)],
    ["<u4", Uint32Array.of(2 ** 32 - 1, 0, 1, 2)],
    ["<u8", BigUint64Array.of(2n ** 53n, 0n, 1n, 2n)],
    ["|b1", Uint8Array.of(1, 0, 1, 1)],
  ] as const)("reads %s", ([dtype, values]) => {
    for (const version of [1, 2, 3]) {
      const array = readNpy(npy(head(dtype, "(2, 2)"), bytesOf(values), version));
      expect(array.shape).toEqual([2, 2]);
      expect(array.dtype).toBe(dtype);
      expect([...array.data]).toEqual(Array.from(values as ArrayLike<number | bigint>, Number));
    }
  });

  it("reads big-endian numbers, one dimension, no dimension, no entries, and bytes that start anywhere", () => {
    expect([...readNpy(npy(head(">i2", "(2,)"), [1, 2, 0xff, 0xff])).data]).toEqual([258, -1]);
    expect(readNpy(npy(head("|u1", "()"), [7]))).toMatchObject({ shape: [], data: Float64Array.of(7) });
    expect(readNpy(npy(head("<f4", "(0, 3)"), []))).toMatchObject({ shape: [0, 3], data: new Float32Array(0) });
    const file = npy(head("<f4", "(1,)"), bytesOf(Float32Array.of(2.5)));
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect([...readNpy(shifted.subarray(3)).data]).toEqual([2.5]);
    // one dimension has but one order
    expect(readNpy(npy(head("|u1", "(1,)", "True"), [7])).shape).toEqual([1]);
  });

  it.for([
    ["other bytes", new Uint8Array(100), /expected a \.npy file/],
    ["nothing", new Uint8Array(0), /expected a \.npy file/],
    ["another version", npy(head("<f4", "()"), [0, 0, 0, 0], 9), /version 1 to 3, got 9/],
    ["a cut header", npy(head("<f4", "()"), []).subarray(0, 40), /ends within its header/],
    ["a cut length", Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 1, 0), /ends within its header/],
    ["too few data", npy(head("<f4", "(3,)"), [0, 0, 0, 0]), /expected 12 bytes for shape \(3\) of <f4, got 4/],
    ["too many data", npy(head("<f4", "(1,)"), [0, 0, 0, 0, 0]), /expected 4 bytes/],
    [
      "a size out of this world",
      npy(head("<f8", "(9007199254740991,)"), []),
      /expected 72057594037927930 bytes .* got 0/,
    ],
    ["a size beyond 2^53", npy(head("<f8", "(0, 9007199254740992)"), []), /below 2\^53, got \[0,9007199254740992\]/],
    ["a size beyond f64", npy(head("<f8", `(0, ${"9".repeat(400)})`), []), /below 2\^53, got \[0,Infinity\]/],
    [
      "sizes whose product is beyond 2^53",
      npy(head("<f8", "(999999999999, 999999999999)"), []),
      /less than 2\^53 numbers, got shape \(999999999999, 999999999999\)/,
    ],
    // 0 times infinity
    [
      "sizes whose product is no number",
      npy(head("<f8", `(${"9007199254740991, ".repeat(20)}0)`), []),
      /less than 2\^53/,
    ],
    ["more dimensions than NumPy has", npy(head("|u1", `(${"1, ".repeat(65)})`), [7]), /at most 64 dimensions, got 65/],
    ["a size in two parts", npy(head("|u1", "(1 1)"), [7]), /whole numbers/],
    ["Fortran order", npy(head("|u1", "(2, 2)", "True"), [1, 2, 3, 4]), /expected C order/],
    ["text", npy(head("<U4", "(1,)"), new Uint8Array(16)), /got type "<U4"/],
    ["complex numbers", npy(head("<c8", "(1,)"), new Uint8Array(8)), /got type "<c8"/],
    ["half floats", npy(head("<f2", "(1,)"), [0, 0]), /got type "<f2"/],
    [
      "records",
      npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", [0, 0, 0, 0]),
      /one plain type/,
    ],
    ["a negative size", npy(head("|u1", "(-1,)"), []), /one plain type/],
    ["a name of Object", npy(head("|constructor", "(1,)"), [0]), /got type/],
  ] as const)("refuses %s", ([, bytes, message]) => {
    expect(() => readNpy(bytes)).toThrow(RangeError);
    expect(() => readNpy(bytes)).toThrow(message);
  });

  it("refuses what are no bytes", () => {
    expect(() => readNpy("x" as unknown as Uint8Array)).toThrow(TypeError);
  });

  const whole = npy(head("<f4", "(2, 3)"), bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)));
  const size = fc.oneof(
    fc.nat(4).map(String),
    fc.constantFrom(
      "9007199254740991",
      "9007199254740992",
      "18446744073709551616",
      "-1",
      "1e3",
      "0x4",
      "007",
      "",
      "9".repeat(310),
    ),
  );
  const shape = fc.array(size, { maxLength: 6 }).map((sizes) => `(${sizes.join(", ")})`);
  const dtype = fc.constantFrom("<f4", ">f8", "|u1", "=i8", "|b1", "<f2", "|O", "<U4", "", "<f99999999999");
  const order = fc.constantFrom("True", "False", "None");
  const made = fc
    .tuple(dtype, shape, order, fc.constantFrom(1, 2, 3), fc.uint8Array({ maxLength: 40 }))
    .map(([d, s, o, version, data]) => npy(head(d, s, o), data, version));

  it.each([
    ["any bytes", fc.uint8Array({ maxLength: 200 })],
    [
      "any bytes after the magic ones",
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.of(...whole.subarray(0, 6), 1, 0, ...bytes)),
    ],
    [
      "a file with a byte changed, cut anywhere",
      fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length)).map(([at, byte, length]) => {
        const bytes = whole.slice(0, Math.max(length, at + 1));
        bytes[at] = byte;
        return bytes;
      }),
    ],
    ["headers of every kind", made],
  ] as const)("refuses or reads %s, and nothing beyond them", (what, files) => {
    let read = 0;
    fc.assert(
      fc.property(files, (bytes) => {
        let array: ReturnType<typeof readNpy>;
        try {
          array = readNpy(bytes);
        } catch (error) {
          // its own refusal: not the engine's, of a read outside or of an array too long
          expect(error).toBeInstanceOf(RangeError);
          expect((error as Error).message).toMatch(/^npy: [^\n]{1,2000}$/);
          return;
        }
        expect(array.data).toHaveLength(array.shape.reduce((product, n) => product * n, 1));
        expect(array.data.length).toBeLessThanOrEqual(bytes.length);
        if (array.data.length > 0) read++;
      }),
      { seed: 1, numRuns: 2000 * LONGER },
    );
    // both happen where they can
    if (/byte changed|headers/.test(what)) expect(read).toBeGreaterThan(5);
    expect(read).toBeLessThan(1000);
  });

  it("takes time in proportion to the bytes, whatever the header says", () => {
    const many = 500_000;
    for (const text of [
      "'descr':".repeat(many / 4),
      "'shape': (1,".repeat(many / 8),
      "(".repeat(many),
      " ".repeat(many),
    ]) {
      expect(() => readNpy(npy(text, [], 2))).toThrow(/^npy: expected an array of one plain type/);
    }
    expect(() => readNpy(npy(head("|u1", `(${"1, ".repeat(many)})`), [7], 2))).toThrow(
      /at most 64 dimensions, got 500000/,
    );
  });
});

describe("writeNpy", () => {
  it("writes the bytes of numpy.save (1.24)", () => {
    expect(writeNpy({ shape: [1, 3], data: Float32Array.of(1.5, -2, 3e38) })).toEqual(
      npy(head("<f4", "(1, 3)"), bytesOf(Float32Array.of(1.5, -2, 3e38))),
    );
    const one = writeNpy({ shape: [1], data: Float64Array.of(0.1) });
    expect(one).toEqual(npy(head("<f8", "(1,)"), bytesOf(Float64Array.of(0.1))));
    expect(one.length).toBe(136);
    expect(String.fromCharCode(...one.subarray(6, 12))).toBe("\x01\x00v\x00{'");
    expect([...one.subarray(128)]).toEqual([0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f]);
  });

  it("there and back, any shape, to the bit", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4), { maxLength: 4 }),
        fc.boolean(),
        fc.infiniteStream(fc.double()),
        (shape, wide, x) => {
          const count = shape.reduce((product, size) => product * size, 1);
          const values = [...x.take(count)];
          const data = wide ? Float64Array.from(values) : Float32Array.from(values);
          expect(readNpy(writeNpy({ shape, data }))).toEqual({ shape, data, dtype: wide ? "<f8" : "<f4" });
        },
      ),
    );
  });

  it.each([
    [{ shape: [2], data: [1, 2] }, /data: expected a Float32Array or a Float64Array, got \[1,2\]/],
    [{ shape: [3], data: new Float32Array(2) }, /data: expected 3 numbers for shape \(3\), got 2/],
    [{ shape: 2, data: new Float32Array(2) }, /shape: expected an array of integers, got 2/],
    [{ shape: [-1], data: new Float32Array(2) }, /shape\[0\]: expected an integer from 0/],
    // a header longer than its length's 16 bits
    [{ shape: Array(30_000).fill(1), data: new Float32Array(1) }, /array: expected at most 64 dimensions, got 30000/],
    [null, /array: expected an object, got null/],
  ])("refuses %#: $1", (array, message) => {
    expect(() => writeNpy(array as never)).toThrow(message);
  });
});
