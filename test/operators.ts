/** Symmetric operators with known spectra, for the tests of iterative methods. */
import type { Kernels } from "../src/engine/kernels.ts";
import { sharedKernels } from "../src/engine/module.ts";
import { RandomStream } from "../src/engine/random.ts";
import type { SymmetricOperator } from "../src/flatness/operator.ts";

const kernels: Kernels = await sharedKernels();

export function streamOf(seed: number, index = 0): RandomStream {
  return new RandomStream(kernels, BigInt(seed), index, 0x7e58);
}

export function diagonalOperator(values: ArrayLike<number>): SymmetricOperator {
  return {
    size: values.length,
    apply(v, out) {
      for (let i = 0; i < v.length; i++) out[i] = values[i] * v[i];
    },
  };
}

export function matrixOperator(rows: readonly (readonly number[])[]): SymmetricOperator {
  return {
    size: rows.length,
    apply(v, out) {
      rows.forEach((row, i) => {
        out[i] = row.reduce((sum, a, j) => sum + a * v[j], 0);
      });
    },
  };
}

/** `tridiag(-1, 2, -1)`: eigenvalues `2 - 2 cos(k pi / (n + 1))`, k = 1, ..., n. */
export function laplacian(n: number): SymmetricOperator {
  return {
    size: n,
    apply(v, out) {
      for (let i = 0; i < n; i++) out[i] = 2 * v[i] - (i > 0 ? v[i - 1] : 0) - (i < n - 1 ? v[i + 1] : 0);
    },
  };
}

export function laplacianValues(n: number): number[] {
  return Array.from({ length: n }, (_, i) => 2 - 2 * Math.cos(((n - i) * Math.PI) / (n + 1)));
}

/** Symmetric with independent Gaussian entries. */
export function gaussianMatrix(n: number, seed: number): number[][] {
  const noise = new Float32Array(n * n);
  streamOf(seed).gaussians(noise);
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (__, j) => noise[Math.max(i, j) * n + Math.min(i, j)]),
  );
}

/** `Q diag(values) Q'`, Q a product of three reflections: dense, with a known spectrum. */
export function turnedOperator(values: ArrayLike<number>, seed: number): SymmetricOperator {
  const n = values.length;
  const exact = [0, 1, 2].map((i) => {
    const u = new Float32Array(n);
    streamOf(seed, i).gaussians(u);
    const norm = Math.sqrt(u.reduce((sum, x) => sum + x * x, 0));
    return Float64Array.from(u, (x) => x / norm);
  });
  const reflect = (x: Float64Array, u: Float64Array): void => {
    let inner = 0;
    for (let i = 0; i < n; i++) inner += u[i] * x[i];
    for (let i = 0; i < n; i++) x[i] -= 2 * inner * u[i];
  };
  return {
    size: n,
    apply(v, out) {
      out.set(v);
      for (const u of exact) reflect(out, u);
      for (let i = 0; i < n; i++) out[i] *= values[i];
      for (const u of exact.toReversed()) reflect(out, u);
    },
  };
}
