import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { keysOf } from "./keys.ts";
import { sortRows } from "./reference/sortRows.ts";
import { packRows, type Row, unpackRows } from "./reference/table.ts";

const kernels = await sharedKernels();

function sortByKernel(rows: readonly Row[], words: number, sums: number): Row[] {
  return kernels.scoped(() => {
    const stride = words + 2 * sums;
    const at = kernels.put(packRows(rows));
    // guards: the kernel stays within its scratch and its rows
    const scratchBytes = Math.ceil(stride / 2) * 8 + 8192 * words;
    const guard0 = kernels.put(Uint32Array.of(0xabcdef01, 0xabcdef02));
    const scratch = kernels.allocate(scratchBytes);
    const guard1 = kernels.put(Uint32Array.of(0xabcdef03, 0xabcdef04));
    kernels.exports.sortRows(at, rows.length, 4 * stride, words, scratch);
    expect([...kernels.u32(guard0, 2), ...kernels.u32(guard1, 2)]).toEqual([
      0xabcdef01, 0xabcdef02, 0xabcdef03, 0xabcdef04,
    ]);
    return unpackRows(kernels.u32(at, rows.length * stride), words, stride);
  });
}

/** Rows of keys, each with sums that no other row has. */
function rowsOf(keys: readonly Uint32Array[], sums: number): Row[] {
  return keys.map((key, i) => ({
    key: [...key],
    sums: Array.from({ length: sums }, (_, s) => (BigInt(s + 1) << 40n) + BigInt(i)),
  }));
}

/** Equal keys may come in any order: compares the order of keys, and then the rows as sets. */
function expectSorted(got: readonly Row[], rows: readonly Row[]): void {
  const expected = sortRows(rows);
  expect(got.map((row) => row.key)).toEqual(expected.map((row) => row.key));
  const text = (row: Row): string => `${row.key}:${row.sums}`;
  expect(got.map(text).sort()).toEqual(expected.map(text).sort());
}

describe("sortRows = Array.sort", () => {
  for (const words of [1, 2, 3, 4, 32]) {
    for (const sums of [1, 3]) {
      it(`for any rows of ${words} words and ${sums} sums`, () => {
        fc.assert(
          fc.property(keysOf(words, 200), (keys) => {
            const rows = rowsOf(keys, sums);
            expectSorted(sortByKernel(rows, words, sums), rows);
          }),
          { numRuns: 40 },
        );
      });
    }
  }

  it("at the sizes around the switch to insertion sort, and large ones, random and reversed", () => {
    let state = 1;
    const random = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state;
    };
    for (const size of [0, 1, 2, 3, 19, 20, 21, 22, 40, 41, 255, 256, 257, 5000]) {
      const keys = Array.from({ length: size }, () => Uint32Array.of(random() & 0xff0000ff, random(), 5, random()));
      const rows = rowsOf(keys, 1);
      expectSorted(sortByKernel(rows, 4, 1), rows);
      const reversed = sortRows(rows).reverse();
      expectSorted(sortByKernel(reversed, 4, 1), reversed);
    }
  });

  it("leaves sorted rows as they are, to the bit", () => {
    const rows = rowsOf(
      Array.from({ length: 3000 }, (_, i) => Uint32Array.of(i >> 6, (i & 63) << 26)),
      1,
    );
    expect(sortByKernel(rows, 2, 1)).toEqual(rows);
  });

  it("goes through the longest equal prefix: keys of 1024 bits that differ in the last bit only", () => {
    const keys = Array.from({ length: 50 }, (_, i) => {
      const key = new Uint32Array(32).fill(0x5a5a5a5a);
      key[31] = i & 1;
      return key;
    });
    const rows = rowsOf(keys, 3);
    expectSorted(sortByKernel(rows, 32, 3), rows);
  });

  it("stays within its scratch when every byte of the key splits off one bucket", () => {
    // row i differs from the others from byte i on: the deepest recursion there is
    const words = 4;
    const keys: Uint32Array[] = [];
    for (let byte = 0; byte < 4 * words; byte++) {
      for (let copy = 0; copy < 40; copy++) {
        const bytes = new Uint8Array(4 * words).fill(0xff);
        bytes[byte] = copy % 2;
        bytes.fill(copy, byte + 1);
        const view = new DataView(bytes.buffer);
        keys.push(Uint32Array.from({ length: words }, (_, w) => view.getUint32(4 * w)));
      }
    }
    const rows = rowsOf(keys, 1);
    expectSorted(sortByKernel(rows, words, 1), rows);
  });
});
