import { describe, expect, it } from "vitest";
import { countFunctions, type FunctionTable } from "../src/index.ts";
import { type CountRecords, countRecords, countReport } from "../src/report/index.ts";

const run = {
  command: "flatvol study count <&>",
  startedAt: "2026-01-02T03:04:05.000Z",
  seconds: 1.5,
  samplesPerSecond: 20_000,
  workers: 2,
};

async function recordsOf(table: FunctionTable, top = 20): Promise<CountRecords> {
  return countRecords(table, { workers: 0, top, run });
}

/** What a page would fetch. The SVG namespace is a name, not an address. */
function fetched(html: string): string[] {
  return (
    html.match(/(?:src|href|xlink:href|action|poster)\s*=|url\(|@import|<script|<link|<iframe|https?:\/\/\S*/gi) ?? []
  );
}

describe("countReport", () => {
  it("is one page with the table's numbers, without script or network", async () => {
    const table = await countFunctions({ layers: [7, 20, 1] }, { samples: 30_000, workers: 0, seed: 4 });
    const records = await recordsOf(table);
    const html = countReport(records);
    expect(html.startsWith("<!doctype html>")).toBe(true);
    expect(fetched(html)).toEqual([]);
    expect(html).toContain(await table.digest());
    expect(html).toContain("30,000");
    expect(html).toContain(`${table.distinct}`.replace(/(\d)(?=(\d{3})+$)/g, "$1,"));
    for (const f of table.top(20)) expect(html).toContain(f.function.slice(16));
    expect(html).toContain("always 0");
    expect(html).toContain("flatvol study count &lt;&amp;&gt;");
    expect(html).toContain("2026-01-02T03:04:05.000Z");
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/);
    // three figures, each for wide pages and for phones, and twenty truth tables
    expect(html.match(/<svg/g)).toHaveLength(6 + 20);
  });

  it("is the same to the byte for the same records, also after a trip through JSON", async () => {
    const table = await countFunctions({ layers: [4, 6, 1] }, { samples: 4000, workers: 0 });
    const records = await recordsOf(table);
    const html = countReport(records);
    expect(countReport(records)).toBe(html);
    expect(countReport(JSON.parse(JSON.stringify(records)))).toBe(html);
    expect(await recordsOf(table)).toEqual(records);
  });

  it.for([
    ["one sample", { layers: [3, 4, 1] }, { samples: 1 }],
    ["one bit", { layers: [1, 1] }, { samples: 100 }],
    ["no prior width but the biases'", { layers: [3, 4, 1], sigmaW2: 0 }, { samples: 100 }],
    ["no biases", { layers: [5, 20, 1], sigmaB2: 0 }, { samples: 2000 }],
    ["several output layers for a body", { layers: [5, 8, 1] }, { samples: 8000, outputDraws: 8 }],
    ["given points", { layers: [2, 5, 1] }, { samples: 500, inputs: { data: [1, 0, 0.5, 2, -1, 3], points: 3 } }],
    ["no top functions", { layers: [3, 4, 1] }, { samples: 100 }, 0],
  ] as const)("copes with %s", async ([, network, options, top]) => {
    const table = await countFunctions(network, { ...options, workers: 0 });
    const html = countReport(await recordsOf(table, top));
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(fetched(html)).toEqual([]);
  });

  it("refuses what are no such records", () => {
    expect(() => countReport({ study: "other" } as unknown as CountRecords)).toThrow(TypeError);
    expect(() => countReport(null as unknown as CountRecords)).toThrow(
      /^records: expected records of the study "count"/,
    );
  });
});

describe("countRecords", () => {
  it("sums add up", async () => {
    const table = await countFunctions({ layers: [6, 12, 1] }, { samples: 20_000, workers: 0 });
    const records = await recordsOf(table);
    const sum = <T>(list: readonly T[], value: (item: T) => number) => list.reduce((s, item) => s + value(item), 0);
    expect(sum(records.byComplexity, (l) => l.samples)).toBe(20_000);
    expect(sum(records.byComplexity, (l) => l.functions)).toBe(table.distinct);
    expect(sum(records.cells, (c) => c.functions)).toBe(table.distinct);
    expect(sum(records.byOnes, (l) => l.samples)).toBe(20_000);
    expect(sum(records.byOnes, (l) => l.functions)).toBe(table.distinct);
    expect(records.rankFrequency.at(-1)?.lastRank).toBe(table.distinct);
    for (const f of records.top) {
      const orbit = table.orbit(f.function);
      expect(f.orbitSize).toBe(orbit.orbitSize);
      expect(f.orbitProbability).toBe(orbit.probability);
    }
  });

  it("is plain data", async () => {
    const table = await countFunctions({ layers: [4, 6, 1] }, { samples: 1000, workers: 0 });
    const records = await recordsOf(table);
    expect(JSON.parse(JSON.stringify(records))).toEqual(records);
  });

  // Given f, the other samples hit its orbit with probability P(orbit): the sums over dots of estimate and truth agree.
  // Over 4,000 dots the ratio's standard error is below 0.03 (dots of one orbit share their count); 0.15 is five of them.
  // Counting the choosing sample too would give more than 1.3.
  it("estimates from orbits are free of selection bias", async () => {
    const network = { layers: [5, 10, 1] };
    const large = await countFunctions(network, { samples: 400_000, workers: 0, seed: 9 });
    let found = 0;
    let truth = 0;
    let biased = 0;
    for (const seed of [1, 2, 3, 4]) {
      const { orbits, samples } = await recordsOf(await countFunctions(network, { samples: 4000, workers: 0, seed }));
      for (const dot of orbits) {
        const p = large.orbit(dot.function).probability * dot.orbitSize;
        if (p > 1e-3) continue;
        found += dot.probability * dot.orbitSize;
        truth += p;
        biased += (dot.others + 1) / samples;
      }
    }
    expect(found / truth).toBeGreaterThan(0.85);
    expect(found / truth).toBeLessThan(1.15);
    expect(biased / truth).toBeGreaterThan(1.3);
  });
});
