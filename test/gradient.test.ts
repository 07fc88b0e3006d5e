/** The kernels of training against plain f64 (test/reference/plainSurface.ts, itself held to central differences) and closed forms. */
import { describe, expect, it } from "vitest";
import { Kernels } from "../src/engine/kernels.ts";
import { compileModule, sharedKernels } from "../src/engine/module.ts";
import type { NetworkOptions } from "../src/network/network.ts";
import { defineNetwork } from "../src/network/network.ts";
import { LocalSurface } from "../src/training/localSurface.ts";
import type { Dataset, LossName } from "../src/training/surface.ts";
import { gaussianVector, randomSurface } from "./randomSurface.ts";
import { denseHessian, traceOf } from "./reference/denseHessian.ts";
import { PlainSurface, rescaled } from "./reference/plainSurface.ts";

const module = await compileModule();

async function local(network: NetworkOptions, data: Dataset, loss: LossName): Promise<LocalSurface> {
  return new LocalSurface(await Kernels.create(module), defineNetwork(network), data, loss);
}

/** Largest difference over the largest entry. */
function apart(a: Float32Array, b: ArrayLike<number>): number {
  let most = 0;
  let largest = 1e-30;
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return most / largest;
}

// sums of some hundred f32 products, in two or three layers: 2^-24 times the root of a few thousand roundings, and a margin
const ROUNDING = 2e-5;

const cases: ReadonlyArray<readonly [readonly number[], LossName, "relu" | "tanh", number]> = [
  [[7, 40, 40, 1], "bce", "relu", 64],
  [[7, 40, 40, 1], "mse", "tanh", 33],
  [[3, 5, 1], "bce", "tanh", 1],
  [[5, 1], "bce", "relu", 17],
  [[6, 3], "ce", "relu", 20],
  [[4, 9, 6, 5, 3], "ce", "tanh", 300],
  [[300, 13, 3], "ce", "relu", 70],
  [[9, 2, 2], "mse", "relu", 520],
];

// a Hessian as a whole matrix, column by column
const small = cases.filter(([layers]) => defineNetwork({ layers }).parameterCount < 1000);

describe.each(small)("%j, %s, %s, %i points", (layers, loss, activation, points) => {
  it("trace of the Gauss-Newton matrix, of the Hessian too if ReLU", async () => {
    const { surface: plain, w } = randomSurface({ layers, loss, activation, points, seed: 3 });
    const expected = traceOf(denseHessian(plain, w, true));
    expect(expected).toBeGreaterThan(0);
    for (const sparse of [false, true]) {
      const network = defineNetwork({ layers, activation });
      const own = new LocalSurface(await sharedKernels(), network, plain.data, loss, sparse);
      expect(own.plan.sparse).toBe(sparse);
      expect(Math.abs((await own.gaussNewtonTrace(w, () => {})) / expected - 1)).toBeLessThan(ROUNDING);
    }
    if (activation === "relu") expect(traceOf(denseHessian(plain, w)) / expected).toBeCloseTo(1, 10);
  });
});

describe.each(cases)("%j, %s, %s, %i points", (layers, loss, activation, points) => {
  it("loss, outputs, error, gradient, Hessian and Gauss-Newton products", async () => {
    const { surface: plain, w } = randomSurface({ layers, loss, activation, points, seed: 3 });
    const own = await local({ layers, activation }, plain.data, loss);
    expect(own.plan.sparse).toBe(false);
    const { loss: value, error } = await own.evaluate(w);
    const expected = await plain.evaluate(w);
    expect(Math.abs(value - expected.loss)).toBeLessThan(ROUNDING * (1 + Math.abs(expected.loss)));
    expect(error).toBe(expected.error);
    expect(apart(await own.outputs(w), await plain.outputs(w))).toBeLessThan(ROUNDING);
    const [a, b] = [new Float32Array(plain.size), new Float32Array(plain.size)];
    expect(await own.gradient(w, a)).toBeCloseTo(await plain.gradient(w, b), 4);
    expect(apart(a, b)).toBeLessThan(ROUNDING);
    const v = gaussianVector(plain.size, 5);
    await own.hessianProduct(w, v, a);
    await plain.hessianProduct(w, v, b);
    expect(apart(a, b)).toBeLessThan(ROUNDING);
    await own.gaussNewtonProduct(w, v, a);
    await plain.gaussNewtonProduct(w, v, b);
    expect(apart(a, b)).toBeLessThan(ROUNDING);
  });
});

/** Inputs of which most are zero. */
function sparsened(data: Dataset): Dataset {
  return { ...data, inputs: data.inputs.map((x, i) => ((i * 7919) % 11 < 8 ? 0 : x)) };
}

describe("points with many zeros", () => {
  it.each([
    [[50, 40, 40, 1], "bce"],
    [[50, 44, 3], "ce"],
    [[50, 85, 1], "mse"],
  ] as const)("%j: the nonzeros alone give the same", async (layers, loss) => {
    const { surface, w } = randomSurface({ layers, loss, points: 301, seed: 4 });
    const data = sparsened(surface.data);
    const plain = new PlainSurface({ layers }, data, loss);
    const own = await local({ layers }, data, loss);
    expect(own.plan.sparse).toBe(true);
    const [a, b] = [new Float32Array(plain.size), new Float32Array(plain.size)];
    expect(await own.gradient(w, a)).toBeCloseTo(await plain.gradient(w, b), 4);
    expect(apart(a, b)).toBeLessThan(ROUNDING);
    const v = gaussianVector(plain.size, 5);
    await own.hessianProduct(w, v, a);
    await plain.hessianProduct(w, v, b);
    expect(apart(a, b)).toBeLessThan(ROUNDING);
  });
});

describe("minibatches", () => {
  it.each([false, true])("ranges and listed points (sparse: %s)", async (sparse) => {
    const layers = [12, 9, 1];
    const { surface, w } = randomSurface({ layers, loss: "bce", points: 60, seed: 6 });
    const data = sparse ? sparsened(surface.data) : surface.data;
    const plain = new PlainSurface({ layers }, data, "bce");
    const own = await local({ layers }, data, "bce");
    const [a, b] = [new Float32Array(plain.size), new Float32Array(plain.size)];
    const range = { first: 13, count: 21 };
    expect(await own.gradient(w, a, range)).toBeCloseTo(await plain.gradient(w, b, range), 5);
    expect(apart(a, b)).toBeLessThan(ROUNDING);
    const listed = Uint32Array.from({ length: 60 }, (_, i) => (i * 37) % 60);
    await own.gradientOf(w, a, listed.subarray(10, 17));
    const mean = new Float64Array(plain.size);
    for (const first of listed.subarray(10, 17)) {
      await plain.gradient(w, b, { first, count: 1 });
      b.forEach((x, i) => {
        mean[i] += x / 7;
      });
    }
    expect(apart(a, mean)).toBeLessThan(ROUNDING);
    // a whole permutation is the whole set
    await own.gradientOf(w, a, listed);
    await plain.gradient(w, b);
    expect(apart(a, b)).toBeLessThan(ROUNDING);
  });
});

describe("closed forms of linear models", () => {
  const points = 40;
  const features = 5;
  const x = gaussianVector(points * features, 8);
  /** inputs with the bias's 1 */
  const row = (i: number): number[] => [...x.subarray(i * features, (i + 1) * features), 1];

  it("squared error: H = X'X / N; BCE: X' diag(s (1 - s)) X / N; both equal the Gauss-Newton matrix", async () => {
    const w = gaussianVector(features + 1, 9);
    const v = gaussianVector(features + 1, 10);
    for (const loss of ["mse", "bce"] as const) {
      const targets = Float32Array.from({ length: points }, (_, i) => i % 2);
      const own = await local({ layers: [features, 1] }, { points, features, inputs: x, targets }, loss);
      const expected = new Float64Array(features + 1);
      for (let i = 0; i < points; i++) {
        const r = row(i);
        const dot = (u: Float32Array): number => r.reduce((sum, xi, k) => sum + xi * u[k], 0);
        const s = 1 / (1 + Math.exp(-dot(w)));
        const curvature = loss === "mse" ? 1 : s * (1 - s);
        r.forEach((xi, k) => {
          expected[k] += (curvature * xi * dot(v)) / points;
        });
      }
      const out = new Float32Array(features + 1);
      await own.hessianProduct(w, v, out);
      expect(apart(out, expected)).toBeLessThan(ROUNDING);
      await own.gaussNewtonProduct(w, v, out);
      expect(apart(out, expected)).toBeLessThan(ROUNDING);
    }
  });

  it("squared error of several outputs: H = I (x) X'X / N", async () => {
    const outputs = 3;
    const targets = gaussianVector(points * outputs, 13);
    const own = await local({ layers: [features, outputs] }, { points, features, inputs: x, targets }, "mse");
    const v = gaussianVector(own.size, 12);
    const at = (c: number, k: number): number => (k < features ? c * features + k : outputs * features + c);
    const expected = new Float64Array(own.size);
    for (let i = 0; i < points; i++) {
      const r = row(i);
      for (let c = 0; c < outputs; c++) {
        const slope = r.reduce((sum, xi, k) => sum + xi * v[at(c, k)], 0);
        r.forEach((xi, k) => {
          expected[at(c, k)] += (slope * xi) / points;
        });
      }
    }
    const out = new Float32Array(own.size);
    await own.hessianProduct(gaussianVector(own.size, 11), v, out);
    expect(apart(out, expected)).toBeLessThan(ROUNDING);
    await own.gaussNewtonProduct(gaussianVector(own.size, 11), v, out);
    expect(apart(out, expected)).toBeLessThan(ROUNDING);
  });

  it("softmax: H = sum over points of (diag p - p p') (x) x x' / N", async () => {
    const classes = 3;
    const targets = Float32Array.from({ length: points }, (_, i) => i % classes);
    const own = await local({ layers: [features, classes] }, { points, features, inputs: x, targets }, "ce");
    const w = gaussianVector(own.size, 11);
    const v = gaussianVector(own.size, 12);
    // flat layout: weights [class][feature], then biases
    const at = (c: number, k: number): number => (k < features ? c * features + k : classes * features + c);
    const expected = new Float64Array(own.size);
    for (let i = 0; i < points; i++) {
      const r = row(i);
      const z = [0, 1, 2].map((c) => r.reduce((sum, xi, k) => sum + xi * w[at(c, k)], 0));
      const e = z.map(Math.exp);
      const p = e.map((q) => q / (e[0] + e[1] + e[2]));
      const rz = [0, 1, 2].map((c) => r.reduce((sum, xi, k) => sum + xi * v[at(c, k)], 0));
      for (let c = 0; c < classes; c++) {
        const d = p[c] * (rz[c] - p[0] * rz[0] - p[1] * rz[1] - p[2] * rz[2]);
        r.forEach((xi, k) => {
          expected[at(c, k)] += (d * xi) / points;
        });
      }
    }
    const out = new Float32Array(own.size);
    await own.hessianProduct(w, v, out);
    expect(apart(out, expected)).toBeLessThan(ROUNDING);
    await own.gaussNewtonProduct(w, v, out);
    expect(apart(out, expected)).toBeLessThan(ROUNDING);
  });
});

describe("properties of the Hessian", () => {
  it.each([
    [[4, 6, 5, 1], "bce"],
    [[4, 6, 5, 3], "ce"],
    [[4, 6, 5, 2], "mse"],
  ] as const)(
    "%j, %s, ReLU: trace H = trace GGN, as the units' second derivative is 0; symmetric",
    async (layers, loss) => {
      const { surface, w } = randomSurface({ layers, loss, points: 30, seed: 13 });
      const own = await local({ layers }, surface.data, loss);
      const unit = new Float32Array(own.size);
      const [h, g] = [new Float32Array(own.size), new Float32Array(own.size)];
      let traceH = 0;
      let traceG = 0;
      for (let i = 0; i < own.size; i++) {
        unit.fill(0);
        unit[i] = 1;
        await own.hessianProduct(w, unit, h);
        await own.gaussNewtonProduct(w, unit, g);
        traceH += h[i];
        traceG += g[i];
      }
      expect(traceG).toBeGreaterThan(0.1);
      expect(Math.abs(traceH / traceG - 1)).toBeLessThan(ROUNDING);
      const [u, v] = [gaussianVector(own.size, 14), gaussianVector(own.size, 15)];
      const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
      for (const product of ["hessianProduct", "gaussNewtonProduct"] as const) {
        await own[product](w, u, h);
        await own[product](w, v, g);
        expect(Math.abs(dot(v, h) - dot(u, g))).toBeLessThan(ROUNDING * Math.sqrt(dot(v, v) * dot(h, h)));
      }
    },
  );

  it.each([
    [[4, 6, 5, 1], "bce", 1],
    [[4, 6, 5, 3], "ce", 2],
    [[50, 6, 5, 2], "mse", 1],
  ] as const)(
    "%j, %s, layer %i rescaled: H(alpha) = S H(1) S, to the bit for a power of two",
    async (layers, loss, at) => {
      const { surface, w } = randomSurface({ layers, loss, points: 30, seed: 13 });
      const data = loss === "mse" ? sparsened(surface.data) : surface.data;
      const own = await local({ layers }, data, loss);
      expect(own.plan.sparse).toBe(loss === "mse");
      // parameters of the layer by 1/4, weights of the next by 4: every product and sum is scaled by a power of two
      const alpha = 4;
      const s = new Float32Array(own.size).fill(1);
      const sizes = layers.slice(1).map((fanOut, l) => fanOut * (layers[l] + 1));
      const start = sizes.slice(0, at - 1).reduce((sum, size) => sum + size, 0);
      const next = start + sizes[at - 1];
      s.fill(alpha, start, next);
      s.fill(1 / alpha, next, next + layers[at + 1] * layers[at]);
      const scaled = w.map((x, i) => x / s[i]);
      expect(scaled).toEqual(rescaled(own.network, w, at, alpha));
      expect(await own.loss(scaled)).toBe(await own.loss(w));
      const v = gaussianVector(own.size, 15);
      const [before, after] = [new Float32Array(own.size), new Float32Array(own.size)];
      await own.gradient(w, before);
      await own.gradient(scaled, after);
      expect(after).toEqual(before.map((x, i) => x * s[i]));
      const turned = v.map((x, i) => x * s[i]);
      for (const product of ["hessianProduct", "gaussNewtonProduct"] as const) {
        await own[product](w, turned, before);
        await own[product](scaled, v, after);
        expect(after).toEqual(before.map((x, i) => x * s[i]));
      }
    },
  );
});

describe("extreme outputs", () => {
  it("logits of 1e4 and more leave every loss and derivative finite and right", async () => {
    const data = { points: 2, features: 1, inputs: Float32Array.of(1, -1), targets: Float32Array.of(0, 0) };
    const own = await local({ layers: [1, 1] }, data, "bce");
    const w = Float32Array.of(3e4, 0);
    const out = new Float32Array(2);
    expect(await own.gradient(w, out)).toBeCloseTo(15_000, 6);
    expect([...out]).toEqual([0.5, 0.5]);
    const soft = await local({ layers: [1, 2] }, data, "ce");
    expect(await soft.loss(Float32Array.of(-2e4, 2e4, 0, 0))).toBeCloseTo(20_000, 6);
  });
});
