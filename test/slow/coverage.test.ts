/**
 * Do 95 % intervals hold the truth 95 times in 100? 200 seeds of 32,000 samples against one run of 3.2 * 10^7, whose own error is
 * 1/30 of theirs. The mean coverage over functions is compared with 0.95 -+ 0.03: with 200 seeds that is two standard
 * errors of a single function, and about 5 of a mean over functions as weakly correlated as these.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countFunctions, createPool, type FunctionTable, type NetworkOptions } from "../../src/index.ts";
import { STUDY } from "../truthChecks.ts";

const pool = createPool({ workers: 2 });
afterAll(() => pool.close());
const SEEDS = 200;
const SAMPLES = 32_000;

interface Coverage {
  /** functions expected at least 30 times in a run, and those expected 1 to 30 times */
  readonly frequent: number;
  readonly rare: number;
  /** the same of orbit intervals */
  readonly orbit: number;
  /** coverage of a plain Wilson interval that ignores the clusters, on frequent functions */
  readonly meanDesignEffect: number;
}

async function coverageOf(network: NetworkOptions, outputDraws: number): Promise<Coverage> {
  const truth = await countFunctions(network, {
    samples: 1000 * SAMPLES,
    seed: 1,
    outputDraws,
    pool,
    memoryLimit: 2 ** 32,
  });
  const top = truth.top(4000);
  const frequent = top.filter((e) => e.probability * SAMPLES >= 30).slice(0, 40);
  const rare = top
    .filter((e) => e.probability * SAMPLES < 30 && e.probability * SAMPLES >= 1)
    .filter((_, i) => i % 20 === 0)
    .slice(0, 40);
  const orbits = [...frequent.filter((_, i) => i % 4 === 0), ...rare.filter((_, i) => i % 4 === 0)];
  const hits = { frequent: 0, rare: 0, orbit: 0 };
  const holds = (ci: readonly [number, number], p: number): number => Number(ci[0] <= p && p <= ci[1]);
  const orbitTruth = orbits.map((e) => truth.orbit(e.function).probability);
  truth.close();
  let meanDesignEffect = 0;
  for (let seed = 1000; seed < 1000 + SEEDS; seed++) {
    const table: FunctionTable = await countFunctions(network, { samples: SAMPLES, seed, outputDraws, pool });
    for (const e of frequent) hits.frequent += holds(table.probability(e.function).ci95, e.probability);
    for (const e of rare) hits.rare += holds(table.probability(e.function).ci95, e.probability);
    orbits.forEach((e, i) => {
      hits.orbit += holds(table.orbit(e.function).ci95, orbitTruth[i]);
    });
    meanDesignEffect += table.designEffect().mean / SEEDS;
    table.close();
  }
  return {
    frequent: hits.frequent / (SEEDS * frequent.length),
    rare: hits.rare / (SEEDS * rare.length),
    orbit: hits.orbit / (SEEDS * orbits.length),
    meanDesignEffect,
  };
}

describe.each([
  ["7-40-40-1, 16 draws", STUDY, 16],
  ["7-40-40-1, sigma_b^2 = 0, 16 draws", { ...STUDY, sigmaB2: 0 }, 16],
  ["7-10-1, 16 draws: a narrow body, large design effects", { layers: [7, 10, 1] }, 16],
  ["7-10-1, independent", { layers: [7, 10, 1] }, 1],
] as const)("%s", (_, network, outputDraws) => {
  let coverage: Coverage;
  beforeAll(async () => {
    coverage = await coverageOf(network, outputDraws);
    console.log(coverage);
  }, 3_600_000);

  it("frequent functions", () => {
    expect(Math.abs(coverage.frequent - 0.95)).toBeLessThan(0.03);
  });

  it("rare functions: at least 0.93 (few counts make an interval wider than asked)", () => {
    expect(coverage.rare).toBeGreaterThan(0.93);
  });

  it("orbits", () => {
    expect(coverage.orbit).toBeGreaterThan(0.92);
    expect(coverage.orbit).toBeLessThan(0.99);
  });
});
