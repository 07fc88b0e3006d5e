/**
 * Symmetric matrices in WebAssembly, by panels of four rows (assembly/panels.ts): Cholesky factors, triangular inverses,
 * Gram matrices. All in steps of some milliseconds.
 *
 * A lower triangle of n rows is padded to `4 P`, P = ceil(n / 4) panels, by rows of zeros (of a matrix) or of the identity
 * (of a factor). Sums run in ranges of `DEPTH` columns from column 0, whoever computes which rows: the same bits.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import { SLICE_MS } from "../engine/task.ts";

/** To be awaited every few milliseconds. */
export type Pause = () => Promise<void> | void;

/** Columns of a product taken at a time: a panel of them (8 kB) stays in the first-level cache. */
const DEPTH = 256;
/** Panels of a block of columns: with DEPTH columns, 256 kB, which stay in the second-level cache. */
const BLOCK = 32;

/** Panels of so many rows. */
export function panelsOf(rows: number): number {
  return Math.ceil(rows / 4);
}

/** f64 numbers of a lower triangle. */
export function lowerSize(panels: number): number {
  return 8 * panels * (panels + 1);
}

/** Index of entry (i, j), j < 4 (floor(i / 4) + 1), in a lower triangle. */
export function lowerIndex(i: number, j: number): number {
  const panel = i >> 2;
  return 8 * panel * (panel + 1) + 4 * j + (i & 3);
}

/** A triangle by panels: of a symmetric matrix its lower half, the diagonal tiles in full. */
export function packSymmetric(matrix: ArrayLike<number>, n: number): Float64Array<ArrayBuffer> {
  const panels = panelsOf(n);
  const packed = new Float64Array(lowerSize(panels));
  for (let panel = 0; panel < panels; panel++) {
    const first = 4 * panel;
    const start = lowerIndex(first, 0);
    const rows = Math.min(4, n - first);
    // four rows at once: what is written lies side by side
    if (rows === 4) {
      const [a, b, c, d] = [first * n, (first + 1) * n, (first + 2) * n, (first + 3) * n];
      for (let j = 0, at = start; j < first; j++, at += 4) {
        packed[at] = matrix[a + j];
        packed[at + 1] = matrix[b + j];
        packed[at + 2] = matrix[c + j];
        packed[at + 3] = matrix[d + j];
      }
    }
    for (let r = 0; r < rows; r++) {
      const i = first + r;
      for (let j = rows === 4 ? first : 0; j <= i; j++) packed[start + 4 * j + r] = matrix[i * n + j];
      for (let j = i + 1; j < first + rows; j++) packed[start + 4 * j + r] = matrix[j * n + i];
    }
  }
  return packed;
}

/** The whole symmetric matrix, row-major, of a triangle by panels. */
export function unpackSymmetric(packed: Float64Array, n: number): Float64Array<ArrayBuffer> {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const start = lowerIndex(i, 0);
    for (let j = 0; j <= i; j++) {
      matrix[i * n + j] = packed[start + 4 * j];
      matrix[j * n + i] = packed[start + 4 * j];
    }
  }
  return matrix;
}

/** Awaits `pause` when some milliseconds have gone by. */
export function makeRest(pause: Pause): () => Promise<void> | void {
  let rested = performance.now();
  return () => {
    if (performance.now() - rested < SLICE_MS) return;
    return (async () => {
      await pause();
      rested = performance.now();
    })();
  };
}

/** Addresses of a Cholesky factor, and of the inverses of its diagonal tiles. */
export interface Factor {
  readonly lower: number;
  readonly inverses: number;
  readonly panels: number;
}

/** Room for a factor of so many panels. */
export function allocateFactor(kernels: Kernels, panels: number): Factor {
  const lower = kernels.allocate(8 * lowerSize(panels));
  return { lower, inverses: kernels.allocate(128 * panels), panels };
}

/**
 * `A = L L'` in place, left-looking by blocks of columns.
 *
 * @returns the first row whose pivot is not positive, or -1.
 */
export async function factorise(kernels: Kernels, factor: Factor, pause: Pause): Promise<number> {
  const { lower, inverses, panels } = factor;
  const { panelUpdate, panelFactor, panelSolve } = kernels.exports;
  const rest = makeRest(pause);
  for (let from = 0; from < panels; from += BLOCK) {
    const to = Math.min(panels, from + BLOCK);
    for (let first = 0; first < 4 * from; first += DEPTH) {
      const last = Math.min(4 * from, first + DEPTH);
      for (let i = from; i < panels; i++) {
        panelUpdate(lower + 64 * i * (i + 1), first, last, lower, from, Math.min(to, i + 1));
        if (i % BLOCK === 0) await rest();
      }
    }
    for (let i = from; i < to; i++) {
      const failed = panelFactor(lower, inverses, i, 4 * from);
      if (failed >= 0) return failed;
    }
    for (let i = to; i < panels; i++) {
      panelSolve(lower + 64 * i * (i + 1), 4 * from, lower, inverses, from, to);
      if (i % BLOCK === 0) await rest();
    }
  }
  return -1;
}

/** Panels of four right-hand sides each, as rows: X of `X L' = C`, from column `start` on, where C begins. */
export interface RightSides {
  /** Of the first panel's column `start`. */
  readonly address: number;
  readonly count: number;
  /** First column that is not 0 of each panel, multiples of 4, not before `start`. */
  readonly begins: (side: number) => number;
  readonly start: number;
}

/** Bytes of so many right-hand sides. */
export function sideBytes(panels: number, sides: RightSides): number {
  return 32 * (4 * panels - sides.start) * sides.count;
}

/** Address of a right-hand side's column 0, whether or not it has one. */
export function sideAddress(panels: number, { address, start }: RightSides, side: number): number {
  return address + 32 * (4 * panels - start) * side - 32 * start;
}

/** Solves `X L' = C` in place: that is `L^-1` from the left for every column of C'. */
export async function solveSides(
  kernels: Kernels,
  factor: Factor,
  sides: RightSides,
  rest: () => Promise<void> | void,
): Promise<void> {
  const { lower, inverses, panels } = factor;
  const { panelUpdate, panelSolve } = kernels.exports;
  const at = Array.from({ length: sides.count }, (_, side) => sideAddress(panels, sides, side));
  const begins = at.map((_, side) => sides.begins(side));
  const firstBlock = Math.floor(sides.start / 4 / BLOCK) * BLOCK;
  for (let from = firstBlock; from < panels; from += BLOCK) {
    const to = Math.min(panels, from + BLOCK);
    for (let first = Math.floor(sides.start / DEPTH) * DEPTH; first < 4 * from; first += DEPTH) {
      const last = Math.min(4 * from, first + DEPTH);
      for (let side = 0; side < at.length; side++) {
        const begin = Math.max(begins[side], first);
        if (begin < last) panelUpdate(at[side], begin, last, lower, from, to);
      }
      await rest();
    }
    for (let side = 0; side < at.length; side++) {
      const begin = Math.max(begins[side], 4 * from);
      if (begin < 4 * to) panelSolve(at[side], begin, lower, inverses, begin / 4, to);
    }
    await rest();
  }
}

/**
 * Squared norms of columns `4 first, ..., 4 last - 1` of `L^-1`: the diagonal of `(L L')^-1`.
 *
 * @param out `4 (last - first)` f64.
 */
export async function inverseNorms(
  kernels: Kernels,
  factor: Factor,
  first: number,
  last: number,
  out: number,
  pause: Pause,
): Promise<void> {
  const { panels } = factor;
  const rest = makeRest(pause);
  const mark = kernels.mark();
  try {
    const address = kernels.allocate(128 * (panels - first) * Math.min(BLOCK, Math.max(0, last - first)));
    for (let from = first; from < last; from += BLOCK) {
      const count = Math.min(BLOCK, last - from);
      const sides = { address, count, start: 4 * from, begins: (side: number) => 4 * (from + side) };
      const values = kernels.f64(address, sideBytes(panels, sides) / 8);
      values.fill(0);
      for (let side = 0; side < count; side++) {
        const identity = (sideAddress(panels, sides, side) + 128 * (from + side) - address) / 8;
        for (let r = 0; r < 4; r++) values[identity + 5 * r] = 1;
      }
      await solveSides(kernels, factor, sides, rest);
      for (let side = 0; side < count; side++) {
        const begin = 4 * (from + side);
        const into = out + 32 * (from + side - first);
        kernels.exports.panelNorms(sideAddress(panels, sides, side), begin, 4 * panels, into);
      }
    }
  } finally {
    kernels.release(mark);
  }
}
