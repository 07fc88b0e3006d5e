/** The known values of the prior over many more samples; error rates as in test/truth.test.ts. */
import { afterAll, describe, expect, it } from "vitest";
import { createPool } from "../../src/index.ts";
import { chiSquareTail } from "../reference/distributions.ts";
import {
  ALL_ONE,
  ALL_ZERO,
  CONSTANT,
  chiSquare,
  countRun,
  countsByOnes,
  NEAR_CONSTANT,
  nearConstants,
  ONE_BUT_ZERO_INPUT,
  orbitByHand,
  STUDY,
  score,
} from "../truthChecks.ts";

const pool = createPool({ workers: 2 });
afterAll(() => pool.close());
const Z = 4.9;
const P = 1e-6;

describe.each([
  [1, 4_000_000],
  [16, 32_000_000],
])("7-40-40-1 at %i output draws, %i samples", (outputDraws, samples) => {
  it("without biases: constants and their neighbours, one by one and by orbit; every bit alike", async () => {
    const table = await countRun({ ...STUDY, sigmaB2: 0 }, { pool, seed: 31, samples, outputDraws });
    for (const f of [ALL_ZERO, ONE_BUT_ZERO_INPUT]) {
      expect(Math.abs(score(table.probability(f), CONSTANT.value, CONSTANT.error))).toBeLessThan(Z);
    }
    expect(Math.abs(score(table.orbit(ALL_ZERO), CONSTANT.value, CONSTANT.error))).toBeLessThan(Z);
    const near = nearConstants();
    expect(orbitByHand(near[0], 7, 2)).toEqual([...near].sort());
    expect(table.orbit(near[0]).orbitSize).toBe(14);
    expect(Math.abs(score(table.orbit(near[0]), NEAR_CONSTANT.value, NEAR_CONSTANT.error))).toBeLessThan(Z);
    const estimates = near.map((f) => table.probability(f));
    const mean = estimates.reduce((sum, e) => sum + e.count, 0) / near.length;
    const inflation = Math.max(...estimates.map((e) => e.designEffect), 1);
    const statistic = chiSquare(
      estimates.map((e) => e.count),
      mean,
    );
    expect(chiSquareTail(statistic / inflation, near.length - 1)).toBeGreaterThan(P);
    table.close();
  });

  it("with biases: P(all-0) = P(all-1) = 0.2506", async () => {
    const table = await countRun(STUDY, { pool, seed: 32, samples, outputDraws });
    const [zero, one] = [ALL_ZERO, ALL_ONE].map((f) => table.probability(f));
    expect(Math.abs(score(zero, 0.2506, 0.0001))).toBeLessThan(Z);
    expect(Math.abs(score(one, 0.2506, 0.0001))).toBeLessThan(Z);
    // all-0 and all-1 exclude each other: their difference has variance close to the sum plus 2 p^2 / n
    const error = Math.sqrt(
      zero.standardError ** 2 + one.standardError ** 2 + (2 * 0.2506 ** 2 * zero.designEffect) / samples,
    );
    expect(Math.abs(zero.probability - one.probability) / error).toBeLessThan(Z);
    table.close();
  });
});

it("perceptron without bias at 2^24 samples: the number of ones is uniform", async () => {
  for (const outputDraws of [1, 16]) {
    const samples = 2 ** 24;
    const table = await countRun({ layers: [7, 1], sigmaB2: 0 }, { pool, seed: 33, samples, outputDraws });
    const counts = countsByOnes(table);
    expect(counts[128]).toBe(0);
    expect(chiSquareTail(chiSquare(counts.subarray(0, 128), samples / 128), 127)).toBeGreaterThan(P);
    table.close();
  }
});
