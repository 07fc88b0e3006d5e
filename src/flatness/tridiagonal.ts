/**
 * Eigenvalues and eigenvectors of small symmetric and of tridiagonal matrices. Only + - * / and square roots, so the same
 * bits everywhere.
 *
 * @module
 */
import type { Pause } from "./operator.ts";

const EPSILON = 2 ** -52;
/** Implicit QL needs under 2 iterations an eigenvalue; this many for one means entries that are not numbers. */
const MOST_ITERATIONS = 100;

/** `sqrt(a^2 + b^2)` without overflow. */
function length(a: number, b: number): number {
  const x = Math.abs(a);
  const y = Math.abs(b);
  const most = Math.max(x, y);
  if (most === 0) return 0;
  const ratio = Math.min(x, y) / most;
  return most * Math.sqrt(1 + ratio * ratio);
}

/** A bound of the norm within a factor 3: what is below its rounding is 0. */
function size(d: Float64Array, e: Float64Array): number {
  let most = 0;
  for (let i = 0; i < d.length; i++) most = Math.max(most, Math.abs(d[i]) + Math.abs(e[i]));
  return most;
}

/**
 * Brings `d[l]` to an eigenvalue by implicit QL [Bowdler, Martin, Reinsch & Wilkinson 1968].
 *
 * @param z vectors of `rows` entries, one a row of the matrix, which the rotations turn.
 */
function reduceOne(d: Float64Array, e: Float64Array, l: number, tiny: number, rows: number, z: Float64Array): void {
  const n = d.length;
  for (let iteration = 0; ; iteration++) {
    let m = l;
    while (m < n - 1 && Math.abs(e[m]) > tiny) m++;
    if (m === l) return;
    if (iteration === MOST_ITERATIONS) throw new Error("the eigenvalues of a tridiagonal matrix do not converge");
    let g = (d[l + 1] - d[l]) / (2 * e[l]);
    let r = length(g, 1);
    g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
    let s = 1;
    let c = 1;
    let p = 0;
    let i = m - 1;
    for (; i >= l; i--) {
      const f = s * e[i];
      const b = c * e[i];
      r = length(f, g);
      e[i + 1] = r;
      if (r === 0) {
        d[i + 1] -= p;
        e[m] = 0;
        break;
      }
      s = f / r;
      c = g / r;
      g = d[i + 1] - p;
      r = (d[i] - g) * s + 2 * c * b;
      p = s * r;
      d[i + 1] = g + p;
      g = c * r - b;
      const at = i * rows;
      const next = at + rows;
      for (let k = 0; k < rows; k++) {
        const high = z[next + k];
        const low = z[at + k];
        z[next + k] = s * low + c * high;
        z[at + k] = c * low - s * high;
      }
    }
    if (i >= l) continue;
    d[l] -= p;
    e[l] = g;
    e[m] = 0;
  }
}

/**
 * Diagonalises a tridiagonal matrix T in place, `T = Y diag(d) Y'`; absolute errors of a few roundings of |T|.
 *
 * @param d diagonal; becomes the eigenvalues, in no order.
 * @param e `e[i]` couples i and i + 1; as many entries as d, the last unused. Overwritten.
 * @param rows entries of a vector in z.
 * @param z `[d.length][rows]`, the columns of some Z; becomes those of Z Y. With Z = I: the eigenvectors, one after the
 *   other; with Z the first row of I: their first entries.
 */
export function tridiagonalEigen(d: Float64Array, e: Float64Array, rows = 0, z = new Float64Array(0)): void {
  if (d.length > 0) e[d.length - 1] = 0;
  const tiny = EPSILON * size(d, e);
  for (let l = 0; l < d.length; l++) reduceOne(d, e, l, tiny, rows, z);
}

/** The same for eigenvalues alone of large matrices, with pauses. */
export async function tridiagonalEigenvalues(d: Float64Array, e: Float64Array, pause: Pause): Promise<void> {
  const none = new Float64Array(0);
  e[d.length - 1] = 0;
  const tiny = EPSILON * size(d, e);
  for (let l = 0; l < d.length; l++) {
    reduceOne(d, e, l, tiny, 0, none);
    if (l % 16 === 15) await pause();
  }
}

/** Eigenvalues with eigenvectors of unit length: vector i is `vectors[i n .. i n + n - 1]`. In no order. */
export interface Eigenpairs {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/**
 * A small dense symmetric matrix: Householder's reflections [Golub & Van Loan, section 8.3.1], then QL.
 *
 * @param matrix row-major, `stride` numbers from row to row; its leading n rows and columns count, and of them the lower
 *   triangle.
 */
export function denseEigen(matrix: Float64Array, n: number, stride = n): Eigenpairs {
  const a = new Float64Array(n * n);
  let most = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const x = matrix[i * stride + j];
      a[i * n + j] = x;
      a[j * n + i] = x;
      most = Math.max(most, Math.abs(x));
    }
  }
  const nothing = (most * 1e-140) ** 2;
  const d = new Float64Array(n);
  const e = new Float64Array(n);
  const z = new Float64Array(n * n);
  for (let i = 0; i < n; i++) z[i * n + i] = 1;
  const x = new Float64Array(n);
  const p = new Float64Array(n);
  const turned = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    const row = a.subarray(i * n, i * n + i);
    let others = 0;
    for (let j = 0; j < i - 1; j++) others += row[j] * row[j];
    const f = row[i - 1];
    d[i] = a[i * n + i];
    if (!(others > nothing)) {
      e[i - 1] = f;
      continue;
    }
    const norm = Math.sqrt(others + f * f);
    x.set(row);
    x[i - 1] = f >= 0 ? f + norm : f - norm;
    e[i - 1] = f >= 0 ? -norm : norm;
    const half = norm * (norm + Math.abs(f));
    let inner = 0;
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0; k < i; k++) sum += a[j * n + k] * x[k];
      p[j] = sum / half;
      inner += x[j] * p[j];
    }
    for (let j = 0; j < i; j++) p[j] -= (inner / (2 * half)) * x[j];
    for (let j = 0; j < i; j++) for (let k = 0; k < i; k++) a[j * n + k] -= x[j] * p[k] + p[j] * x[k];
    turned.fill(0);
    for (let j = 0; j < i; j++) for (let k = 0; k < n; k++) turned[k] += x[j] * z[j * n + k];
    for (let j = 0; j < i; j++) {
      const factor = x[j] / half;
      for (let k = 0; k < n; k++) z[j * n + k] -= factor * turned[k];
    }
  }
  if (n > 0) d[0] = a[0];
  tridiagonalEigen(d, e, n, z);
  return { values: d, vectors: z };
}
