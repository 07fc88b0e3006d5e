/** The parts of an orthant's plan against what they are defined by. */
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { orthantMatrix } from "../src/volume/orthantMatrix.ts";
import { orthantPlanTask } from "../src/volume/orthantPlan.ts";
import { gaussianSites } from "../src/volume/orthantSites.ts";
import { solveTilt } from "../src/volume/orthantTilt.ts";
import { packSymmetric } from "../src/volume/panels.ts";
import { logUpperTail, upperTail } from "./reference/gaussianTail.ts";
import { booleanInputs, nngpKernel } from "./reference/nngp.ts";
import { cholesky, covariance, randomCovariance } from "./reference/orthant.ts";

const kernels = await sharedKernels();
const pause = (): void => {};

/** Unit variances. */
function correlationsOf(kernel: ArrayLike<number>, m: number): Float64Array<ArrayBuffer> {
  return covariance(m, (i, j) => (i === j ? 1 : kernel[i * m + j] / Math.sqrt(kernel[i * m + i] * kernel[j * m + j])));
}

describe("solveTilt", () => {
  const cases: Array<[string, number, Float64Array]> = [
    ["one", 1, Float64Array.of(1)],
    ["two of correlation 0.9", 2, Float64Array.of(1, 0.9, 0.9, 1)],
    ["two of correlation -0.999", 2, Float64Array.of(1, -0.999, -0.999, 1)],
    ["30 random", 30, correlationsOf(randomCovariance(30, 2), 30)],
    ["parity of five bits", 32, parity(5)],
    ["a chain of 101", 101, covariance(101, (i, j) => 0.97 ** Math.abs(i - j))],
  ];
  for (const [name, m, correlations] of cases) {
    it(`${name}: Botev's saddle point, psi's gradient 0 and its value the bound`, async () => {
      const lower = cholesky(correlations, m);
      const c = (i: number, j: number): number => (i === j ? 0 : lower[i][j] / lower[i][i]);
      const mark = kernels.mark();
      const deviations = Float64Array.from(lower, (row, i) => row[i]);
      const { h, bound, residual, iterations } = await solveTilt(
        kernels,
        m,
        packSymmetric(correlations, m),
        deviations,
        pause,
      );
      kernels.release(mark);
      expect(residual).toBeLessThan(1e-9);
      expect(iterations).toBeLessThan(40);
      // psi as Botev writes it, equation (9), with upper limits at infinity
      const mu = Array.from({ length: m }, (_, j) => h.reduce((sum, x, i) => (i > j ? sum + c(i, j) * x : sum), 0));
      const x = mu.map((y, i) => y + h[i]);
      const shifted = mu.map((y, i) => -lower[i].reduce((sum, _, j) => sum + (j < i ? c(i, j) * x[j] : 0), 0) - y);
      const hazard = shifted.map((t) => Math.exp((-t * t) / 2 - logUpperTail(t)) / Math.sqrt(2 * Math.PI));
      let psi = 0;
      const scale = Math.max(...x.map(Math.abs));
      for (let i = 0; i < m; i++) {
        psi += (mu[i] * mu[i]) / 2 - x[i] * mu[i] + logUpperTail(shifted[i]);
        // d psi / d mu_i, and d psi / d x_i
        expect(Math.abs(mu[i] - x[i] + hazard[i])).toBeLessThan(1e-8 * (1 + scale));
        const later = hazard.reduce((sum, y, k) => (k > i ? sum + c(k, i) * y : sum), 0);
        expect(Math.abs(later - mu[i])).toBeLessThan(1e-7 * (1 + scale));
      }
      expect(Math.abs(psi - bound)).toBeLessThan(1e-9 * (1 + Math.abs(psi)));
    });
  }

  it("bounds the two-point orthant from above", async () => {
    for (const rho of [-0.9, -0.3, 0, 0.5, 0.95]) {
      const mark = kernels.mark();
      const covariance = packSymmetric(Float64Array.of(1, rho, rho, 1), 2);
      const { bound } = await solveTilt(kernels, 2, covariance, Float64Array.of(1, Math.sqrt(1 - rho * rho)), pause);
      kernels.release(mark);
      const exact = Math.log(1 / 4 + Math.asin(rho) / (2 * Math.PI));
      expect(bound).toBeGreaterThan(exact - 1e-14);
      // and from not far: 0.6 is what the variance of an optimal tilting leaves here
      expect(bound).toBeLessThan(exact + 0.6);
    }
  });
});

/** Correlations of the kernel of n bits, signed by their parity. */
function parity(n: number): Float64Array<ArrayBuffer> {
  const m = 2 ** n;
  const odd = (i: number): number => ([...i.toString(2)].filter((b) => b === "1").length % 2 ? 1 : -1);
  const kernel = correlationsOf(nngpKernel(booleanInputs(n)), m);
  return covariance(m, (i, j) => kernel[i * m + j] * odd(i) * odd(j));
}

describe("gaussianSites", () => {
  it("match the moments of expectation propagation at its fixed point", async () => {
    const m = 16;
    const correlations = parity(4);
    const sites = await gaussianSites(kernels, m, packSymmetric(correlations, m), pause);
    if (!sites) throw new Error("no sites");
    // posterior (K^-1 + T)^-1 by solving with I + K T, in plain loops
    const { precision, shift } = sites;
    const posterior = solve(
      covariance(m, (i, j) => (i === j ? 1 : 0) + correlations[i * m + j] * precision[j]),
      correlations,
      m,
    );
    for (let i = 0; i < m; i++) {
      const variance = posterior[i * m + i];
      const mean = shift.reduce((sum, x, j) => sum + posterior[i * m + j] * x, 0);
      const cavity = 1 / (1 / variance - precision[i]);
      const cavityMean = cavity * (mean / variance - shift[i]);
      const z = cavityMean / Math.sqrt(cavity);
      const ratio = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / upperTail(-z);
      // the iteration ends where the moments are within 1e-3
      expect(Math.abs(mean / (cavityMean + Math.sqrt(cavity) * ratio) - 1)).toBeLessThan(2e-3);
      expect(Math.abs(variance / (cavity * (1 - ratio * (ratio + z))) - 1)).toBeLessThan(2e-3);
    }
  });
});

/** `A^-1 B` by Gauss's elimination with pivots. */
function solve(a: Float64Array, b: Float64Array, m: number): Float64Array {
  const left = a.slice();
  const right = b.slice();
  const swap = (x: Float64Array, i: number, j: number): void => {
    for (let k = 0; k < m; k++) [x[i * m + k], x[j * m + k]] = [x[j * m + k], x[i * m + k]];
  };
  for (let c = 0; c < m; c++) {
    let pivot = c;
    for (let i = c; i < m; i++) if (Math.abs(left[i * m + c]) > Math.abs(left[pivot * m + c])) pivot = i;
    swap(left, c, pivot);
    swap(right, c, pivot);
    const scale = left[c * m + c];
    for (let k = 0; k < m; k++) {
      left[c * m + k] /= scale;
      right[c * m + k] /= scale;
    }
    for (let i = 0; i < m; i++) {
      if (i === c) continue;
      const factor = left[i * m + c];
      for (let k = 0; k < m; k++) {
        left[i * m + k] -= factor * left[c * m + k];
        right[i * m + k] -= factor * right[c * m + k];
      }
    }
  }
  return right;
}

describe("orthantPlanTask", () => {
  it("its rows are the factor of the correlations in some order", async () => {
    const m = 10;
    const kernel = randomCovariance(m, 4);
    const signs = Float64Array.from({ length: m }, (_, i) => (i % 3 ? 1 : -1));
    const { correlations } = orthantMatrix(kernel, signs, 0);
    const mark = kernels.mark();
    const plan = await orthantPlanTask.run(
      { kernels, pause },
      { correlations: correlations.slice(), size: m, tilting: true, sites: 0, seed: 0n },
    );
    kernels.release(mark);
    expect(plan.free).toBe(m);
    // X_i / D_i = z_i - sum N_ij z_j: covariances of these are correlations over deviations, the same for any order
    const n = (i: number, j: number): number => {
      const group = (i - (i % 4)) / 4;
      return plan.rows.rows[group * (group + 1) * 8 + 4 * j + (i % 4)];
    };
    const unit = (i: number, j: number): number => (i === j ? 1 : j < i ? -n(i, j) : 0);
    const rows = Array.from({ length: m }, (_, i) => Array.from({ length: m }, (_, j) => unit(i, j)));
    const inner = (a: number[], b: number[]): number => a.reduce((sum, x, k) => sum + x * b[k], 0);
    const got = rows.flatMap((a, i) => rows.slice(0, i).map((b) => inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b))));
    const expected = Array.from({ length: m }, (_, i) =>
      Array.from({ length: i }, (_, j) => correlations[i * m + j]),
    ).flat();
    const sorted = (x: number[]): number[] => x.sort((a, b) => a - b);
    sorted(expected);
    sorted(got).forEach((x, i) => {
      expect(Math.abs(x - expected[i])).toBeLessThan(1e-12);
    });
  });
});
