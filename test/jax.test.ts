/** Gradients, Hessian and Gauss-Newton products of the kernels against jax-js, another's automatic differentiation. */
import { describe, expect, it } from "vitest";
import { Kernels } from "../src/engine/kernels.ts";
import { compileModule } from "../src/engine/module.ts";
import { defineNetwork } from "../src/network/network.ts";
import { LocalSurface } from "../src/training/localSurface.ts";
import type { LossName } from "../src/training/surface.ts";
import { gaussianVector, randomSurface } from "./randomSurface.ts";
import { JaxSurface } from "./reference/jax.ts";

const module = await compileModule();

/** Largest difference over the largest entry. */
function apart(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  expect(largest).toBeGreaterThan(0);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0) / largest;
}

// both round to f32 (6e-8) after each operation, in orders of their own: sums of up to 64 products, three layers forward and
// back, the root of some hundred roundings; 7e-7 was the most met
const ROUNDING = 3e-6;

const shapes: ReadonlyArray<readonly [readonly number[], LossName, number, number]> = [
  [[7, 40, 40, 1], "bce", 64, 0],
  [[5, 1], "bce", 17, 0],
  [[4, 9, 6, 5, 3], "ce", 40, 0],
  [[6, 3], "ce", 20, 0],
  [[3, 8, 2], "mse", 33, 0],
  [[9, 5, 7, 1], "mse", 50, 0],
  // more than half of the inputs are zeros: the first layer takes the others alone
  [[50, 40, 40, 1], "bce", 30, 0.8],
  [[30, 12, 4], "ce", 30, 0.8],
];
const cases = shapes.flatMap((shape) =>
  (["relu", "tanh"] as const).map((activation) => [...shape, activation] as const),
);

describe.each(cases)("%j, %s, %i points, %d zeros, %s", (layers, loss, points, zeros, activation) => {
  it("loss, gradient, Hessian product, Gauss-Newton product", async () => {
    const { surface, w } = randomSurface({ layers, loss, activation, points, seed: 21 });
    const { data, size } = surface;
    data.inputs.forEach((_, i) => {
      if ((i * 7919) % 101 < 101 * zeros) data.inputs[i] = 0;
    });
    const own = new LocalSurface(await Kernels.create(module), defineNetwork({ layers, activation }), data, loss);
    expect(own.plan.sparse).toBe(zeros > 0);
    const jax = new JaxSurface(layers, activation, data, loss);
    const v = gaussianVector(size, 22);
    const out = new Float32Array(size);
    const value = await own.gradient(w, out);
    expect(Math.abs(value / (await jax.value(w)) - 1)).toBeLessThan(ROUNDING);
    expect(apart(out, await jax.gradient(w))).toBeLessThan(ROUNDING);
    await own.hessianProduct(w, v, out);
    expect(apart(out, await jax.hessianProduct(w, v))).toBeLessThan(ROUNDING);
    await own.gaussNewtonProduct(w, v, out);
    expect(apart(out, await jax.gaussNewtonProduct(w, v))).toBeLessThan(ROUNDING);
  });
});
