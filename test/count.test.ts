import { afterAll, describe, expect, it } from "vitest";
import {
  type CountProgress,
  countFunctions,
  createPool,
  type FunctionTable,
  mergeTables,
  type SpillStore,
} from "../src/index.ts";

const network = { layers: [7, 40, 40, 1] };
const pool = createPool({ workers: 0 });
afterAll(() => pool.close());

function rowsOf(table: FunctionTable): Array<readonly [string, number]> {
  return [...table.rows()].map((row) => [row.function, row.count] as const);
}

describe("countFunctions", () => {
  it("gives the same table for any number of workers and any chunk size", async () => {
    for (const outputDraws of [1, 3]) {
      const digests = new Set<string>();
      for (const [workers, chunkSize] of [
        [0, undefined],
        [0, 1],
        [1, 997],
        [2, undefined],
        [3, 64],
        [7, 333],
      ] as const) {
        const table = await countFunctions(network, { samples: 3000, seed: 5, workers, chunkSize, outputDraws });
        expect(table.samples).toBe(3000);
        digests.add(await table.digest());
        table.close();
      }
      expect([...digests]).toHaveLength(1);
    }
  });

  it("counts every sample once, rows ascending, distinct and singletons as the rows say", async () => {
    for (const outputDraws of [1, 4, 16]) {
      const table = await countFunctions(network, { samples: 16_000, seed: 1, pool, outputDraws });
      const rows = rowsOf(table);
      expect(rows.reduce((sum, [, count]) => sum + count, 0)).toBe(16_000);
      expect(table.distinct).toBe(rows.length);
      expect(table.singletons).toBe(rows.filter(([, count]) => count === 1).length);
      expect(rows.map(([f]) => f)).toEqual([...new Set(rows.map(([f]) => f))].sort());
      expect(rows.every(([, count]) => Number.isInteger(count) && count > 0)).toBe(true);
      for (const [f, count] of rows.slice(0, 50)) expect(table.count(f)).toBe(count);
      expect(table.top(3).map((e) => e.count)).toEqual(
        rows
          .map(([, count]) => count)
          .sort((a, b) => b - a)
          .slice(0, 3),
      );
      table.close();
    }
  });

  it("takes one sample, one body, samples that fill no chunk, and the smallest and largest n", async () => {
    for (const layers of [
      [1, 1],
      [1, 3, 1],
      [2, 5, 1],
      [3, 1],
      [10, 6, 1],
    ]) {
      for (const outputDraws of [1, 5, 256]) {
        const table = await countFunctions({ layers }, { samples: outputDraws, pool, outputDraws });
        expect(table.samples).toBe(outputDraws);
        expect(table.bits).toBe(2 ** layers[0]);
        for (const [f] of rowsOf(table)) expect(f).toHaveLength(Math.ceil(2 ** layers[0] / 4));
        table.close();
      }
    }
  });

  it("pads functions on 1, 2 and 3 points with zero bits", async () => {
    for (const points of [1, 2, 3]) {
      const data = Array.from({ length: 2 * points }, (_, i) => i - 1.5);
      const table = await countFunctions({ layers: [2, 4, 1] }, { samples: 500, pool, inputs: { data, points } });
      expect(table.distinct).toBe(2 ** points);
      for (const [f] of rowsOf(table)) expect(Number.parseInt(f, 16) % 2 ** (4 - points)).toBe(0);
    }
  });

  it("takes points in any array-like and copies them", async () => {
    const data = Float64Array.from({ length: 30 }, (_, i) => Math.sin(i));
    const first = await countFunctions(
      { layers: [3, 8, 1] },
      { samples: 1000, workers: 1, inputs: { data, points: 10 } },
    );
    expect(data[29]).toBe(Math.sin(29));
    const again = await countFunctions(
      { layers: [3, 8, 1] },
      { samples: 1000, pool, inputs: { data: [...data], points: 10 } },
    );
    expect(await again.digest()).toBe(await first.digest());
  });

  it("differs between seeds, also those past 2^53 that a double cannot tell apart", async () => {
    const digests = new Set<string>();
    const seeds = [0, 1, 2n ** 32n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
    for (const seed of seeds) digests.add(await (await countFunctions(network, { samples: 300, seed, pool })).digest());
    expect(digests.size).toBe(seeds.length);
    const same = await countFunctions(network, { samples: 300, seed: 1n, pool });
    expect(digests.has(await same.digest())).toBe(true);
  });

  it("firstSample moves along one sequence, also past 2^32 bodies", async () => {
    const first = 2 ** 32 - 500;
    const whole = await countFunctions(network, { samples: 1000, firstSample: first, pool, seed: 2 });
    const before = await countFunctions(network, { samples: 500, firstSample: first, pool, seed: 2 });
    const after = await countFunctions(network, { samples: 500, firstSample: first + 500, pool, seed: 2 });
    const start = await countFunctions(network, { samples: 500, pool, seed: 2 });
    expect(await (await mergeTables([before, after])).digest()).toBe(await whole.digest());
    expect(await after.digest()).not.toBe(await start.digest());
  });

  it("reports progress: samples ascending to the total, then merging", async () => {
    for (const workers of [0, 2]) {
      const seen: CountProgress[] = [];
      const samples = 20_000;
      await countFunctions(network, { samples, workers, onProgress: (p) => seen.push(p), chunkSize: 3000 });
      const sampling = seen.filter((p) => p.stage === "sampling");
      expect(sampling).toHaveLength(7);
      expect(sampling.map((p) => p.samples)).toEqual([...sampling.map((p) => p.samples)].sort((a, b) => a - b));
      expect(sampling[6]).toMatchObject({ samples, total: samples, secondsLeft: 0 });
      expect(sampling.every((p) => p.samplesPerSecond > 0 && p.secondsLeft >= 0)).toBe(true);
      expect(seen[seen.length - 1].stage).toBe("merging");
    }
  });

  it("past memoryLimit stops with an error that says what to set", async () => {
    for (const workers of [0, 2]) {
      const call = countFunctions(network, { samples: 50_000, workers, memoryLimit: 100_000 });
      await expect(call).rejects.toThrow(RangeError);
      await expect(call).rejects.toThrow(/^memoryLimit: .*100000 bytes.*higher memoryLimit.*spill/);
    }
    // just enough is enough
    const table = await countFunctions(network, { samples: 50_000, pool });
    expect(table.distinct).toBeGreaterThan(10_000);
  });

  it("spills past memoryLimit: the same table, and the store is closed with it", async () => {
    const whole = await countFunctions(network, { samples: 30_000, pool, seed: 3 });
    let closed = 0;
    let live = 0;
    const spill: SpillStore = {
      write(rows) {
        let copy: Uint32Array | undefined = rows.slice();
        live++;
        return {
          read: () => {
            if (!copy) throw new Error("read after release");
            return copy;
          },
          release: () => {
            if (copy) live--;
            copy = undefined;
          },
        };
      },
      close: () => {
        closed++;
      },
    };
    const spilled = await countFunctions(network, {
      samples: 30_000,
      pool,
      seed: 3,
      memoryLimit: 50_000,
      chunkSize: 500,
      spill,
    });
    expect(spilled.spilledBytes).toBeGreaterThan(100_000);
    expect(await spilled.digest()).toBe(await whole.digest());
    expect(spilled.top(10)).toEqual(whole.top(10));
    expect(closed).toBe(0);
    spilled.close();
    expect(closed).toBe(1);
    expect(live).toBe(0);
  });

  it("a spill store that fails (a full disk) rejects with its error and is closed", async () => {
    let closed = 0;
    const full = new Error("ENOSPC: no space left on device");
    const spill: SpillStore = {
      write() {
        throw full;
      },
      close: () => {
        closed++;
      },
    };
    for (const workers of [0, 2]) {
      const call = countFunctions(network, { samples: 30_000, workers, memoryLimit: 1000, spill });
      await expect(call).rejects.toBe(full);
    }
    expect(closed).toBe(2);
  });
});

describe("mergeTables", () => {
  it("of disjoint ranges, in any order and number, is the whole", async () => {
    for (const outputDraws of [1, 4]) {
      const options = { seed: 9, pool, outputDraws };
      const whole = await countFunctions(network, { samples: 12_000, ...options });
      const parts: FunctionTable[] = [];
      for (const [firstSample, samples] of [
        [8000, 4000],
        [0, 2000],
        [2000, 2000],
        [4000, 4000],
      ]) {
        parts.push(await countFunctions(network, { samples, firstSample, ...options }));
      }
      const merged = await mergeTables(parts);
      expect(await merged.digest()).toBe(await whole.digest());
      expect(merged.samples).toBe(12_000);
      expect(merged.ranges).toEqual(whole.ranges);
      expect(merged.singletons).toBe(whole.singletons);
      expect(merged.top(20)).toEqual(whole.top(20));
      expect(merged.designEffect()).toEqual(whole.designEffect());
      // the parts are as before
      expect(parts[1].samples).toBe(2000);
      expect(rowsOf(parts[1]).reduce((sum, [, count]) => sum + count, 0)).toBe(2000);
      const again = await mergeTables([await mergeTables(parts.slice(0, 2)), await mergeTables(parts.slice(2))]);
      expect(await again.digest()).toBe(await whole.digest());
    }
  });

  it("joins different seeds, and one table alone", async () => {
    const a = await countFunctions(network, { samples: 1000, seed: 1, pool });
    const b = await countFunctions(network, { samples: 1000, seed: 2, pool });
    const both = await mergeTables([a, b]);
    expect(both.samples).toBe(2000);
    expect(both.ranges).toHaveLength(2);
    const sums = new Map(rowsOf(a));
    for (const [f, count] of rowsOf(b)) sums.set(f, (sums.get(f) ?? 0) + count);
    expect(new Map(rowsOf(both))).toEqual(sums);
    expect(await (await mergeTables([a])).digest()).toBe(await a.digest());
  });

  it("refuses what was counted twice and what does not belong together", async () => {
    const options = { samples: 100, pool };
    const a = await countFunctions(network, options);
    const overlapping = await countFunctions(network, { ...options, firstSample: 50 });
    await expect(mergeTables([a, overlapping])).rejects.toThrow(
      new RangeError("tables: bodies 50 to 99 of seed 0 were counted twice"),
    );
    await expect(mergeTables([a, a])).rejects.toThrow(RangeError);
    const inside = await countFunctions(network, { ...options, samples: 10, firstSample: 20 });
    await expect(mergeTables([inside, a])).rejects.toThrow(/bodies 20 to 29/);
    const later = { ...options, firstSample: 1000 };
    for (const [other, message] of [
      [countFunctions({ layers: [7, 40, 1] }, later), /tables\[1\]: another network/],
      [countFunctions({ ...network, sigmaW2: 3 }, later), /tables\[1\]: another network/],
      [countFunctions({ ...network, activation: "tanh" }, later), /tables\[1\]: another network/],
      [
        countFunctions(network, { ...later, outputDraws: 2 }),
        /tables\[1\]: expected outputDraws 1 as in tables\[0\], got 2/,
      ],
      [
        countFunctions(network, { ...later, inputs: { data: new Float32Array(7), points: 1 } }),
        /tables\[1\]: other inputs/,
      ],
    ] as const) {
      const call = mergeTables([a, await other]);
      await expect(call).rejects.toThrow(RangeError);
      await expect(call).rejects.toThrow(message);
    }
  });

  it("makes no memory that earlier counts and merges left: a browser reserves gigabytes of addresses for each", async () => {
    const Memory = WebAssembly.Memory;
    let made = 0;
    WebAssembly.Memory = class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        made++;
      }
    };
    const tables: FunctionTable[] = [];
    try {
      const more = async (first: number): Promise<void> => {
        for (let at = first; at < first + 5000; at += 1000) {
          tables.push(await countFunctions(network, { samples: 1000, firstSample: at, pool }));
        }
        tables.push(await mergeTables(tables.slice(-5)));
        await expect(countFunctions(network, { samples: 1000, pool, memoryLimit: 10 })).rejects.toThrow("memoryLimit");
      };
      await more(0);
      made = 0;
      await more(5000);
      await more(10_000);
      expect(made).toBe(0);
      // the tables share an instance, and none has lost what it needs
      const whole = await mergeTables(tables.filter((table) => table.samples === 5000));
      expect(whole.samples).toBe(15_000);
      for (const table of [...tables, whole]) {
        const [{ function: f, count }] = table.top(1);
        expect(table.orbit(f)).toMatchObject({ function: f, count });
        expect(table.entropy().plugIn).toBeGreaterThan(0);
        table.close();
      }
    } finally {
      WebAssembly.Memory = Memory;
    }
  });

  it("says that a table is closed, also in the middle of a digest, of rows, of a merge; sums stay", async () => {
    const closed = new Error("table: it is closed");
    const count = (firstSample: number) => countFunctions(network, { samples: 40_000, firstSample, pool });
    const [a, b] = [await count(0), await count(40_000)];
    const { distinct } = a;
    const entropy = a.entropy();
    const merge = mergeTables([a, b]);
    const digest = b.digest();
    const rows = b.rows();
    rows.next();
    a.close();
    b.close();
    a.close();
    // what was read before may be enough; what is not must not be left out
    const merged = await merge.catch((error: unknown) => error);
    if (merged instanceof Error) expect(merged).toEqual(closed);
    else expect((merged as FunctionTable).samples).toBe(80_000);
    await expect(digest).rejects.toThrow(closed);
    expect(() => rows.next()).toThrow(closed);
    await expect(mergeTables([a])).rejects.toThrow(closed);
    await expect(a.digest()).rejects.toThrow(closed);
    for (const ask of [
      () => a.count("f".repeat(32)),
      () => a.probability("f".repeat(32)),
      () => a.orbit("f".repeat(32)),
      () => a.top(3),
      () => [...a.rows()],
      () => [...a.segments()],
    ]) {
      expect(ask).toThrow(closed);
    }
    expect([a.samples, a.distinct, a.entropy()]).toEqual([40_000, distinct, entropy]);
  });

  it("stops when its signal says so", async () => {
    const a = await countFunctions(network, { samples: 100, pool });
    const reason = new Error("enough");
    await expect(mergeTables([a], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
