/**
 * The prior against what is known of it. Seeds are fixed, so that nothing flickers; each assertion would fail for a right
 * program at about one seed in 10^6 (a z-score above 4.9, a p-value below 1e-6) unless it says otherwise.
 */
import { afterAll, describe, expect, it } from "vitest";
import { createPool } from "../src/index.ts";
import { chiSquareTail } from "./reference/distributions.ts";
import { bitsOf } from "./reference/functions.ts";
import {
  ALL_ONE,
  ALL_ZERO,
  CONSTANT,
  chiSquare,
  countRun,
  countsByOnes,
  isThreshold,
  NEAR_CONSTANT,
  nearConstants,
  ONE_BUT_ZERO_INPUT,
  orbitByHand,
  orbitHomogeneity,
  PUBLISHED,
  STUDY,
  score,
} from "./truthChecks.ts";

const pool = createPool({ workers: 2 });
afterAll(() => pool.close());
const Z = 4.9;
const P = 1e-6;

describe("perceptron", () => {
  it("without bias, n = 7: the number of ones is uniform on 0 to 127 [Mingard et al., arXiv 1909.11522, theorem 4.1]", async () => {
    const samples = 2 ** 19;
    const table = await countRun({ layers: [7, 1], sigmaB2: 0 }, { pool, seed: 1, samples, outputDraws: 1 });
    const counts = countsByOnes(table);
    expect(counts[128]).toBe(0);
    expect(chiSquareTail(chiSquare(counts.subarray(0, 128), samples / 128), 127)).toBeGreaterThan(P);
    table.close();
  });

  it("without bias, n = 7, with 16 output draws: the whole perceptron is drawn anew, so they are independent", async () => {
    const samples = 2 ** 19;
    const table = await countRun({ layers: [7, 1], sigmaB2: 0 }, { pool, seed: 2, samples, outputDraws: 16 });
    const counts = countsByOnes(table);
    expect(counts[128]).toBe(0);
    expect(chiSquareTail(chiSquare(counts.subarray(0, 128), samples / 128), 127)).toBeGreaterThan(P);
    expect(table.designEffect().mean).toBeGreaterThan(0.97);
    expect(table.designEffect().mean).toBeLessThan(1.03);
    table.close();
  });

  // the rarest of the 1882 has P = 1.3e-5 or so: e^-25 = 1e-11 to miss it
  it.each([
    [2, 14, 20_000],
    [3, 104, 200_000],
    [4, 1882, 2_000_000],
  ])("with bias, n = %i: exactly the %i threshold functions [OEIS A000609]", async (n, known, samples) => {
    for (const outputDraws of [1, 16]) {
      const table = await countRun({ layers: [n, 1] }, { pool, seed: 3, samples, outputDraws });
      expect(table.distinct).toBe(known);
      for (const row of table.rows()) expect(isThreshold(bitsOf(row.function, 2 ** n), n)).toBe(true);
      table.close();
    }
  });
});

describe.each([
  [1, 200_000],
  [16, 1_600_000],
])("7-40-40-1 at %i output draws", (outputDraws, samples) => {
  it("without biases: P(all-0), its negation as likely, and functions one weight-1 input apart", async () => {
    const table = await countRun({ ...STUDY, sigmaB2: 0 }, { pool, seed: 4, samples, outputDraws });
    for (const f of [ALL_ZERO, ONE_BUT_ZERO_INPUT]) {
      const estimate = table.probability(f);
      expect(Math.abs(score(estimate, CONSTANT.value, CONSTANT.error))).toBeLessThan(Z);
      expect(Math.abs(estimate.probability / PUBLISHED.constant - 1)).toBeLessThan(0.05);
    }
    for (const f of nearConstants()) {
      expect(Math.abs(score(table.probability(f), NEAR_CONSTANT.value, NEAR_CONSTANT.error))).toBeLessThan(Z);
    }
    // input 0 gives exactly 0
    for (const row of table.rows()) if (row.function[0] > "7") expect.fail(row.function);
    table.close();
  });

  it("at sigma_w^2 = 2, sigma_b^2 = 1: P(all-0) = P(all-1) = 0.2506", async () => {
    const table = await countRun(STUDY, { pool, seed: 5, samples, outputDraws });
    expect(Math.abs(score(table.probability(ALL_ZERO), 0.2506, 0.0001))).toBeLessThan(Z);
    expect(Math.abs(score(table.probability(ALL_ONE), 0.2506, 0.0001))).toBeLessThan(Z);
    table.close();
  });
});

describe("sigma_w without biases does not matter", () => {
  it("to the bit where the scale is a power of two, and but for roundings else", async () => {
    for (const outputDraws of [1, 16]) {
      const run = { pool, seed: 6, samples: 32_000, outputDraws };
      const two = await countRun({ ...STUDY, sigmaW2: 2, sigmaB2: 0 }, run);
      const digest = await two.digest();
      for (const sigmaW2 of [8, 32, 0.5]) {
        expect(await (await countRun({ ...STUDY, sigmaW2, sigmaB2: 0 }, run)).digest()).toBe(digest);
      }
      // other scales round weights differently: a function changes only if an output is within rounding of 0
      const three = await countRun({ ...STUDY, sigmaW2: 3, sigmaB2: 0 }, run);
      const counts = new Map([...two.rows()].map((row) => [row.function, row.count]));
      let moved = 0;
      for (const row of three.rows()) moved += Math.max(0, row.count - (counts.get(row.function) ?? 0));
      expect(moved / run.samples).toBeLessThan(1e-3);
    }
  });
});

describe("symmetry: counts are homogeneous within orbits of bit permutations and negation", () => {
  it.each([
    ["3-8-1, with biases", { layers: [3, 8, 1] }, 3, 1],
    ["3-8-8-1, tanh", { layers: [3, 8, 8, 1], activation: "tanh" as const }, 3, 1],
    ["4-40-1, without biases", { layers: [4, 40, 1], sigmaB2: 0 }, 4, 2],
    ["3-1, a perceptron", { layers: [3, 1] }, 3, 1],
    ["3-2-1, without biases: dead inputs are 0, so no negation", { layers: [3, 2, 1], sigmaB2: 0 }, 3, 0],
  ] as const)("%s", async (_, network, n, negation) => {
    const table = await countRun(network, { pool, seed: 7, samples: 400_000, outputDraws: 1 });
    expect(table.symmetry.negation).toBe(negation);
    const { statistic, degrees } = orbitHomogeneity(table, n, negation);
    expect(degrees).toBeGreaterThan(20);
    expect(chiSquareTail(statistic, degrees)).toBeGreaterThan(P);
    table.close();
  });

  it("with 16 output draws, the statistic over the largest design effect (Rao & Scott 1981, conservative)", async () => {
    const table = await countRun({ layers: [3, 8, 1] }, { pool, seed: 8, samples: 1_600_000, outputDraws: 16 });
    const { statistic, degrees } = orbitHomogeneity(table, 3, 1);
    const { largest } = table.designEffect();
    expect(largest).toBeGreaterThan(1.05);
    expect(chiSquareTail(statistic / largest, degrees)).toBeGreaterThan(P);
    table.close();
  });

  it("a narrow ReLU network without biases is not symmetric under negation, and the test would see it", async () => {
    const table = await countRun(
      { layers: [3, 2, 1], sigmaB2: 0 },
      { pool, seed: 7, samples: 400_000, outputDraws: 1 },
    );
    const { statistic, degrees } = orbitHomogeneity(table, 3, 2);
    expect(chiSquareTail(statistic, degrees)).toBeLessThan(1e-12);
    table.close();
  });

  it("orbit() sums the orbit's counts and divides by its size, with and without biases, clustered or not", async () => {
    for (const [network, n, negation] of [
      [{ layers: [4, 8, 1] }, 4, 1],
      [{ layers: [4, 40, 1], sigmaB2: 0 }, 4, 2],
      [{ layers: [3, 2, 1], sigmaB2: 0 }, 3, 0],
    ] as const) {
      for (const outputDraws of [1, 16]) {
        const table = await countRun(network, { pool, seed: 9, samples: 16_000, outputDraws });
        const some = [...table.rows()].filter((_, i) => i % 29 === 0).map((row) => row.function);
        for (const f of [...some, "0".repeat(2 ** n / 4), "6".repeat(2 ** n / 4)]) {
          const orbit = orbitByHand(f, n, negation);
          const estimate = table.orbit(f);
          expect(estimate.orbitSize).toBe(orbit.length);
          expect(estimate.orbitCount).toBe(orbit.reduce((sum, g) => sum + table.count(g), 0));
          expect(estimate.count).toBe(table.count(f));
          expect(estimate.probability).toBeCloseTo(estimate.orbitCount / 16_000 / orbit.length, 14);
          expect(estimate.ci95[0]).toBeLessThanOrEqual(estimate.probability);
          expect(estimate.ci95[1]).toBeGreaterThanOrEqual(estimate.probability);
        }
        table.close();
      }
    }
  });
});
