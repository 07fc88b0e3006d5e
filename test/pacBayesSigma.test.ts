import { describe, expect, it } from "vitest";
import { pacBayesSigma } from "../src/flatness/pacBayesSigma.ts";
import { contextOf, gaussianVector, randomSurface } from "./randomSurface.ts";
import { normalTail } from "./reference/distributions.ts";
import { PlainSurface, rescaled } from "./reference/plainSurface.ts";

interface Part {
  value: number;
  standardError: number;
  inverseSquare: number;
  inverseSquareStandardError: number;
  meanError: number;
  invariant: boolean;
}

/** A linear classifier that is right on all its points, whose margins differ. */
function linearModel(features: number, points: number, seed: number) {
  const inputs = gaussianVector(points * features, seed);
  const w = gaussianVector(features + 1, seed + 1);
  const outputs = Array.from({ length: points }, (_, i) =>
    inputs.subarray(i * features, (i + 1) * features).reduce((sum, x, j) => sum + x * w[j], w[features]),
  );
  const targets = Float32Array.from(outputs, (z) => Number(z > 0));
  const surface = new PlainSurface({ layers: [features, 1] }, { points, features, inputs, targets }, "bce");
  /** Exact: the perturbed output is Gaussian around z. */
  const sigma = (spread: (x: number, j: number) => number) => {
    const scales = outputs.map((_, i) => {
      let sum = spread(1, features) ** 2;
      for (let j = 0; j < features; j++) sum += spread(inputs[i * features + j], j) ** 2;
      return Math.sqrt(sum);
    });
    let [low, high] = [1e-6, 1e6];
    for (let k = 0; k < 200; k++) {
      const middle = Math.sqrt(low * high);
      const mean = outputs.reduce((sum, z, i) => sum + normalTail(Math.abs(z) / (middle * scales[i])), 0) / points;
      if (mean <= 0.1) low = middle;
      else high = middle;
    }
    return low;
  };
  return { surface, w, plain: sigma((x) => x), magnitude: sigma((x, j) => x * w[j]) };
}

describe("pac-bayes-sigma", () => {
  it("on linear models: Gaussian tails' sigma, within its standard error (chi-square of 40 at 1e-6)", async () => {
    const scores: number[] = [];
    for (let seed = 0; seed < 20; seed++) {
      const { surface, w, plain, magnitude } = linearModel(6, 30, 10 * seed);
      const result = await pacBayesSigma.run(contextOf(surface, w, { pacBayesDraws: 60 }, BigInt(seed)));
      const aware = result.magnitudeAware as Part;
      scores.push((result.value - plain) / result.standardError!, (aware.value - magnitude) / aware.standardError);
      expect(result.inverseSquare).toBeCloseTo(result.value ** -2, 10);
      expect(result.inverseSquareStandardError).toBeCloseTo((2 * result.standardError!) / result.value ** 3, 10);
      expect(result.meanError as number).toBeLessThanOrEqual(0.1);
      expect(result.standardError! / result.value).toBeLessThan(0.2);
    }
    const squares = scores.reduce((sum, z) => sum + z * z, 0);
    // chi-square with 40 degrees of freedom: 1e-6 tails at about 9.6 and 99
    expect(squares).toBeGreaterThan(9.6);
    expect(squares).toBeLessThan(99);
  });

  it("the magnitude-aware form stays as it is under rescaling, the plain one does not", async () => {
    const { surface, w } = randomSurface({ layers: [4, 6, 1], loss: "bce", points: 20, seed: 1 });
    for (let i = 0; i < 20; i++) surface.data.targets[i] = Number(surface.output(w, i)[0] > 0);
    // a power of 2, so that f32 follows exactly
    const v = rescaled(surface.network, w, 1, 8);
    const options = { pacBayesDraws: 30 };
    const before = await pacBayesSigma.run(contextOf(surface, w, options));
    const after = await pacBayesSigma.run(contextOf(surface, v, options));
    const [part, other] = [before.magnitudeAware as Part, after.magnitudeAware as Part];
    expect(part.invariant).toBe(true);
    expect(other.value).toBe(part.value);
    expect(Math.abs(Math.log(after.value / before.value))).toBeGreaterThan(0.2);
    const shifted = await pacBayesSigma.run(contextOf(surface, w, { ...options, pacBayesEpsilon: 0.1 }));
    expect((shifted.magnitudeAware as Part).invariant).toBe(false);
    expect((shifted.magnitudeAware as Part).value).toBeLessThan(part.value);
  });

  it("is 0 where the parameters themselves err too often, infinite where any noise is borne", async () => {
    const { surface, w } = randomSurface({ layers: [3, 4, 1], loss: "bce", points: 10, seed: 2 });
    for (let i = 0; i < 10; i++) surface.data.targets[i] = Number(surface.output(w, i)[0] <= 0);
    const options = { pacBayesDraws: 4 };
    expect((await pacBayesSigma.run(contextOf(surface, w, options))).value).toBe(0);
    const anything = await pacBayesSigma.run(contextOf(surface, w, { ...options, pacBayesError: 1 }));
    expect(anything.value).toBe(Infinity);
  });
});
