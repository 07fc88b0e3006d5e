/**
 * 10^8 networks 7-40-40-1 in processes of their own: exact counts within 4 GiB, in memory and through the disk. Node only;
 * needs the built package, 3 GiB of memory and as much of temporary disk.
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
  const text = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  const outcome = JSON.parse(text);
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
