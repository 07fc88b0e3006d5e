import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { streamOf } from "./operators.ts";
import { addRows, rowDots } from "./reference/vector64.ts";

const kernels = await sharedKernels();

/** Vectors of `length` numbers, padded with zeros to a multiple of 4. */
function vectors(count: number, length: number, seed: number, whole: boolean): Float64Array[] {
  const random = streamOf(seed);
  return Array.from({ length: count }, () => {
    const noise = new Float32Array(length);
    random.gaussians(noise);
    const padded = new Float64Array(Math.ceil(length / 4) * 4);
    padded.set(noise);
    return whole ? padded.map((x) => Math.round(10 * x)) : padded;
  });
}

function put(rows: readonly Float64Array[]): number {
  return kernels.put(Float64Array.from(rows.flatMap((row) => [...row])));
}

describe("rowDots64 and addRows64", () => {
  it("equal the plain sums for every number of rows and length: exactly for integers, to rounding else", () => {
    for (const length of [1, 2, 3, 4, 5, 31, 32, 100]) {
      for (let count = 1; count <= 9; count++) {
        for (const whole of [true, false]) {
          kernels.scoped(() => {
            const rows = vectors(count, length, 100 * count + length, whole);
            const [v] = vectors(1, length, 7, whole);
            const c = Array.from({ length: count }, (_, j) => j - 2);
            const bytes = v.byteLength;
            const [at, vAt, cAt] = [put(rows), put([v]), kernels.put(Float64Array.from(c))];
            const out = kernels.allocate(8 * count);
            kernels.exports.rowDots64(at, count, bytes, vAt, bytes, out);
            const dots = rowDots(rows, v);
            kernels.f64(out, count).forEach((x, j) => {
              expect(Math.abs(x - dots[j])).toBeLessThanOrEqual(whole ? 0 : 1e-13);
            });
            kernels.exports.addRows64(vAt, at, count, bytes, cAt, bytes);
            const sums = addRows(v, rows, c);
            kernels.f64(vAt, sums.length).forEach((x, i) => {
              expect(Math.abs(x - sums[i])).toBeLessThanOrEqual(whole ? 0 : 1e-13);
            });
          });
        }
      }
    }
  });

  it("a stride may be longer than the vectors, and nothing beyond them is read or written", () => {
    kernels.scoped(() => {
      const at = kernels.put(new Float64Array(40).fill(Number.NaN));
      for (let j = 0; j < 5; j++) kernels.f64(at + 64 * j, 4).fill(j + 1);
      const v = kernels.put(Float64Array.of(1, 2, 3, 4, Number.NaN));
      const out = kernels.allocate(48);
      kernels.f64(out, 6)[5] = 99;
      kernels.exports.rowDots64(at, 5, 64, v, 32, out);
      expect([...kernels.f64(out, 6)]).toEqual([10, 20, 30, 40, 50, 99]);
      kernels.exports.addRows64(v, at, 5, 64, out, 32);
      expect([...kernels.f64(v, 5)]).toEqual([551, 552, 553, 554, Number.NaN]);
    });
  });
});
