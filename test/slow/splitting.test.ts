/**
 * Splitting against counting: do its 95 % intervals hold the truth, from frequent functions to those of which counting with whole
 * orbits sees some hundred? And against networks of 2 and 3 bits counted 10^8 times.
 */
import { afterAll, describe, expect, it } from "vitest";
import { countFunctions, createPool, type NetworkOptions } from "../../src/index.ts";
import { splittingVolume } from "../../src/volume.ts";
import { STUDY } from "../truthChecks.ts";

const pool = createPool({ workers: 2 });
afterAll(() => pool.close());

/** A 95 % interval, widened by the error of the count, holds the counted logarithm. */
function holds(ci95: readonly [number, number], truth: number, truthError: number): boolean {
  const half = (ci95[1] - ci95[0]) / 2;
  return Math.abs((ci95[0] + ci95[1]) / 2 - truth) <= Math.hypot(half, 1.96 * truthError);
}

describe("splitting is calibrated", () => {
  it.each([
    ["the study's settings", { repetitions: 4, particles: 30, moves: 10, steps: 20 }],
    ["the defaults", {}],
  ])(
    "200 functions of 7-40-40-1 counted in 10^7 networks with their orbits: 95 %% intervals cover 90 to 99 %%, %s",
    async (_name, settings) => {
      const samples = 10_000_000;
      const table = await countFunctions(STUDY, { samples, seed: 1, outputDraws: 16, pool, memoryLimit: 2 ** 32 });
      const seen = table.top(1_000_000);
      // 200 functions, evenly by the logarithm of their rank, with orbits counted at least 400 times
      const chosen = new Map<string, { logP: number; error: number }>();
      for (let k = 0; chosen.size < 200 && k < 20_000; k++) {
        const rank = Math.floor(seen.length ** (((k * 0.6180339887498949) % 1) * 0.999));
        const f = seen[rank].function;
        if (chosen.has(f)) continue;
        const { orbitCount, probability, ci95 } = table.orbit(f);
        if (orbitCount < 400) continue;
        chosen.set(f, { logP: Math.log(probability), error: Math.log(ci95[1] / ci95[0]) / 2 / 1.96 });
      }
      table.close();
      expect(chosen.size).toBe(200);
      let covered = 0;
      let warned = 0;
      const scores: number[] = [];
      let seed = 7;
      for (const [f, { logP, error }] of chosen) {
        // a seed each: of one seed they would all begin with the same networks, and be wrong together
        const found = await splittingVolume(STUDY, { function: f, seed: seed++, pool, ...settings });
        warned += Number(found.warnings.length > 0);
        covered += Number(holds(found.ci95!, logP, error));
        scores.push((found.logP! - logP) / Math.hypot(found.standardError!, error));
      }
      const logs = [...chosen.values()].map(({ logP }) => logP / Math.LN10);
      const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
      console.log(
        `log10 P from ${Math.min(...logs).toFixed(2)} to ${Math.max(...logs).toFixed(2)}: ${covered} of 200 intervals cover, ${warned} with warnings, mean z ${mean.toFixed(2)}`,
      );
      // of 200 intervals of 95 %, 180 to 198 cover with probability 0.998
      expect(covered).toBeGreaterThanOrEqual(180);
      expect(covered).toBeLessThanOrEqual(198);
    },
    3_600_000,
  );

  it.each([
    [{ layers: [2, 4, 1] }, 1],
    [{ layers: [2, 3, 3, 1] }, 1],
    [{ layers: [3, 6, 1] }, 8],
    [{ layers: [3, 5, 4, 1] }, 8],
  ] as Array<[NetworkOptions, number]>)(
    "%j counted 10^8 times",
    async (network, every) => {
      const samples = 100_000_000;
      const table = await countFunctions(network, { samples, seed: 3, outputDraws: 16, pool });
      const seen = table.top(256).filter(({ count }) => count >= 1000);
      const chosen = seen.filter((_, i) => i % every === 0);
      let worst = 0;
      for (const { function: f, probability, ci95 } of chosen) {
        const error = Math.log(ci95[1] / ci95[0]) / 2 / 1.96;
        const found = await splittingVolume(network, {
          function: f,
          particles: 400,
          repetitions: 20,
          seed: 9,
          pool,
        });
        worst = Math.max(
          worst,
          Math.abs(found.logP! - Math.log(probability)) / Math.hypot(found.standardError!, error),
        );
      }
      table.close();
      console.log(`${chosen.length} of ${seen.length} functions, largest |z| ${worst.toFixed(2)}`);
      // up to 32 comparisons by t with 19 degrees of freedom: false alarm 0.4 %
      expect(chosen.length).toBeGreaterThan(12);
      expect(worst).toBeLessThan(4.5);
    },
    1_200_000,
  );
});
