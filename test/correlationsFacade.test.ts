import { sampleCorrelation } from "simple-statistics";
import { describe, expect, it } from "vitest";
import { createPool } from "../src/index.ts";
import { recordsToCsv } from "../src/report/recordTable.ts";
import { correlations } from "../src/statistics.ts";

// R's cor.test: Hollander & Wolfe (1973), p. 187: tuna's lightness and quality
const tuna = [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1];
const quality = [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8];

describe("correlations", () => {
  it("R's cor.test: r = 0.5711816, tau = 0.4444444, rho = 0.6, each inside its interval", async () => {
    const found = await correlations(tuna, quality, { resamples: 400 });
    expect(found.pearson.value).toBeCloseTo(0.5711816, 7);
    expect(found.kendall.value).toBeCloseTo(0.4444444, 7);
    expect(found.spearman.value).toBeCloseTo(0.6, 12);
    for (const { value, ci95 } of Object.values(found)) {
      expect(ci95![0]).toBeLessThan(value);
      expect(ci95![1]).toBeGreaterThan(value);
    }
  });

  it("with logX: Pearson's of the logarithms; ranks stay", async () => {
    const found = await correlations(tuna, quality, { logX: true, workers: 0, resamples: 40 });
    // simple-statistics, of the host's logarithms: the last bits differ
    expect(found.pearson.value).toBeCloseTo(sampleCorrelation(tuna.map(Math.log), quality), 12);
    expect(found.spearman.value).toBeCloseTo(0.6, 12);
  });

  it("the same bits in the calling thread, in a worker and on a shared pool", async () => {
    const pool = createPool({ workers: 2 });
    const [here, own, shared] = await Promise.all([
      correlations(tuna, quality, { workers: 0, resamples: 100 }),
      correlations(tuna, quality, { resamples: 100 }),
      correlations(tuna, quality, { pool, resamples: 100 }),
    ]);
    pool.close();
    expect(own).toEqual(here);
    expect(shared).toEqual(here);
  });

  it("names what is wrong; is undefined where nothing varies; stops when told", async () => {
    await expect(correlations([1, 2], [1])).rejects.toThrow("y: expected 2 numbers, as many as x, got 1");
    await expect(correlations([1, Number.NaN], [1, 2])).rejects.toThrow(RangeError);
    await expect(correlations([0, 1], [1, 2], { logX: true })).rejects.toThrow("x[0]: expected a positive number");
    await expect(correlations("12" as never, [1, 2])).rejects.toThrow(TypeError);
    const flat = await correlations([1, 1, 1, 1, 1], [1, 2, 3, 4, 5], { workers: 0, resamples: 40 });
    expect(flat.pearson).toEqual({ value: null, ci95: null });
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(correlations(tuna, quality, { signal })).rejects.toThrow("enough");
  });
});

describe("recordsToCsv", () => {
  it("quotes as RFC 4180 says, leaves empty what a record has not, keeps every digit", () => {
    const records = [
      { name: 'say "a, b"', value: { mean: 0.1 + 0.2 } },
      { name: "line\nend", other: true },
    ];
    expect(recordsToCsv(records)).toBe(
      'name,value.mean,other\r\n"say ""a, b""",0.30000000000000004,\r\n"line\nend",,true\r\n',
    );
    expect(recordsToCsv([])).toBe("\r\n");
  });
});
