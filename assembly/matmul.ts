/**
 * Matrix product in f32 with packed panels [Goto & van de Geijn 2008]: C = A B or C += A B, any strides, so that transposes are
 * free in the packing. Every entry of C is summed over blocks of `DEPTH` in ascending order, so its bits depend on the
 * depth alone, not on the number of rows or columns.
 */

/** Depth of a block: a panel of 8 columns stays in the first-level cache. */
const DEPTH: i32 = 256;
/** Rows of A packed at a time. */
const ROWS: i32 = 64;

/** Bytes of scratch for packed A. */
export const PACK_A_BYTES: i32 = 4 * ROWS * DEPTH;

/** Bytes of scratch for packed B of `n` columns. */
export function packBytes(n: i32): i32 {
  return 4 * DEPTH * ((n + 7) & ~7);
}

/** Bytes of scratch for packed A. */
export function packRowsBytes(): i32 {
  return PACK_A_BYTES;
}

/** Four rows, `four` columns k of each from x, transposed to four vectors of one k at `out`. */
function transpose(r0: v128, r1: v128, r2: v128, r3: v128, out: usize, step: usize): void {
  const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const c = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(a, b, 0, 2));
  v128.store(out + step, v128.shuffle<i64>(a, b, 1, 3));
  v128.store(out + 2 * step, v128.shuffle<i64>(c, d, 0, 2));
  v128.store(out + 3 * step, v128.shuffle<i64>(c, d, 1, 3));
}

/**
 * Packs `lines` lines of `depth` numbers into groups of four side by side: entry (line l, depth k) goes to
 * out + (l / 4) group + k step + 4 (l % 4). Missing lines of the last group are zeros.
 */
function pack(x: usize, lineStride: usize, depthStride: usize, lines: i32, depth: i32, out: usize, step: usize): void {
  const valid = min(lines, 4);
  let k = 0;
  if (valid == 4 && lineStride == 4) {
    for (; k < depth; k++, x += depthStride, out += step) v128.store(out, v128.load(x));
    return;
  }
  if (valid == 4 && depthStride == 4) {
    const x1 = x + lineStride;
    const x2 = x1 + lineStride;
    const x3 = x2 + lineStride;
    let at: usize = 0;
    for (; k + 4 <= depth; k += 4, at += 16, out += 4 * step) {
      transpose(v128.load(x + at), v128.load(x1 + at), v128.load(x2 + at), v128.load(x3 + at), out, step);
    }
  }
  for (; k < depth; k++, out += step) {
    const from = x + <usize>k * depthStride;
    v128.store(out, f32x4.splat(0));
    for (let l = 0; l < valid; l++) store<f32>(out + ((<usize>l) << 2), load<f32>(from + <usize>l * lineStride));
  }
}

function put(c: usize, x0: v128, x1: v128, two: i32, add: i32): void {
  if (add) {
    v128.store(c, f32x4.add(v128.load(c), x0));
    if (two) v128.store(c, f32x4.add(v128.load(c, 16), x1), 16);
  } else {
    v128.store(c, x0);
    if (two) v128.store(c, x1, 16);
  }
}

/** Four rows of packed A by eight columns of packed B. */
function tile(a: usize, b: usize, depth: i32, c: usize, cs: usize, rows: i32, two: i32, add: i32): void {
  let a00 = f32x4.splat(0);
  let a01 = a00;
  let a10 = a00;
  let a11 = a00;
  let a20 = a00;
  let a21 = a00;
  let a30 = a00;
  let a31 = a00;
  const end = a + ((<usize>depth) << 4);
  while (a < end) {
    const x0 = v128.load(b, 0);
    const x1 = v128.load(b, 16);
    let w = v128.load_splat<f32>(a, 0);
    a00 = f32x4.add(a00, f32x4.mul(w, x0));
    a01 = f32x4.add(a01, f32x4.mul(w, x1));
    w = v128.load_splat<f32>(a, 4);
    a10 = f32x4.add(a10, f32x4.mul(w, x0));
    a11 = f32x4.add(a11, f32x4.mul(w, x1));
    w = v128.load_splat<f32>(a, 8);
    a20 = f32x4.add(a20, f32x4.mul(w, x0));
    a21 = f32x4.add(a21, f32x4.mul(w, x1));
    w = v128.load_splat<f32>(a, 12);
    a30 = f32x4.add(a30, f32x4.mul(w, x0));
    a31 = f32x4.add(a31, f32x4.mul(w, x1));
    a += 16;
    b += 32;
  }
  put(c, a00, a01, two, add);
  if (rows > 1) put(c + cs, a10, a11, two, add);
  if (rows > 2) put(c + 2 * cs, a20, a21, two, add);
  if (rows > 3) put(c + 3 * cs, a30, a31, two, add);
}

/**
 * C = A B, or C += A B.
 *
 * @param a entry (i, k) at a + i ars + k aks; `b`: entry (k, j) at b + k bks + j bcs; strides in bytes.
 * @param c entry (i, j) at c + i cs + 4 j. Columns n to the next multiple of 4 are written too: 0, or left if `add`.
 * @param m, n, depth rows of A, columns of B, and what is summed over.
 * @param packA, packB scratch of `packRowsBytes()` and `packBytes(n)` bytes, 16-byte aligned.
 */
export function matmul(
  a: usize,
  ars: usize,
  aks: usize,
  b: usize,
  bks: usize,
  bcs: usize,
  c: usize,
  cs: usize,
  m: i32,
  n: i32,
  depth: i32,
  add: i32,
  packA: usize,
  packB: usize,
): void {
  for (let k = 0; k < depth; k += DEPTH) {
    const d = min(DEPTH, depth - k);
    const panel = (<usize>d) << 5;
    const more = i32(k > 0) | add;
    let p = packB;
    for (let j = 0; j < n; j += 8, p += panel) {
      const from = b + <usize>k * bks + <usize>j * bcs;
      pack(from, bcs, bks, n - j, d, p, 32);
      if (n - j > 4) pack(from + 4 * bcs, bcs, bks, n - j - 4, d, p + 16, 32);
    }
    for (let i = 0; i < m; i += ROWS) {
      const rows = min(ROWS, m - i);
      const group = (<usize>d) << 4;
      let q = packA;
      for (let r = 0; r < rows; r += 4, q += group) {
        pack(a + <usize>(i + r) * ars + <usize>k * aks, ars, aks, rows - r, d, q, 16);
      }
      p = packB;
      for (let j = 0; j < n; j += 8, p += panel) {
        q = packA;
        let at = c + <usize>i * cs + ((<usize>j) << 2);
        for (let r = 0; r < rows; r += 4, q += group, at += 4 * cs) {
          tile(q, p, d, at, cs, rows - r, i32(n - j > 4), more);
        }
      }
    }
  }
}
