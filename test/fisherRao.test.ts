import { describe, expect, it } from "vitest";
import { fisherRao } from "../src/flatness/fisherRao.ts";
import { contextOf, randomSurface } from "./randomSurface.ts";
import { outputLoss, type PlainSurface, rescaled, softmax } from "./reference/plainSurface.ts";

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i], 0);

/** `E_x E_y <grad loss, w>^2` by enumerating the labels with the model's probabilities. */
function byDefinition(surface: PlainSurface, w: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < surface.data.points; i++) {
    const z = surface.output(w, i);
    const p = surface.lossName === "bce" ? softmax([0, z[0]]) : softmax(z);
    p.forEach((probability, y) => {
      sum += probability * dot(surface.pointGradient(w, i, [y]), w) ** 2;
    });
  }
  return sum / surface.data.points;
}

function targetOf(surface: PlainSurface, i: number): ArrayLike<number> {
  const width = surface.data.targets.length / surface.data.points;
  return surface.data.targets.subarray(i * width, (i + 1) * width);
}

describe("fisher-rao", () => {
  for (const [loss, layers] of [
    ["bce", [4, 6, 5, 1]],
    ["ce", [4, 6, 3]],
  ] as const) {
    it(`${loss}: the definition, labels enumerated; relu and tanh, biases included`, async () => {
      for (const activation of ["relu", "tanh"] as const) {
        const { surface, w } = randomSurface({ layers, loss, activation, points: 12, seed: 1 });
        const { value } = await fisherRao.run(contextOf(surface, w));
        expect(value / byDefinition(surface, w)).toBeCloseTo(1, 5);
      }
    });
  }

  it("ReLU networks without biases: (L + 1)^2 E <d loss / d output, output>^2 [Liang et al. 2019, theorem 3.1]", async () => {
    for (const [loss, layers] of [
      ["bce", [4, 6, 5, 1]],
      ["ce", [4, 6, 3]],
      ["mse", [4, 5, 5, 5, 2]],
    ] as const) {
      const { surface, w } = randomSurface({ layers, loss, points: 12, seed: 2, biases: 0 });
      const depth = layers.length - 1;
      let model = 0;
      let empirical = 0;
      for (let i = 0; i < 12; i++) {
        const z = surface.output(w, i);
        const at = outputLoss(loss, z, targetOf(surface, i));
        // under the model's labels the mean square of <d loss / d output, z> is z' curvature z
        model += dot(z, at.curvature(z));
        empirical += dot(at.gradient, z) ** 2;
      }
      const result = await fisherRao.run(contextOf(surface, w));
      expect(result.value / ((depth ** 2 * model) / 12)).toBeCloseTo(1, 5);
      expect((result.empirical as number) / ((depth ** 2 * empirical) / 12)).toBeCloseTo(1, 5);
    }
  });

  it("stays as it is under the rescaling of a layer and of a single unit, biases included", async () => {
    const { surface, w } = randomSurface({ layers: [4, 6, 5, 1], loss: "bce", points: 12, seed: 3 });
    const before = await fisherRao.run(contextOf(surface, w));
    const layer = await fisherRao.run(contextOf(surface, rescaled(surface.network, w, 2, 5.9)));
    expect(layer.value / before.value).toBeCloseTo(1, 5);
    expect((layer.empirical as number) / (before.empirical as number)).toBeCloseTo(1, 4);
    // unit 2 of the first layer: its row and bias, and its column in the second
    const unit = w.slice();
    for (let j = 0; j < 4; j++) unit[2 * 4 + j] /= 3;
    unit[24 + 2] /= 3;
    for (let k = 0; k < 5; k++) unit[30 + k * 6 + 2] *= 3;
    expect((await fisherRao.run(contextOf(surface, unit))).value / before.value).toBeCloseTo(1, 5);
  });

  it("leaves the empirical form out where asked to", async () => {
    const { surface, w } = randomSurface({ layers: [3, 3, 1], loss: "bce", points: 5, seed: 4 });
    const result = await fisherRao.run(contextOf(surface, w, { fisherRaoEmpirical: "no" }));
    expect(Object.keys(result)).toEqual(["value"]);
  });
});
