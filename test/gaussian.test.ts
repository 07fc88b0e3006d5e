/**
 * Statistical tests: seeds are fixed, so that they cannot flicker; each assertion would fail for a perfect generator at
 * about one seed in 10^6 (its p-value is compared with 1e-6, or a z-score with 4.9).
 */
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { GaussianSource, momentScores, rawWords, transformErrors } from "./gaussianChecks.ts";
import { kolmogorovTail, normalTail, poissonPValue } from "./reference/distributions.ts";
import { gaussianPair, gaussians } from "./reference/gaussian.ts";
import { seedLanes } from "./reference/philox.ts";

const kernels = await sharedKernels();
const Z = 4.9;
const P = 1e-6;

describe("gaussians = reference", () => {
  it("to the bit, for several seeds, streams, indices and scales", () => {
    for (const [seed, index, stream] of [
      [0n, 0n, 0],
      [1n, 2n, 3],
      [2n ** 64n - 1n, 2n ** 53n + 1n, 0xffffffff],
    ] as const) {
      const scale = Float32Array.from({ length: 8 * 500 }, (_, i) => (i % 7 === 0 ? 0 : 2 ** ((i % 40) - 20) * 1.1));
      const expected = gaussians(scale, seedLanes(seed, index, stream));
      const got = new GaussianSource(kernels).scaled(seed, index, stream, scale);
      expect(new Uint32Array(got.buffer)).toEqual(new Uint32Array(expected.buffer));
    }
  });

  it("is the reference transform of the words of xoshiroWords, and cutting a call in two changes nothing", () => {
    const whole = new GaussianSource(kernels).draw(9n, 8n, 7, 64);
    const { a, b } = rawWords(kernels, 9n, 8n, 7, 64);
    const pairs = Array.from(a, (word, i) => gaussianPair(word, b[i]));
    pairs.forEach(([z0, z1], i) => {
      const at = 8 * (i >> 2) + (i & 3);
      expect(whole[at]).toBe(z0);
      expect(whole[at + 4]).toBe(z1);
    });
    const source = new GaussianSource(kernels);
    const first = source.draw(9n, 8n, 7, 24).slice();
    expect([...first, ...source.more(40)]).toEqual([...whole]);
  });

  it("is finite at the ends of both words, at most sqrt(64 ln 2) = 6.6604", () => {
    const ends = [0, 1, 2, 3, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff];
    let largest = 0;
    for (const a of ends) {
      for (const b of ends) {
        for (const z of gaussianPair(a, b)) {
          expect(Number.isFinite(z)).toBe(true);
          largest = Math.max(largest, Math.abs(z));
        }
      }
    }
    expect(largest).toBeGreaterThan(6.6);
    expect(largest).toBeLessThan(6.6605);
  });
});

describe("accuracy of the transform against Box-Muller in f64 from the same words", () => {
  it("z is off by < 1e-6 and the radius by < 4.5e-7 of itself wherever the radius is above 0.5; z by < 2.5e-4 at all", () => {
    const errors = transformErrors(kernels, 2n, 2 ** 20);
    expect(errors.aboveHalf).toBeLessThan(1e-6);
    expect(errors.radius).toBeLessThan(4.5e-7);
    expect(errors.everywhere).toBeLessThan(2.5e-4);
  });
});

describe("distribution, 2^22 to 2^24 draws of many indices", () => {
  const draws = 2 ** 24;
  const source = new GaussianSource(kernels);

  it("has the moments of orders 1 to 8", () => {
    for (const [order, score] of momentScores(source, 1n, draws)) {
      expect(Math.abs(score), `moment ${order}`).toBeLessThan(Z);
    }
  });

  it("has the tails P(z > t) and P(z < -t) up to t = 5", () => {
    const thresholds = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5];
    const { above, below, largest } = source.tails(3n, draws, thresholds);
    thresholds.forEach((t, i) => {
      const expected = draws * normalTail(t);
      if (expected > 1e4) {
        const error = Math.sqrt(expected * (1 - normalTail(t)));
        expect(Math.abs(above[i] - expected) / error, `P(z > ${t})`).toBeLessThan(Z);
        expect(Math.abs(below[i] - expected) / error, `P(z < -${t})`).toBeLessThan(Z);
      } else {
        expect(poissonPValue(above[i], expected), `P(z > ${t})`).toBeGreaterThan(P);
        expect(poissonPValue(below[i], expected), `P(z < -${t})`).toBeGreaterThan(P);
      }
    });
    expect(largest).toBeLessThan(6.6605);
  });

  it("passes Kolmogorov-Smirnov at 2^20 draws", () => {
    const sample = source.many(4n, 2 ** 20).sort();
    let distance = 0;
    for (let i = 0; i < sample.length; i++) {
      const cdf = normalTail(-sample[i]);
      distance = Math.max(distance, Math.abs(cdf - i / sample.length), Math.abs(cdf - (i + 1) / sample.length));
    }
    expect(kolmogorovTail(distance * Math.sqrt(sample.length))).toBeGreaterThan(P);
  });
});

describe("independence, 2^20 pairs each: values, squares and signs are uncorrelated", () => {
  const count = 2 ** 20;
  const source = new GaussianSource(kernels);

  /** Largest z-score among the correlations of x with y, of x^2 with y^2, of x with y^2, and of signs. */
  function dependence(x: (i: number) => number, y: (i: number) => number, n: number): number {
    let plain = 0;
    let squares = 0;
    let mixed = 0;
    let signs = 0;
    for (let i = 0; i < n; i++) {
      const u = x(i);
      const v = y(i);
      plain += u * v;
      squares += (u * u - 1) * (v * v - 1);
      mixed += u * (v * v - 1);
      signs += Math.sign(u) * Math.sign(v);
    }
    const root = Math.sqrt(n);
    return Math.max(
      Math.abs(plain) / root,
      Math.abs(squares) / (2 * root),
      Math.abs(mixed) / (Math.SQRT2 * root),
      Math.abs(signs) / root,
    );
  }

  it("at lags 1 to 16 of one stream: lanes, the two of a Box-Muller pair (lag 4), consecutive steps (lag 8)", () => {
    const z = source.draw(5n, 0n, 0, count).slice();
    for (let lag = 1; lag <= 16; lag++) {
      expect(
        dependence(
          (i) => z[i],
          (i) => z[i + lag],
          count - lag,
        ),
        `lag ${lag}`,
      ).toBeLessThan(Z);
    }
  });

  it("between every two lanes, step by step, and within each Box-Muller pair", () => {
    const z = source.draw(6n, 0n, 0, count).slice();
    const steps = count / 8;
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j < i; j++) {
        expect(
          dependence(
            (s) => z[8 * s + i],
            (s) => z[8 * s + j],
            steps,
          ),
          `places ${i}, ${j} of a group`,
        ).toBeLessThan(Z);
      }
    }
  });

  it("between neighbouring streams, indices and seeds, and those that differ in a high bit", () => {
    const base = source.many(7n, count).slice();
    const others = {
      "next stream": source.many(7n, count, { stream: 1 }),
      "stream 2^31": source.many(7n, count, { stream: 2 ** 31 }),
      "next index": source.many(7n, count, { index: 1n }),
      "index + 2^32": source.many(7n, count, { index: 2n ** 32n }),
      "next seed": source.many(8n, count),
      "seed + 2^32": source.many(7n + 2n ** 32n, count),
      "seed + 2^63": source.many(7n + 2n ** 63n, count),
    };
    for (const [name, other] of Object.entries(others)) {
      expect(
        dependence(
          (i) => base[i],
          (i) => other[i],
          count,
        ),
        name,
      ).toBeLessThan(Z);
    }
  });

  it("across the first values of 2^18 consecutive indices, where sequential keys would show", () => {
    const n = 2 ** 18;
    const first = source.firstGroups(9n, n);
    for (let place = 0; place < 8; place++) {
      for (const lag of [1, 2, 4, 256]) {
        expect(
          dependence(
            (i) => first[8 * i + place],
            (i) => first[8 * (i + lag) + place],
            n - lag,
          ),
          `place ${place}, lag ${lag}`,
        ).toBeLessThan(Z);
      }
    }
  });

  it("angle and radius are independent and right: z0^2 + z1^2 is exponential, 64 x 16 cells by chi-square", () => {
    const z = source.draw(10n, 0n, 0, count);
    const cells = new Float64Array(64 * 16);
    for (let g = 0; g < count; g += 8) {
      for (let l = 0; l < 4; l++) {
        const x = z[g + l];
        const y = z[g + 4 + l];
        const radius = Math.min(15, Math.floor(16 * Math.exp(-(x * x + y * y) / 2)));
        const angle = Math.min(63, Math.floor((64 * (Math.atan2(y, x) + Math.PI)) / (2 * Math.PI)));
        cells[16 * angle + radius]++;
      }
    }
    const expected = count / 2 / cells.length;
    const chi = cells.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
    const degrees = cells.length - 1;
    // normal approximation of chi-square by Wilson and Hilferty
    const score = ((chi / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / Math.sqrt(2 / (9 * degrees));
    expect(Math.abs(score)).toBeLessThan(Z);
  });
});
