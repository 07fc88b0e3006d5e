/** Gaussian orthants against closed forms, quadratures and other samplers. */
import { describe, expect, it } from "vitest";
import { createPool } from "../src/index.ts";
import { type OrthantOptions, orthantProbability } from "../src/volume/orthant.ts";
import { booleanInputs, nngpKernel } from "./reference/nngp.ts";
import {
  bruteForce,
  covariance,
  equicorrelated,
  genz,
  markovOrthant,
  orthant2,
  orthant3,
  randomCovariance,
} from "./reference/orthant.ts";

const ones = (m: number): number[] => new Array(m).fill(1);
const bitsOf = (hex: string): number[] =>
  [...hex].flatMap((c) => [3, 2, 1, 0].map((b) => (Number.parseInt(c, 16) >> b) & 1));

interface Estimate {
  readonly logP: number;
  readonly standardError: number;
}

/** An estimate that nothing speaks against. */
async function estimate(kernel: Float64Array, labels: number[], options: OrthantOptions = {}) {
  const result = await orthantProbability(kernel, labels, { samples: 8192, seed: 1, workers: 0, ...options });
  expect(result.warnings).toEqual([]);
  expect(result.logP as number).toBeLessThanOrEqual(result.logPUpperBound + 1e-13 * (1 - result.logPUpperBound));
  return result as typeof result & Estimate;
}

/**
 * With 32 randomisations, an estimate is 4.5 standard errors off once in 11,000 (Student's t with 31 degrees of freedom).
 * Rounding is allowed for where every sample has the same weight.
 */
function expectNear({ logP, standardError }: Estimate, expected: number, otherError = 0): void {
  expect(Math.abs(logP - expected)).toBeLessThan(4.5 * Math.hypot(standardError, otherError) + 2e-13 * (1 - expected));
}

/** The samplers: tilted or towards sites as the pilot says, both in any case, tilted only, and Genz's. */
const SAMPLERS = [{}, { sites: 1 }, { sites: 0.4 }, { sites: false }, { tilting: false }] as const;

describe("orthantProbability: closed forms", () => {
  it("one point: 1/2", async () => {
    const { logP, standardError, method } = await estimate(Float64Array.of(7.3), [0]);
    expect(Math.abs(logP + Math.LN2)).toBeLessThan(1e-14);
    expect(standardError).toBeLessThan(1e-14);
    expect(method).toBe("orthant");
  });

  it("two points: 1/4 + asin(rho) / 2 pi", async () => {
    for (const rho of [-0.999, -0.9, -0.5, 0, 0.3, 0.8, 0.99, 0.9999]) {
      for (const sampler of SAMPLERS) {
        const result = await estimate(Float64Array.of(1, rho, rho, 1), [1, 1], sampler);
        expectNear(result, Math.log(orthant2(rho)));
        expect(result.standardError).toBeLessThan(0.01);
        expectNear(await estimate(Float64Array.of(9, 3 * rho, 3 * rho, 1), [0, 1], sampler), Math.log(orthant2(-rho)));
      }
    }
  });

  it("three points: 1/8 + sum asin(rho) / 4 pi", async () => {
    for (const [a, b, c] of [
      [0.5, 0.2, -0.3],
      [-0.4, -0.4, -0.1],
      [0.95, 0.9, 0.9],
      [-0.49, -0.49, -0.49],
    ]) {
      const kernel = Float64Array.of(1, a, b, a, 1, c, b, c, 1);
      for (const sampler of SAMPLERS) {
        expectNear(await estimate(kernel, [-1, -1, -1], sampler), Math.log(orthant3(a, b, c)));
        expectNear(await estimate(kernel, [1, -1, 1], sampler), Math.log(orthant3(-a, b, -c)));
      }
    }
  });

  it("m points of correlation 1/2: 1 / (m + 1)", async () => {
    for (const m of [2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 50, 100, 500]) {
      const kernel = covariance(m, (i, j) => (i === j ? 2 : 1));
      const result = await estimate(kernel, ones(m), { samples: m > 100 ? 4096 : 8192 });
      expectNear(result, -Math.log(m + 1));
      expect(result.standardError).toBeLessThan(0.06);
    }
  });

  it("equal correlations: as a quadrature says", async () => {
    for (const [m, rho] of [
      [4, 0.7],
      [10, 0.1],
      [30, 0.9],
      [64, 0.05],
    ]) {
      const kernel = covariance(m, (i, j) => (i === j ? 1 : rho));
      expect(equicorrelated(m, 0.5)).toBeCloseTo(1 / (m + 1), 12);
      for (const sampler of [{}, { sites: 1 }, { sites: false }]) {
        expectNear(await estimate(kernel, ones(m), sampler), Math.log(equicorrelated(m, rho)));
      }
    }
  });

  it("independent points: 2^-m, without error", async () => {
    for (const m of [2, 15, 128, 301]) {
      const kernel = covariance(m, (i, j) => (i === j ? 1 + i : 0));
      const { logP, standardError } = await estimate(
        kernel,
        ones(m).map((_, i) => i % 2),
        { samples: 512 },
      );
      expect(Math.abs(logP / (-m * Math.LN2) - 1)).toBeLessThan(1e-13);
      expect(standardError).toBeLessThan(1e-12);
    }
  });

  it("a chain of 50, rho^|i - j|: as recursive integrals say", async () => {
    for (const rho of [0.5, 0.9, -0.6]) {
      const exact = markovOrthant(50, rho);
      // the quadrature has converged
      expect(Math.abs(exact / markovOrthant(50, rho, 900) - 1)).toBeLessThan(1e-6);
      const result = await estimate(
        covariance(50, (i, j) => rho ** Math.abs(i - j)),
        ones(50),
      );
      expectNear(result, Math.log(exact), 1e-6);
      expect(result.standardError).toBeLessThan(0.01);
    }
  });
});

describe("orthantProbability: other samplers", () => {
  it("random covariances of six points: brute force", async () => {
    for (const seed of [1, 2, 3]) {
      const kernel = randomCovariance(6, seed);
      const signs = [1, 1, -1, 1, -1, -1];
      const samples = 400_000;
      const share = bruteForce(kernel, signs, samples, seed);
      for (const sampler of SAMPLERS) {
        const error = Math.sqrt((1 - share) / (share * samples));
        expectNear(await estimate(kernel, signs, sampler), Math.log(share), error);
      }
    }
  });

  it("functions of three and four bits: Genz's sampler as printed", async () => {
    for (const hex of ["80", "17", "3c", "69", "0000", "ff01"]) {
      const bits = bitsOf(hex);
      const kernel = nngpKernel(booleanInputs(bits.length === 8 ? 3 : 4));
      const { mean, standardError } = genz(
        kernel,
        bits.map((b) => 2 * b - 1),
        8000,
        5,
      );
      // rarer ones are beyond it: its error is then that of the few weights that it met
      expect(standardError / mean).toBeLessThan(0.25);
      for (const sites of [false, 1]) {
        expectNear(await estimate(kernel, bits, { sites }), Math.log(mean), standardError / mean);
      }
    }
  });

  it("with sites and without on 128 points, and the seven-bit constant has log P = -1.42", async () => {
    const kernel = nngpKernel(booleanInputs(7));
    const hexes = ["0".repeat(32), "06000440040000004814050800004903"];
    for (const hex of hexes) {
      const full = await estimate(kernel, bitsOf(hex), { samples: 16384, sites: 1 });
      const tilted = await estimate(kernel, bitsOf(hex), { samples: 16384, sites: false });
      expectNear(full, tilted.logP, tilted.standardError);
      expect(full.standardError).toBeLessThan(0.01);
      if (hex === hexes[0]) expectNear(full, -1.42, 0.005);
    }
  });
});

describe("orthantProbability: unbiased, with an honest error", () => {
  // the mean of P and not of log P is what is unbiased
  async function scores(seeds: number, kernel: Float64Array, labels: number[], p: number, options: OrthantOptions) {
    const z: number[] = [];
    const pool = createPool({ workers: 0 });
    for (let seed = 0; seed < seeds; seed++) {
      const { logP, standardError } = await orthantProbability(kernel, labels, {
        samples: 512,
        randomisations: 16,
        seed,
        pool,
        ...options,
      });
      const mean = Math.exp(logP as number);
      z.push((mean - p) / (mean * (standardError as number)));
    }
    pool.close();
    return z;
  }

  it("scores over 300 seeds: mean 0, the variance and coverage of Student's t", async () => {
    const m = 8;
    const kernel = covariance(m, (i, j) => (i === j ? 1 : 0.5));
    for (const sampler of SAMPLERS) {
      const z = await scores(300, kernel, ones(m), 1 / (m + 1), sampler);
      const mean = z.reduce((sum, x) => sum + x, 0) / z.length;
      const variance = z.reduce((sum, x) => sum + x * x, 0) / z.length;
      // t of 15 degrees of freedom: variance 15 / 13 = 1.154, whose estimate has a standard deviation of 0.108;
      // bounds at 4 standard deviations, one false alarm in 16,000
      expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(15 / 13 / z.length));
      expect(Math.abs(variance - 15 / 13)).toBeLessThan(4 * 0.108);
      // P(|t| <= 2) = 0.936, binomial standard deviation 0.014
      const covered = z.filter((x) => Math.abs(x) <= 2).length / z.length;
      expect(Math.abs(covered - 0.936)).toBeLessThan(4 * 0.0142);
    }
  });
});

describe("orthantProbability: invariances", () => {
  const kernel = randomCovariance(12, 7);
  const labels = [1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0];

  it("probit is the orthant of K + I, to the bit", async () => {
    const probit = await estimate(kernel, labels, { likelihood: "probit" });
    const added = kernel.map((x, at) => (at % 13 === 0 ? x + 1 : x));
    expect(probit).toEqual({ ...(await estimate(added, labels)), method: "orthant-probit" });
  });

  it("positive factors of the variables change nothing; powers of 4 not a bit", async () => {
    const plain = await estimate(kernel, labels);
    const scaled = (factor: (i: number) => number) =>
      covariance(12, (i, j) => kernel[12 * i + j] * factor(i) * factor(j));
    expect(
      await estimate(
        scaled((i) => 4 ** (i % 5)),
        labels,
      ),
    ).toEqual(plain);
    const other = await estimate(
      scaled((i) => 0.1 + 3 * i),
      labels,
    );
    expect(Math.abs(other.logP - plain.logP)).toBeLessThan(1e-9);
  });

  it("the order of the points changes nothing but the error's draw; 0/1 and -1/1 are the same", async () => {
    const plain = await estimate(kernel, labels);
    const order = [5, 3, 11, 0, 7, 1, 9, 2, 10, 4, 8, 6];
    const moved = await estimate(
      covariance(12, (i, j) => kernel[12 * order[i] + order[j]]),
      order.map((i) => labels[i]),
    );
    expectNear(moved, plain.logP, plain.standardError);
    expect(
      await estimate(
        kernel,
        labels.map((b) => 2 * b - 1),
      ),
    ).toEqual(plain);
  });

  it("functions of one orbit, and a function and its complement, have one volume", async () => {
    const five = nngpKernel(booleanInputs(5));
    const xor = (a: number, b: number): number[] => Array.from({ length: 32 }, (_, i) => ((i >> a) ^ (i >> b)) & 1);
    const first = await estimate(five, xor(0, 1));
    for (const bits of [xor(2, 4), xor(1, 3)]) {
      expectNear(await estimate(five, bits), first.logP, first.standardError);
    }
    const complement = await estimate(
      five,
      xor(0, 1).map((b) => 1 - b),
    );
    expect(complement.logP).toBe(first.logP);
  });
});

describe("orthantProbability: singular kernels", () => {
  const pair = Float64Array.of(2, 0.6, 0.6, 1);
  /** K of the vector `A x`, x of two variables with covariance `pair`. */
  const image = (a: number[][]): Float64Array =>
    covariance(a.length, (i, j) => {
      let sum = 0;
      for (let k = 0; k < 2; k++) for (let l = 0; l < 2; l++) sum += a[i][k] * pair[2 * k + l] * a[j][l];
      return sum;
    });

  it("a point that stands twice, or is another's multiple, costs nothing", async () => {
    const single = await estimate(pair, [1, 0]);
    const twice = image([
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 3],
    ]);
    expect(await estimate(twice, [1, 0, 1, 0])).toEqual(single);
    const opposite = image([
      [1, 0],
      [0, 1],
      [-0.7, 0],
    ]);
    expect(await estimate(opposite, [1, 0, 0])).toEqual(single);
  });

  it("with labels that contradict, P is 0 exactly, with the reason", async () => {
    const twice = image([
      [1, 0],
      [0, 1],
      [1, 0],
    ]);
    const result = await orthantProbability(twice, [1, 1, 0], { workers: 0 });
    expect(result).toMatchObject({
      logP: Number.NEGATIVE_INFINITY,
      log10P: Number.NEGATIVE_INFINITY,
      standardError: 0,
    });
    expect(result.warnings[0]).toContain("points 0 and 2");
    // with noise of its own it is not
    await estimate(twice, [1, 1, 0], { likelihood: "probit" });
  });

  it("a point that is always 0 has the bit 0", async () => {
    const kernel = Float64Array.of(1, 0, 0, 0);
    expect((await estimate(kernel, [1, 0])).logP).toBeCloseTo(-Math.LN2, 14);
    const result = await orthantProbability(kernel, [1, 1], { workers: 0 });
    expect(result.logP).toBe(Number.NEGATIVE_INFINITY);
    expect(result.warnings[0]).toContain("point 1: its output is 0 with certainty");
    expect(await orthantProbability(Float64Array.of(0), [0], { workers: 0 })).toMatchObject({ logP: 0, samples: 0 });
  });

  it("points that two others determine are looked at, not sampled", async () => {
    // the sum of two positive ones is positive
    const sum = image([
      [1, 0],
      [0, 1],
      [1, 1],
    ]);
    const rho = 0.6 / Math.sqrt(2);
    const result = await estimate(sum, [1, 1, 1]);
    expect(result).toMatchObject({ determined: 1, jitter: 0 });
    expectNear(result, Math.log(orthant2(rho)));
    // x > 0, y > 0, x - y > 0: a wedge, by the formula for three
    const corr = (a: number[], b: number[]): number => {
      const k = image([a, b]);
      return k[1] / Math.sqrt(k[0] * k[3]);
    };
    const exact = orthant3(rho, corr([1, 0], [1, -1]), corr([0, 1], [1, -1]));
    const wedge = image([
      [1, 0],
      [0, 1],
      [1, -1],
    ]);
    for (const sampler of SAMPLERS) expectNear(await estimate(wedge, [1, 1, 1], sampler), Math.log(exact));
  });

  it("a sum of positive ones that shall be negative: no number, and why", async () => {
    const sum = image([
      [1, 0],
      [0, 1],
      [1, 1],
    ]);
    const result = await orthantProbability(sum, [1, 1, 0], { workers: 0, samples: 1024 });
    if (result.logP !== undefined) throw new Error(`expected no estimate, got ${result.logP}`);
    expect(result.standardError).toBeUndefined();
    expect(result.warnings.join()).toContain("no sample met the signs");
  });

  it("a kernel of rank 5 on 12 points: brute force", async () => {
    const a = randomCovariance(12, 3);
    const kernel = covariance(12, (i, j) => {
      let inner = 0;
      for (let k = 0; k < 5; k++) inner += a[12 * i + k] * a[12 * j + k];
      return inner;
    });
    const signs = ones(12);
    // the signs of one vector of the range, so that they are possible
    for (let i = 0; i < 12; i++) signs[i] = a[12 * i] + 0.3 * a[12 * i + 3] > 0 ? 1 : -1;
    const samples = 400_000;
    // brute force factors K + a trifle
    const share = bruteForce(
      kernel.map((x, at) => (at % 13 === 0 ? x + 1e-9 : x)),
      signs,
      samples,
      1,
    );
    const result = await estimate(kernel, signs, { samples: 2 ** 16 });
    // what is left of a variance after five pivots may be just above what counts as rounding
    expect([6, 7]).toContain(result.determined);
    expectNear(result, Math.log(share), Math.sqrt((1 - share) / (share * samples)));
  });
});

describe("orthantProbability: one result everywhere", () => {
  // rounded, so that the host's arccosine has no say
  const kernel = nngpKernel(booleanInputs(6)).map((x) => Math.round(x * 2 ** 30) / 2 ** 30);
  // exclusive or of two bits
  const bits = bitsOf("ffff00000000ffff");
  const options = { samples: 4096, randomisations: 8, seed: 5 } as const;

  it("the same bits with 0, 1 and 2 workers, in Node and in the browser", async () => {
    const inline = await orthantProbability(kernel, bits, { ...options, workers: 0 });
    expect(await orthantProbability(kernel, "ffff00000000ffff", { ...options, workers: 0 })).toEqual(inline);
    for (const workers of [1, 2]) {
      expect(await orthantProbability(kernel, bits, { ...options, workers })).toEqual(inline);
    }
    expect([inline.logP, inline.standardError, inline.effectiveSampleSize, inline.logPUpperBound]).toEqual(PINNED);
    expect(inline.siteStrength).toBe(1);
    const tilted = await orthantProbability(kernel, bits, { ...options, workers: 0, sites: false });
    expect([tilted.logP, tilted.standardError]).toEqual(PINNED_TILTED);
  });

  it("another seed is another draw", async () => {
    const [a, b] = await Promise.all(
      [5, 6].map((seed) => orthantProbability(kernel, bits, { ...options, seed, workers: 0 })),
    );
    expect(a.logP).not.toBe(b.logP);
  });

  it("reports progress, and ends when told to", async () => {
    const seen: number[] = [];
    await orthantProbability(kernel, bits, {
      ...options,
      workers: 0,
      onProgress: ({ done, total }) => {
        expect(total).toBe(8);
        seen.push(done);
      },
    });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const stop = new AbortController();
    const reason = new Error("enough");
    const running = orthantProbability(kernel, bits, {
      samples: 2 ** 22,
      workers: 0,
      signal: stop.signal,
      onProgress: () => stop.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
  });
});

const PINNED: unknown[] = [-35.68824553905965, 0.012399235563070616, 2624.643009428596, -26.646657202069818];
const PINNED_TILTED: unknown[] = [-35.81488508118641, 0.0933056801962482];

describe("orthantProbability: bad input", () => {
  const good = Float64Array.of(1, 0.5, 0.5, 1);
  const cases: Array<[string, unknown, unknown, unknown, string, ErrorConstructor]> = [
    ["kernel of another kind", [1], [1], {}, "kernel: expected a Float64Array", TypeError],
    ["kernel of another size", good, [1, 1, 1], {}, "kernel: expected 3 x 3 = 9 numbers", RangeError],
    [
      "NaN",
      Float64Array.of(1, 0, Number.NaN, 1),
      [1, 1],
      {},
      "kernel[1][0]: expected a finite number, got NaN",
      RangeError,
    ],
    [
      "asymmetry",
      Float64Array.of(1, 0.5, 0.4, 1),
      [1, 1],
      {},
      "kernel: expected a symmetric matrix, got 0.4 at [1][0] and 0.5 at [0][1]",
      RangeError,
    ],
    [
      "a negative variance",
      Float64Array.of(-1),
      [1],
      {},
      "kernel[0][0]: expected a finite variance, 0 or more, got -1",
      RangeError,
    ],
    ["a correlation of 2", Float64Array.of(1, 2, 2, 1), [1, 1], {}, "semidefinite matrix, got 2 at [1][0]", RangeError],
    [
      "a covariance with a constant",
      Float64Array.of(0, 1, 1, 1),
      [1, 1],
      {},
      "semidefinite matrix, got 1 at [1][0]",
      RangeError,
    ],
    ["labels of three values", good, [1, 2], {}, "labels[1]: expected 0 or 1, or -1 or 1, got 2", RangeError],
    [
      "mixed labels",
      Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
      [0, 1, -1],
      {},
      "labels: expected two values, got 0 (at 0) beside -1 (at 2)",
      RangeError,
    ],
    ["labels of another kind", good, ["1", "0"], {}, "labels[0]: expected 0 or 1, -1 or 1, or a boolean", TypeError],
    ["hex of the wrong length", good, "40", {}, "labels: expected 1 hex digits (2 bits), got 2", RangeError],
    ["no labels", good, undefined, {}, "labels: expected an array", TypeError],
    [
      "too many",
      new Float64Array(1),
      new Uint8Array(2001),
      {},
      "labels: expected at most 2000 points, got 2001",
      RangeError,
    ],
    ["no samples", good, [1, 1], { samples: 0 }, "samples: expected an integer", RangeError],
    [
      "one randomisation",
      good,
      [1, 1],
      { randomisations: 1 },
      "randomisations: expected an integer from 2",
      RangeError,
    ],
    ["a likelihood", good, [1, 1], { likelihood: "logit" }, "likelihood: expected one of", RangeError],
    ["sites", good, [1, 1], { sites: 2 }, "sites: expected a number", RangeError],
    ["tilting", good, [1, 1], { tilting: 1 }, "tilting: expected a boolean", TypeError],
    ["sites alone", good, [1, 1], { tilting: false, sites: true }, "sites: expected false", RangeError],
    ["an unknown option", good, [1, 1], { sampels: 1 }, "options.sampels", TypeError],
    ["a seed", good, [1, 1], { seed: -1 }, "seed: expected", RangeError],
    ["a signal", good, [1, 1], { signal: 1 }, "signal: expected an AbortSignal", TypeError],
    ["a pool", good, [1, 1], { pool: 1 }, "pool: expected a Pool", TypeError],
    ["progress", good, [1, 1], { onProgress: 1 }, "onProgress: expected a function", TypeError],
  ];
  for (const [name, kernel, labels, options, text, kind] of cases) {
    it(name, async () => {
      const call = orthantProbability(kernel as never, labels as never, options as never);
      await expect(call).rejects.toThrow(kind);
      await expect(call).rejects.toThrow(text);
    });
  }

  it("indefinite kernels that only the factorisation finds", async () => {
    const three = Float64Array.of(1, -0.9, -0.9, -0.9, 1, -0.9, -0.9, -0.9, 1);
    await expect(orthantProbability(three, [1, 1, 1], { workers: 0 })).rejects.toThrow(
      "kernel: expected a positive semidefinite matrix, got a conditional variance",
    );
    // x, and two that are x and not x in their covariance alone
    const four = covariance(4, (i, j) => (i === j ? 1 : i + j === 1 || i + j === 5 ? 0 : 0.8));
    await expect(orthantProbability(four, ones(4), { workers: 0 })).rejects.toThrow("positive semidefinite");
  });
});
