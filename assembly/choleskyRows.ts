/**
 * Cholesky factorisation by rows of a symmetric positive definite f64 matrix, lower triangle, in place: four rows at a time
 * against pairs of rows above, both read along.
 *
 * - a: `n` rows of `stride` bytes (a multiple of 16), aligned to 16; n a multiple of 4. Above the diagonal it is not read but
 *   for the entry right of an even row's diagonal, which must be finite.
 * - inverse: n f64, becomes 1 / diagonal.
 */

/**
 * Rows [first, last), multiples of 4; those before must be done.
 *
 * @returns -1, or the first row whose pivot is not positive.
 */
export function choleskyRows(a: usize, stride: usize, first: i32, last: i32, inverse: usize): i32 {
  for (let i = first; i < last; i += 4) {
    const rows = a + <usize>i * stride;
    for (let j = 0; j < i; j += 2) {
      const other = a + <usize>j * stride;
      const at = (<usize>j) << 3;
      dots(rows, other, stride, at, at);
      // the pair of columns among themselves
      const d0 = load<f64>(inverse + at);
      const d1 = load<f64>(inverse + at, 8);
      const cross = load<f64>(other + stride + at);
      for (let r = 0; r < 4; r++) {
        const entry = rows + <usize>r * stride + at;
        const x = load<f64>(entry) * d0;
        store<f64>(entry, x);
        store<f64>(entry, (load<f64>(entry, 8) - x * cross) * d1, 8);
      }
    }
    const at = (<usize>i) << 3;
    dots(rows, rows, stride, at, at);
    dots(rows, rows + (stride << 1), stride, at, at + 16);
    for (let c: usize = 0; c < 4; c++) {
      const row = rows + c * stride + at;
      for (let r: usize = c; r < 4; r++) {
        const below = rows + r * stride + at;
        let s = load<f64>(below + (c << 3));
        for (let k: usize = 0; k < c; k++) s -= load<f64>(row + (k << 3)) * load<f64>(below + (k << 3));
        if (r == c) {
          if (!(s > 0)) return i + <i32>c;
          s = sqrt(s);
          store<f64>(inverse + at + (c << 3), 1 / s);
          store<f64>(row + (c << 3), s);
        } else {
          store<f64>(below + (c << 3), s * load<f64>(inverse + at + (c << 3)));
        }
      }
    }
  }
  return -1;
}

function sum(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

function reduce(entry: usize, x: f64): void {
  store<f64>(entry, load<f64>(entry) - x);
}

/** Takes from four rows, at byte `at` and the next, their products with two other rows over the first `bytes`. */
function dots(rows: usize, other: usize, stride: usize, bytes: usize, at: usize): void {
  let s00 = f64x2.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  let r0 = rows;
  let r1 = r0 + stride;
  let r2 = r1 + stride;
  let r3 = r2 + stride;
  let b0 = other;
  let b1 = other + stride;
  const end = b0 + bytes;
  while (b0 < end) {
    const x = v128.load(b0);
    const y = v128.load(b1);
    let z = v128.load(r0);
    s00 = f64x2.add(s00, f64x2.mul(z, x));
    s01 = f64x2.add(s01, f64x2.mul(z, y));
    z = v128.load(r1);
    s10 = f64x2.add(s10, f64x2.mul(z, x));
    s11 = f64x2.add(s11, f64x2.mul(z, y));
    z = v128.load(r2);
    s20 = f64x2.add(s20, f64x2.mul(z, x));
    s21 = f64x2.add(s21, f64x2.mul(z, y));
    z = v128.load(r3);
    s30 = f64x2.add(s30, f64x2.mul(z, x));
    s31 = f64x2.add(s31, f64x2.mul(z, y));
    r0 += 16;
    r1 += 16;
    r2 += 16;
    r3 += 16;
    b0 += 16;
    b1 += 16;
  }
  let out = rows + at;
  reduce(out, sum(s00));
  reduce(out + 8, sum(s01));
  out += stride;
  reduce(out, sum(s10));
  reduce(out + 8, sum(s11));
  out += stride;
  reduce(out, sum(s20));
  reduce(out + 8, sum(s21));
  out += stride;
  reduce(out, sum(s30));
  reduce(out + 8, sum(s31));
}

/** `b` becomes the solution x of `L L' x = b`: n f64, n a multiple of 4, from the factor that `choleskyRows` made. */
export function choleskySolve(a: usize, n: i32, stride: usize, inverse: usize, b: usize): void {
  for (let i = 0; i < n; i++) {
    const row = a + <usize>i * stride;
    const at = (<usize>i) << 3;
    const even = at & ~15;
    let s = f64x2.splat(0);
    for (let k: usize = 0; k < even; k += 16) s = f64x2.add(s, f64x2.mul(v128.load(row + k), v128.load(b + k)));
    let x = load<f64>(b + at) - sum(s);
    if (even < at) x -= load<f64>(row + even) * load<f64>(b + even);
    store<f64>(b + at, x * load<f64>(inverse + at));
  }
  for (let i = n - 1; i >= 0; i--) {
    const row = a + <usize>i * stride;
    const at = (<usize>i) << 3;
    const even = at & ~15;
    const x = load<f64>(b + at) * load<f64>(inverse + at);
    store<f64>(b + at, x);
    const c = f64x2.splat(x);
    for (let k: usize = 0; k < even; k += 16) {
      v128.store(b + k, f64x2.sub(v128.load(b + k), f64x2.mul(c, v128.load(row + k))));
    }
    if (even < at) reduce(b + even, x * load<f64>(row + even));
  }
}

/**
 * Diagonal of the inverse of `L L'`, rows [first, last), multiples of 4: the squared lengths of the columns of `L^-1`.
 *
 * @param scratch four rows of `stride` bytes, aligned to 16.
 * @param out n f64.
 */
export function inverseDiagonal(
  a: usize,
  n: i32,
  stride: usize,
  inverse: usize,
  first: i32,
  last: i32,
  scratch: usize,
  out: usize,
): void {
  for (let i = first; i < last; i += 4) {
    const from = (<usize>i) << 3;
    memory.fill(scratch, 0, stride << 2);
    for (let r: usize = 0; r < 4; r++) store<f64>(scratch + r * stride + from + (r << 3), 1);
    // a row x of four solves x L' = a unit vector, 0 before its own column
    for (let j = i; j < n; j += 2) {
      const at = (<usize>j) << 3;
      const other = a + <usize>j * stride;
      dots(scratch + from, other + from, stride, at - from, at - from);
      const d0 = load<f64>(inverse + at);
      const d1 = load<f64>(inverse + at, 8);
      const cross = load<f64>(other + stride + at);
      for (let r: usize = 0; r < 4; r++) {
        const entry = scratch + r * stride + at;
        const x = load<f64>(entry) * d0;
        store<f64>(entry, x);
        store<f64>(entry, (load<f64>(entry, 8) - x * cross) * d1, 8);
      }
    }
    const end = (<usize>n) << 3;
    for (let r: usize = 0; r < 4; r++) {
      const row = scratch + r * stride;
      let s = f64x2.splat(0);
      for (let k = from; k < end; k += 16) s = f64x2.add(s, f64x2.mul(v128.load(row + k), v128.load(row + k)));
      store<f64>(out + from + (r << 3), sum(s));
    }
  }
}
