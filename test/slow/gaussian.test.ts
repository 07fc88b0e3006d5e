/** The Gaussian and tanh kernels over many more draws; error rates as in test/gaussian.test.ts. */
import { expect, it } from "vitest";
import { sharedKernels } from "../../src/engine/module.ts";
import { GaussianSource, momentScores, transformErrors } from "../gaussianChecks.ts";
import { normalTail, poissonPValue } from "../reference/distributions.ts";
import { tanhErrors } from "../tanhChecks.ts";

const kernels = await sharedKernels();
const Z = 4.9;
const P = 1e-6;

it("moments of orders 1 to 8 at 2^28 draws", () => {
  for (const [order, score] of momentScores(new GaussianSource(kernels), 21n, 2 ** 28)) {
    expect(Math.abs(score), `moment ${order}`).toBeLessThan(Z);
  }
});

it("tails from 3 to 6 sigma at 2^30 draws", () => {
  const draws = 2 ** 30;
  const thresholds = [3, 3.5, 4, 4.5, 5, 5.25, 5.5, 5.75, 6];
  const { above, below } = new GaussianSource(kernels).tails(22n, draws, thresholds);
  thresholds.forEach((t, i) => {
    const expected = draws * normalTail(t);
    for (const [name, count] of [
      [`P(z > ${t})`, above[i]],
      [`P(z < -${t})`, below[i]],
    ] as const) {
      if (expected > 1e4) expect(Math.abs(count - expected) / Math.sqrt(expected), name).toBeLessThan(Z);
      else expect(poissonPValue(count, expected), `${name}: ${count} of ${expected}`).toBeGreaterThan(P);
    }
  });
});

it("error of the transform over 2^27 draws: 1e-6 and 4.5e-7 of the radius above 0.5, 2.5e-4 everywhere", () => {
  const errors = transformErrors(kernels, 77n, 2 ** 27);
  expect(errors.aboveHalf).toBeLessThan(1e-6);
  expect(errors.radius).toBeLessThan(4.5e-7);
  expect(errors.everywhere).toBeLessThan(2.5e-4);
});

it("tanh is off by less than 7 ulp on every f32 of [2^-10, 10]", () => {
  const errors = tanhErrors(kernels, 2 ** -10, 10, 1);
  expect(errors.ulp).toBeLessThan(7);
  expect(errors.largest).toBe(1);
});
