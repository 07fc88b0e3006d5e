/** Parameters between the flat layout and the training kernels'. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { defineNetwork } from "../src/network/network.ts";
import { getParameters, makeTrainingPlan, putParameters } from "../src/training/plan.ts";
import { toKernelLayout } from "./reference/layout.ts";

const kernels = await sharedKernels();

describe("layouts", () => {
  it("there as defined, and back, for any shape", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 19 }), { minLength: 2, maxLength: 5 }), (layers) => {
        kernels.scoped(() => {
          const network = defineNetwork({ layers });
          const flat = Float32Array.from({ length: network.parameterCount }, (_, i) => i + 1);
          const data = {
            points: 1,
            features: layers[0],
            inputs: new Float32Array(layers[0]),
            targets: new Float32Array(layers[layers.length - 1]),
          };
          const plan = makeTrainingPlan(kernels, network, data, "mse");
          putParameters(kernels, plan, flat, plan.w);
          expect(kernels.f32(plan.w, plan.entries)).toEqual(toKernelLayout(layers, flat));
          const back = new Float32Array(flat.length);
          getParameters(kernels, plan, plan.w, back);
          expect(back).toEqual(flat);
        });
      }),
    );
  });

  it("transposes matrices of any size, and leaves the padding alone", () => {
    for (const [rows, columns] of [
      [1, 1],
      [3, 5],
      [4, 4],
      [5, 3],
      [8, 9],
      [13, 16],
    ]) {
      kernels.scoped(() => {
        const x = Float32Array.from({ length: rows * columns }, (_, i) => i + 1);
        const stride = rows + 3;
        const from = kernels.put(x);
        const out = kernels.put(new Float32Array(columns * stride).fill(-1));
        kernels.exports.transposeMatrix(from, 4 * columns, rows, columns, out, 4 * stride);
        const expected = new Float32Array(columns * stride).fill(-1);
        x.forEach((value, i) => {
          expected[(i % columns) * stride + Math.floor(i / columns)] = value;
        });
        expect(kernels.f32(out, expected.length)).toEqual(expected);
      });
    }
  });
});
