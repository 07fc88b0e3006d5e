/** Update rules, step by step, against plain f64 and against six steps of PyTorch 1.13's torch.optim. */
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { adagrad, adam, momentum, type Rule, rmsprop, sgd } from "./reference/optimisers.ts";

const kernels = await sharedKernels();
const { exports } = kernels;

const LAMBDA = 0.01;
const SIZE = 8;
const VECTORS = SIZE / 4;
const start = Array.from({ length: SIZE }, (_, i) => (i - 3) * 0.3 + 0.05);
const gradient = (t: number): number[] =>
  Array.from({ length: SIZE }, (_, i) => (((i * 5 + t * 3) % 7) - 3) * 0.1 + 0.02 * t);

type Kernel = (w: number, g: number, m: number, v: number, step: number) => void;

const rules: ReadonlyArray<readonly [string, Rule, Kernel, readonly number[]]> = [
  [
    "sgd",
    sgd(0.1, LAMBDA),
    (w, g) => exports.sgdStep(w, g, VECTORS, 0.1, LAMBDA),
    [-0.864932597, -0.586678386, -0.308353931, 0.0396209471, 0.318084925, 0.596129775, 0.944314182, 1.22249901],
  ],
  [
    "momentum",
    momentum(0.1, LAMBDA, 0.9, false),
    (w, g, m) => exports.momentumStep(w, g, m, VECTORS, 0.1, LAMBDA, 0.9, 0),
    [-0.852306545, -0.598226964, -0.42304498, 0.0940970555, 0.178078279, 0.568716347, 0.933332264, 1.21037626],
  ],
  [
    "nesterov",
    momentum(0.1, LAMBDA, 0.9, true),
    (w, g, m) => exports.momentumStep(w, g, m, VECTORS, 0.1, LAMBDA, 0.9, 1),
    [-0.867308557, -0.629929602, -0.463586748, 0.0789210945, 0.164069906, 0.52301538, 0.929367781, 1.18664551],
  ],
  [
    "adam",
    adam(0.1, LAMBDA, 0.9, 0.999, 1e-8),
    (w, g, m, v, t) => {
      const scale = 0.1 / (1 - 0.9 ** t);
      exports.adamStep(w, g, m, v, VECTORS, LAMBDA, 0.9, 0.999, 1e-8, scale, 1 / Math.sqrt(1 - 0.999 ** t));
    },
    [-0.752038538, -0.678726852, -0.418561816, 0.224475101, 0.0394406766, 0.514715612, 0.985358238, 1.30807114],
  ],
  [
    "adagrad",
    adagrad(0.1, LAMBDA, 1e-10),
    (w, g, _m, v) => exports.adagradStep(w, g, v, VECTORS, 0.1, LAMBDA, 1e-10),
    [-0.847878098, -0.651385188, -0.306013525, 0.0813778937, 0.246169269, 0.498855382, 0.984526575, 1.22913873],
  ],
  [
    "rmsprop",
    rmsprop(0.1, LAMBDA, 0.99, 1e-8),
    (w, g, _m, v) => exports.rmspropStep(w, g, v, VECTORS, 0.1, LAMBDA, 0.99, 1e-8),
    [-0.872836828, -1.51849413, -0.800492406, 0.280963331, -0.580483258, -0.81784755, 1.25565839, 1.00606525],
  ],
];

// six steps of f32 roundings of values near 1; 1 - 0.999 in f32 is off by 2e-5 of itself, half of that in a step of 0.1
const TOLERANCE = 3e-6;

describe.each(rules)("%s", (_, rule, kernel, torch) => {
  it("follows the f64 rule at every step, and ends where PyTorch does", () => {
    kernels.scoped(() => {
      const [w, g, m, v] = [0, 1, 2, 3].map(() => kernels.allocate(4 * SIZE + 16));
      kernels.f32(w, SIZE).set(start);
      const guard = kernels.f32(w + 4 * SIZE, 4);
      guard.fill(7);
      const plain = [...start];
      const state = { first: new Array<number>(SIZE).fill(0), second: new Array<number>(SIZE).fill(0), steps: 0 };
      for (let t = 0; t < 6; t++) {
        kernels.f32(g, SIZE).set(gradient(t));
        kernel(w, g, m, v, t + 1);
        rule(plain, gradient(t), state);
        kernels.f32(w, SIZE).forEach((x, i) => {
          expect(Math.abs(x - plain[i])).toBeLessThan(TOLERANCE);
        });
      }
      kernels.f32(w, SIZE).forEach((x, i) => {
        expect(Math.abs(x - torch[i])).toBeLessThan(TOLERANCE);
      });
      expect([...guard]).toEqual([7, 7, 7, 7]);
    });
  });
});

describe("vector operations", () => {
  it("Langevin step of Entropy-SGD, difference, offset, sum of squares", () => {
    kernels.scoped(() => {
      const put = (x: number[]): number => kernels.put(Float32Array.from(x));
      const y = put([1, 2, 3, 4]);
      const g = put([0.5, -0.5, 0.25, 0]);
      const x = put([2, 2, 2, 2]);
      const mean = put([0, 0, 0, 8]);
      const noise = put([0, 0, 0.125, -1]);
      exports.langevinStep(y, g, x, mean, noise, 1, 0.5, 0, 0.5, 0.75);
      // x' - 0.5 (g - 0.5 (x - x')) + noise, in binary fractions: exact
      expect([...kernels.f32(y, 4)]).toEqual([1 - 0.5 * (0.5 - 0.5), 2.25, 3 - 0.5 * 0.75 + 0.125, 4 - 0.5 - 1]);
      expect([...kernels.f32(mean, 4)]).toEqual([0.75, 0.75 * 2.25, 0.75 * 2.75, 2 + 0.75 * 2.5]);
      exports.difference(x, y, g, 1);
      expect([...kernels.f32(g, 4)]).toEqual([1, -0.25, -0.75, -0.5]);
      exports.offset(x, g, 2, x, 1);
      expect([...kernels.f32(x, 4)]).toEqual([4, 1.5, 0.5, 1]);
      expect(exports.sumOfSquares(g, 1)).toBe(1 + 0.0625 + 0.5625 + 0.25);
    });
  });
});
