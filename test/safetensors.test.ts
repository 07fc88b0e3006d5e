/** The .safetensors reader and writer, and networks as tensors. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSafetensors, type Tensor, writeSafetensors } from "../src/data/safetensors.ts";
import { tensorsFromWeights, weightsFromTensors } from "../src/network/weights.ts";
import { LONGER } from "./fuzz.ts";

/** Made by Python's struct and json: net.0.weight F32, net.0.bias F64, net.2.weight F16, net.2.bias BF16. */
const HEX =
  "28010000000000007b225f5f6d657461646174615f5f223a7b22666f726d6174223a227074227d2c226e65742e302e776569676874223a7b226474797065223a22463332222c227368617065223a5b322c335d2c22646174615f6f666673657473223a5b302c32345d7d2c226e65742e302e62696173223a7b226474797065223a22463634222c227368617065223a5b325d2c22646174615f6f666673657473223a5b32342c34305d7d2c226e65742e322e776569676874223a7b226474797065223a22463136222c227368617065223a5b312c325d2c22646174615f6f666673657473223a5b34302c34345d7d2c226e65742e322e62696173223a7b226474797065223a2242463136222c227368617065223a5b315d2c22646174615f6f666673657473223a5b34342c34365d7d7d0000803f0000004000004040000080c00000003f0000803e000000000000c03f00000000000020c0003e00944940";
const file = (): Uint8Array => Uint8Array.from(HEX.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

/** A file with this header and so many bytes of data. */
function made(header: unknown, data = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const entry = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

describe("readSafetensors", () => {
  it("reads F32, F64, F16 and BF16 of a file made elsewhere", () => {
    const tensors = readSafetensors(file());
    expect([...tensors.keys()]).toEqual(["net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias"]);
    expect([...(tensors.get("net.0.weight")?.data ?? [])]).toEqual([1, 2, 3, -4, 0.5, 0.25]);
    expect([...(tensors.get("net.0.bias")?.data ?? [])]).toEqual([0.125, -8]);
    expect([...(tensors.get("net.2.weight")?.data ?? [])]).toEqual([1.5, -0.0009765625]);
    expect([...(tensors.get("net.2.bias")?.data ?? [])]).toEqual([3.140625]);
  });

  it.each([
    ["nothing", new Uint8Array(0), /at least 8 bytes, got 0/],
    ["a header longer than the file", made("{}").subarray(0, 9), /header of at most 1 bytes, got 2/],
    ["a header of 2^60 bytes", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 16), /at most 0 bytes, got 1152921504606846976/],
    ["no JSON", made("{x"), /header in JSON/],
    ["an array", made("[]"), /JSON object/],
    ["a name twice", made('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{}}'), /"a" stands twice/],
    ["a hole", made({ a: entry(4, 8) }, 8), /"a": expected data_offsets to begin at 0, got 4/],
    ["an overlap", made({ a: entry(0, 8), b: entry(4, 12) }, 12), /"b": expected data_offsets to begin at 8, got 4/],
    ["data cut short", file().subarray(0, file().length - 1), /expected 46 bytes of data, got 45/],
    ["data left over", made({ a: entry(0, 4) }, 5), /expected 4 bytes of data, got 5/],
    ["a shape that its bytes do not hold", made({ a: entry(0, 4, [2 ** 40]) }, 4), /bytes for shape \(1099511627776\)/],
    ["a negative size", made({ a: { ...entry(0, 4), shape: [-1] } }, 4), /shape of whole numbers/],
    ["integers", made({ a: { ...entry(0, 4), dtype: "I32" } }, 4), /expected F32, F64, F16 or BF16, got "I32"/],
    ["a size that is an array", made({ a: { ...entry(0, 4), shape: [[1]] } }, 4), /got \[an array of length 1\]/],
    ["offsets below 0", made({ a: { ...entry(0, 4), data_offsets: [-4, 0] } }, 4), /two data_offsets, got \[-4,0\]/],
    ["offsets in reverse", made({ a: { ...entry(0, 4), data_offsets: [4, 0] } }, 4), /two data_offsets, got \[4,0\]/],
    ["0 times 2^53", made({ a: entry(0, 0, [0, 2 ** 53]) }), /below 2\^53, got \[0,9007199254740992\]/],
    ["a product beyond 2^53", made({ a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4), /less than 2\^53 numbers, got shape/],
    ["a product that is no number", made({ a: entry(0, 0, [...Array(20).fill(2 ** 53 - 1), 0]) }), /less than 2\^53/],
    ["65 dimensions", made({ a: entry(0, 4, Array(65).fill(1)) }, 4), /at most 64 dimensions, got 65/],
    ["a tensor that is null", made({ a: null }), /"a": expected an object, got null/],
    ["a name of two lines", made({ "a\nb": 1 }), /"a\\nb": expected an object, got 1/],
    ["an escaped name twice", made('{"a":1,"\\u0061":2}'), /"a" stands twice/],
    ["nested arrays, 100,000 deep", made(`{"a":${"[".repeat(1e5)}${"]".repeat(1e5)}}`), /"a": expected a dtype/],
    [
      "a shape 100,000 deep",
      made(`{"a":{"dtype":"F32","data_offsets":[0,0],"shape":${"[".repeat(1e5)}${"]".repeat(1e5)}}}`),
      /got \[an array of length 1\]/,
    ],
    ["metadata that is no text", made({ __metadata__: { a: 1 } }), /strings in __metadata__/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(RangeError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  const whole = file();
  const number = fc.oneof(
    fc.nat(12),
    fc.constantFrom<unknown>(-1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300, 0.5, "4", null, [4], {}, true),
  );
  const tensor = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record(
        {
          dtype: fc.constantFrom<unknown>("F32", "F64", "F16", "BF16", "I64", "constructor", 4, null),
          shape: fc.oneof(
            { weight: 5, arbitrary: fc.array(number, { maxLength: 4 }) },
            { weight: 1, arbitrary: number },
          ),
          data_offsets: fc.oneof(
            { weight: 5, arbitrary: fc.tuple(number, number) },
            { weight: 1, arbitrary: fc.array(number) },
          ),
        },
        { requiredKeys: [] },
      ),
    },
    { weight: 1, arbitrary: number },
  );
  const name = fc.constantFrom("a", "b", "0.weight", "__metadata__", "__proto__", "constructor", '"', "\\", "");
  /** Well-formed tensors one after the other, of which one field is then spoilt. */
  const spoilt = fc
    .tuple(
      fc.array(fc.tuple(fc.constantFrom("F32", "F64", "F16", "BF16"), fc.nat(3), fc.nat(3)), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.nat(3),
      fc.constantFrom("dtype", "shape", "begin", "end", "none"),
      number,
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([list, which, field, value, more]) => {
      const bytes = { F32: 4, F64: 8, F16: 2, BF16: 2 };
      let at = 0;
      const entries = list.map(([dtype, rows, columns], i) => {
        const begin = at;
        at += bytes[dtype as keyof typeof bytes] * rows * columns;
        const bad = i === which % list.length ? field : "none";
        return [
          `t${i}`,
          {
            dtype: bad === "dtype" ? value : dtype,
            shape: [rows, bad === "shape" ? value : columns],
            data_offsets: [bad === "begin" ? value : begin, bad === "end" ? value : at],
          },
        ];
      });
      return made(Object.fromEntries(entries), Math.max(0, at + more));
    });

  it.each([
    ["any bytes", fc.uint8Array({ maxLength: 300 })],
    [
      "a file with a byte changed, cut anywhere",
      fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length)).map(([at, byte, length]) => {
        const bytes = whole.slice(0, Math.max(length, at + 1));
        bytes[at] = byte;
        return bytes;
      }),
    ],
    ["any JSON", fc.tuple(fc.json(), fc.nat(20)).map(([json, data]) => made(json, data))],
    [
      "any JSON object",
      fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(20)).map(([o, data]) => made(o, data)),
    ],
    [
      "headers of every kind",
      fc
        .tuple(fc.array(fc.tuple(name, tensor), { maxLength: 4 }), fc.nat(24))
        .map(([list, data]) =>
          made(`{${list.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`, data),
        ),
    ],
    ["headers with one field spoilt", spoilt],
  ] as const)("refuses or reads %s, and nothing beyond them", (what, files) => {
    let read = 0;
    fc.assert(
      fc.property(files, (bytes) => {
        let tensors: Map<string, Tensor>;
        try {
          tensors = readSafetensors(bytes);
        } catch (error) {
          // its own refusal: not the engine's, of a read outside or of an array too long
          expect(error).toBeInstanceOf(RangeError);
          expect((error as Error).message).toMatch(/^safetensors: [^\n]{1,2000}$/);
          return;
        }
        let held = 0;
        for (const { shape, data } of tensors.values()) {
          expect(data).toHaveLength(shape.reduce((product, n) => product * n, 1));
          held += data.length;
        }
        expect(2 * held).toBeLessThanOrEqual(bytes.length);
        if (held > 0) read++;
      }),
      { seed: 1, numRuns: 2000 * LONGER },
    );
    // both happen where they can
    if (/byte changed|field/.test(what)) expect(read).toBeGreaterThan(5);
    expect(read).toBeLessThan(1000);
  });

  it("takes time in proportion to the bytes: 100,000 names", () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `"${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`);
    expect(readSafetensors(made(`{${names.join()}}`)).size).toBe(100_000);
    expect(() => readSafetensors(made(`{${names.join()},"7":0}`))).toThrow('"7" stands twice');
    const long = "x".repeat(5_000_000);
    expect(() => readSafetensors(made(`{"${long}":0}`))).toThrow(
      `"${long.slice(0, 57)}...": expected an object, got 0`,
    );
  });
});

describe("writeSafetensors", () => {
  it.each([
    [{ __metadata__: { shape: [1], data: Float32Array.of(1) } }, /^tensors: expected another name than __metadata__$/],
    [{ a: { shape: [2], data: Float32Array.of(1) } }, /^tensors: "a": expected 2 numbers for \(2\), got 1$/],
    [{ a: { shape: [-1, -1], data: Float32Array.of(1) } }, /^tensors: "a": expected a shape of whole numbers/],
  ])("refuses %j", (tensors, message) => {
    expect(() => writeSafetensors(new Map(Object.entries(tensors)))).toThrow(message);
  });

  it("writes what the reader reads", () => {
    const name = fc.oneof(fc.stringMatching(/^[a-z."\\]{1,8}$/), fc.constantFrom("__proto__", "constructor", "7", ""));
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, fc.array(fc.float())), { selector: ([n]) => n }), (list) => {
        const tensors = new Map(
          list.map(([n, data]) => [n, { shape: [data.length], data: Float32Array.from(data) }] as const),
        );
        const bytes = writeSafetensors(tensors);
        expect(bytes.length % 4).toBe(0);
        expect(readSafetensors(bytes)).toEqual(tensors);
      }),
    );
  });
});

describe("networks as tensors", () => {
  it("layers in natural order, whatever the prefix", () => {
    expect(weightsFromTensors(readSafetensors(file()))).toEqual({
      layers: [3, 2, 1],
      parameters: Float32Array.of(1, 2, 3, -4, 0.5, 0.25, 0.125, -8, 1.5, -0.0009765625, 3.140625),
      names: ["net.0", "net.2"],
    });
    const layer = (k: number): Array<readonly [string, Tensor]> => [
      [`l${k}.weight`, { shape: [1, 1], data: Float32Array.of(k) }],
      [`l${k}.bias`, { shape: [1], data: Float32Array.of(0) }],
    ];
    const many = new Map([10, 9, 2].flatMap((k) => layer(k)));
    expect([...weightsFromTensors(many).parameters]).toEqual([2, 0, 9, 0, 10, 0]);
  });

  it("there and back", () => {
    const layers = [4, 5, 3, 2];
    const weights = { layers, parameters: Float32Array.from({ length: 25 + 18 + 8 }, (_, i) => i / 7) };
    const tensors = tensorsFromWeights(weights);
    expect([...tensors.keys()]).toEqual(["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"]);
    expect(tensors.get("2.weight")?.shape).toEqual([3, 5]);
    expect(weightsFromTensors(readSafetensors(writeSafetensors(tensors)))).toEqual({
      ...weights,
      names: ["0", "2", "4"],
    });
    // a network trained elsewhere keeps its names
    const named = tensorsFromWeights(weightsFromTensors(readSafetensors(file())));
    expect([...named.keys()]).toEqual([...readSafetensors(file()).keys()]);
    expect([...tensorsFromWeights({ layers: [1, 1], parameters: new Float32Array(2), names: [""] }).keys()]).toEqual([
      "weight",
      "bias",
    ]);
    expect(() => tensorsFromWeights({ ...weights, names: ["a", "b", "b"] })).toThrow(/names: expected 3 different/);
  });

  const t = (shape: number[], ...data: number[]) => ({ shape, data: Float32Array.from(data) });
  it.each([
    [{ "0.weight": t([1, 1], 1) }, /"0.bias" is missing/],
    [{ "0.bias": t([1], 1) }, /"0.weight" is missing/],
    [{ "0.weight": t([1, 2], 1, 2), "0.bias": t([2], 0, 0) }, /0.bias: expected shape \(1\), got \(2\)/],
    [{ "0.weight": t([2], 1, 2), "0.bias": t([2], 0, 0) }, /0.weight: expected shape \(out, in\), got \(2\)/],
    [
      { "0.weight": t([1, 1], 1), "0.bias": t([1], 1), "1.weight": t([1, 2], 1, 1), "1.bias": t([1], 1) },
      /1.weight: expected 1 inputs, the layer before has as many outputs, got 2/,
    ],
    [{ "0.weight": t([1, 1], Number.NaN), "0.bias": t([1], 1) }, /0.weight\[0\]: expected a finite number, got NaN/],
    [{ running_mean: t([1], 1) }, /names that end in weight or bias, got "running_mean"/],
    [{}, /at least one layer/],
  ])("refuses %j", (tensors, message) => {
    expect(() => weightsFromTensors(new Map(Object.entries(tensors)))).toThrow(message);
  });
});
