import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { keysOf } from "./keys.ts";
import { countKeys, keyText, type Row, unpackRows } from "./reference/table.ts";

const kernels = await sharedKernels();

/** A table of `capacity` rows (a power of two) in the arena. */
function makeTable(capacity: number, strideBytes: number): number {
  const rows = kernels.allocate(capacity * strideBytes);
  const header = kernels.allocate(16);
  kernels.u32(header, 4).set([rows, capacity - 1, 0, strideBytes]);
  return header;
}

const used = (table: number): number => kernels.u32(table, 4)[2];

/** Inserts one after the other, moving to a table of `growth` times the size whenever `growAt` of the rows are in use. */
function countByKernel(keys: readonly Uint32Array[], words: number, growAt: number, growth = 2): Row[] {
  return kernels.scoped(() => {
    const strideBytes = 4 * words + 8;
    let capacity = 2;
    let table = makeTable(capacity, strideBytes);
    const at = kernels.allocate(4 * words);
    for (const key of keys) {
      if (used(table) + 1 > growAt * capacity || used(table) + 1 === capacity) {
        capacity *= growth;
        const larger = makeTable(capacity, strideBytes);
        kernels.exports.tableMove(table, larger, words);
        expect(used(larger)).toBe(used(table));
        table = larger;
      }
      kernels.u32(at, words).set(key);
      const row = kernels.exports.tableInsert(table, at, words);
      expect([...kernels.u32(row, words)]).toEqual([...key]);
    }
    const expected = used(table);
    const rows = kernels.u32(table, 4)[0];
    const count = kernels.exports.tableCompact(table, words);
    expect(count).toBe(expected);
    return unpackRows(kernels.u32(rows, (count * strideBytes) / 4), words, strideBytes / 4);
  });
}

function asMap(rows: readonly Row[]): Map<string, number> {
  const map = new Map(rows.map(({ key, sums }) => [keyText(key), Number(sums[0])]));
  expect(map.size).toBe(rows.length);
  return map;
}

describe("table = Map", () => {
  for (const words of [1, 2, 3, 4, 5, 32]) {
    it(`for any keys of ${words} words, tight (one row empty) or loose`, () => {
      fc.assert(
        fc.property(keysOf(words, 300), fc.constantFrom(0.3, 0.6, 1), fc.constantFrom(2, 8), (keys, growAt, growth) => {
          expect(asMap(countByKernel(keys, words, growAt, growth))).toEqual(countKeys(keys));
        }),
        { numRuns: 40 },
      );
    });
  }

  it("counts no keys, one key once, one key often", () => {
    const key = Uint32Array.of(1, 2, 3, 4);
    expect(countByKernel([], 4, 0.5)).toEqual([]);
    expect(countByKernel([key], 4, 0.5)).toEqual([{ key: [1, 2, 3, 4], sums: [1n] }]);
    expect(countByKernel(Array(1000).fill(key), 4, 0.5)).toEqual([{ key: [1, 2, 3, 4], sums: [1000n] }]);
  });

  it("takes the all-zero key and the all-one key as any other", () => {
    const keys = [new Uint32Array(4), new Uint32Array(4).fill(0xffffffff), new Uint32Array(4)];
    expect(asMap(countByKernel(keys, 4, 1))).toEqual(countKeys(keys));
  });

  it("merges no two keys whose 64-bit hashes are equal", () => {
    // keyHash xors the second pair of words into a state that depends on the first pair: choose it so that all collide
    const keys = Array.from({ length: 1000 }, (_, i) => collidingKey(BigInt(i)));
    const hashes = new Set(keys.map((key) => kernels.scoped(() => hashOf(key))));
    expect(hashes.size).toBe(1);
    expect(new Set(keys.map(keyText)).size).toBe(1000);
    expect(asMap(countByKernel([...keys, ...keys.slice(0, 500)], 4, 0.6))).toEqual(
      countKeys([...keys, ...keys.slice(0, 500)]),
    );
  });

  it("carries a count past 2^32", () => {
    kernels.scoped(() => {
      const table = makeTable(4, 12);
      const key = kernels.put(Uint32Array.of(7));
      const row = kernels.exports.tableInsert(table, key, 1);
      kernels.u32(row, 3).set([7, 0xffffffff, 41]);
      expect(kernels.exports.tableInsert(table, key, 1)).toBe(row);
      expect([...kernels.u32(row, 3)]).toEqual([7, 0, 42]);
      expect(used(table)).toBe(1);
    });
  });
});

/** `classHash` without a symmetry is the table's own hash. */
function hashOf(key: Uint32Array): bigint {
  const at = kernels.put(key);
  return kernels.exports.classHash(at, key.length, 32 * key.length, 0, 0, kernels.allocate(4 * key.length));
}

function collidingKey(first: bigint): Uint32Array {
  const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
  let state = u64((0x243f6a8885a308d3n ^ first) * 0x9e3779b97f4a7c15n);
  state ^= state >> 32n;
  const second = state ^ 0x0123456789abcdefn;
  const low = (x: bigint): number => Number(x & 0xffffffffn);
  return Uint32Array.of(low(first), low(first >> 32n), low(second), low(second >> 32n));
}

describe("tableMove", () => {
  it("carries all sums of clustered rows", () => {
    kernels.scoped(() => {
      const words = 2;
      const strideBytes = 4 * words + 24;
      const from = makeTable(16, strideBytes);
      const key = kernels.allocate(8);
      for (let i = 0; i < 15; i++) {
        kernels.u32(key, 2).set([i, i * i]);
        const row = kernels.exports.tableInsert(from, key, words);
        kernels.u32(row, 8).set([i + 1, 1, i + 2, 2, i + 3, 3], words);
      }
      const to = makeTable(64, strideBytes);
      kernels.exports.tableMove(from, to, words);
      const count = kernels.exports.tableCompact(to, words);
      const rows = unpackRows(kernels.u32(kernels.u32(to, 1)[0], (count * strideBytes) / 4), words, strideBytes / 4);
      rows.sort((a, b) => a.key[0] - b.key[0]);
      expect(rows).toEqual(
        Array.from({ length: 15 }, (_, i) => ({
          key: [i, i * i],
          sums: [1n, 2n, 3n].map((s) => (s << 32n) + BigInt(i) + s),
        })),
      );
    });
  });
});
