import { expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { logGamma } from "../src/statistics/logGamma.ts";

const kernels = await sharedKernels();

it("logGamma: factorials, Gamma(1/2) = sqrt(pi), and 50000 by Abramowitz & Stegun's series in 40 digits", () => {
  let logFactorial = 0;
  for (let n = 1; n < 200; n++) {
    expect(Math.abs(logGamma(kernels, n) - logFactorial)).toBeLessThan(1e-14 * Math.max(1, logFactorial) + 2e-15 * n);
    logFactorial += Math.log(n);
  }
  // Gamma(n + 1/2) = (2n)! sqrt(pi) / (4^n n!)
  let half = Math.log(Math.PI) / 2;
  for (let n = 0; n < 50; n++) {
    expect(Math.abs(logGamma(kernels, n + 0.5) - half)).toBeLessThan(1e-13);
    half += Math.log(n + 0.5);
  }
  // computed by mpmath
  expect(logGamma(kernels, 50000)).toBeCloseTo(490984.4232715718, 8);
  expect(logGamma(kernels, 1e-3)).toBeCloseTo(6.907178885383853, 13);
});

it("logGamma has the same bits on every engine", () => {
  expect(logGamma(kernels, 1000.5)).toBe(5908.674175848678);
  expect(logGamma(kernels, 0.3)).toBe(1.0957979948180814);
});
