import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { keskar, keskarProtocol } from "../src/flatness/keskar.ts";
import { Ball, Box } from "../src/flatness/neighbourhood.ts";
import { LocalSurface } from "../src/training/localSurface.ts";
import { contextOf, gaussianVector, randomSurface } from "./randomSurface.ts";
import { FormulaSurface, QuadraticSurface } from "./reference/quadraticSurface.ts";

const halfWidths = (w: ArrayLike<number>, epsilon = 1e-4) => Array.from(w, (x) => epsilon * (Math.abs(x) + 1));

/** `offset + slopes . w`, on so many points. */
function linear(slopes: ArrayLike<number>, offset: number, points: number): FormulaSurface {
  return new FormulaSurface(
    slopes.length,
    (w, out) => {
      out?.set(slopes);
      return Array.from(slopes).reduce((sum, g, i) => sum + g * w[i], offset);
    },
    undefined,
    points,
  );
}

/** `M + M'` of Gaussians plus a multiple of the identity. */
function symmetric(n: number, seed: number, diagonal: number): number[][] {
  const z = gaussianVector(n * n, seed);
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => z[i * n + j] + z[j * n + i] + (i === j ? diagonal : 0)),
  );
}

describe("the box", () => {
  it("contains every placed point, however small it is against f32", () => {
    const w = Float32Array.of(0, 1, -1, 1e6, -3e-5, 123.456, -7.7e-12, 2 ** -149);
    for (const epsilon of [0, 1e-9, 1e-7, 1e-4, 0.3]) {
      const box = new Box(w, epsilon);
      for (const side of [-1, 1, 0.7]) {
        const x = new Float32Array(w.length);
        box.place(new Float64Array(w.length).fill(side), x);
        const r = halfWidths(w, epsilon);
        x.forEach((v, i) => {
          expect(Math.abs(v - w[i])).toBeLessThanOrEqual(r[i]);
        });
        expect(box.reach(x)).toBeLessThanOrEqual(1);
      }
    }
    const box = new Box(Float32Array.of(1, 1), 1e-4);
    expect(box.reach(Float32Array.of(1, 1.0003))).toBeGreaterThan(1);
    expect(new Ball(Float32Array.of(1, 0), 1, Float64Array.of(1, 0)).reach(Float32Array.of(1, 1e-9))).toBe(Infinity);
  });
});

describe("keskar-protocol", () => {
  it("on a linear loss: every parameter moves lr g a step until it meets the box [closed form]", async () => {
    const slopes = [0.5, -0.01, 3, 0.002, 0];
    const w = Float32Array.of(0.5, -1, 2, 0.25, 1);
    // 70 points: batches of 32, 32 and 6
    const steps = 4 * 3;
    const result = await keskarProtocol.run(contextOf(linear(slopes, 1, 70), w, { keskarEpochs: 4 }));
    const start = 1 + 0.25 + 0.01 + 6 + 0.0005;
    const r = halfWidths(w);
    const rise = slopes.reduce((sum, g, i) => sum + Math.abs(g) * Math.min(r[i], 1e-3 * Math.abs(g) * steps), 0);
    // f32: half a unit in the last place of w for each step
    expect(result.value / ((100 * rise) / (1 + start))).toBeCloseTo(1, 3);
    expect(result.steps).toBe(steps);
    expect(result.step).toBe(steps);
    expect(result.boxShare).toBeLessThanOrEqual(1);
    expect(result.log10).toBeCloseTo(Math.log10(result.value), 12);
  });

  it("counts the start: at a maximum the value is 0", async () => {
    const surface = new QuadraticSurface(Float64Array.of(-1, -2), [0.5, 0.5], 3);
    const result = await keskarProtocol.run(contextOf(surface, Float32Array.of(0.5, 0.5)));
    expect(result.value).toBe(0);
    expect(result.log10).toBe(-Infinity);
  });

  it("takes the same steps in one call of the module as one after the other in f64", async () => {
    for (const [layers, loss, zeros] of [
      [[4, 6, 1], "bce", false],
      [[9, 5, 7, 3], "ce", true],
      [[3, 8, 2], "mse", false],
    ] as const) {
      const { surface, w } = randomSurface({ layers, loss, points: 40, seed: 5 });
      const { data, network } = surface;
      if (zeros)
        data.inputs.forEach((_, i) => {
          if (i % 4 !== 0) data.inputs[i] = 0;
        });
      // a box and steps well above f32's rounding of the parameters
      const options = { keskarEpsilon: 1e-2, keskarLearningRate: 0.02, keskarEpochs: 5, keskarBatch: 16 };
      const plain = await keskarProtocol.run(contextOf(surface, w, options));
      const kernels = await sharedKernels();
      const mark = kernels.mark();
      const local = new LocalSurface(kernels, network, data, loss);
      const fast = await keskarProtocol.run(contextOf(local, w, options));
      kernels.release(mark);
      expect(fast.value / plain.value).toBeCloseTo(1, 4);
      expect([fast.step, fast.steps, fast.evaluations]).toEqual([plain.step, plain.steps, plain.evaluations]);
      const [a, b] = [fast.maximiser as Float32Array, plain.maximiser as Float32Array];
      expect(Math.max(...a.map((x, i) => Math.abs(x - b[i])))).toBeLessThan(1e-5);
      // 15 steps do not fill the box everywhere: it is the steps that agree, not the corners
      expect(a.some((x, i) => Math.abs(x - w[i]) < 0.9e-2 * (Math.abs(w[i]) + 1))).toBe(true);
    }
  });

  it("depends on the seed, which shuffles, and on nothing else", async () => {
    const { surface, w } = randomSurface({ layers: [4, 6, 1], loss: "bce", points: 40, seed: 2 });
    const options = { keskarEpochs: 3, keskarBatch: 8 };
    const first = await keskarProtocol.run(contextOf(surface, w, options));
    expect(await keskarProtocol.run(contextOf(surface, w, options))).toEqual(first);
    const other = await keskarProtocol.run(contextOf(surface, w, options, 2n));
    expect(other.value).not.toBe(first.value);
    expect(other.value / first.value).toBeCloseTo(1, 1);
  });
});

describe("keskar", () => {
  const quick = { keskarEpochs: 2 };

  it("on a linear loss: sum of |g_i| r_i", async () => {
    const slopes = gaussianVector(50, 4);
    const w = gaussianVector(50, 5);
    const surface = linear(slopes, 100, 10);
    const start = await surface.loss(w);
    const rise = halfWidths(w).reduce((sum, r, i) => sum + r * Math.abs(slopes[i]), 0);
    const result = await keskar.run(contextOf(surface, w, quick));
    expect(result.value / ((100 * rise) / (1 + start))).toBeCloseTo(1, 3);
  });

  it("on convex and indefinite quadratics: the best of all 2^10 vertices, by enumeration", async () => {
    const n = 10;
    for (const [seed, diagonal] of [
      [1, 12],
      [2, 12],
      [3, 2],
    ] as const) {
      const surface = new QuadraticSurface(symmetric(n, seed, diagonal), gaussianVector(n, seed + 10), 50);
      const w = gaussianVector(n, seed + 20);
      const r = halfWidths(w, 0.3);
      let most = 0;
      for (let vertex = 0; vertex < 2 ** n; vertex++) {
        const x = Float32Array.from(w, (v, i) => v + ((vertex >> i) & 1 ? r[i] : -r[i]));
        most = Math.max(most, await surface.loss(x));
      }
      const result = await keskar.run(contextOf(surface, w, { ...quick, keskarEpsilon: 0.3, keskarStarts: 12 }));
      // an indefinite one may have its maximum on a face
      expect(result.maximalLoss).toBeGreaterThan(most * (1 - 1e-6));
      if (diagonal === 12) expect(result.maximalLoss).toBeLessThan(most * (1 + 1e-6));
    }
  });

  it("on concave quadratics: inside at the centre, at the edge coordinate by coordinate [closed form]", async () => {
    const n = 30;
    const curvature = Float64Array.from({ length: n }, (_, i) => -(10 ** ((4 * i) / n)));
    const w = gaussianVector(n, 8);
    const r = halfWidths(w, 0.1);
    const centre = Float64Array.from(w, (x, i) => x + (i % 3 === 0 ? 2 : 0.5) * r[i]);
    const surface = new QuadraticSurface(curvature, centre, 1000);
    const expected = curvature.reduce((sum, a, i) => sum + (i % 3 === 0 ? (a * r[i] ** 2) / 2 : 0), 1000);
    const result = await keskar.run(contextOf(surface, w, { ...quick, keskarEpsilon: 0.1 }));
    expect(Math.abs((result.maximalLoss as number) - expected)).toBeLessThan(1e-4);
    expect(result.boxShare).toBeLessThanOrEqual(1);
  });

  it("on networks: at least the protocol's, and more than random corners", async () => {
    for (const seed of [1, 2, 3]) {
      const { surface, w } = randomSurface({ layers: [5, 8, 8, 1], loss: "bce", points: 24, seed });
      const options = { keskarEpochs: 20, keskarBatch: 8, keskarEpsilon: 1e-3 };
      const protocol = await keskarProtocol.run(contextOf(surface, w, options));
      const result = await keskar.run(contextOf(surface, w, options));
      expect(result.protocolValue).toBe(protocol.value);
      expect(result.value).toBeGreaterThanOrEqual(protocol.value);
      expect(result.boxShare).toBeLessThanOrEqual(1);
      expect(await surface.loss(result.maximiser as Float32Array)).toBe(result.maximalLoss);
      const spread = result.spread as { least: number; most: number };
      expect(spread.most).toBe(result.value);
      expect(spread.least).toBeGreaterThan(0);
      // the corner of a random sign each reaches far less
      const box = new Box(w, 1e-3);
      const x = new Float32Array(w.length);
      for (let k = 0; k < 50; k++) {
        box.place(
          Float64Array.from(gaussianVector(w.length, 100 + k), (z) => Math.sign(z)),
          x,
        );
        expect(await surface.loss(x)).toBeLessThan(result.maximalLoss as number);
      }
    }
  });
});
