/** Draws of P_B(f|S) against counted networks, and the PAC-Bayes bound against its formula. */
import { describe, expect, it } from "vitest";
import { countFunctions } from "../src/index.ts";
import { pacBayesBound, posteriorDraws } from "../src/volume.ts";

describe("posteriorDraws", () => {
  it("agrees with the functions of counted networks that fit S: P(S), P_B(f|S), mean error; the posterior adds up to 1", async () => {
    const network = { layers: [3, 6, 5, 1] };
    // S: points 0, 2, 3, 5, 6 of majority
    const [on, target] = ["b6", "17"];
    const [mask, wanted] = [on, target].map((x) => Number.parseInt(x, 16));
    const samples = 400_000;
    const table = await countFunctions(network, { samples, seed: 4, workers: 0 });
    let fits = 0;
    let wrong = 0;
    const counts = new Map<string, number>();
    const errorOf = (f: number): number => [0x40, 0x08, 0x01].filter((bit) => (f ^ wanted) & bit).length / 3;
    for (const { function: f, count } of table.top(256)) {
      const bits = Number.parseInt(f, 16);
      if ((bits ^ wanted) & mask) continue;
      fits += count;
      wrong += count * errorOf(bits);
      counts.set(f, count);
    }
    table.close();
    expect(fits).toBeGreaterThan(500);

    const {
      evidence,
      functions = [],
      meanError,
      bound,
    } = await posteriorDraws(network, {
      function: target,
      on,
      repetitions: 16,
      moves: 4,
      rounds: 8,
      seed: 2,
      workers: 0,
    });
    // t with 15 degrees of freedom, 10 comparisons: false alarm 0.1 %
    const apart = (a: number, b: number, ...errors: number[]): void =>
      expect(Math.abs(a - b)).toBeLessThan(5 * Math.hypot(...errors));
    apart(evidence.logP as number, Math.log(fits / samples), evidence.standardError as number, 1 / Math.sqrt(fits));
    expect(functions.reduce((sum, f) => sum + f.posterior.value, 0)).toBeCloseTo(1, 9);
    const met = functions.map((f) => f.function);
    for (const [f, count] of counts) if (count > 0.02 * fits) expect(met).toContain(f);
    for (const { function: f, posterior, error } of functions) {
      const share = (counts.get(f) ?? 0) / fits;
      apart(posterior.value, share, posterior.standardError, Math.sqrt((share * (1 - share)) / fits), 1e-3);
      expect(error).toBeCloseTo(errorOf(Number.parseInt(f, 16)), 12);
    }
    const mean = wrong / fits;
    apart(meanError?.value as number, mean, meanError?.standardError as number, 0.5 / Math.sqrt(fits));
    expect(bound).toBe(await pacBayesBound(evidence.logP as number, 5));
    expect(bound).toBeGreaterThan(meanError?.value as number);
  });

  it("has no error to speak of where S is all points, and refuses what no network fits", async () => {
    const all = await posteriorDraws(
      { layers: [2, 4, 1] },
      { function: "7", repetitions: 2, particles: 20, rounds: 1, workers: 0 },
    );
    expect([all.meanError, all.functions?.map((f) => f.function)]).toEqual([undefined, ["7"]]);
    await expect(posteriorDraws({ layers: [2, 3, 1], sigmaB2: 0 }, { function: "8" })).rejects.toThrow(
      /^function: no network fits S: point 0 is zero/,
    );
  });
});

describe("pacBayesBound", () => {
  it("is 1 - exp(-(ln(1/P(S)) + ln(2m/delta)) / (m - 1))", async () => {
    // P(S) = 2^-64, m = 64, delta = 0.05: (44.3614 + 7.8475) / 63
    expect(await pacBayesBound(-64 * Math.LN2, 64, 0.05)).toBeCloseTo(
      1 - Math.exp(-(44.36141956 + 7.84776254) / 63),
      9,
    );
    expect(await pacBayesBound(0, 1001, 1)).toBeCloseTo(-Math.expm1(-Math.log(2002) / 1000), 12);
  });
  it.each([
    [1, 5, /^logPS: expected the logarithm of a probability, got 1/],
    [-1, 1, /^m: expected an integer from 2/],
  ])("refuses %d, %d", async (logPS, m, message) => {
    await expect(pacBayesBound(logPS, m)).rejects.toThrow(message);
  });
});
