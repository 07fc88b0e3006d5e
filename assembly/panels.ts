/**
 * Blocked f64 factorisations of symmetric matrices, in panels of four rows.
 *
 * A panel holds four rows side by side: entry (row r, column k) at byte 32 k + 8 r. A lower triangle of `4 P` rows is panels
 * 0, ..., P - 1, the i-th with 4 (i + 1) columns, beginning at byte 64 i (i + 1). So rows and columns of a product are read
 * as they lie, and nothing is packed: one tile of 4 x 4, the products of two panels, does all the work.
 *
 * Sums run over columns in ascending order, in the ranges that the caller asks for; lanes never mix, so the bits of a row do
 * not depend on what stands beside it.
 *
 * `inverses` holds for each panel the inverse of its 4 x 4 diagonal tile, row-major: 128 bytes.
 */

/** Panel i of a lower triangle. */
export function panelAddress(lower: usize, i: i32): usize {
  return lower + ((<usize>i * (<usize>i + 1)) << 6);
}

/** `c[col][row] += or -= sum_k a[k][row] b[k][col]`, 4 x 4. `c` is where the tile lies in its panel. */
function tile(c: usize, a: usize, b: usize, depth: i32, add: i32): void {
  let a00 = f64x2.splat(0);
  let a01 = a00;
  let a10 = a00;
  let a11 = a00;
  let a20 = a00;
  let a21 = a00;
  let a30 = a00;
  let a31 = a00;
  const end = a + ((<usize>depth) << 5);
  while (a < end) {
    let x0 = v128.load(a, 0);
    let x1 = v128.load(a, 16);
    let w = v128.load_splat<f64>(b, 0);
    a00 = f64x2.add(a00, f64x2.mul(w, x0));
    a01 = f64x2.add(a01, f64x2.mul(w, x1));
    w = v128.load_splat<f64>(b, 8);
    a10 = f64x2.add(a10, f64x2.mul(w, x0));
    a11 = f64x2.add(a11, f64x2.mul(w, x1));
    w = v128.load_splat<f64>(b, 16);
    a20 = f64x2.add(a20, f64x2.mul(w, x0));
    a21 = f64x2.add(a21, f64x2.mul(w, x1));
    w = v128.load_splat<f64>(b, 24);
    a30 = f64x2.add(a30, f64x2.mul(w, x0));
    a31 = f64x2.add(a31, f64x2.mul(w, x1));
    a += 32;
    b += 32;
    // an exit between two columns: V8 loads all operands of a block first, and those of two columns are more than there are
    // registers (one column a turn 15 GFLOP/s, two without the exit 13, with it 20)
    if (a == end) break;
    x0 = v128.load(a, 0);
    x1 = v128.load(a, 16);
    w = v128.load_splat<f64>(b, 0);
    a00 = f64x2.add(a00, f64x2.mul(w, x0));
    a01 = f64x2.add(a01, f64x2.mul(w, x1));
    w = v128.load_splat<f64>(b, 8);
    a10 = f64x2.add(a10, f64x2.mul(w, x0));
    a11 = f64x2.add(a11, f64x2.mul(w, x1));
    w = v128.load_splat<f64>(b, 16);
    a20 = f64x2.add(a20, f64x2.mul(w, x0));
    a21 = f64x2.add(a21, f64x2.mul(w, x1));
    w = v128.load_splat<f64>(b, 24);
    a30 = f64x2.add(a30, f64x2.mul(w, x0));
    a31 = f64x2.add(a31, f64x2.mul(w, x1));
    a += 32;
    b += 32;
  }
  if (add) {
    v128.store(c, f64x2.add(v128.load(c, 0), a00), 0);
    v128.store(c, f64x2.add(v128.load(c, 16), a01), 16);
    v128.store(c, f64x2.add(v128.load(c, 32), a10), 32);
    v128.store(c, f64x2.add(v128.load(c, 48), a11), 48);
    v128.store(c, f64x2.add(v128.load(c, 64), a20), 64);
    v128.store(c, f64x2.add(v128.load(c, 80), a21), 80);
    v128.store(c, f64x2.add(v128.load(c, 96), a30), 96);
    v128.store(c, f64x2.add(v128.load(c, 112), a31), 112);
  } else {
    v128.store(c, f64x2.sub(v128.load(c, 0), a00), 0);
    v128.store(c, f64x2.sub(v128.load(c, 16), a01), 16);
    v128.store(c, f64x2.sub(v128.load(c, 32), a10), 32);
    v128.store(c, f64x2.sub(v128.load(c, 48), a11), 48);
    v128.store(c, f64x2.sub(v128.load(c, 64), a20), 64);
    v128.store(c, f64x2.sub(v128.load(c, 80), a21), 80);
    v128.store(c, f64x2.sub(v128.load(c, 96), a30), 96);
    v128.store(c, f64x2.sub(v128.load(c, 112), a31), 112);
  }
}

/**
 * Tiles `from, ..., to - 1` of a panel plus its products with those panels of a matrix, all columns: a row of a Gram matrix.
 *
 * @param out the panel of the result.
 * @param a the panel of four rows.
 * @param b panel 0 of the matrix; `stride` bytes from one to the next.
 * @param depth columns, 0 or more.
 */
export function panelProducts(out: usize, a: usize, b: usize, stride: usize, depth: i32, from: i32, to: i32): void {
  let other = b + <usize>from * stride;
  for (let j = from; j < to; j++, other += stride) tile(out + ((<usize>j) << 7), a, other, depth, 1);
}

/**
 * Tiles j = `from, ..., to - 1` of a panel minus its products with panels j of a lower triangle, over columns
 * `first, ..., last - 1`.
 *
 * @param target the panel: its column k at byte 32 k, where columns below `first` need not exist.
 */
export function panelUpdate(target: usize, first: i32, last: i32, lower: usize, from: i32, to: i32): void {
  const at = (<usize>first) << 5;
  for (let j = from; j < to; j++) {
    tile(target + ((<usize>j) << 7), target + at, panelAddress(lower, j) + at, last - first, 0);
  }
}

/** `c inv'` in place: column j of c becomes `sum_(k <= j) c_k inv[j][k]`. */
function timesInverse(c: usize, inverse: usize): void {
  const c00 = v128.load(c, 0);
  const c01 = v128.load(c, 16);
  const c10 = v128.load(c, 32);
  const c11 = v128.load(c, 48);
  const c20 = v128.load(c, 64);
  const c21 = v128.load(c, 80);
  let w = v128.load_splat<f64>(inverse, 96);
  let s0 = f64x2.mul(w, c00);
  let s1 = f64x2.mul(w, c01);
  w = v128.load_splat<f64>(inverse, 104);
  s0 = f64x2.add(s0, f64x2.mul(w, c10));
  s1 = f64x2.add(s1, f64x2.mul(w, c11));
  w = v128.load_splat<f64>(inverse, 112);
  s0 = f64x2.add(s0, f64x2.mul(w, c20));
  s1 = f64x2.add(s1, f64x2.mul(w, c21));
  w = v128.load_splat<f64>(inverse, 120);
  v128.store(c, f64x2.add(s0, f64x2.mul(w, v128.load(c, 96))), 96);
  v128.store(c, f64x2.add(s1, f64x2.mul(w, v128.load(c, 112))), 112);
  w = v128.load_splat<f64>(inverse, 64);
  s0 = f64x2.mul(w, c00);
  s1 = f64x2.mul(w, c01);
  w = v128.load_splat<f64>(inverse, 72);
  s0 = f64x2.add(s0, f64x2.mul(w, c10));
  s1 = f64x2.add(s1, f64x2.mul(w, c11));
  w = v128.load_splat<f64>(inverse, 80);
  v128.store(c, f64x2.add(s0, f64x2.mul(w, c20)), 64);
  v128.store(c, f64x2.add(s1, f64x2.mul(w, c21)), 80);
  w = v128.load_splat<f64>(inverse, 32);
  s0 = f64x2.mul(w, c00);
  s1 = f64x2.mul(w, c01);
  w = v128.load_splat<f64>(inverse, 40);
  v128.store(c, f64x2.add(s0, f64x2.mul(w, c10)), 32);
  v128.store(c, f64x2.add(s1, f64x2.mul(w, c11)), 48);
  w = v128.load_splat<f64>(inverse, 0);
  v128.store(c, f64x2.mul(w, c00), 0);
  v128.store(c, f64x2.mul(w, c01), 16);
}

/**
 * Tiles j = `from, ..., to - 1` of X in `X L' = C`, in place: each minus its products over columns `first, ..., 4 j - 1`,
 * then solved with its diagonal tile. What columns below `first` contribute has been subtracted before.
 *
 * @param target the panel of C, as for `panelUpdate`.
 */
export function panelSolve(target: usize, first: i32, lower: usize, inverses: usize, from: i32, to: i32): void {
  const at = (<usize>first) << 5;
  for (let j = from; j < to; j++) {
    const c = target + ((<usize>j) << 7);
    const depth = (j << 2) - first;
    if (depth > 0) tile(c, target + at, panelAddress(lower, j) + at, depth, 0);
    timesInverse(c, inverses + ((<usize>j) << 7));
  }
}

/** Cholesky factor of a 4 x 4 tile in place, zeros above; and its inverse. @returns the failing row or -1. */
function factorTile(c: usize, inverse: usize): i32 {
  for (let j: usize = 0; j < 4; j++) {
    let pivot = load<f64>(c + 40 * j);
    for (let k: usize = 0; k < j; k++) {
      const x = load<f64>(c + 32 * k + 8 * j);
      pivot -= x * x;
    }
    if (!(pivot > 0 && pivot < Infinity)) return <i32>j;
    const root = sqrt(pivot);
    store<f64>(c + 40 * j, root);
    for (let i: usize = 0; i < j; i++) store<f64>(c + 32 * j + 8 * i, 0);
    for (let i = j + 1; i < 4; i++) {
      let x = load<f64>(c + 32 * j + 8 * i);
      for (let k: usize = 0; k < j; k++) x -= load<f64>(c + 32 * k + 8 * i) * load<f64>(c + 32 * k + 8 * j);
      store<f64>(c + 32 * j + 8 * i, x / root);
    }
  }
  for (let j: usize = 0; j < 4; j++) {
    for (let i: usize = 0; i < 4; i++) {
      let x: f64 = i == j ? 1 : 0;
      for (let k = j; k < i; k++) x -= load<f64>(c + 32 * k + 8 * i) * load<f64>(inverse + 32 * k + 8 * j);
      store<f64>(inverse + 32 * i + 8 * j, i < j ? 0 : x / load<f64>(c + 40 * i));
    }
  }
  return -1;
}

/**
 * Ends the factorisation of panel i: solves its tiles from `first / 4` on, and factors its diagonal tile.
 *
 * @param first column from which on products have not been subtracted; a multiple of 4, at most 4 i.
 * @returns the row whose pivot is not positive (or not finite), or -1.
 */
export function panelFactor(lower: usize, inverses: usize, i: i32, first: i32): i32 {
  const target = panelAddress(lower, i);
  panelSolve(target, first, lower, inverses, first >> 2, i);
  const at = (<usize>first) << 5;
  const c = target + ((<usize>i) << 7);
  if (i << 2 > first) tile(c, target + at, target + at, (i << 2) - first, 0);
  const failed = factorTile(c, inverses + ((<usize>i) << 7));
  return failed < 0 ? -1 : (i << 2) + failed;
}

/** Squares of a panel's four rows, summed over columns `first, ..., last - 1` (an even number of them): 4 f64 at `out`. */
export function panelNorms(target: usize, first: i32, last: i32, out: usize): void {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let t0 = s0;
  let t1 = s0;
  const end = target + ((<usize>last) << 5);
  for (let at = target + ((<usize>first) << 5); at < end; at += 64) {
    let x = v128.load(at, 0);
    s0 = f64x2.add(s0, f64x2.mul(x, x));
    x = v128.load(at, 16);
    s1 = f64x2.add(s1, f64x2.mul(x, x));
    x = v128.load(at, 32);
    t0 = f64x2.add(t0, f64x2.mul(x, x));
    x = v128.load(at, 48);
    t1 = f64x2.add(t1, f64x2.mul(x, x));
  }
  v128.store(out, f64x2.add(s0, t0), 0);
  v128.store(out, f64x2.add(s1, t1), 16);
}
