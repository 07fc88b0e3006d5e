/** FunctionTable on tables made by hand, where every answer is known. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { booleanPoints, givenPoints } from "../src/data/points.ts";
import { defineNetwork } from "../src/index.ts";
import { wilsonInterval } from "../src/statistics/intervals.ts";
import { FunctionTable } from "../src/volume/functionTable.ts";
import { rowShape, SegmentKeeper } from "../src/volume/rows.ts";
import { hexOf } from "./reference/functions.ts";
import { packRows, type Row } from "./reference/table.ts";

/** Functions of n bits by number: the truth table whose bits spell `f`. */
async function tableOf(
  n: number,
  rows: ReadonlyArray<readonly [f: number, count: number | bigint, squares?: number, classSquares?: number]>,
  outputDraws = 1,
): Promise<FunctionTable> {
  const points = booleanPoints(n);
  const shape = rowShape(points.count, outputDraws > 1);
  const sorted = [...rows].sort((a, b) => a[0] - b[0]);
  const packed = packRows(
    sorted.map(
      ([f, count, squares = 0, classSquares = 0]): Row => ({
        key: [(f << (32 - points.count)) >>> 0],
        sums: outputDraws > 1 ? [BigInt(count), BigInt(squares), BigInt(classSquares)] : [BigInt(count)],
      }),
    ),
  );
  const keeper = new SegmentKeeper(shape, 2 ** 30, undefined);
  const samples = rows.reduce((sum, [, count]) => sum + Number(count), 0);
  return FunctionTable.fromRun(
    {
      network: defineNetwork({ layers: [n, 1] }),
      points,
      outputDraws,
      symmetry: { bits: 0, negation: 0 },
      ranges: [{ seed: 0n, first: 0, end: samples / outputDraws }],
    },
    packed.length > 0 ? keeper.keepRun(packed) : [],
    keeper,
    async () => {},
  );
}

describe("FunctionTable", () => {
  it("counts: seen, not seen, upper and lower case", async () => {
    const table = await tableOf(3, [
      [0xab, 7],
      [0x00, 3],
    ]);
    expect(table).toMatchObject({ samples: 10, distinct: 2, singletons: 0, bits: 8, outputDraws: 1 });
    expect(table.count("ab")).toBe(7);
    expect(table.count("AB")).toBe(7);
    expect(table.count("00")).toBe(3);
    expect(table.count("ff")).toBe(0);
    expect(table.probability("AB").function).toBe("ab");
  });

  it("gives the Wilson interval and the binomial standard error, for functions seen and not", async () => {
    const table = await tableOf(2, [
      [5, 81],
      [9, 182],
    ]);
    const { probability, standardError, ci95, designEffect } = table.probability("5");
    expect(probability).toBe(81 / 263);
    expect(ci95[0]).toBeCloseTo(0.2553, 4);
    expect(ci95[1]).toBeCloseTo(0.3662, 4);
    expect(standardError).toBeCloseTo(Math.sqrt((81 / 263) * (182 / 263) * (1 / 263)), 15);
    expect(designEffect).toBe(1);
    expect(table.probability("0")).toEqual({
      function: "0",
      count: 0,
      probability: 0,
      standardError: 0,
      ci95: wilsonInterval(0, 263),
      designEffect: 1,
    });
  });

  it("top: descending counts, ties by function, any k from 0 to more than there are", async () => {
    const rows: Array<[number, number]> = [
      [9, 5],
      [3, 1],
      [7, 5],
      [1, 1],
      [2, 8],
      [12, 1],
      [4, 2],
    ];
    const table = await tableOf(2, rows);
    const expected = [...rows].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([f]) => f.toString(16));
    for (const k of [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 1000, Number.MAX_SAFE_INTEGER]) {
      expect(
        table.top(k).map((e) => e.function),
        `top(${k})`,
      ).toEqual(expected.slice(0, k));
    }
    expect(table.top(3).map((e) => e.count)).toEqual([8, 5, 5]);
  });

  it("rank-frequency: steps of equal count cover ranks 1 to distinct", async () => {
    const table = await tableOf(3, [
      [1, 4],
      [2, 9],
      [3, 1],
      [4, 4],
      [5, 1],
      [6, 1],
    ]);
    expect(table.rankFrequency()).toEqual([
      { firstRank: 1, lastRank: 1, count: 9 },
      { firstRank: 2, lastRank: 3, count: 4 },
      { firstRank: 4, lastRank: 6, count: 1 },
    ]);
    expect(table.singletons).toBe(3);
  });

  it("Good-Turing: f1 / N, and Esty's standard error", async () => {
    // N = 20, f1 = 4, f2 = 3
    const table = await tableOf(4, [
      ...[1, 2, 3, 4].map((f): [number, number] => [f, 1]),
      ...[5, 6, 7].map((f): [number, number] => [f, 2]),
      [8, 10],
    ]);
    const { probability, standardError, independent } = table.unseenMass();
    expect(probability).toBe(0.2);
    // sqrt(f1 (1 - f1/N) + 2 f2) / N = sqrt(3.2 + 6) / 20
    expect(standardError).toBeCloseTo(Math.sqrt(9.2) / 20, 14);
    expect(independent).toBe(true);
    const all = await tableOf(2, [[3, 12]]);
    expect(all.unseenMass().probability).toBe(0);
  });

  it("keeps counts past 2^32 and 2^52 exact", async () => {
    const table = await tableOf(2, [
      [1, 2n ** 32n + 1n],
      [2, 2n ** 52n],
      [3, 1],
    ]);
    expect(table.count("1")).toBe(2 ** 32 + 1);
    expect(table.count("2")).toBe(2 ** 52);
    expect(table.top(3).map((e) => e.count)).toEqual([2 ** 52, 2 ** 32 + 1, 1]);
    expect(table.rankFrequency().map((s) => s.count)).toEqual([2 ** 52, 2 ** 32 + 1, 1]);
    expect([...table.rows()].map((r) => r.count)).toEqual([2 ** 32 + 1, 2 ** 52, 1]);
  });

  it("digest: SHA-256 over key bytes and little-endian counts, by the host's own SHA-256", async () => {
    if (!globalThis.crypto?.subtle) return; // a page that is not a secure context has none
    const table = await tableOf(4, [
      [0x8001, 2n ** 33n + 5n],
      [0x00ff, 3],
    ]);
    const bytes = Uint8Array.of(0x00, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x01, 5, 0, 0, 0, 2, 0, 0, 0);
    const expected = [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))];
    expect(await table.digest()).toBe(expected.map((b) => b.toString(16).padStart(2, "0")).join(""));
  });

  it("finds every function of a table of many segments, and none between", async () => {
    const count = 60_000;
    const rows: Array<[number, number]> = Array.from({ length: count }, (_, i) => [i, (i % 5) + 1]);
    const table = await tableOf(4, rows);
    expect(table.distinct).toBe(count);
    expect(table.run.length).toBe(2);
    for (let f = 0; f < 2 ** 16; f += 7) {
      expect(table.count(f.toString(16).padStart(4, "0"))).toBe(f < count ? (f % 5) + 1 : 0);
    }
    expect(table.count((count - 1).toString(16))).toBe(((count - 1) % 5) + 1);
    expect(table.count(count.toString(16))).toBe(0);
  });

  it("clustered: estimates are finite and hold k / n for any cluster sums that can be", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 16 }),
        fc.array(fc.array(fc.nat(15), { minLength: 16, maxLength: 16 }), { minLength: 1, maxLength: 40 }),
        async (m, bodies) => {
          // each body's first m draws, functions of 2 bits
          const sums = new Map<number, [number, number]>();
          for (const body of bodies) {
            const own = new Map<number, number>();
            for (const f of body.slice(0, m)) own.set(f, (own.get(f) ?? 0) + 1);
            for (const [f, c] of own) {
              const [k, s] = sums.get(f) ?? [0, 0];
              sums.set(f, [k + c, s + c * c]);
            }
          }
          const table = await tableOf(
            2,
            [...sums].map(([f, [k, s]]) => [f, k, s, s]),
            m,
          );
          expect(table.samples).toBe(m * bodies.length);
          for (let f = 0; f < 16; f++) {
            const { probability, standardError, ci95, designEffect } = table.probability(
              hexOf([f >> 3, (f >> 2) & 1, (f >> 1) & 1, f & 1]),
            );
            expect(probability).toBe((sums.get(f)?.[0] ?? 0) / table.samples);
            expect(Number.isFinite(standardError)).toBe(true);
            expect(Number.isFinite(designEffect)).toBe(true);
            expect(ci95[0]).toBeLessThanOrEqual(probability + 1e-15);
            expect(ci95[1]).toBeGreaterThanOrEqual(probability - 1e-15);
            // never surer than it can be: an interval of no width is only for p = 0 or 1 and infinitely many samples
            expect(ci95[1] - ci95[0]).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 200, seed: 3 },
    );
  });

  it("clustered: equal counts in every body (a between-body variance of 0) give a finite interval", async () => {
    // 10 bodies of 16 draws, 8 of each function in every body
    const table = await tableOf(
      2,
      [
        [1, 80, 640, 640],
        [2, 80, 640, 640],
      ],
      16,
    );
    const { ci95, standardError } = table.probability("1");
    expect(ci95[0]).toBeGreaterThan(0);
    expect(ci95[0]).toBeLessThan(0.5);
    expect(ci95[1]).toBeGreaterThan(0.5);
    expect(standardError).toBeGreaterThan(0);
  });

  it("on given points functions have one bit a point, and padding bits must be zero", async () => {
    const points = givenPoints({ data: [1, 2, 3, 4, 5], points: 5 }, 1);
    const keeper = new SegmentKeeper(rowShape(5, false), 1e6, undefined);
    const table = await FunctionTable.fromRun(
      {
        network: defineNetwork({ layers: [1, 1] }),
        points,
        outputDraws: 1,
        symmetry: { bits: 0, negation: 1 },
        ranges: [{ seed: 0n, first: 0, end: 3 }],
      },
      keeper.keepRun(packRows([{ key: [0xa8000000], sums: [3n] }])),
      keeper,
      async () => {},
    );
    expect([...table.rows()]).toEqual([{ function: "a8", count: 3 }]);
    expect(table.count("a8")).toBe(3);
    expect(() => table.count("a9")).toThrow(new RangeError('function: expected zero bits past the 5 points, got "a9"'));
    expect(() => table.count("a")).toThrow(RangeError);
    // without permutations the orbit is the function and its negation
    expect(table.orbit("50")).toMatchObject({ count: 0, orbitCount: 3, orbitSize: 2, probability: 0.5 });
  });
});
