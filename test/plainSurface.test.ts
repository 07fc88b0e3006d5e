/** The f64 reference of a loss surface against central differences and closed forms. */
import { describe, expect, it } from "vitest";
import { randomSurface } from "./randomSurface.ts";
import { outputLoss, PlainSurface, softmax } from "./reference/plainSurface.ts";

const CASES = [
  { layers: [3, 4, 1], activation: "relu", loss: "bce" },
  { layers: [3, 5, 4, 3], activation: "relu", loss: "ce" },
  { layers: [3, 4, 4, 1], activation: "tanh", loss: "bce" },
  { layers: [2, 3, 2], activation: "tanh", loss: "mse" },
  { layers: [4, 3], activation: "relu", loss: "ce" },
] as const;

describe("the plain surface", () => {
  for (const { layers, activation, loss } of CASES) {
    it(`${layers.join("-")} ${activation} ${loss}: derivatives are those of central differences, to 1e-7`, () => {
      const { surface, w } = randomSurface({ layers, activation, loss, points: 6, seed: 3 });
      const n = surface.size;
      const h = 1e-5;
      const gradient = new Float64Array(n);
      surface.gradientAt(w, gradient);
      const v = Float64Array.from({ length: n }, (_, i) => Math.sin(i + 1));
      const product = new Float64Array(n);
      surface.hessianAt(w, v, product);
      const ahead = new Float64Array(n);
      const behind = new Float64Array(n);
      const shifted = (direction: ArrayLike<number>, step: number) =>
        Float64Array.from(w, (x, i) => x + step * direction[i]);
      surface.gradientAt(shifted(v, h), ahead);
      surface.gradientAt(shifted(v, -h), behind);
      for (let i = 0; i < n; i++) {
        const unit = new Float64Array(n);
        unit[i] = 1;
        const slope = (surface.lossAt(shifted(unit, h)) - surface.lossAt(shifted(unit, -h))) / (2 * h);
        expect(Math.abs(gradient[i] - slope)).toBeLessThan(1e-7);
        expect(Math.abs(product[i] - (ahead[i] - behind[i]) / (2 * h))).toBeLessThan(1e-7);
      }
      // Gauss-Newton: J' (d2 loss / d output2) J v, all three by differences of outputs and of the loss's gradient by them
      const expected = new Float64Array(n);
      const outputs = layers[layers.length - 1];
      for (let point = 0; point < 6; point++) {
        const target = surface.data.targets.subarray(
          ...(loss === "mse" ? [2 * point, 2 * point + 2] : [point, point + 1]),
        );
        const along = (direction: ArrayLike<number>): number[] => {
          const [plus, minus] = [1, -1].map((sign) => surface.output(shifted(direction, sign * h), point));
          return Array.from(plus, (z, k) => (z - minus[k]) / (2 * h));
        };
        const z = surface.output(w, point);
        const moved = along(v);
        const [plus, minus] = [1, -1].map(
          (sign) =>
            outputLoss(
              loss,
              z.map((x, k) => x + sign * h * moved[k]),
              target,
            ).gradient,
        );
        for (let i = 0; i < n; i++) {
          const column = along(Float64Array.from({ length: n }, (_, j) => Number(i === j)));
          for (let k = 0; k < outputs; k++) expected[i] += (column[k] * (plus[k] - minus[k])) / (2 * h) / 6;
        }
      }
      surface.gaussNewtonAt(w, v, product);
      for (let i = 0; i < n; i++) expect(Math.abs(product[i] - expected[i])).toBeLessThan(1e-7);
    });
  }

  it("Gauss-Newton is the Hessian of a linear model: softmax, (diag p - p p') x x' / N [closed form]", () => {
    const { surface, w } = randomSurface({ layers: [2, 3], loss: "ce", points: 4, seed: 5 });
    const v = Float64Array.from({ length: surface.size }, (_, i) => Math.cos(i));
    const hessian = new Float64Array(surface.size);
    const gaussNewton = new Float64Array(surface.size);
    surface.hessianAt(w, v, hessian);
    surface.gaussNewtonAt(w, v, gaussNewton);
    const expected = new Float64Array(surface.size);
    for (let i = 0; i < 4; i++) {
      const x = [...surface.data.inputs.subarray(2 * i, 2 * i + 2)];
      const p = softmax(surface.output(w, i));
      const dz = [0, 1, 2].map((k) => v[2 * k] * x[0] + v[2 * k + 1] * x[1] + v[6 + k]);
      const mean = dz.reduce((sum, value, k) => sum + p[k] * value, 0);
      for (let k = 0; k < 3; k++) {
        const e = (p[k] * (dz[k] - mean)) / 4;
        expected[2 * k] += e * x[0];
        expected[2 * k + 1] += e * x[1];
        expected[6 + k] += e;
      }
    }
    for (let i = 0; i < surface.size; i++) {
      expect(hessian[i]).toBeCloseTo(expected[i], 12);
      expect(gaussNewton[i]).toBeCloseTo(expected[i], 12);
    }
  });

  it("takes a range of points as a minibatch", () => {
    const { surface, w } = randomSurface({ layers: [3, 4, 1], loss: "bce", points: 6, seed: 7 });
    const whole = new Float64Array(surface.size);
    const parts = [new Float64Array(surface.size), new Float64Array(surface.size)];
    const loss = surface.gradientAt(w, whole);
    const first = surface.gradientAt(w, parts[0], 0, 2);
    const rest = surface.gradientAt(w, parts[1], 2, 4);
    expect((2 * first + 4 * rest) / 6).toBeCloseTo(loss, 14);
    whole.forEach((g, i) => {
      expect((2 * parts[0][i] + 4 * parts[1][i]) / 6).toBeCloseTo(g, 14);
    });
    expect(surface).toBeInstanceOf(PlainSurface);
  });
});
