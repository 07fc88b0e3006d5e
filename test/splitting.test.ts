/** Multilevel splitting against closed forms and against counting. */
import { describe, expect, it } from "vitest";
import { fullBuild, sharedKernels } from "../src/engine/module.ts";
import { onBuild } from "../src/engine/task.ts";
import { countFunctions, createPool } from "../src/index.ts";
import { defineNetwork, type NetworkOptions } from "../src/network/network.ts";
import { type SplittingOptions, splittingVolume, summariseRuns } from "../src/volume/splitting.ts";
import { type SplittingRun, splittingTask } from "../src/volume/splittingTask.ts";
import { gaussians, uniforms } from "./reference/orthant.ts";

/** Volume and its error; every repetition must have ended. */
async function volume(network: NetworkOptions, options: SplittingOptions) {
  const { logP, standardError, warnings } = await splittingVolume(network, {
    repetitions: 12,
    seed: 1,
    workers: 0,
    ...options,
  });
  expect(warnings).toEqual([]);
  return { logP: logP as number, standardError: standardError as number };
}

describe("splittingVolume", () => {
  it("of a perceptron on three points: 1/8 + sum asin(rho) / 4 pi", async () => {
    const points = [0, 0, 2, 1, -1, 3];
    // z = b + w x with b ~ N(0, 1), w ~ N(0, 2 / 2)
    const covariance = (i: number, j: number): number =>
      1 + points[2 * i] * points[2 * j] + points[2 * i + 1] * points[2 * j + 1];
    const rho = (i: number, j: number): number => covariance(i, j) / Math.sqrt(covariance(i, i) * covariance(j, j));
    for (const hex of ["0", "2", "4", "6", "8", "a", "c", "e"]) {
      const sign = (i: number): number => ((Number.parseInt(hex, 16) >> (3 - i)) & 1 ? 1 : -1);
      const pair = (i: number, j: number): number => Math.asin(sign(i) * sign(j) * rho(i, j));
      const exact = Math.log(1 / 8 + (pair(0, 1) + pair(0, 2) + pair(1, 2)) / (4 * Math.PI));
      const { logP, standardError } = await volume(
        { layers: [2, 1] },
        { function: hex, inputs: { data: points, points: 3 }, particles: 60, repetitions: 100 },
      );
      // 8 comparisons of means of 100: false alarm 0.01 %
      expect(Math.abs(logP - exact)).toBeLessThan(4.5 * standardError);
      expect(standardError).toBeLessThan(0.03);
    }
  });

  it("of a perceptron on all inputs of two bits: the 16 solid angles, two of which are empty", async () => {
    // z = b + w1 x1 + w2 x2, all of variance 1: the outputs at 00, 01, 10, 11 have z00 + z11 = z01 + z10
    const normals = [
      [1, 0, 0],
      [1, 0, 1],
      [1, 1, 0],
      [1, 1, 1],
    ];
    const three = (...signed: Array<[point: number, sign: number]>): number => {
      const angle = (a: [number, number], b: [number, number]): number => {
        const dot = (x: number, y: number): number => normals[x].reduce((sum, v, k) => sum + v * normals[y][k], 0);
        return Math.asin((a[1] * b[1] * dot(a[0], b[0])) / Math.sqrt(dot(a[0], a[0]) * dot(b[0], b[0])));
      };
      const [a, b, c] = signed;
      return 1 / 8 + (angle(a, b) + angle(a, c) + angle(b, c)) / (4 * Math.PI);
    };
    const exact = (f: number): number => {
      const s = [0, 1, 2, 3].map((i) => ((f >> (3 - i)) & 1 ? 1 : -1));
      // two on one side of the equation that agree, and what that leaves of the other side
      const [[i, j], [k, l]] =
        s[1] === s[2]
          ? [
              [1, 2],
              [0, 3],
            ]
          : [
              [0, 3],
              [1, 2],
            ];
      if (s[i] !== s[j]) {
        // both sides mixed: the third sign both ways is the pair's, whose other way forces the fourth
        return three([1, s[1]], [2, s[2]], [0, s[0]]) - three([0, s[0]], [3, -s[3]], [s[0] === s[1] ? 2 : 1, -s[0]]);
      }
      const sign = s[i];
      const others = [k, l].filter((at) => s[at] !== sign);
      if (others.length === 2) return 0;
      if (others.length === 1) return three([i, sign], [j, sign], [others[0], -sign]);
      return three([i, sign], [j, sign], [k, sign]) - three([i, sign], [j, sign], [l, -sign]);
    };
    const all = Array.from({ length: 16 }, (_, f) => exact(f));
    expect(all.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    for (const [f, p] of all.entries()) {
      const options = { function: f.toString(16), particles: 100, repetitions: 60, seed: 4, workers: 0 };
      const found = await splittingVolume({ layers: [2, 1] }, options);
      if (p === 0) {
        // exclusive or, and its negation
        expect([f, found.logP]).toEqual([f, undefined]);
        expect(found.warnings[0]).toMatch(/^1 of 1 repetitions stalled/);
      } else {
        expect(p).toBeGreaterThan(0.01);
        // 14 comparisons by t with 59 degrees of freedom: false alarm 0.05 %
        expect(Math.abs((found.logP as number) - Math.log(p))).toBeLessThan(4.5 * (found.standardError as number));
        expect(found.standardError).toBeLessThan(0.05);
      }
    }
  });

  it.each([
    [{ layers: [3, 6, 1] }, 200],
    [{ layers: [3, 5, 4, 1] }, 200],
    [{ layers: [3, 4, 5, 3, 1], sigmaB2: 0.3 }, 400],
    [{ layers: [3, 5, 4, 1], activation: "tanh" }, 200],
    [{ layers: [2, 3, 3, 3, 1], activation: "tanh", sigmaW2: 3 }, 200],
  ] as Array<[NetworkOptions, number]>)("agrees with counting: %j", async (network, particles) => {
    const samples = 400_000;
    const table = await countFunctions(network, { samples, seed: 2, workers: 0 });
    // from frequent to rare, each counted some hundred times
    const functions = table.top(200).filter(({ count }) => count > 200);
    const chosen = [0, 0.4, 0.8, 1].map((q) => functions[Math.round(q * (functions.length - 1))]);
    table.close();
    for (const { function: f, count } of chosen) {
      const { logP, standardError } = await volume(network, { function: f, particles, moves: 4, repetitions: 8 });
      const error = Math.hypot(standardError, 1 / Math.sqrt(count));
      // 20 comparisons by t with 7 degrees of freedom: false alarm 3 %; the seeds are fixed
      expect(Math.abs(logP - Math.log(count / samples))).toBeLessThan(5 * error);
      expect(standardError).toBeLessThan(0.3);
    }
  });

  it("on a part of the points: the probability of a training set", async () => {
    const network = { layers: [3, 6, 1] };
    const samples = 200_000;
    const table = await countFunctions(network, { samples, seed: 3, workers: 0 });
    // points 0, 3, 5, 6 with bits 0, 1, 1, 0
    const [on, wanted] = [0b10010110, 0b00010100];
    let count = 0;
    for (const f of table.top(256)) if ((Number.parseInt(f.function, 16) & on) === wanted) count += f.count;
    table.close();
    const { logP, standardError } = await volume(network, { function: "14", on: "96", particles: 200 });
    expect(count).toBeGreaterThan(100);
    const error = Math.hypot(standardError, 1 / Math.sqrt(count));
    expect(Math.abs(logP - Math.log(count / samples))).toBeLessThan(5 * error);
  });

  it("is a function of its arguments and the seed, to the bit, for any workers, in Node and Chromium", async () => {
    const run = (options: Partial<SplittingOptions>) =>
      splittingVolume(
        { layers: [4, 7, 6, 1] },
        { function: "6996", particles: 60, moves: 4, repetitions: 3, ...options },
      );
    const here = await run({ workers: 0 });
    expect(here.repetitions.map(({ logP }) => logP)).toMatchInlineSnapshot(`
      [
        -26.445977064319333,
        -33.21065594124186,
        -32.50179429006058,
      ]
    `);
    expect((await run({ workers: 2 })).repetitions).toEqual(here.repetitions);
    expect((await run({ workers: 0, seed: 1 })).logP).not.toBe(here.logP);
  });

  it("P = 0 where no network has the signs: says so, exactly", async () => {
    const twice = { data: [0, 1, 1, 0, 0, 1], points: 3 };
    const twins = await splittingVolume({ layers: [2, 3, 1] }, { function: "2", inputs: twice });
    expect([twins.logP, twins.standardError]).toEqual([-Infinity, 0]);
    expect(twins.reason).toBe("points 0 and 2 are the same, and have different bits");
    const zero = await splittingVolume({ layers: [2, 3, 1], sigmaB2: 0 }, { function: "8" });
    expect(zero.reason).toBe("point 0 is zero, where a network without biases is exactly 0, and its bit is 1");
    // the same points with the same bits count once
    const { logP } = await volume({ layers: [2, 1] }, { function: "4", inputs: { data: [1, 1, 3, 1], points: 2 } });
    const same = await volume({ layers: [2, 1] }, { function: "4", inputs: { data: [1, 1, 3, 1, 1, 1], points: 3 } });
    expect(Math.abs(same.logP - logP)).toBeLessThan(5 * same.standardError);
  });

  // by theory: of log-normal estimates with mean 1; the interval for small spreads is Student's
  it.each([
    [4, 0.3, 0.94, 0.96],
    [8, 0.5, 0.94, 0.96],
    [8, 1.5, 0.91, 0.95],
    [6, 3, 0.87, 0.92],
  ])(
    "the interval of %i log-normal repetitions, spread %d, covers from %d to %d",
    async (count, spread, least, most) => {
      const { exports } = await sharedKernels();
      const normal = gaussians(uniforms(count + 10 * spread));
      let covered = 0;
      const plants = 20_000;
      for (let k = 0; k < plants; k++) {
        const runs = Array.from({ length: count }, () => ({ logP: spread * (normal() - spread / 2) }) as SplittingRun);
        const { ci95, logP } = summariseRuns(runs, exports);
        const [low, high] = ci95 as [number, number];
        covered += Number(low <= 0 && high >= 0);
        if (!(low <= (logP as number) && (logP as number) <= high))
          throw new Error(`${logP} outside ${low} to ${high}`);
      }
      // the error of the share is 0.0015 to 0.0024
      expect(covered / plants).toBeGreaterThan(least);
      expect(covered / plants).toBeLessThan(most);
    },
  );

  it("says so when it stalls, and gives no number", async () => {
    const result = await splittingVolume(
      { layers: [4, 7, 1] },
      { function: "6996", particles: 20, repetitions: 2, maxLevels: 3, workers: 0 },
    );
    expect([result.logP, result.log10P, result.standardError]).toEqual([undefined, undefined, undefined]);
    expect(result.warnings).toEqual(["1 of 1 repetitions stalled: no end after 3 levels"]);
    expect(result.repetitions[0].stalled).toBe("no end after 3 levels");
  });

  it("says so when the first population's levels lead a repetition nowhere, and gives no number", async () => {
    const pool = createPool({ workers: 0 });
    // the parity of four bits, P about 1e-7, of 20 networks after one level that hardly leaves the prior
    const bits = [..."0110100110010110"].map(Number);
    const run = await pool.run(onBuild(fullBuild, splittingTask), {
      network: defineNetwork({ layers: [4, 7, 1] }),
      points: { count: 16, inputs: Float32Array.from({ length: 64 }, (_, at) => ((at >> 2) >> (3 - (at & 3))) & 1) },
      targets: Float32Array.from(bits),
      ...{ particles: 20, moves: 2, steps: 5, keep: 0.5, maxLevels: 10, seed: 1n, repetition: 0, rounds: 0 },
      schedule: [{ beta: 0.01, steps: 5, step: 0.3 }],
      drawPoints: undefined,
    });
    pool.close();
    expect(run.levels.length).toBe(1);
    expect(run.stalled).toBe("no network had every sign right after the levels of the first population");
    expect(run.logP).toBeUndefined();
    const whole = { ...run, logP: -16, stalled: undefined };
    const { logP, ci95, warnings } = summariseRuns([whole, run], (await sharedKernels()).exports);
    expect([logP, ci95]).toEqual([undefined, undefined]);
    expect(warnings).toEqual([`1 of 2 repetitions stalled: ${run.stalled}`]);
  });

  it.each([
    [{ function: "7f" }, /function: expected 4 hex digits \(16 bits\), got 2/],
    [{ function: "699g" }, /function: expected hex digits, got "g"/],
    [{ function: "6996", on: "ff" }, /on: expected 4 hex digits/],
    [{ function: "6996", particles: 1 }, /particles: expected an integer from 2/],
    [{ function: "6996", keep: 1 }, /keep: expected a number from 0.05 to 0.99, got 1/],
    [{ function: "6996", moves: 0 }, /moves: /],
    [{ function: "6996", steps: 0 }, /steps: /],
    [{ function: "6996", repetitions: 1 }, /repetitions: expected an integer from 2/],
    [{ function: "6996", on: "0000" }, /on: expected at least one point that counts, got none/],
    [{ function: "6996", particle: 5 }, /options.particle: no such option/],
  ])("refuses %j", async (options, message) => {
    await expect(splittingVolume({ layers: [4, 7, 1] }, options as never)).rejects.toThrow(message);
  });
});
