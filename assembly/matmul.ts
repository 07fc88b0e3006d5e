/**
 * Matrix product in f32 with packed panels [Goto & van de Geijn 2008]: C = A B or C += A B, any strides, so that transposes are
 * free in the packing; small matrices are read where they lie. Every entry of C is summed over blocks of `DEPTH` in ascending
 * order, so its bits depend on the depth alone, not on the number of rows or columns.
 */

/** Depth of a block: a panel of 8 columns stays in the first-level cache. */
const DEPTH: i32 = 256;
/** Rows of A packed at a time. */
const ROWS: i32 = 64;
/** Rows of A up to which B is read where it lies, and columns of B up to which A is: packing would cost more than it saves. */
const MOST_IN_PLACE: i32 = 64;
/** A stride without these bits brings all depths to a few sets of the first-level cache. */
const SAME_SETS: usize = 511;

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

/** Four rows of A, entries of a depth side by side, by eight columns of B; `aks`, `bks` bytes from one depth to the next. */
function tile(a: usize, aks: usize, b: usize, bks: usize, depth: i32, c: usize, cs: usize, rows: i32, add: i32): void {
  let a00 = f32x4.splat(0);
  let a01 = a00;
  let a10 = a00;
  let a11 = a00;
  let a20 = a00;
  let a21 = a00;
  let a30 = a00;
  let a31 = a00;
  let x0: v128;
  let x1: v128;
  let w: v128;
  const end = b + <usize>depth * bks;
  // a test after each depth keeps the loads of the next behind the sums of this one: four at once would spill
  while (true) {
    x0 = v128.load(b, 0);
    x1 = v128.load(b, 16);
    w = v128.load_splat<f32>(a, 0);
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
    a += aks;
    b += bks;
    if (b == end) break;
    x0 = v128.load(b, 0);
    x1 = v128.load(b, 16);
    w = v128.load_splat<f32>(a, 0);
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
    a += aks;
    b += bks;
    if (b == end) break;
    x0 = v128.load(b, 0);
    x1 = v128.load(b, 16);
    w = v128.load_splat<f32>(a, 0);
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
    a += aks;
    b += bks;
    if (b == end) break;
    x0 = v128.load(b, 0);
    x1 = v128.load(b, 16);
    w = v128.load_splat<f32>(a, 0);
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
    a += aks;
    b += bks;
    if (b == end) break;
  }
  const c1 = c + cs;
  const c2 = c1 + cs;
  const c3 = c2 + cs;
  if (add) {
    a00 = f32x4.add(v128.load(c, 0), a00);
    a01 = f32x4.add(v128.load(c, 16), a01);
    if (rows > 1) {
      a10 = f32x4.add(v128.load(c1, 0), a10);
      a11 = f32x4.add(v128.load(c1, 16), a11);
    }
    if (rows > 2) {
      a20 = f32x4.add(v128.load(c2, 0), a20);
      a21 = f32x4.add(v128.load(c2, 16), a21);
    }
    if (rows > 3) {
      a30 = f32x4.add(v128.load(c3, 0), a30);
      a31 = f32x4.add(v128.load(c3, 16), a31);
    }
  }
  v128.store(c, a00, 0);
  v128.store(c, a01, 16);
  if (rows > 1) {
    v128.store(c1, a10, 0);
    v128.store(c1, a11, 16);
  }
  if (rows > 2) {
    v128.store(c2, a20, 0);
    v128.store(c2, a21, 16);
  }
  if (rows > 3) {
    v128.store(c3, a30, 0);
    v128.store(c3, a31, 16);
  }
}

/** `tile` of four columns. */
function tile4(a: usize, aks: usize, b: usize, bks: usize, depth: i32, c: usize, cs: usize, rows: i32, add: i32): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let x: v128;
  const end = b + <usize>depth * bks;
  while (true) {
    x = v128.load(b);
    s0 = f32x4.add(s0, f32x4.mul(v128.load_splat<f32>(a, 0), x));
    s1 = f32x4.add(s1, f32x4.mul(v128.load_splat<f32>(a, 4), x));
    s2 = f32x4.add(s2, f32x4.mul(v128.load_splat<f32>(a, 8), x));
    s3 = f32x4.add(s3, f32x4.mul(v128.load_splat<f32>(a, 12), x));
    a += aks;
    b += bks;
    if (b == end) break;
    x = v128.load(b);
    s0 = f32x4.add(s0, f32x4.mul(v128.load_splat<f32>(a, 0), x));
    s1 = f32x4.add(s1, f32x4.mul(v128.load_splat<f32>(a, 4), x));
    s2 = f32x4.add(s2, f32x4.mul(v128.load_splat<f32>(a, 8), x));
    s3 = f32x4.add(s3, f32x4.mul(v128.load_splat<f32>(a, 12), x));
    a += aks;
    b += bks;
    if (b == end) break;
    x = v128.load(b);
    s0 = f32x4.add(s0, f32x4.mul(v128.load_splat<f32>(a, 0), x));
    s1 = f32x4.add(s1, f32x4.mul(v128.load_splat<f32>(a, 4), x));
    s2 = f32x4.add(s2, f32x4.mul(v128.load_splat<f32>(a, 8), x));
    s3 = f32x4.add(s3, f32x4.mul(v128.load_splat<f32>(a, 12), x));
    a += aks;
    b += bks;
    if (b == end) break;
    x = v128.load(b);
    s0 = f32x4.add(s0, f32x4.mul(v128.load_splat<f32>(a, 0), x));
    s1 = f32x4.add(s1, f32x4.mul(v128.load_splat<f32>(a, 4), x));
    s2 = f32x4.add(s2, f32x4.mul(v128.load_splat<f32>(a, 8), x));
    s3 = f32x4.add(s3, f32x4.mul(v128.load_splat<f32>(a, 12), x));
    a += aks;
    b += bks;
    if (b == end) break;
  }
  const c1 = c + cs;
  const c2 = c1 + cs;
  const c3 = c2 + cs;
  if (add) {
    s0 = f32x4.add(v128.load(c), s0);
    if (rows > 1) s1 = f32x4.add(v128.load(c1), s1);
    if (rows > 2) s2 = f32x4.add(v128.load(c2), s2);
    if (rows > 3) s3 = f32x4.add(v128.load(c3), s3);
  }
  v128.store(c, s0);
  if (rows > 1) v128.store(c1, s1);
  if (rows > 2) v128.store(c2, s2);
  if (rows > 3) v128.store(c3, s3);
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
  // few rows do not repay packing B, nor few columns packing A
  const bInPlace = m <= MOST_IN_PLACE && bcs == 4 && (n & 3) == 0 && (bks & SAME_SETS) != 0;
  const aInPlace = n <= MOST_IN_PLACE && ars == 4 && (aks & SAME_SETS) != 0;
  for (let k = 0; k < depth; k += DEPTH) {
    const d = min(DEPTH, depth - k);
    const more = i32(k > 0) | add;
    const bBlock = b + <usize>k * bks;
    const bStart = bInPlace ? bBlock : packB;
    const bStep: usize = bInPlace ? bks : 32;
    const panel: usize = bInPlace ? 32 : (<usize>d) << 5;
    if (!bInPlace) {
      let p = packB;
      for (let j = 0; j < n; j += 8, p += panel) {
        const from = bBlock + <usize>j * bcs;
        pack(from, bcs, bks, n - j, d, p, 32);
        if (n - j > 4) pack(from + 4 * bcs, bcs, bks, n - j - 4, d, p + 16, 32);
      }
    }
    const group = (<usize>d) << 4;
    for (let i = 0; i < m; i += ROWS) {
      const rows = min(ROWS, m - i);
      const aBlock = a + <usize>i * ars + <usize>k * aks;
      // a group with rows missing is packed, not read past A's end
      const whole = aInPlace ? rows & ~3 : 0;
      for (let r = whole, q = packA; r < rows; r += 4, q += group) {
        pack(aBlock + <usize>r * ars, ars, aks, rows - r, d, q, 16);
      }
      for (let j = 0, p = bStart; j < n; j += 8, p += panel) {
        let at = c + <usize>i * cs + ((<usize>j) << 2);
        let r = 0;
        for (; r < whole; r += 4, at += 4 * cs) {
          const q = aBlock + <usize>r * ars;
          if (n - j > 4) tile(q, aks, p, bStep, d, at, cs, 4, more);
          else tile4(q, aks, p, bStep, d, at, cs, 4, more);
        }
        for (let q = packA; r < rows; r += 4, q += group, at += 4 * cs) {
          if (n - j > 4) tile(q, 16, p, bStep, d, at, cs, rows - r, more);
          else tile4(q, 16, p, bStep, d, at, cs, rows - r, more);
        }
      }
    }
  }
}
