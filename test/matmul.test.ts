/** The matrix product against plain f64, for any sizes and transposes. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { gaussianVector } from "./randomSurface.ts";

const kernels = await sharedKernels();
const { exports } = kernels;

function check(m: number, n: number, depth: number, aT: boolean, bT: boolean, add: boolean): void {
  kernels.scoped(() => {
    const a = gaussianVector(m * depth, 1);
    const b = gaussianVector(depth * n, 2);
    const stride = (n + 3) & ~3;
    const c0 = gaussianVector((m + 1) * stride, 3);
    const at = kernels.put(a);
    const bt = kernels.put(b);
    const ct = kernels.put(c0);
    const packA = kernels.allocate(exports.packRowsBytes());
    const packB = kernels.allocate(exports.packBytes(n));
    const [ars, aks] = aT ? [4, 4 * m] : [4 * depth, 4];
    const [bks, bcs] = bT ? [4, 4 * depth] : [4 * n, 4];
    exports.matmul(at, ars, aks, bt, bks, bcs, ct, 4 * stride, m, n, depth, Number(add), packA, packB);
    const c = kernels.f32(ct, c0.length);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < stride; j++) {
        let sum = add ? c0[i * stride + j] : 0;
        let size = Math.abs(sum);
        for (let k = 0; j < n && k < depth; k++) {
          const product = a[(i * ars + k * aks) / 4] * b[(k * bks + j * bcs) / 4];
          sum += product;
          size += Math.abs(product);
        }
        // each of the depth + 2 roundings is at most 2^-24 of the sum of absolute values
        expect(Math.abs(c[i * stride + j] - sum)).toBeLessThanOrEqual((depth + 2) * 2 ** -24 * size);
      }
    }
    // the row after the last is left alone
    expect(c.slice(m * stride)).toEqual(c0.slice(m * stride));
  });
}

it("any sizes, transposed or not, added or not", () => {
  const size = fc.integer({ min: 1, max: 20 });
  fc.assert(fc.property(size, size, size, fc.boolean(), fc.boolean(), fc.boolean(), check), { numRuns: 200 });
});

it("over the edges of its blocks: 64 rows, depth 256", () => {
  check(63, 9, 257, false, false, true);
  check(65, 5, 512, true, false, false);
  check(130, 17, 600, false, true, true);
});

it("where A or B is read in place, and where strides or sizes forbid it", () => {
  check(64, 40, 300, false, false, true);
  check(65, 40, 40, false, false, false);
  check(42, 40, 64, true, false, true);
  check(41, 64, 300, true, false, false);
  check(64, 68, 64, true, false, true);
  check(128, 12, 20, true, false, false);
  check(20, 128, 20, false, false, true);
});

it("an entry's bits do not depend on the other rows and columns", () => {
  kernels.scoped(() => {
    const depth = 300;
    const a = kernels.put(gaussianVector(80 * depth, 4));
    const b = kernels.put(gaussianVector(depth * 24, 5));
    const whole = kernels.allocate(4 * 80 * 24);
    const part = kernels.allocate(4 * 80 * 24);
    const packA = kernels.allocate(exports.packRowsBytes());
    const packB = kernels.allocate(exports.packBytes(24));
    exports.matmul(a, 4 * depth, 4, b, 96, 4, whole, 96, 80, 24, depth, 0, packA, packB);
    exports.matmul(a + 4 * depth * 70, 4 * depth, 4, b + 12, 96, 4, part, 96, 3, 2, depth, 0, packA, packB);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 2; j++) {
        expect(kernels.f32(part, 72)[24 * i + j]).toBe(kernels.f32(whole, 80 * 24)[24 * (70 + i) + 3 + j]);
      }
    }
  });
});
