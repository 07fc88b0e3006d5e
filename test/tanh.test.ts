import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { tanh } from "./reference/tanh.ts";
import { tanhErrors, tanhOf } from "./tanhChecks.ts";

const kernels = await sharedKernels();

describe("tanhArray", () => {
  it("equals the reference to the bit on any f32", () => {
    fc.assert(
      fc.property(fc.array(fc.float(), { maxLength: 40 }), (x) => {
        const got = tanhOf(kernels, Float32Array.from(x));
        x.forEach((v, i) => {
          expect(got[i]).toBe(tanh(v));
        });
      }),
      { numRuns: 500 },
    );
  });

  it("equals the reference to the bit on 2^16 values across [-9, 9]", () => {
    const x = Float32Array.from({ length: 2 ** 16 }, (_, i) => (18 * i) / 2 ** 16 - 9);
    expect(tanhOf(kernels, x)).toEqual(x.map(tanh));
  });

  it("is odd to the last bit, -0 included", () => {
    const x = Float32Array.from({ length: 4096 }, (_, i) => 2 ** (i / 64 - 60) * (1 + (i % 13) / 13));
    x[0] = 0;
    const plus = tanhOf(kernels, x);
    const minus = tanhOf(
      kernels,
      x.map((v) => -v),
    );
    plus.forEach((v, i) => {
      expect(Object.is(minus[i], -v)).toBe(true);
    });
  });

  it("keeps NaN, and is exactly 1 and -1 at infinity and beyond 7.91", () => {
    const x = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 7.91, -7.91, 3e38, -3e38];
    expect([...tanhOf(kernels, Float32Array.from(x))]).toEqual([Number.NaN, 1, -1, 1, -1, 1, -1]);
  });

  it("is off by less than 7 ulp and 4.2e-7 for 2^-100 <= |x| <= 10, never above 1 (every 997th f32)", () => {
    const errors = tanhErrors(kernels, 2 ** -100, 10, 997);
    expect(errors.ulp).toBeLessThan(7);
    expect(errors.absolute).toBeLessThan(4.2e-7);
    expect(errors.largest).toBe(1);
    // neighbouring values may fall by rounding while x grows, but not by more than the errors of both
    expect(errors.deepest).toBeLessThan(14);
  });

  it("loses relative accuracy only below 2^-119, where its products are subnormal: error under 1e-37", () => {
    expect(tanhErrors(kernels, 2 ** -118, 2 ** -100, 997).ulp).toBeLessThan(2.5);
    expect(tanhErrors(kernels, 2 ** -149, 2 ** -118, 997).absolute).toBeLessThan(1e-37);
  });

  it("may write over its input, and does nothing for 0 vectors", () => {
    const x = Float32Array.from({ length: 64 }, (_, i) => i / 16 - 2);
    expect(tanhOf(kernels, x, true)).toEqual(tanhOf(kernels, x));
    expect(tanhOf(kernels, new Float32Array(0))).toHaveLength(0);
  });
});
