import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { keysOf } from "./keys.ts";
import { mergeRows } from "./reference/mergeRows.ts";
import { packRows, type Row, unpackRows } from "./reference/table.ts";

const kernels = await sharedKernels();
const OUTPUT_FULL = -1;
const DONE = -2;

/** Feeds each run `piece` rows at a time into an output of `room` rows. */
function mergeByKernel(runs: ReadonlyArray<readonly Row[]>, words: number, sums: number, piece: number, room: number) {
  return kernels.scoped(() => {
    const stride = words + 2 * sums;
    const buffers = runs.map(() => kernels.allocate(4 * stride * piece));
    const cursors = kernels.allocate(8 * runs.length + 8);
    const heap = kernels.allocate(4 * runs.length + 4);
    const output = kernels.allocate(4 * stride * room);
    const state = kernels.put(Uint32Array.of(output, output, output + 4 * stride * room));
    const fed = runs.map(() => 0);
    const feed = (r: number): void => {
      const rows = packRows(runs[r].slice(fed[r], fed[r] + piece));
      fed[r] += piece;
      kernels.u32(buffers[r], rows.length).set(rows);
      kernels.u32(cursors + 8 * r, 2).set([buffers[r], buffers[r] + rows.byteLength]);
    };
    runs.forEach((_, r) => {
      feed(r);
    });
    const merged: Row[] = [];
    const flush = (): void => {
      const end = kernels.u32(state, 1)[0];
      merged.push(...unpackRows(kernels.u32(output, (end - output) / 4), words, stride));
      kernels.u32(state, 1)[0] = output;
    };
    while (true) {
      const code = kernels.exports.mergeRows(cursors, runs.length, heap, state, words, 4 * stride);
      if (code === DONE) break;
      if (code === OUTPUT_FULL) flush();
      else feed(code);
    }
    flush();
    return merged;
  });
}

/** Runs: each ascending, each key once. */
function runsOf(words: number, sums: number): fc.Arbitrary<Row[][]> {
  const sum = fc.oneof(fc.bigInt(1n, 9n), fc.bigInt(1n, 2n ** 40n), fc.constant(2n ** 32n - 1n));
  const run = fc
    .tuple(
      keysOf(words, 40),
      fc.array(fc.array(sum, { minLength: sums, maxLength: sums }), { minLength: 40, maxLength: 40 }),
    )
    .map(([keys, values]) => mergeRows([keys.map((key, i): Row => ({ key: [...key], sums: values[i] }))]));
  return fc.array(run, { maxLength: 7 });
}

describe("mergeRows = Map with BigInt sums", () => {
  for (const [words, sums] of [
    [1, 1],
    [2, 3],
    [3, 1],
    [4, 1],
    [4, 3],
    [32, 3],
  ]) {
    it(`for any runs of rows of ${words} words and ${sums} sums, fed and emptied in pieces`, () => {
      fc.assert(
        fc.property(
          runsOf(words, sums),
          fc.integer({ min: 1, max: 50 }),
          fc.integer({ min: 1, max: 60 }),
          (runs, piece, room) => {
            expect(mergeByKernel(runs, words, sums, piece, room)).toEqual(mergeRows(runs));
          },
        ),
        { numRuns: 60 },
      );
    });
  }

  it("carries sums past 2^32 and up to 2^64 - 1", () => {
    const run = (s: bigint): Row[] => [{ key: [5], sums: [s] }];
    const merged = mergeByKernel(
      [run(2n ** 32n - 1n), run(1n), run(2n ** 63n), run(2n ** 63n - 1n - 2n ** 32n)],
      1,
      1,
      4,
      4,
    );
    expect(merged).toEqual([{ key: [5], sums: [2n ** 64n - 1n] }]);
  });

  it("takes no runs, one run, empty runs, and many runs of the same keys", () => {
    expect(mergeByKernel([], 2, 1, 4, 4)).toEqual([]);
    expect(mergeByKernel([[], []], 2, 1, 4, 4)).toEqual([]);
    const run = Array.from({ length: 30 }, (_, i): Row => ({ key: [i, 0xffffffff - i], sums: [BigInt(i + 1)] }));
    expect(mergeByKernel([run], 2, 1, 7, 5)).toEqual(run);
    const many = Array.from({ length: 24 }, () => run);
    expect(mergeByKernel([[], ...many], 2, 1, 7, 5)).toEqual(run.map((r) => ({ ...r, sums: [24n * r.sums[0]] })));
  });
});
