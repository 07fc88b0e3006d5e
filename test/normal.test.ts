/** The normal distribution's kernels against other implementations, series and published values. */
import erfcx from "@stdlib/math-base-special-erfcx";
import logcdf from "@stdlib/stats-base-dists-normal-logcdf";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";

const { exports } = await sharedKernels();

/** Relative difference. */
const off = (value: number, expected: number): number =>
  expected === 0 ? Math.abs(value) : Math.abs(value / expected - 1);

/** Points from 0 to 1e8, close together where functions bend. */
const positive = [
  ...Array.from({ length: 800 }, (_, i) => i / 20),
  ...Array.from({ length: 120 }, (_, i) => 40 * 1.13 ** i),
];

/** Laplace's continued fraction `k / (x + (k + 1) / (x + ...))`, for x >= 4; 60 levels leave nothing of it. */
function tail(x: number, k: number): number {
  let t = 0;
  for (let j = 60; j > k; j--) t = j / (x + t);
  return k / (x + t);
}

describe("the normal distribution", () => {
  it("inverseMills has a relative error below 2e-15 for z from -1e8 to 8 (stdlib's erfcx)", () => {
    const scale = Math.sqrt(2 / Math.PI);
    for (const x of positive) {
      expect(off(exports.inverseMills(-x), scale / erfcx(x * Math.SQRT1_2))).toBeLessThan(2e-15);
    }
    for (let z = 0.05; z < 8; z += 0.05) {
      // erfcx(-t) = 2 exp(t^2) - erfcx(t): the error of z^2 / 2 is that of the exponential
      expect(off(exports.inverseMills(z), scale / erfcx(-z * Math.SQRT1_2))).toBeLessThan(2e-15 + z * z * 2.3e-16);
    }
  });

  it("inverseMills far to the right is the density, and 0 where that underflows", () => {
    // subnormal: nine digits are left
    expect(off(exports.inverseMills(38), 1.097221052e-314)).toBeLessThan(1e-9);
    expect(exports.inverseMills(50)).toBe(0);
    expect(exports.inverseMills(Number.POSITIVE_INFINITY)).toBe(0);
  });

  it("logNormalCdf has a relative error below 2e-15 for z from -1e8 to 8 (stdlib's logcdf)", () => {
    for (const x of positive) expect(off(exports.logNormalCdf(-x), logcdf(-x, 0, 1))).toBeLessThan(2e-15);
    for (let z = 0.05; z < 8; z += 0.05) {
      expect(off(exports.logNormalCdf(z), logcdf(z, 0, 1))).toBeLessThan(2e-15 + z * z * 2.3e-16);
    }
  });

  it("published values of ln Phi", () => {
    // mpmath 1.3 with 50 digits; the first is also R's pnorm(-40, log.p = TRUE)
    expect(off(exports.logNormalCdf(-40), -804.6084420137538)).toBeLessThan(1e-15);
    expect(off(exports.logNormalCdf(-1e5), -5000000012.431864)).toBeLessThan(1e-15);
    expect(off(exports.logNormalCdf(-1), -1.8410216450092636)).toBeLessThan(1e-15);
    expect(exports.logNormalCdf(0)).toBeCloseTo(-Math.LN2, 15);
    expect(exports.logNormalCdf(40)).toBe(-0);
  });

  it("normalCdf: values of mpmath (50 digits; Abramowitz & Stegun's table 26.1 has fewer), and both tails", () => {
    for (const [z, p] of [
      [1, 0.8413447460685429],
      [2, 0.9772498680518208],
      [-3, 0.0013498980316300946],
      [-4, 3.1671241833119924e-5],
      [-10, 7.619853024160525e-24],
      [-37, 5.725571222524577e-300],
    ]) {
      expect(off(exports.normalCdf(z), p)).toBeLessThan(2e-15);
    }
    for (const x of positive) {
      expect(Math.abs(exports.normalCdf(x) + exports.normalCdf(-x) - 1)).toBeLessThanOrEqual(2 ** -52);
    }
  });

  it("normalExcess and tailVariance have a relative error below 2e-15: continued fractions far out", () => {
    for (const x of positive.filter((value) => value >= 4)) {
      const [q1, q2] = [tail(x, 1), tail(x, 2)];
      expect(off(exports.normalExcess(x), q1)).toBeLessThan(2e-15);
      // 1 - (x + q1) q1 = q1 (q2 - q1), of which a digit is lost
      expect(off(exports.tailVariance(x), q1 * (q2 - q1))).toBeLessThan(3e-15);
    }
  });

  it("normalExcess and tailVariance near the middle: by their definitions", () => {
    for (const x of positive.filter((value) => value < 4)) {
      const h = Math.sqrt(2 / Math.PI) / erfcx(x * Math.SQRT1_2);
      expect(Math.abs(exports.normalExcess(x) - (h - x))).toBeLessThan(2e-15 * h);
      expect(Math.abs(exports.tailVariance(x) - (1 - h * (h - x)))).toBeLessThan(5e-15 * h * h);
    }
    expect(off(exports.tailVariance(0), 1 - 2 / Math.PI)).toBeLessThan(1e-15);
  });

  it("at the ends of f64", () => {
    expect(exports.normalCdf(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(exports.logNormalCdf(Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY);
    expect(exports.inverseMills(-1e150)).toBe(1e150);
    expect(exports.logNormalCdf(Number.NaN)).toBeNaN();
    expect(exports.normalCdf(Number.NaN)).toBeNaN();
  });

  it("exponential: within 1 ulp of the host's, which is itself within 1", () => {
    for (let x = -700; x < 700; x += 0.37) expect(off(exports.exponential(x), Math.exp(x))).toBeLessThan(4.5e-16);
  });
});
