import { describe, expect, it } from "vitest";
import { relativeFlatness } from "../src/flatness/relativeFlatness.ts";
import { contextOf, randomSurface } from "./randomSurface.ts";
import { type PlainSurface, rescaled, softmax } from "./reference/plainSurface.ts";

/** The definition: all blocks of the Hessian. */
function byDefinition(surface: PlainSurface, w: Float32Array, layer: number): number {
  const { layers } = surface.network;
  let at = 0;
  for (let l = 1; l < layer; l++) at += layers[l] * (layers[l - 1] + 1);
  const [m, d] = [layers[layer - 1], layers[layer]];
  const column = new Float64Array(surface.size);
  let sum = 0;
  for (let s = 0; s < d; s++) {
    for (let i = 0; i < m; i++) {
      const unit = new Float64Array(surface.size);
      unit[at + s * m + i] = 1;
      surface.hessianAt(w, unit, column);
      for (let t = 0; t < d; t++) {
        let product = 0;
        for (let j = 0; j < m; j++) product += w[at + s * m + j] * w[at + t * m + j];
        sum += product * column[at + t * m + i];
      }
    }
  }
  return sum;
}

describe("relative-flatness", () => {
  it("is the definition, layer by layer: wide, tall and single rows", async () => {
    for (const activation of ["relu", "tanh"] as const) {
      const { surface, w } = randomSurface({ layers: [7, 4, 6, 3], loss: "ce", activation, points: 10, seed: 1 });
      for (const relativeFlatnessLayer of [1, 2, 3]) {
        const result = await relativeFlatness.run(contextOf(surface, w, { relativeFlatnessLayer }));
        expect(result.method).toBe("exact");
        expect(result.products).toBe([28, 16, 18][relativeFlatnessLayer - 1]);
        expect(result.value / byDefinition(surface, w, relativeFlatnessLayer)).toBeCloseTo(1, 5);
      }
    }
    const { surface, w } = randomSurface({ layers: [4, 5, 1], loss: "bce", points: 10, seed: 2 });
    const result = await relativeFlatness.run(contextOf(surface, w));
    expect(result.layer).toBe(2);
    expect(result.value / byDefinition(surface, w, 2)).toBeCloseTo(1, 5);
  });

  it("softmax regression: E |x|^2 (sum_s p_s |w_s|^2 - |sum_s p_s w_s|^2) [closed form]", async () => {
    const { surface, w } = randomSurface({ layers: [3, 4], loss: "ce", points: 9, seed: 3 });
    let expected = 0;
    for (let i = 0; i < 9; i++) {
      const x = surface.data.inputs.subarray(3 * i, 3 * i + 3);
      const p = softmax(surface.output(w, i));
      const mean = [0, 0, 0];
      let form = 0;
      p.forEach((probability, s) => {
        for (let j = 0; j < 3; j++) {
          form += probability * w[3 * s + j] ** 2;
          mean[j] += probability * w[3 * s + j];
        }
      });
      form -= mean.reduce((sum, v) => sum + v * v, 0);
      expected += (form * x.reduce((sum, v) => sum + v * v, 0)) / 9;
    }
    const { value } = await relativeFlatness.run(contextOf(surface, w));
    expect(value / expected).toBeCloseTo(1, 5);
  });

  it("equal rows are no trouble", async () => {
    const { surface, w } = randomSurface({ layers: [5, 3, 1], loss: "bce", points: 10, seed: 4 });
    w.copyWithin(5, 0, 5);
    const result = await relativeFlatness.run(contextOf(surface, w, { relativeFlatnessLayer: 1 }));
    expect(result.value / byDefinition(surface, w, 1)).toBeCloseTo(1, 5);
  });

  it("Hutchinson's estimate lies within its standard errors (10 seeds and 2 shapes, chi-square of 20 at 1e-6)", async () => {
    const { surface, w } = randomSurface({ layers: [6, 4, 5, 2], loss: "ce", points: 10, seed: 5 });
    let squares = 0;
    for (const relativeFlatnessLayer of [1, 2]) {
      const exact = byDefinition(surface, w, relativeFlatnessLayer);
      const options = { relativeFlatnessLayer, relativeFlatnessProducts: 0, relativeFlatnessProbes: 100 };
      for (let seed = 1n; seed <= 10n; seed++) {
        const result = await relativeFlatness.run(contextOf(surface, w, options, seed));
        expect(result.method).toBe("hutchinson");
        squares += ((result.value - exact) / result.standardError!) ** 2;
      }
    }
    expect(squares).toBeGreaterThan(1.9);
    expect(squares).toBeLessThan(66);
  });

  it("stays as it is under the rescaling of a layer and of this layer's units, not of single units before it", async () => {
    const { surface, w } = randomSurface({ layers: [4, 6, 5, 1], loss: "bce", points: 12, seed: 6 });
    for (const relativeFlatnessLayer of [1, 2, 3]) {
      const options = { relativeFlatnessLayer };
      const before = await relativeFlatness.run(contextOf(surface, w, options));
      for (const layer of [1, 2]) {
        const after = await relativeFlatness.run(contextOf(surface, rescaled(surface.network, w, layer, 5.9), options));
        expect(after.value / before.value).toBeCloseTo(1, 4);
      }
      // unit 2 of the first layer
      const unit = w.slice();
      for (let j = 0; j < 4; j++) unit[2 * 4 + j] /= 3;
      unit[24 + 2] /= 3;
      for (let k = 0; k < 5; k++) unit[30 + k * 6 + 2] *= 3;
      const after = await relativeFlatness.run(contextOf(surface, unit, options));
      if (relativeFlatnessLayer === 2) expect(Math.abs(Math.log(after.value / before.value))).toBeGreaterThan(0.1);
      else expect(after.value / before.value).toBeCloseTo(1, 4);
    }
  });

  it("names a layer that is not there", async () => {
    const { surface, w } = randomSurface({ layers: [4, 5, 1], loss: "bce", points: 3, seed: 7 });
    const call = relativeFlatness.run(contextOf(surface, w, { relativeFlatnessLayer: 3 }));
    await expect(call).rejects.toThrow("relativeFlatnessLayer: expected an integer from 1 to 2, got 3");
  });
});
