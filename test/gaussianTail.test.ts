/** The Gaussian tail of the module against 40-digit values, and against a plain implementation. */
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import * as reference from "./reference/gaussianTail.ts";

const { exports } = await sharedKernels();

/** x, Q(x), ln Q(x), phi(x) / Q(x), from mpmath with 40 digits. */
const KNOWN = [
  [-8, 0.9999999999999993, -6.220960574271786e-16, 5.052271083536895e-15],
  [-3, 0.9986501019683699, -0.0013508099647481938, 0.004437839042125664],
  [-1, 0.8413447460685429, -0.17275377902344988, 0.2875999709391784],
  [-0.5, 0.6914624612740131, -0.3689464152886564, 0.5091604338370335],
  [0, 0.5, -Math.LN2, 0.7978845608028654],
  [0.25, 0.4012936743170763, -0.9130617648111351, 0.9635539794164039],
  [1, 0.15865525393145705, -1.8410216450092636, 1.525135276160981],
  [2, 0.02275013194817921, -3.783184333682032, 2.373215532822841],
  [5, 2.866515718791939e-7, -15.064998393988725, 5.186503967125842],
  [10, 7.619853024160525e-24, -53.23128515051247, 10.098093233962512],
  [20, 2.7536241186062337e-89, -203.91715537109727, 20.04975306852785],
  [35, 1.1249107064724062e-268, -616.9751012619225, 35.028524970596685],
  [40, 0, -804.6084420137538, 40.02496884720726],
  [100, 0, -5005.524208694205, 100.00999800099926],
  [1000, 0, -500007.82669481216, 1000.000999998],
] as const;

function relative(got: number, expected: number): number {
  return expected === 0 ? Math.abs(got) : Math.abs(got / expected - 1);
}

describe("the upper tail of the standard Gaussian", () => {
  it("known values, to a relative error of 3e-15 up to 1000 deviations out", () => {
    for (const [x, tail, log, hazard] of KNOWN) {
      expect(relative(exports.normalCdf(-x), tail)).toBeLessThan(3e-15);
      expect(relative(exports.logNormalCdf(-x), log)).toBeLessThan(3e-15);
      expect(relative(exports.inverseMills(-x), hazard)).toBeLessThan(3e-15);
    }
  });

  it("agrees with the continued fraction everywhere", () => {
    for (let x = -12; x < 60; x += 0.0371) {
      // plain exp(-x^2 / 2) has a relative error of x^2 / 2 roundings, 720 at most before it underflows
      expect(relative(exports.logNormalCdf(-x), reference.logUpperTail(x))).toBeLessThan(2e-14);
      if (x < 37) expect(relative(exports.normalCdf(-x), reference.upperTail(x))).toBeLessThan(2e-13);
    }
  });

  it("the quantile takes the logarithm back, from 8 deviations below to 1000 above", () => {
    for (const [x, , log] of KNOWN) {
      // below 0 the rounding of ln Q is worth ulp / hazard
      expect(Math.abs(exports.upperQuantile(-log) - x)).toBeLessThan(3e-15 * Math.max(1, Math.abs(x)));
    }
    for (let x = -7.9; x < 60; x += 0.0571) {
      const q = -exports.logNormalCdf(-x);
      expect(Math.abs(exports.upperQuantile(q) - x)).toBeLessThan(4e-15 * Math.max(1, Math.abs(x)));
      // exp of the plain value has an error of |log| roundings
      expect(Math.abs(exports.upperQuantile(q) - reference.upperQuantile(-q))).toBeLessThan(1e-12);
    }
  });
});
