import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { RandomStream } from "../src/engine/random.ts";
import { localVolume, meanDivergence } from "../src/flatness/localVolume.ts";
import type { MeasureOptions } from "../src/flatness/measure.ts";
import { logRadialIntegral } from "../src/flatness/radialIntegral.ts";
import { priorDeviations } from "../src/network/priorDeviations.ts";
import { contextOf, gaussianVector, randomSurface } from "./randomSurface.ts";
import { logGamma } from "./reference/distributions.ts";
import { PlainSurface, softmax } from "./reference/plainSurface.ts";
import { QuadraticSurface } from "./reference/quadraticSurface.ts";

const kernels = await sharedKernels();

/** ln P(chi-square with n degrees of freedom <= x), by the series of the lower incomplete gamma function. */
function logChiSquare(x: number, n: number): number {
  const a = n / 2;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= x / 2 / (a + k);
    sum += term;
  }
  return a * Math.log(x / 2) - x / 2 - logGamma(a + 1) + Math.log(sum);
}

/** ln P of a ball of squared radius x around a point at squared distance d: Poisson mixture of chi-squares. */
function logNoncentral(x: number, n: number, d: number): number {
  let sum = 0;
  let weight = Math.exp(-d / 2);
  for (let j = 0; j < 400; j++) {
    sum += weight * Math.exp(logChiSquare(x, n + 2 * j));
    weight *= d / 2 / (j + 1);
  }
  return Math.log(sum);
}

/** P(sum a_i z_i^2 <= x) for two groups of eigenvalues, by the midpoint rule over the first group's chi-square. */
function logTwoGroups(x: number, [a, m]: number[], [b, n]: number[]): number {
  const pieces = 40_000;
  const logs: number[] = [];
  for (let k = 0; k < pieces; k++) {
    // t = share of x in the first group
    const t = (k + 0.5) / pieces;
    const y = (t * x) / a;
    const logDensity = (m / 2 - 1) * Math.log(y) - y / 2 - (m / 2) * Math.LN2 - logGamma(m / 2);
    logs.push(logDensity + Math.log(x / a / pieces) + logChiSquare(((1 - t) * x) / b, n));
  }
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, v) => sum + Math.exp(v - most), 0));
}

/** Share of draws from the prior in a region, and its standard error. */
async function bruteForce(
  deviations: Float64Array,
  draws: number,
  inside: (w: Float32Array) => boolean,
): Promise<{ log: number; standardError: number }> {
  const n = deviations.length;
  const z = new Float32Array(n * 1000);
  let count = 0;
  for (let k = 0; k < draws / 1000; k++) {
    new RandomStream(kernels, 99n, k, 0x7e58).gaussians(z);
    for (let i = 0; i < 1000; i++) {
      if (inside(Float32Array.from({ length: n }, (_, j) => z[i * n + j] * deviations[j]))) count++;
    }
  }
  const p = count / draws;
  return { log: Math.log(p), standardError: Math.sqrt((1 - p) / (p * draws)) };
}

const KINDS = ["none", "diagonal", "hessian"] as const;

describe("the radial integral", () => {
  /** Simpson's rule on the shifted integrand. */
  function simpson(n: number, b: number, radius: number): number {
    const h = (r: number) => (n > 1 ? (n - 1) * Math.log(r) : 0) - b * r - (r * r) / 2;
    const peak = (Math.sqrt(b * b + 4 * (n - 1)) - b) / 2;
    const m = Math.max(1e-300, Math.min(radius, peak));
    const end = Math.min(radius, peak + 10);
    let width = m;
    while (h(m - width / 2) - h(m) < -50) width /= 2;
    const start = m - width;
    const pieces = 200_000;
    let sum = 0;
    for (let k = 0; k <= pieces; k++) {
      const r = start + ((end - start) * k) / pieces;
      const value = r === 0 && n > 1 ? 0 : Math.exp(h(r) - h(m));
      sum += value * (k === 0 || k === pieces ? 1 : k % 2 ? 4 : 2);
    }
    return h(m) + Math.log((sum * (end - start)) / (3 * pieces));
  }

  it("agrees with Simpson's rule from 1 to 100,000 dimensions, before, around and past the peak, to 1e-9", () => {
    for (const n of [1, 2, 3, 10, 400, 2001, 100_000]) {
      for (const b of [0, 1.5, -2, 30, -30]) {
        const peak = Math.max(0.5, (Math.sqrt(b * b + 4 * (n - 1)) - b) / 2);
        for (const share of [1e-6, 0.3, 0.99, 1, 1.05, 3]) {
          const expected = simpson(n, b, share * peak);
          const found = logRadialIntegral(kernels, n, b, share * peak);
          expect(Math.abs(found - expected), `n ${n}, b ${b}, R ${share} r*`).toBeLessThan(
            1e-9 + 1e-13 * Math.abs(expected),
          );
        }
      }
    }
  });

  it("without drift and end: 2^(n/2 - 1) Gamma(n/2); nothing at radius 0", () => {
    for (const n of [1, 2, 7, 2001, 100_000]) {
      const expected = (n / 2 - 1) * Math.LN2 + logGamma(n / 2);
      expect(Math.abs(logRadialIntegral(kernels, n, 0, Infinity) - expected)).toBeLessThan(1e-13 * n * Math.log(n + 2));
    }
    expect(logRadialIntegral(kernels, 5, 1, 0)).toBe(-Infinity);
  });
});

it("has the same bits on every engine", () => {
  expect(logRadialIntegral(kernels, 2001, -3.5, 41)).toBe(6727.704499328449);
  expect(logRadialIntegral(kernels, 100_000, 12.25, 300)).toBe(521694.49066199973);
});

describe("local-volume", () => {
  it("isotropic quadratics around the origin: chi-square, without variance, in 3 to 65,537 dimensions", async () => {
    for (const [n, radius] of [
      [3, 0.5],
      [40, 9],
      [2001, 3],
      [2001, 44],
      [65_537, 20],
    ]) {
      const surface = new QuadraticSurface(new Float64Array(n).fill(2), new Float64Array(n));
      const options = { localVolumeCutoff: radius * radius, localVolumeDirections: 3 };
      const result = await localVolume.run(contextOf(surface, new Float32Array(n), options));
      // the radius to 1e-3 / n, its f32 point to 1e-7 / sqrt n
      expect(Math.abs(result.value - logChiSquare(radius * radius, n)), `n ${n}`).toBeLessThan(2e-3);
      expect(result.standardError).toBeLessThan(2e-3);
    }
  });

  it("balls around another point: non-central chi-square, within 5 standard errors (1e-6)", async () => {
    for (const [n, radius, seed] of [
      [2, 1, 1],
      [5, 2, 2],
      [30, 3, 3],
    ]) {
      const w = gaussianVector(n, seed);
      const surface = new QuadraticSurface(new Float64Array(n).fill(2), w);
      const options = { localVolumeCutoff: radius * radius, localVolumeDirections: 1000 };
      const result = await localVolume.run(contextOf(surface, w, options));
      const distance = w.reduce((sum, v) => sum + v * v, 0);
      const score = (result.value - logNoncentral(radius * radius, n, distance)) / result.standardError!;
      expect(Math.abs(score)).toBeLessThan(5);
      expect(result.standardError).toBeLessThan(0.2);
    }
  });

  it("an ellipsoid that is not axis-parallel, around another point: brute force, with every preconditioner", async () => {
    const matrix = [
      [6, 2, -1],
      [2, 3, 0.5],
      [-1, 0.5, 1],
    ];
    const w = Float32Array.of(0.6, -0.4, 0.9);
    const surface = new QuadraticSurface(matrix, w);
    const unit = new Float64Array(3).fill(1);
    const expected = await bruteForce(unit, 400_000, (x) => {
      const d = x.map((v, i) => v - w[i]);
      return matrix.reduce((sum, row, i) => sum + d[i] * row.reduce((s, a, j) => s + a * d[j], 0), 0) / 2 <= 0.8;
    });
    const errors: number[] = [];
    for (const localVolumePreconditioner of KINDS) {
      const options = { localVolumeCutoff: 0.8, localVolumeDirections: 2000, localVolumePreconditioner };
      const result = await localVolume.run(contextOf(surface, w, options));
      const scale = Math.hypot(result.standardError!, expected.standardError);
      expect(Math.abs(result.value - expected.log) / scale).toBeLessThan(5);
      errors.push(result.standardError!);
    }
    // each preconditioner earns its keep
    expect(errors[1]).toBeLessThan(errors[0]);
    expect(errors[2]).toBeLessThan(errors[1]);
  });

  it("two groups of eigenvalues, 60 dimensions: quadrature over chi-squares, with every preconditioner", async () => {
    const n = 60;
    const eigenvalues = Float64Array.from({ length: n }, (_, i) => (i < 20 ? 3 : 1));
    const surface = new QuadraticSurface(eigenvalues, new Float64Array(n));
    const cutoff = 2;
    const expected = logTwoGroups(2 * cutoff, [3, 20], [1, 40]);
    for (const localVolumePreconditioner of KINDS) {
      const options = { localVolumeCutoff: cutoff, localVolumeDirections: 2000, localVolumePreconditioner };
      const result = await localVolume.run(contextOf(surface, new Float32Array(n), options));
      expect(Math.abs(result.value - expected) / result.standardError!).toBeLessThan(5);
      expect(result.standardError).toBeLessThan(localVolumePreconditioner === "none" ? 0.3 : 0.03);
    }
  });

  it("a small ellipsoid of condition 10^4 in 200 dimensions: exact with the full Hessian", async () => {
    const n = 200;
    const eigenvalues = Float64Array.from({ length: n }, (_, i) => (i < 100 ? 10_000 : 1));
    const surface = new QuadraticSurface(eigenvalues, new Float64Array(n));
    const cutoff = 1e-3;
    const options = {
      localVolumeCutoff: cutoff,
      localVolumeDirections: 50,
      localVolumePreconditioner: "hessian",
      localVolumeDamping: 1e-9,
    };
    const result = await localVolume.run(contextOf(surface, new Float32Array(n), options));
    const expected = logTwoGroups(2 * cutoff, [10_000, 100], [1, 100]);
    expect(Math.abs(result.value - expected)).toBeLessThan(5e-3);
    // without, few draws find the long axes
    const blind = await localVolume.run(
      contextOf(surface, new Float32Array(n), { ...options, localVolumePreconditioner: "none" }),
    );
    expect(blind.effectiveSamples as number).toBeLessThan(10);
    expect([blind.reliable, result.reliable]).toEqual([false, true]);
    expect(blind.logSpread as number).toBeGreaterThan(1);
    expect(blind.meanLog as number).toBeLessThan(blind.value);
    expect(result.effectiveSamples as number).toBeGreaterThan(49);
  });

  it("an indefinite Hessian: the damping grows until it can be factored, and the estimate stays unbiased", async () => {
    // a saddle: the region is not bounded, and star-shaped around 0
    const surface = new QuadraticSurface(Float64Array.of(4, -1, 1), new Float64Array(3));
    const w = new Float32Array(3);
    const expected = await bruteForce(
      new Float64Array(3).fill(1),
      200_000,
      (x) => (4 * x[0] ** 2 - x[1] ** 2 + x[2] ** 2) / 2 <= 0.1,
    );
    for (const localVolumePreconditioner of KINDS) {
      const options = { localVolumeCutoff: 0.1, localVolumeDirections: 3000, localVolumePreconditioner };
      const result = await localVolume.run(contextOf(surface, w, options));
      const scale = Math.hypot(result.standardError!, expected.standardError);
      expect(Math.abs(result.value - expected.log) / scale).toBeLessThan(5);
      if (localVolumePreconditioner === "hessian") expect(result.damping as number).toBeGreaterThan(1);
      expect(result.capped as number).toBeGreaterThan(0);
    }
  });

  it("a network's prior is its own: loss, divergence and function against brute force over the prior", async () => {
    // convex in the parameters, so star-shaped: a linear classifier on two features
    const { surface: model, w } = randomSurface({ layers: [2, 1], loss: "bce", points: 6, seed: 5 });
    const network = { layers: [2, 1], sigmaW2: 3, sigmaB2: 0.5 };
    const surface = new PlainSurface(network, model.data, "bce");
    const deviations = priorDeviations(surface.network);
    expect([...deviations]).toEqual([Math.sqrt(1.5), Math.sqrt(1.5), Math.sqrt(0.5)]);
    const before = await surface.outputs(w);
    const start = surface.lossAt(w);
    const now = (x: Float32Array) => Float32Array.from({ length: 6 }, (_, i) => surface.output(x, i)[0]);
    const regions: Array<[MeasureOptions, (x: Float32Array) => boolean]> = [
      [{ localVolumeCriterion: "loss", localVolumeCutoff: 0.3 }, (x) => surface.lossAt(x) - start <= 0.3],
      [
        { localVolumeCriterion: "kl", localVolumeCutoff: 0.05 },
        (x) => meanDivergence(kernels, "bce", before, now(x), 1) <= 0.05,
      ],
      [
        { localVolumeCriterion: "function", localVolumeCutoff: 0 },
        (x) => now(x).every((z, i) => z > 0 === before[i] > 0),
      ],
    ];
    for (const [options, inside] of regions) {
      const expected = await bruteForce(deviations, 100_000, inside);
      for (const localVolumePreconditioner of KINDS) {
        const result = await localVolume.run(
          contextOf(surface, w, { ...options, localVolumePreconditioner, localVolumeDirections: 500 }),
        );
        const scale = Math.hypot(result.standardError!, expected.standardError);
        expect(Math.abs(result.value - expected.log) / scale).toBeLessThan(5);
      }
    }
  });

  it("a prior without biases has fewer dimensions", async () => {
    const surface = new QuadraticSurface(Float64Array.of(2, 2, 2), new Float64Array(3));
    const narrow = Object.assign(Object.create(surface) as QuadraticSurface, {
      network: { ...surface.network, sigmaB2: 0 },
    });
    const options = { localVolumeCutoff: 0.25, localVolumeDirections: 3 };
    const result = await localVolume.run(contextOf(narrow, new Float32Array(3), options));
    expect(result.dimensions).toBe(2);
    // 1 - exp(-R^2 / 2)
    expect(result.value).toBeCloseTo(Math.log(1 - Math.exp(-0.125)), 3);
    const call = localVolume.run(contextOf(narrow, Float32Array.of(0, 0, 1), options));
    await expect(call).rejects.toThrow("parameters[2]: expected 0, as the prior's variance there is 0, got 1");
  });

  it("a cutoff of 0 is for functions", async () => {
    const surface = new QuadraticSurface(Float64Array.of(2, 2), new Float64Array(2));
    const call = localVolume.run(contextOf(surface, new Float32Array(2), { localVolumeCutoff: 0 }));
    await expect(call).rejects.toThrow('localVolumeCutoff: expected a positive number for the criterion "loss", got 0');
  });
});

describe("the mean divergence", () => {
  it("is the sum of p ln (p / q), and half a squared distance for mse", () => {
    const p = gaussianVector(12, 1);
    const q = gaussianVector(12, 2);
    const sum = (width: number, of: (z: number[]) => ArrayLike<number>) => {
      let total = 0;
      for (let at = 0; at < 12; at += width) {
        const [a, b] = [of([...p.subarray(at, at + width)]), of([...q.subarray(at, at + width)])];
        for (let k = 0; k < a.length; k++) total += a[k] * Math.log(a[k] / b[k]);
      }
      return total / (12 / width);
    };
    expect(meanDivergence(kernels, "ce", p, q, 4)).toBeCloseTo(sum(4, softmax), 12);
    expect(meanDivergence(kernels, "bce", p, q, 1)).toBeCloseTo(
      sum(1, ([z]) => softmax([0, z])),
      12,
    );
    const squares = p.reduce((total, v, i) => total + (v - q[i]) ** 2, 0);
    expect(meanDivergence(kernels, "mse", p, q, 3)).toBeCloseTo(squares / 2 / 4, 12);
  });
});
