import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { criticalSampleRatioOfRows } from "../src/complexity/criticalSampleRatio.ts";
import { entropyOfRows } from "../src/complexity/entropy.ts";
import { complexity } from "../src/complexity/index.ts";
import { lempelZivOfRows } from "../src/complexity/lempelZiv.ts";
import { sensitivityOfRows } from "../src/complexity/sensitivity.ts";
import { sharedKernels } from "../src/engine/module.ts";
import { criticalSampleRatio, entropy, sensitivity } from "./reference/booleanComplexity.ts";
import { kasparSchuster, lempelZivComplexity, lempelZivHistory } from "./reference/lempelZiv.ts";
import { bitStrings, tableOf, truthTables, wordsOf } from "./reference/truthTables.ts";

const kernels = await sharedKernels();

/** Words of the parse by kernel, forward and of the reverse. */
function parse(s: string): [number, number] {
  return kernels.scoped(() => {
    const row = kernels.put(wordsOf(s));
    const words = Math.ceil(s.length / 64);
    const scratch = kernels.allocate(16 * words + 8);
    const guard = kernels.put(Uint32Array.of(0xabcdef01));
    const forward = kernels.exports.lempelZivWords(row, s.length, scratch);
    const reverse = kernels.exports.lempelZivWordsReversed(row, s.length, scratch);
    expect(kernels.u32(guard, 1)[0]).toBe(0xabcdef01);
    return [forward, reverse];
  });
}

const reversed = (s: string): string => [...s].reverse().join("");

const one = (s: string) => ({ data: wordsOf(s), stride: Math.ceil(s.length / 32), points: s.length });

describe("Lempel-Ziv", () => {
  it("parses the example of Lempel & Ziv 1976 and Kaspar & Schuster 1987 as 0.001.10.100.1000.101", () => {
    const s = "0001101001000101";
    expect(lempelZivHistory(s)).toEqual(["0", "001", "10", "100", "1000", "101"]);
    expect(kasparSchuster(s)).toBe(6);
    expect(parse(s)[0]).toBe(6);
  });

  it("gives 2 words to 0000... and 3 to 0101... of any length (Kaspar & Schuster 1987)", () => {
    for (let m = 3; m <= 1024; m = 2 * m + (m % 3)) {
      expect(parse("0".repeat(m))).toEqual([2, 2]);
      expect(parse("01".repeat(m).slice(0, m))[0]).toBe(3);
    }
  });

  it("counts an incomplete last word", () => {
    expect(lempelZivHistory("0100")).toEqual(["0", "1", "00"]);
    expect(lempelZivHistory("010")).toEqual(["0", "1", "0"]);
    expect(parse("010")).toEqual([3, 3]);
  });

  it("history = scan = kernel for strings of 1 to 64 bits", () => {
    fc.assert(
      fc.property(bitStrings(1, 64), (s) => {
        const forward = lempelZivHistory(s).length;
        if (s.length > 1) expect(kasparSchuster(s)).toBe(forward);
        expect(parse(s)).toEqual([forward, lempelZivHistory(reversed(s)).length]);
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it("scan = kernel for strings of 65 to 1100 bits", () => {
    fc.assert(
      fc.property(fc.oneof(bitStrings(65, 200), bitStrings(201, 1100)), (s) => {
        expect(parse(s)).toEqual([kasparSchuster(s), kasparSchuster(reversed(s))]);
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it("K of rows: constants log2(m), exact for m = 2^n, and reversal changes nothing", () => {
    for (let n = 0; n <= 10; n++) {
      for (const bit of "01") expect(lempelZivOfRows(kernels, one(bit.repeat(2 ** n)))).toEqual(Float64Array.of(n));
    }
    fc.assert(
      fc.property(fc.oneof(bitStrings(2, 128), bitStrings(129, 1024)), (s) => {
        const [k] = lempelZivOfRows(kernels, one(s));
        const expected = lempelZivComplexity(s);
        // log2 of the host and of the module may differ in the last bits
        expect(Math.abs(k - expected)).toBeLessThanOrEqual(4e-16 * expected);
        expect(lempelZivOfRows(kernels, one(reversed(s)))[0]).toBe(k);
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});

describe("entropy, sensitivity, critical sample ratio", () => {
  it("kernel = reference for n = 1 to 10", () => {
    for (let n = 1; n <= 10; n++) {
      fc.assert(
        fc.property(truthTables(n), (s) => {
          expect(Math.abs(entropyOfRows(kernels, one(s))[0] - entropy(s))).toBeLessThanOrEqual(4e-16);
          expect(sensitivityOfRows(kernels, one(s))[0]).toBe(sensitivity(s));
          expect(criticalSampleRatioOfRows(kernels, one(s))[0]).toBe(criticalSampleRatio(s));
        }),
        { numRuns: 60, seed: n },
      );
    }
  });

  it("negation keeps all three to the bit", () => {
    fc.assert(
      fc.property(truthTables(7), (s) => {
        const negated = [...s].map((b) => (b === "0" ? "1" : "0")).join("");
        for (const measure of [entropyOfRows, sensitivityOfRows, criticalSampleRatioOfRows]) {
          expect(measure(kernels, one(negated))).toEqual(measure(kernels, one(s)));
        }
      }),
      { numRuns: 100, seed: 4 },
    );
  });

  it("majority of 7 bits: sensitivity 7 C(6,3) / 2^6 = 2.1875, critical ratio 2 C(7,3) / 2^7", () => {
    const s = tableOf(7, (x) => x.reduce((a, b) => a + b, 0) > 3);
    expect(sensitivityOfRows(kernels, one(s))).toEqual(Float64Array.of(2.1875));
    expect(criticalSampleRatioOfRows(kernels, one(s))).toEqual(Float64Array.of(70 / 128));
    expect(entropyOfRows(kernels, one(s))).toEqual(Float64Array.of(1));
  });
});

describe("rows", () => {
  it("many rows with other columns behind the key give what each gives alone", () => {
    const strings = fc.sample(bitStrings(100, 100), { numRuns: 5000, seed: 5 });
    const stride = 6;
    const data = new Uint32Array(stride * strings.length).fill(0xdeadbeef);
    strings.forEach((s, i) => {
      data.set(wordsOf(s), stride * i);
    });
    const all = lempelZivOfRows(kernels, { data, stride, points: 100 });
    const entropies = entropyOfRows(kernels, { data, stride, points: 100 });
    strings.forEach((s, i) => {
      if (lempelZivOfRows(kernels, one(s))[0] !== all[i]) throw new Error(`row ${i}: ${all[i]}`);
      if (entropyOfRows(kernels, one(s))[0] !== entropies[i]) throw new Error(`row ${i}: ${entropies[i]}`);
    });
    expect(lempelZivOfRows(kernels, { data: new Uint32Array(0), stride, points: 100 })).toHaveLength(0);
  });
});

describe("complexity", () => {
  it("gives the measures of functions of mixed sizes in their order", async () => {
    expect(await complexity(["7F".padEnd(32, "f"), "6", "0".repeat(256), "80"])).toEqual([
      { function: "7f".padEnd(32, "f"), lempelZiv: 17.5, ...near(entropy(`0${"1".repeat(127)}`), 14 / 128, 8 / 128) },
      { function: "6", lempelZiv: 6, entropy: 1, sensitivity: 2, criticalSampleRatio: 1 },
      { function: "0".repeat(256), lempelZiv: 10, entropy: 0, sensitivity: 0, criticalSampleRatio: 0 },
      { function: "80", lempelZiv: 7.5, ...near(entropy("10000000"), 6 / 8, 4 / 8) },
    ]);
    expect(await complexity([])).toEqual([]);
    expect(await complexity("6", { bits: 2 })).toEqual(await complexity(["6"]));
  });

  it("reads one digit as two bits of a truth table with bits = 1", async () => {
    expect(await complexity("4", { bits: 1 })).toEqual([
      { function: "4", lempelZiv: 2, entropy: 1, sensitivity: 1, criticalSampleRatio: 1 },
    ]);
  });

  it("rejects what is no function, and names it", async () => {
    const cases: [unknown, unknown, new (message: string) => Error, string][] = [
      [
        ["0000", "0".repeat(31)],
        {},
        RangeError,
        "functions[1]: expected 1, 2, 4, 8, 16, 32, 64, 128 or 256 hex digits, got 31",
      ],
      ["", {}, RangeError, "functions: expected 1, 2, 4, 8, 16, 32, 64, 128 or 256 hex digits, got 0"],
      [["0g"], {}, RangeError, 'functions[0]: expected hex digits, got "g" at position 1'],
      [[12], {}, TypeError, "functions[0]: expected a string of hex digits, got 12"],
      [12, {}, TypeError, "functions: expected a hex string or an array of them, got 12"],
      ["00", { bits: 7 }, RangeError, 'functions: expected 32 hex digits (128 bits), got 2: "00"'],
      ["1", { bits: 1 }, RangeError, 'functions: expected zero bits past the 2 points, got "1"'],
      ["0", { bits: 11 }, RangeError, "bits: expected an integer from 1 to 10, got 11"],
      ["0", { bit: 2 }, TypeError, "options.bit: no such option; known: bits"],
    ];
    for (const [functions, options, kind, message] of cases) {
      const call = complexity(functions as string, options as object);
      await expect(call).rejects.toThrow(kind);
      await expect(call).rejects.toThrow(message);
    }
  });
});

function near(h: number, s: number, ratio: number) {
  return { entropy: expect.closeTo(h, 14), sensitivity: s, criticalSampleRatio: ratio };
}
