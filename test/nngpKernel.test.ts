/** Kernels of infinitely wide networks: published spot values, the formulas, and finite networks that tend to them. */
import { describe, expect, it } from "vitest";
import { empiricalKernel } from "../src/volume/empiricalKernel.ts";
import { nngpKernel } from "../src/volume/nngpKernel.ts";
import { streamOf } from "./operators.ts";
import { nngpEntry } from "./reference/layerKernel.ts";

function gaussians(n: number, seed: number): number[] {
  const values = new Float32Array(n);
  streamOf(seed).gaussians(values);
  return [...values];
}

describe("nngpKernel", () => {
  it("n = 7, two hidden layers: spot values", async () => {
    const { kernel, points } = await nngpKernel({ depth: 2 }, { bits: 7 });
    expect(points).toBe(128);
    const at = (i: number, j: number): number => kernel[128 * i + j];
    expect(at(1, 2)).toBeCloseTo(3.0650640344, 10);
    expect(at(1, 1)).toBeCloseTo(3.2857142857, 10);
    expect(at(2, 2)).toBeCloseTo(3.2857142857, 10);
    expect(at(127, 1)).toBeCloseTo(3.4918800247, 10);
    expect(at(0, 127)).toBeCloseTo(3.2479159328, 10);
    const narrow = await nngpKernel({ layers: [7, 40, 40, 1], sigmaW2: 1, sigmaB2: 0 }, { bits: 7 });
    expect(narrow.kernel[128 + 2]).toBeCloseTo(0.0176332532, 10);
  });

  it.each(["relu", "erf"] as const)("%s of any depth equals its formula", async (activation) => {
    const [points, features] = [9, 5];
    const data = gaussians(points * features, 1);
    const row = (i: number): number[] => data.slice(i * features, (i + 1) * features);
    for (const depth of [0, 1, 2, 7, 30]) {
      for (const [sigmaW2, sigmaB2] of [
        [2, 1],
        [1.3, 0.2],
        [1, 0],
      ]) {
        const { kernel } = await nngpKernel({ depth, activation, sigmaW2, sigmaB2 }, { data, points });
        for (let i = 0; i < points; i++) {
          for (let j = 0; j < points; j++) {
            const expected = nngpEntry(activation, depth, sigmaW2, sigmaB2, row(i), row(j));
            const scale = Math.sqrt(kernel[i * (points + 1)] * kernel[j * (points + 1)]);
            // acos and its inverse cost digits near 1 in the formula, which the kernel's form keeps
            expect(Math.abs(kernel[i * points + j] - expected)).toBeLessThan(1e-12 * (depth + 1) * scale);
          }
        }
      }
    }
  });

  it("erf: one hidden layer at one point is the variance of erf(z), 2/pi asin(2/3) at z ~ N(0, 1)", async () => {
    // [Williams 1997, equation 11]; int erf(z)^2 phi(z) dz = 0.464559...
    const { kernel } = await nngpKernel(
      { depth: 1, activation: "erf", sigmaW2: 1, sigmaB2: 0 },
      { data: [1], points: 1 },
    );
    let integral = 0;
    for (let z = -8; z < 8; z += 1 / 64) {
      let erf = 0;
      for (let k = 0, term = z; k < 300 && Math.abs(z) < 6; k++) {
        erf += (2 / Math.sqrt(Math.PI)) * (term / (2 * k + 1));
        term *= (-z * z) / (k + 1);
      }
      // the alternating series has 1e-8 left at |z| = 4, where the density makes nothing of it
      if (Math.abs(z) > 4) erf = Math.sign(z);
      integral += ((erf * erf * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)) * (1 / 64);
    }
    expect(kernel[0]).toBeCloseTo(integral, 6);
    expect(kernel[0]).toBeCloseTo((2 / Math.PI) * Math.asin(2 / 3), 14);
  });

  it("is symmetric to the bit, equal points have equal rows, and near ones no NaN", async () => {
    const [points, features] = [40, 300];
    const data = gaussians(points * features, 2);
    // copies, scaled copies, and copies with one last bit changed
    for (let i = 1; i < points; i++) {
      for (let k = 0; k < features; k++) data[i * features + k] = data[k] * (i < 20 ? 1 : 1 + (i - 19) * 2 ** -52);
      if (i >= 10 && i < 20) data[i * features + i] *= 1 + 2 ** -52;
    }
    for (const activation of ["relu", "erf"] as const) {
      const { kernel } = await nngpKernel({ depth: 5, activation, sigmaB2: 0 }, { data, points });
      for (let i = 0; i < points; i++) {
        for (let j = 0; j < points; j++) {
          expect(Number.isFinite(kernel[i * points + j])).toBe(true);
          expect(kernel[i * points + j]).toBe(kernel[j * points + i]);
        }
      }
      for (let i = 1; i < 10; i++) expect(kernel.slice(i * points, (i + 1) * points)).toEqual(kernel.slice(0, points));
      expect(kernel[points * 3 + 5]).toBe(kernel[0]);
    }
  });

  it("opposite points and the zero point", async () => {
    const { kernel } = await nngpKernel({ depth: 1, sigmaB2: 0 }, { data: [1, 0, -1, 0, 0, 0], points: 3 });
    // relu(z) relu(-z) = 0
    expect([...kernel].map((x) => Math.abs(x) < 1e-16)).toEqual([
      false,
      true,
      true,
      true,
      false,
      true,
      true,
      true,
      true,
    ]);
    expect(kernel[8]).toBe(0);
  });

  it("a limit of depth: correlations of ReLU networks tend to 1", async () => {
    const { kernel } = await nngpKernel({ depth: 1000, sigmaB2: 0 }, { bits: 3 });
    const correlation = kernel[8 + 6] / Math.sqrt(kernel[9] * kernel[6 * 9]);
    expect(correlation).toBeGreaterThan(0.9999);
    expect(correlation).toBeLessThanOrEqual(1 + 1e-15);
  });

  it("bits are pinned", async () => {
    const data = gaussians(12 * 3, 4);
    const numbers: number[] = [];
    for (const activation of ["relu", "erf"] as const) {
      const { kernel } = await nngpKernel({ depth: 3, activation }, { data, points: 12 });
      numbers.push(
        kernel[5],
        kernel[13],
        kernel.reduce((sum, x) => sum + x, 0),
      );
    }
    expect(numbers).toMatchInlineSnapshot(`
      [
        4.278513944613797,
        4.802361662082364,
        648.776057934854,
        2.077622931466946,
        2.2132794073303232,
        281.86535802057443,
      ]
    `);
  });

  it.each([
    [{}, { bits: 7 }, /depth: expected either depth or layers/],
    [{ depth: 1, layers: [7, 1] }, { bits: 7 }, /depth: expected either depth or layers/],
    [{ depth: -1 }, { bits: 7 }, /depth: expected an integer from 0/],
    [{ depth: 1, activation: "tanh" }, { bits: 7 }, /activation: "tanh" has no closed form; expected relu or erf/],
    [{ depth: 1, sigmaW2: -1 }, { bits: 7 }, /sigmaW2: /],
    [{ layers: [6, 4, 1] }, { bits: 7 }, /inputs.bits: expected layers\[0\] = 6, got 7/],
    [{ depth: 1 }, { bits: 11 }, /inputs.bits: expected an integer from 1 to 10/],
    [{ depth: 1 }, { data: [1, 2, 3], points: 2 }, /inputs.data: expected a multiple of 2 numbers, got 3/],
    [
      { layers: [2, 4, 1] },
      { data: [1, 2, 3], points: 3 },
      /inputs.data: expected 3 points x 2 features numbers, got 3/,
    ],
    [{ depth: 1 }, { data: [1, Number.NaN], points: 2 }, /inputs.data\[1\]: expected a number within/],
    [{ depth: 1 }, { data: new Float64Array(2001), points: 2001 }, /inputs.points: expected an integer from 1 to 2000/],
    [{ depth: 9999, sigmaW2: 1e12 }, { bits: 2 }, /sigmaW2: the variances grow beyond f64 in layer/],
  ])("refuses %j, %j", async (options, inputs, message) => {
    await expect(nngpKernel(options as never, inputs as never)).rejects.toThrow(message);
  });
});

describe("empiricalKernel", () => {
  it("without hidden layers, and with one, is the NNGP kernel exactly and in the mean", async () => {
    const inputs = { data: gaussians(6 * 4, 5), points: 6 };
    const none = await empiricalKernel({ layers: [4, 1] }, inputs, { samples: 2 });
    const exact = await nngpKernel({ depth: 0 }, inputs);
    for (let i = 0; i < 36; i++) expect(none.kernel[i]).toBeCloseTo(exact.kernel[i], 12);
    // a single hidden layer is unbiased at any width: 21 entries by t at 5 standard errors, false alarm below 1e-4
    const one = await empiricalKernel({ layers: [4, 5, 1], sigmaW2: 1.5 }, inputs, { samples: 4000, seed: 1 });
    const limit = await nngpKernel({ depth: 1, sigmaW2: 1.5 }, inputs);
    for (let i = 0; i < 36; i++) {
      expect(Math.abs(one.kernel[i] - limit.kernel[i])).toBeLessThan(5 * one.standardError[i]);
      expect(one.standardError[i]).toBeLessThan(0.1 * limit.kernel[i % 7 === 0 ? i : 0]);
    }
  });

  it("ReLU: the diagonal is the NNGP kernel's in the mean, at any width and depth", async () => {
    // E relu(z)^2 = E z^2 / 2 layer by layer
    const inputs = { bits: 3 };
    const { kernel, standardError } = await empiricalKernel({ layers: [3, 6, 5, 1] }, inputs, {
      samples: 4000,
      seed: 2,
    });
    const limit = await nngpKernel({ depth: 2 }, inputs);
    for (let i = 0; i < 64; i += 9) {
      expect(Math.abs(kernel[i] - limit.kernel[i])).toBeLessThan(5 * standardError[i]);
    }
  });

  it("tends to the NNGP kernel as the layers widen: the bias goes as 1 / width", async () => {
    const inputs = { bits: 3 };
    const limit = (await nngpKernel({ depth: 3, sigmaB2: 0 }, inputs)).kernel;
    const bias = async (width: number, samples: number): Promise<[number, number]> => {
      const { kernel, standardError } = await empiricalKernel(
        { layers: [3, width, width, width, 1], sigmaB2: 0 },
        inputs,
        {
          samples,
          seed: 3,
        },
      );
      // points 1 and 6: orthogonal
      return [kernel[8 + 6] - limit[8 + 6], standardError[8 + 6]];
    };
    const [narrow, narrowError] = await bias(2, 6000);
    const [wide, wideError] = await bias(64, 400);
    expect(Math.abs(narrow)).toBeGreaterThan(5 * narrowError);
    // false alarm 3e-4; with 1 / 32 of the narrow one's bias allowed for
    expect(Math.abs(wide)).toBeLessThan(4 * wideError + Math.abs(narrow) / 16);
    expect(wideError).toBeLessThan(Math.abs(narrow) / 10);
  });

  it("tanh is close to erf(z sqrt(pi) / 2) only: it has a kernel of its own", async () => {
    const { kernel, standardError } = await empiricalKernel(
      { layers: [1, 200, 1], activation: "tanh", sigmaW2: 1, sigmaB2: 0 },
      { data: [1], points: 1 },
      { samples: 2000, seed: 4 },
    );
    // int tanh(z)^2 phi(z) dz, by the trapezoidal rule, which is exact to many digits here
    let integral = 0;
    for (let z = -9; z <= 9; z += 1 / 16) integral += (Math.tanh(z) ** 2 * Math.exp((-z * z) / 2)) / 16;
    expect(Math.abs(kernel[0] - integral / Math.sqrt(2 * Math.PI))).toBeLessThan(4 * standardError[0]);
  });

  it("is a function of the arguments and the seed, to the bit", async () => {
    const run = (seed: number) => empiricalKernel({ layers: [2, 6, 5, 1] }, { bits: 2 }, { samples: 10, seed });
    const { kernel, standardError } = await run(7);
    expect([kernel[6], standardError[6]]).toMatchInlineSnapshot(`
      [
        3.085491026414852,
        0.5670011735261156,
      ]
    `);
    expect((await run(7)).kernel).toEqual(kernel);
    expect((await run(8)).kernel).not.toEqual(kernel);
  });

  it.each([
    [{ layers: [2, 3, 2] }, { samples: 10 }, /layers\[2\]: expected one output unit/],
    [{ layers: [2, 3, 1] }, { samples: 1 }, /samples: expected an integer from 2/],
    [{ layers: [2, 3, 1] }, { samples: 5, seed: -1 }, /seed: /],
    [{ layers: [3, 3, 1] }, { samples: 5 }, /inputs.bits: expected layers\[0\] = 3, got 2/],
  ])("refuses %j, %j", async (network, options, message) => {
    await expect(empiricalKernel(network, { bits: 2 }, options)).rejects.toThrow(message);
  });
});
