/** Losses and their derivatives by the outputs against plain f64 (test/reference/plainSurface.ts). */
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import type { LossName } from "../src/training/surface.ts";
import { gaussianVector } from "./randomSurface.ts";
import { outputLoss } from "./reference/plainSurface.ts";

const kernels = await sharedKernels();
const { exports } = kernels;
const KINDS: Record<LossName, number> = { bce: 0, ce: 1, mse: 2 };

describe.each([
  ["bce", 1, 1],
  ["bce", 1, 100],
  ["ce", 5, 1],
  ["ce", 5, 300],
  ["mse", 3, 1],
] as const)("%s, %i outputs, outputs of size %i", (loss, outputs, size) => {
  it("loss, gradient, curvature, wrong predictions, in listed order", () => {
    kernels.scoped(() => {
      const points = 50;
      const width = (outputs + 3) & ~3;
      const z = gaussianVector(points * width, 1).map((x) => x * size);
      const r = gaussianVector(points * width, 2);
      const perPoint = loss === "mse" ? outputs : 1;
      const targets = Float32Array.from({ length: points * perPoint }, (_, i) =>
        loss === "mse" ? Math.fround(Math.sin(i)) : (i * 7) % (loss === "bce" ? 2 : outputs),
      );
      const indices = Uint32Array.from({ length: points }, (_, i) => (i * 13) % points);
      const [zt, rt, tt, it] = [kernels.put(z), kernels.put(r), kernels.put(targets), kernels.put(indices)];
      const [d, p, out] = [0, 1, 2].map(() => kernels.allocate(4 * points * width));
      const kind = KINDS[loss];
      exports.lossBlock(kind, zt, 4 * width, outputs, tt, it, points, 0.25, d, p);
      const total = exports.lossBlock(kind, zt, 4 * width, outputs, tt, it, points, 0.25, 0, 0);
      exports.lossCurvature(kind, p, rt, 4 * width, outputs, points, 0.25, out);
      let sum = 0;
      for (let i = 0; i < points; i++) {
        const row = Float64Array.from(z.subarray(i * width, i * width + outputs));
        const target = targets.subarray(indices[i] * perPoint, (indices[i] + 1) * perPoint);
        const expected = outputLoss(loss, row, target);
        sum += expected.loss;
        const v = Float64Array.from(r.subarray(i * width, i * width + outputs));
        const curvature = expected.curvature(v);
        for (let o = 0; o < outputs; o++) {
          // one rounding to f32 of numbers of the size of the residual; the curvature meets probabilities rounded once
          const g = expected.gradient[o] / 4;
          expect(Math.abs(kernels.f32(d, points * width)[i * width + o] - g)).toBeLessThan(1e-7 * (1 + Math.abs(g)));
          const c = curvature[o] / 4;
          expect(Math.abs(kernels.f32(out, points * width)[i * width + o] - c)).toBeLessThan(1e-6 * (1 + Math.abs(c)));
        }
      }
      expect(Math.abs(total - sum)).toBeLessThan(1e-9 * (1 + sum));
    });
  });
});

it("logits of 1e4 and beyond stay finite and right", () => {
  kernels.scoped(() => {
    const z = kernels.put(Float32Array.of(1e4, 0, 0, 0, -3e38, 0, 0, 0));
    const targets = kernels.put(Float32Array.of(0, 0));
    const d = kernels.allocate(32);
    expect(exports.lossBlock(0, z, 16, 1, targets, 0, 2, 1, d, 0)).toBe(1e4);
    expect([...kernels.f32(d, 5)]).toEqual([1, 0, 0, 0, 0]);
    const soft = kernels.put(Float32Array.of(1e4, -1e4, 3, 0));
    const other = kernels.put(Float32Array.of(1));
    expect(exports.lossBlock(1, soft, 16, 3, other, 0, 1, 1, 0, 0)).toBe(2e4);
  });
});
