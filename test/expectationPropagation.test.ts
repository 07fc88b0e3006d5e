/** Expectation propagation against closed forms, the sequential algorithm, symmetries, and itself on other threads. */
import { describe, expect, it } from "vitest";
import { createPool } from "../src/engine/pool.ts";
import { type ExpectationPropagationOptions, expectationPropagation } from "../src/volume/expectationPropagation.ts";
import { nngpKernel } from "../src/volume/nngpKernel.ts";
import { orthantProbability } from "../src/volume/orthant.ts";
import { equicorrelated, matrixOf, randomCovariance, randomSigns, rowsOf, smooth } from "./covariances.ts";
import { sequentialEp } from "./reference/gaussianProcess.ts";

const boolean7 = (await nngpKernel({ depth: 2 }, { bits: 7 })).kernel;
const ZEROS = "0".repeat(32);
const RARE = "7f7f37173f3713113717110113110000";

/** Here, to its end. */
async function run(
  kernel: ArrayLike<number>,
  labels: ArrayLike<number | boolean> | string,
  options: ExpectationPropagationOptions = {},
) {
  const result = await expectationPropagation(kernel, labels, { workers: 0, tolerance: 1e-9, ...options });
  expect(result.converged).toBe(true);
  expect(result.change).toBeLessThanOrEqual(options.tolerance ?? 1e-9);
  return result;
}

describe("closed forms", () => {
  it.each([1e-6, 1, 1e6])("one point of variance %d: ln ½, with either likelihood, exact at once", async (variance) => {
    for (const likelihood of ["heaviside", "probit"] as const) {
      for (const label of [0, 1]) {
        expect((await run([variance], [label], { likelihood })).logP).toBeCloseTo(-Math.LN2, 14);
      }
    }
  });

  it("independent points: -m ln 2", async () => {
    const kernel = matrixOf(9, (i, j) => (i === j ? 1 + i : 0));
    expect((await run(kernel, randomSigns(9, 1))).logP).toBeCloseTo(-9 * Math.LN2, 12);
  });

  it.each([-0.99, -0.6, 0, 0.3, 0.7, 0.9])(
    "two points of correlation %d: close to 1/4 + asin(rho) / 2 pi",
    async (rho) => {
      const exact = Math.log(1 / 4 + Math.asin(rho) / (2 * Math.PI));
      // its bias: none at 0, hundredths at moderate correlations, more where the orthant all but closes
      const bias = rho < -0.9 ? 0.2 : 0.05 * Math.abs(rho) + 1e-12;
      expect(Math.abs((await run(equicorrelated(2, rho), [1, 1])).logP - exact)).toBeLessThan(bias);
      expect(Math.abs((await run(equicorrelated(2, -rho), [1, 0])).logP - exact)).toBeLessThan(bias);
    },
  );

  it("correlation ½: near 1 / (m + 1), from below", async () => {
    for (const m of [3, 10, 40]) {
      const { logP } = await run(equicorrelated(m, 0.5), new Uint8Array(m));
      expect(logP).toBeLessThan(-Math.log(m + 1));
      expect(logP).toBeGreaterThan(-1.15 * Math.log(m + 1));
    }
  });

  it("the Boolean system, n = 7, all zeros: -1.77, where the exact orthant is -1.42", async () => {
    const { logP, log10P, ...rest } = await run(boolean7, ZEROS);
    expect(logP).toBeCloseTo(-1.77, 2);
    expect(log10P).toBeCloseTo(logP / Math.LN10, 15);
    expect(rest).toMatchObject({ method: "ep", jitter: 0, approximation: true });
    expect(rest).not.toHaveProperty("standardError");
  });
});

describe("the sequential algorithm (Rasmussen & Williams 2006, 3.5) has the same fixed point", () => {
  it.each([
    ["random, 12 points", randomCovariance(12, 1), randomSigns(12, 1)],
    ["random, 30 points, large", randomCovariance(30, 2).map((x) => 400 * x), randomSigns(30, 2)],
    ["equicorrelated 0.9", equicorrelated(15, 0.9, 3), randomSigns(15, 3)],
    ["equicorrelated 0.5, one label", equicorrelated(20, 0.5), new Array(20).fill(1)],
    ["smooth, a change of sign", smooth(20, 3, 2), Array.from({ length: 20 }, (_, i) => (i < 9 ? -1 : 1))],
    ["tiny variances", randomCovariance(10, 4).map((x) => 1e-4 * x), randomSigns(10, 4)],
  ] as Array<[string, Float64Array, number[]]>)("%s", async (_name, kernel, labels) => {
    for (const likelihood of ["heaviside", "probit"] as const) {
      const noise = likelihood === "probit" ? 1 : 0;
      const { logZ, tau, nu } = sequentialEp(rowsOf(kernel), labels, noise);
      const { logP, sites } = await run(kernel, labels, { likelihood });
      // the reference, which takes differences of like numbers, keeps about ten digits of it
      expect(Math.abs(logP - logZ)).toBeLessThan(1e-8 * Math.max(1, Math.abs(logZ)));
      tau.forEach((t, i) => {
        expect(Math.abs(sites.precision[i] - t)).toBeLessThan(2e-6 * (t + 1 / kernel[i * (tau.length + 1)]));
        expect(Math.abs(sites.shift[i] - nu[i])).toBeLessThan(2e-6 * (Math.abs(nu[i]) + Math.sqrt(t)));
      });
    }
  });

  it("the Boolean system, n = 4", async () => {
    const { kernel } = await nngpKernel({ depth: 2 }, { bits: 4 });
    for (const f of ["0000", "7fff", "6996", "8421"]) {
      const labels = [...f].flatMap((digit) => [8, 4, 2, 1].map((bit) => (Number.parseInt(digit, 16) & bit ? 1 : -1)));
      for (const likelihood of ["heaviside", "probit"] as const) {
        const { logZ } = sequentialEp(rowsOf(kernel), labels, likelihood === "probit" ? 1 : 0);
        expect(Math.abs((await run(kernel, f, { likelihood })).logP - logZ)).toBeLessThan(1e-7 * Math.abs(logZ));
      }
    }
  });
});

describe("symmetries", () => {
  it("probit of K is the step of K + I: the fixed points are the same", async () => {
    const shifted = boolean7.map((x, at) => x + (at % 129 === 0 ? 1 : 0));
    for (const f of [ZEROS, RARE]) {
      const probit = await run(boolean7, f, { likelihood: "probit" });
      const step = await run(shifted, f);
      expect(Math.abs(probit.logP - step.logP)).toBeLessThan(1e-9 * Math.abs(step.logP));
      // a site on g = f + noise of variance 1 is one on f with the noise integrated out
      step.sites.precision.forEach((s, i) => {
        expect(Math.abs(probit.sites.precision[i] - s / (1 + s))).toBeLessThan(1e-6 * s);
      });
    }
  });

  it("functions of one orbit: permuted input bits, the complement", async () => {
    const { logP } = await run(boolean7, RARE);
    const bits = [...RARE].flatMap((d) => [8, 4, 2, 1].map((b) => Number((Number.parseInt(d, 16) & b) > 0)));
    const order = [3, 0, 6, 1, 5, 2, 4];
    const permuted = bits.map((_, i) => bits[order.reduce((at, bit, j) => at | (((i >> bit) & 1) << j), 0)]);
    expect(permuted).not.toEqual(bits);
    for (const labels of [permuted, bits.map((bit) => 1 - bit)]) {
      expect(Math.abs((await run(boolean7, labels)).logP - logP)).toBeLessThan(1e-9 * Math.abs(logP));
    }
  });

  it("the step likelihood does not see the scale of K, from 1e-100 to 1e100", async () => {
    const { logP } = await run(boolean7, RARE);
    for (const scale of [1e-100, 1e-6, 3, 1e6, 1e100]) {
      const scaled = boolean7.map((x) => scale * x);
      expect(Math.abs((await run(scaled, RARE)).logP - logP)).toBeLessThan(1e-8 * Math.abs(logP));
    }
  });

  it("0 and 1, -1 and 1, booleans, typed arrays and hex are the same labels", async () => {
    const kernel = randomCovariance(8, 5);
    const { logP } = await run(kernel, "a7");
    const bits = [1, 0, 1, 0, 0, 1, 1, 1];
    for (const labels of [bits, Uint8Array.from(bits), bits.map((b) => 2 * b - 1), bits.map((b) => b === 1)]) {
      expect((await run(kernel, labels)).logP).toBe(logP);
    }
  });
});

describe("hard matrices", () => {
  it("equal inputs with equal labels: finite, and the more of them the more EP counts one constraint", async () => {
    const base = randomCovariance(6, 8, 0.2);
    const labels = randomSigns(6, 8);
    const twice = matrixOf(12, (i, j) => base[(i >> 1) * 6 + (j >> 1)]);
    const repeated = labels.flatMap((y) => [y, y]);
    const one = (await run(base, labels)).logP;
    const two = (await run(twice, repeated)).logP;
    // the exact orthant is the same; a bias of EP that must not grow out of hand
    expect(two).toBeLessThan(one);
    expect(two).toBeGreaterThan(1.5 * one);
    // the singular matrix is no harder than one with a ridge, whose limit it is
    const ridge = twice.map((x, at) => x + (at % 13 === 0 ? 1e-9 : 0));
    expect(Math.abs((await run(ridge, repeated)).logP - two)).toBeLessThan(1e-6);
  });

  it("a rank of 1: all outputs have one sign", async () => {
    const m = 50;
    const { logP } = await run(
      matrixOf(m, () => 2),
      new Array(m).fill(true),
    );
    // exactly ln ½; EP multiplies 50 equal factors
    expect(logP).toBeLessThan(-Math.LN2);
    expect(logP).toBeGreaterThan(-3);
  });

  it("all but equal points with different labels: far in the tail", async () => {
    for (const gap of [1e-2, 1e-4, 1e-6]) {
      const { logP } = await run(equicorrelated(2, 1 - gap), [1, 0]);
      const exact = Math.log(1 / 4 - Math.asin(1 - gap) / (2 * Math.PI));
      expect(Math.abs(logP - exact)).toBeLessThan(0.3);
    }
  });

  it("alternating labels on a smooth process: far in the tail, as the sequential algorithm has it", async () => {
    const kernel = smooth(16, 1.5);
    const labels = Array.from({ length: 16 }, (_, i) => (i % 2 ? 1 : -1));
    const { logP } = await run(kernel, labels, { tolerance: 1e-8 });
    expect(logP).toBeLessThan(-40);
    expect(Math.abs(logP - sequentialEp(rowsOf(kernel), labels, 0).logZ)).toBeLessThan(1e-6);
  });

  it("says so where rounding of K decides", async () => {
    const labels = Array.from({ length: 40 }, (_, i) => i % 2);
    await expect(expectationPropagation(smooth(40, 8), labels, { workers: 0 })).rejects.toThrow(
      /rounding leaves it indefinite.*the pivot of row \d+ is not positive/,
    );
  });

  it("points of variance 0: label 0 says nothing, and half of it is a probit's", async () => {
    const kernel = matrixOf(3, (i, j) => (i === 1 || j === 1 ? 0 : i === j ? 1 : 0.4));
    const pair = await run(equicorrelated(2, 0.4), [1, 0]);
    const { logP, sites } = await run(kernel, [1, 0, 0]);
    expect(logP).toBe(pair.logP);
    expect([...sites.precision]).toEqual([pair.sites.precision[0], 0, pair.sites.precision[1]]);
    const probit = await run(kernel, [1, 1, 0], { likelihood: "probit" });
    const without = await run(equicorrelated(2, 0.4), [1, 0], { likelihood: "probit" });
    expect(probit.logP).toBeCloseTo(without.logP - Math.LN2, 9);
    expect((await run([0], [0])).logP).toBe(0);
  });
});

describe("P = 0, exactly", () => {
  it.each([
    ["equal inputs", equicorrelated(2, 1, 3), [1, 0], "points 0 and 1 are the same, and their labels differ"],
    [
      "opposite outputs",
      matrixOf(3, (i, j) => (i === 1 || j === 1 ? Number(i === j) : i === j ? 2 : -2)),
      [1, 1, 1],
      "the outputs at points 0 and 2 are each other's negative, and their labels are equal",
    ],
    ["an output that is 0", matrixOf(2, (i, j) => i * j), [1, 0], /^point 0: its output is 0 with certainty/],
  ] as Array<[string, Float64Array, number[], string | RegExp]>)("%s", async (_name, kernel, labels, reason) => {
    const result = await expectationPropagation(kernel, labels, { workers: 0 });
    expect(result).toMatchObject({ logP: Number.NEGATIVE_INFINITY, log10P: Number.NEGATIVE_INFINITY, iterations: 0 });
    expect(result.reason).toMatch(reason);
    // a probit forgives
    expect((await run(kernel, labels, { likelihood: "probit" })).logP).toBeGreaterThan(-20);
  });

  it("equal inputs of a network", async () => {
    const data = [0.1, 0.7, -0.3, 0.2, 0.1, 0.7];
    const { kernel } = await nngpKernel({ depth: 3 }, { data, points: 3 });
    const { logP, reason } = await expectationPropagation(kernel, [1, 1, 0], { workers: 0 });
    expect([logP, reason]).toEqual([Number.NEGATIVE_INFINITY, "points 0 and 2 are the same, and their labels differ"]);
    expect((await run(kernel, [1, 0, 1])).logP).toBeGreaterThan(-10);
  });
});

describe("P = 0, up to the roundings of K", () => {
  it.each([1, 2, 5])("multiples of one input, without biases, depth %i", async (depth) => {
    const first = [0.3, -1.7, 0.9];
    for (const factor of [2, 0.1, 3.3, 1e-6, 7e5]) {
      const data = [...first, 0.2, 0.5, -0.4, ...first.map((x) => x * factor)];
      const { kernel } = await nngpKernel({ depth, sigmaB2: 0 }, { data, points: 3 });
      const { logP, reason } = await expectationPropagation(kernel, [1, 1, 0], { workers: 0 });
      expect([logP, reason]).toEqual([
        Number.NEGATIVE_INFINITY,
        "the outputs at points 0 and 2 are positive multiples of each other, and their labels differ",
      ]);
      const orthant = await orthantProbability(kernel, [1, 1, 0], { workers: 0 });
      expect(orthant.warnings).toEqual([`the probability is 0: ${reason}`]);
      // with equal labels the third says nothing
      const pair = await nngpKernel({ depth, sigmaB2: 0 }, { data: data.slice(0, 6), points: 2 });
      const repeated = await orthantProbability(kernel, [1, 0, 1], { workers: 0 });
      const { logP: two } = await orthantProbability(pair.kernel, [1, 0], { workers: 0 });
      expect(Math.abs(repeated.logP! - two!)).toBeLessThan(1e-12);
    }
  });
});

describe("the iteration", () => {
  it("does not say that it converged when it did not", async () => {
    const early = await expectationPropagation(boolean7, RARE, { workers: 0, maxIterations: 3 });
    expect(early.converged).toBe(false);
    expect(early.iterations).toBe(3);
    expect(early.change).toBeGreaterThan(1e-5);
    expect(Number.isFinite(early.logP)).toBe(true);
  });

  it("ends where it should from any damping, and shortens steps that swing", async () => {
    const { logP, damping } = await run(boolean7, ZEROS, { tolerance: 1e-7 });
    expect(damping).toBeLessThan(1);
    for (const first of [0.8, 0.3]) {
      const other = await run(boolean7, ZEROS, { damping: first, tolerance: 1e-7, maxIterations: 1000 });
      expect(Math.abs(other.logP - logP)).toBeLessThan(1e-9);
    }
  });

  it("starts from given sites: nothing to do at the fixed point, less from a neighbour", async () => {
    const first = await run(boolean7, RARE);
    const again = await run(boolean7, RARE, { start: first.sites, tolerance: 1e-8 });
    expect(again.iterations).toBe(1);
    expect(Math.abs(again.logP - first.logP)).toBeLessThan(1e-9);
    const neighbour = `${RARE.slice(0, -1)}1`;
    const cold = await run(boolean7, neighbour);
    const warm = await run(boolean7, neighbour, { start: first.sites });
    expect(Math.abs(warm.logP - cold.logP)).toBeLessThan(1e-9 * Math.abs(cold.logP));
    // what is given stays as it is
    expect(again.sites).not.toBe(first.sites);
    expect((await run(boolean7, RARE, { start: first.sites, tolerance: 1e-8 })).iterations).toBe(1);
  });

  it("an abort rejects with its reason, before and during", async () => {
    const reason = new Error("enough");
    await expect(
      expectationPropagation(boolean7, RARE, { workers: 0, signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    const kernel = randomCovariance(700, 1, 1);
    for (const workers of [0, 2]) {
      const controller = new AbortController();
      const { signal } = controller;
      const pending = expectationPropagation(kernel, randomSigns(700, 1), { workers, signal, tolerance: 1e-12 });
      setTimeout(() => controller.abort(reason), 30);
      await expect(pending).rejects.toBe(reason);
    }
  });
});

describe("bits", () => {
  it("are pinned: Node and Chromium give these", async () => {
    const numbers: number[] = [];
    for (const likelihood of ["heaviside", "probit"] as const) {
      for (const f of [ZEROS, RARE]) {
        const { logP, sites } = await run(boolean7, f, { likelihood, tolerance: 1e-5 });
        numbers.push(logP, sites.precision[5], sites.shift[77]);
      }
    }
    expect(numbers).toMatchInlineSnapshot(`
      [
        -1.7668566924169058,
        0.023850685787572625,
        -0.05245670586230084,
        -33.37410955648966,
        0.008951245309633612,
        6.90028475197199,
        -2.8865258616579883,
        0.02057493510895549,
        -0.060293500033464655,
        -56.20207730961836,
        0.30802299965757873,
        0.8143343064744843,
      ]
    `);
  });

  it("do not depend on the number of workers", async () => {
    const n = 450;
    const { kernel } = await nngpKernel({ depth: 1 }, { data: randomSigns(3 * n, 2), points: n });
    // a ridge, since there are 8 different points only
    const ridge = kernel.map((x, at) => x + (at % (n + 1) === 0 ? 0.5 : 0));
    const labels = randomSigns(n, 3);
    const here = await expectationPropagation(ridge, labels, { workers: 0, maxIterations: 4 });
    for (const workers of [1, 2, 3]) {
      const there = await expectationPropagation(ridge, labels, { workers, maxIterations: 4 });
      expect(there.logP).toBe(here.logP);
      expect(there.sites).toEqual(here.sites);
    }
  });

  it("calls that share a pool do not wait for each other's helpers", async () => {
    const n = 420;
    const kernel = randomCovariance(n, 6, 1);
    const pool = createPool({ workers: 2 });
    try {
      const results = await Promise.all(
        [1, 2, 3].map((seed) => expectationPropagation(kernel, randomSigns(n, seed), { pool, maxIterations: 3 })),
      );
      const alone = await expectationPropagation(kernel, randomSigns(n, 3), { workers: 0, maxIterations: 3 });
      expect(results[2].logP).toBe(alone.logP);
    } finally {
      pool.close();
    }
  });
});

describe("bad input", () => {
  const two = [1, 0, 0, 1];
  it.each([
    [[1, 0, 0], [1, 0], /kernel: expected 2 x 2 = 4 numbers for 2 labels, got 3/],
    [two, [1, 2], /labels\[1\]: expected 0 or 1, or -1 or 1, got 2/],
    [two, [0, -1], /labels: expected two values, got 0 \(at 0\) beside -1 \(at 1\)/],
    [two, ["1", "0"], /labels\[0\]: expected 0 or 1, -1 or 1, or a boolean/],
    [two, [], /labels: expected at least one/],
    [two, 7, /labels: expected an array/],
    [two, "ff", /labels: expected 1 hex digits \(2 bits\), got 2/],
    ["K", [1, 0], /kernel: expected an array of numbers/],
    [[1, 0.1, 0.2, 1], [1, 0], /kernel: expected a symmetric matrix, got 0.2 at \[1\]\[0\] and 0.1 at \[0\]\[1\]/],
    [[1, Number.NaN, 0, 1], [1, 0], /kernel\[0\]\[1\]: expected a finite number, got NaN/],
    [[-1, 0, 0, 1], [1, 0], /kernel\[0\]\[0\]: expected a finite variance, 0 or more, got -1/],
    [[1, 2, 2, 1], [1, 0], /kernel: expected a positive semidefinite matrix, got 2 at \[1\]\[0\]/],
  ])("refuses %j, %j", async (kernel, labels, message) => {
    await expect(expectationPropagation(kernel as never, labels as never, { workers: 0 })).rejects.toThrow(message);
  });

  it("refuses an indefinite matrix whose pairs look right, and names the pivot", async () => {
    // three unit vectors cannot all be at 120 degrees and more
    const kernel = equicorrelated(3, -0.7);
    for (const likelihood of ["heaviside", "probit"] as const) {
      await expect(expectationPropagation(kernel, [1, 1, 0], { workers: 0, likelihood })).rejects.toThrow(
        /kernel: expected a positive semidefinite matrix.*the pivot of row 2 is not positive/,
      );
    }
  });

  it.each([
    [{ damping: 0 }, /damping: /],
    [{ tolerance: 0 }, /tolerance: /],
    [{ maxIterations: 0 }, /maxIterations: /],
    [{ likelihood: "logit" }, /likelihood: expected one of heaviside, probit/],
    [{ jitter: 1 }, /options.jitter: no such option/],
    [{ start: { precision: new Float64Array(1), shift: new Float64Array(2) } }, /start.precision: expected 2 numbers/],
    [{ start: { precision: Float64Array.of(1, -1), shift: new Float64Array(2) } }, /start.precision\[1\]: expected 0/],
    [{ start: { precision: Float64Array.of(1, 0), shift: Float64Array.of(1, 1) } }, /start.shift\[1\]: expected 0/],
    [{ pool: {} }, /pool: expected a Pool/],
  ])("refuses %j", async (options, message) => {
    await expect(expectationPropagation(two, [1, 0], options as never)).rejects.toThrow(message);
  });

  it("refuses more than 2000 points", async () => {
    await expect(expectationPropagation(new Float64Array(1), new Uint8Array(2001))).rejects.toThrow(
      /at most 2000 points/,
    );
  });
});
