/** Alpha-rescaling: other parameters, the same outputs. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate } from "../src/network/evaluate.ts";
import { rescale } from "../src/network/rescale.ts";
import { randomSurface } from "./randomSurface.ts";
import { rescaled } from "./reference/plainSurface.ts";

const cases = fc.record({
  hidden: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
  outputs: fc.integer({ min: 1, max: 3 }),
  which: fc.nat(2),
  unit: fc.nat(8),
  seed: fc.nat(1000),
});

function subject({ hidden, outputs, which, unit, seed }: typeof cases extends fc.Arbitrary<infer T> ? T : never) {
  const layers = [4, ...hidden, outputs];
  const { surface, w } = randomSurface({ layers, loss: "mse", points: 20, seed });
  const layer = 1 + (which % hidden.length);
  return { layers, w, layer, unit: unit % hidden[layer - 1], inputs: surface.data.inputs };
}

describe("rescale", () => {
  it("divides W_l and b_l by alpha and multiplies W_(l+1), b_(l+1) stays", () => {
    // 2-2-1: W_1 [[1, 2], [3, 4]], b_1 [5, 6], W_2 [7, 8], b_2 9
    const w = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
    const network = { layers: [2, 2, 1] };
    expect([...rescale(network, w, { layer: 1, alpha: 2 })]).toEqual([0.5, 1, 1.5, 2, 2.5, 3, 14, 16, 9]);
    expect([...rescale(network, w, { layer: 1, alpha: 2, unit: 1 })]).toEqual([1, 2, 1.5, 2, 5, 3, 7, 16, 9]);
    expect([...rescale(network, w, { layer: 1, alpha: [0.5, 4] })]).toEqual([2, 4, 0.75, 1, 10, 1.5, 3.5, 32, 9]);
    expect([...w]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("leaves the outputs as they are: to the bit for a power of two, else to f32 rounding", async () => {
    await fc.assert(
      fc.asyncProperty(
        cases,
        fc.integer({ min: -8, max: 8 }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        async (c, k, alpha) => {
          const { layers, w, layer, unit, inputs } = subject(c);
          const outputs = (v: Float32Array) => evaluate({ layers }, v, inputs, 20);
          const before = await outputs(w);
          for (const only of [undefined, unit]) {
            expect(await outputs(rescale({ layers }, w, { layer, alpha: 2 ** k, unit: only }))).toEqual(before);
            const after = await outputs(rescale({ layers }, w, { layer, alpha, unit: only }));
            // each of some ten sums of terms below 100 rounds by 2^-24 of itself
            for (const [i, z] of after.entries()) expect(Math.abs(z - before[i])).toBeLessThan(1e-4);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("agrees with the definition, written apart", () => {
    fc.assert(
      fc.property(cases, fc.double({ min: 0.1, max: 10, noNaN: true }), (c, alpha) => {
        const { layers, w, layer } = subject(c);
        const surface = randomSurface({ layers, loss: "mse", points: 1, seed: 0 }).surface;
        expect(rescale({ layers }, w, { layer, alpha })).toEqual(rescaled(surface.network, w, layer, alpha));
      }),
      { numRuns: 40 },
    );
  });

  const w = new Float32Array(9).fill(1);
  it.each([
    [{ layer: 0, alpha: 2 }, /layer: expected an integer from 1 to 1, got 0/],
    [{ layer: 2, alpha: 2 }, /layer: expected an integer from 1 to 1, got 2/],
    [{ layer: 1, alpha: 0 }, /alpha: expected a number from 1e-30/],
    [{ layer: 1, alpha: Number.NaN }, /alpha: expected a number from 1e-30/],
    [{ layer: 1, alpha: -2 }, /alpha: .*got -2/],
    [{ layer: 1, alpha: "2" }, /alpha: expected a number, got "2"/],
    [{ layer: 1, alpha: [1] }, /alpha: expected 2 factors, one a unit, got 1/],
    [{ layer: 1, alpha: [1, -1] }, /alpha\[1\]: .*got -1/],
    [{ layer: 1, alpha: [1, 1], unit: 0 }, /unit: expected none/],
    [{ layer: 1, alpha: 2, unit: 2 }, /unit: expected an integer from 0 to 1, got 2/],
    [{ layer: 1, alpha: 2, units: 2 }, /options.units: no such option/],
  ])("refuses %j", (options, message) => {
    expect(() => rescale({ layers: [2, 2, 1] }, w, options as never)).toThrow(message);
  });

  it("refuses what is no ReLU network, has no hidden layer, or would leave f32", () => {
    expect(() => rescale({ layers: [2, 2, 1], activation: "tanh" }, w, { layer: 1, alpha: 2 })).toThrow(
      /activation: expected "relu", .* got "tanh"/,
    );
    expect(() => rescale({ layers: [2, 1] }, w.slice(0, 3), { layer: 1, alpha: 2 })).toThrow(
      /layer: expected a network with hidden layers, got \[2,1\]/,
    );
    const large = Float32Array.of(1, 1, 1, 1, 1, 1, 1e20, 1, 1);
    expect(() => rescale({ layers: [2, 2, 1] }, large, { layer: 1, alpha: 1e20 })).toThrow(
      /alpha: .* within f32, got 100000000000000000000: parameters\[6\]/,
    );
    const small = Float32Array.of(1e-30, 1, 1, 1, 1, 1, 1, 1, 1);
    expect(() => rescale({ layers: [2, 2, 1] }, small, { layer: 1, alpha: 1e20 })).toThrow(/alpha: .*parameters\[0\]/);
  });
});
