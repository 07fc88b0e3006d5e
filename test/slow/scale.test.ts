/**
 * What processes of their own take: 10^8 networks 7-40-40-1, exact counts within 4 GiB, in memory and through the disk, and
 * expectation propagation on 2000 points. Node only; needs the built package, 3 GiB of memory and as much of temporary disk.
 */
import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";

const GIB = 2 ** 30;

interface Outcome {
  readonly digest: string;
  readonly distinct: number;
  readonly counted: number;
  readonly seconds: number;
  /** Peak resident memory of the whole process, workers included, bytes. */
  readonly peak: number;
}

/** What a script prints, as JSON, in a process of its own. */
function outcomeOf<T>(script: string): T {
  const text = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  return JSON.parse(text) as T;
}

function count(outputDraws: number, memoryLimit: number): Outcome {
  const script = `
    import { countFunctions } from "flatvol";
    import { spillToDisk } from "flatvol/node";
    const started = performance.now();
    const table = await countFunctions({ layers: [7, 40, 40, 1] }, {
      samples: 1e8, seed: 5, outputDraws: ${outputDraws}, memoryLimit: ${memoryLimit}, spill: spillToDisk(),
    });
    const seconds = (performance.now() - started) / 1000;
    let counted = 0;
    for (const { firstRank, lastRank, count } of table.rankFrequency()) counted += (lastRank - firstRank + 1) * count;
    const digest = await table.digest();
    const peak = process.resourceUsage().maxRSS * 1024;
    console.log(JSON.stringify({ digest, distinct: table.distinct, counted, seconds, peak }));
    table.close();`;
  const outcome = outcomeOf<Outcome>(script);
  console.log(`${outputDraws} output draws, limit ${memoryLimit / GIB} GiB:`, outcome);
  return outcome;
}

it.each([
  [1, 0.398],
  [16, 0.375],
])(
  "10^8 samples at %i output draws: about 40 % distinct, all counted, below 4 GiB; the same through the disk",
  (draws, share) => {
    const inMemory = count(draws, 3 * GIB);
    expect(inMemory.counted).toBe(1e8);
    expect(Math.abs(inMemory.distinct / 1e8 - share)).toBeLessThan(0.03);
    expect(inMemory.peak).toBeLessThan(4 * GIB);
    const spilled = count(draws, GIB / 4);
    expect(spilled.digest).toBe(inMemory.digest);
    expect(spilled.peak).toBeLessThan(GIB);
  },
);

it("expectation propagation takes less than 5 m² doubles, K among them, on two workers and call after call", () => {
  const squares = outcomeOf<number[]>(`
    import { readFileSync } from "node:fs";
    import { createPool } from "flatvol";
    import { expectationPropagation } from "flatvol/volume";
    const bytes = (name) => 1024 * Number.parseInt(readFileSync("/proc/self/status", "utf8").split(name + ":")[1], 10);
    const pool = createPool({ workers: 2 });
    const call = async (m) => {
      const K = Float64Array.from({ length: m * m }, (_, at) => {
        const apart = Math.floor(at / m) - (at % m);
        return Math.exp(-0.5 * (apart / 3) ** 2) + (apart === 0 ? 0.5 : 0);
      });
      const labels = Array.from({ length: m }, (_, i) => ((i * 2654435761) >>> 16) & 1);
      const peaks = [];
      for (let k = 0; k < 5; k++) {
        await expectationPropagation(K, labels, { pool });
        peaks.push(bytes("VmHWM"));
      }
      return peaks;
    };
    // what the process takes whatever the size
    await call(450);
    const before = bytes("VmRSS");
    const peaks = await call(2000);
    console.log(JSON.stringify(peaks.map((peak) => (peak - before) / 8 / 2000 ** 2)));
    pool.close();`);
  console.log("m² doubles at the peak, call by call:", squares);
  expect(Math.max(...squares)).toBeLessThan(5);
});
