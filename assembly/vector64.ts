/** Products of a few f64 vectors with one more, two numbers a lane pair: what orthogonalising against a basis is made of. */

/**
 * `out[j] = rows_j . v`, each summed in eight interleaved partial sums.
 *
 * @param rows `count` vectors, `stride` bytes from one to the next (a multiple of 16).
 * @param bytes length of a vector, a multiple of 32; what is beyond its last entry is 0.
 * @param out `count` f64.
 */
export function rowDots64(rows: usize, count: i32, stride: usize, v: usize, bytes: usize, out: usize): void {
  let row = rows;
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    dots4(row, stride, v, bytes, out + ((<usize>j) << 3));
    row += stride << 2;
  }
  for (; j < count; j++) {
    store<f64>(out + ((<usize>j) << 3), dot(row, v, bytes));
    row += stride;
  }
}

function sum(a: v128, b: v128): f64 {
  const s = f64x2.add(a, b);
  return f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
}

function dot(a: usize, b: usize, bytes: usize): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  const end = a + bytes;
  while (a < end) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(a), v128.load(b)));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(a, 16), v128.load(b, 16)));
    a += 32;
    b += 32;
  }
  return sum(s0, s1);
}

function dots4(row: usize, stride: usize, v: usize, bytes: usize, out: usize): void {
  let a00 = f64x2.splat(0);
  let a01 = a00;
  let a10 = a00;
  let a11 = a00;
  let a20 = a00;
  let a21 = a00;
  let a30 = a00;
  let a31 = a00;
  let r0 = row;
  let r1 = r0 + stride;
  let r2 = r1 + stride;
  let r3 = r2 + stride;
  const end = v + bytes;
  while (v < end) {
    const x0 = v128.load(v);
    const x1 = v128.load(v, 16);
    a00 = f64x2.add(a00, f64x2.mul(v128.load(r0), x0));
    a01 = f64x2.add(a01, f64x2.mul(v128.load(r0, 16), x1));
    a10 = f64x2.add(a10, f64x2.mul(v128.load(r1), x0));
    a11 = f64x2.add(a11, f64x2.mul(v128.load(r1, 16), x1));
    a20 = f64x2.add(a20, f64x2.mul(v128.load(r2), x0));
    a21 = f64x2.add(a21, f64x2.mul(v128.load(r2, 16), x1));
    a30 = f64x2.add(a30, f64x2.mul(v128.load(r3), x0));
    a31 = f64x2.add(a31, f64x2.mul(v128.load(r3, 16), x1));
    v += 32;
    r0 += 32;
    r1 += 32;
    r2 += 32;
    r3 += 32;
  }
  store<f64>(out, sum(a00, a01), 0);
  store<f64>(out, sum(a10, a11), 8);
  store<f64>(out, sum(a20, a21), 16);
  store<f64>(out, sum(a30, a31), 24);
}

/**
 * `v += sum_j c_j rows_j`, four rows at a time.
 *
 * @param v may not overlap the rows.
 * @param rows, count, stride, bytes as in `rowDots64`.
 * @param c `count` f64.
 */
export function addRows64(v: usize, rows: usize, count: i32, stride: usize, c: usize, bytes: usize): void {
  let row = rows;
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    addRows4(v, row, stride, c + ((<usize>j) << 3), bytes);
    row += stride << 2;
  }
  for (; j < count; j++) {
    addRow(v, row, c + ((<usize>j) << 3), bytes);
    row += stride;
  }
}

function addRow(v: usize, row: usize, c: usize, bytes: usize): void {
  const c0 = v128.load_splat<f64>(c);
  const end = v + bytes;
  while (v < end) {
    v128.store(v, f64x2.add(v128.load(v), f64x2.mul(c0, v128.load(row))));
    v128.store(v, f64x2.add(v128.load(v, 16), f64x2.mul(c0, v128.load(row, 16))), 16);
    v += 32;
    row += 32;
  }
}

function addRows4(v: usize, row: usize, stride: usize, c: usize, bytes: usize): void {
  const c0 = v128.load_splat<f64>(c, 0);
  const c1 = v128.load_splat<f64>(c, 8);
  const c2 = v128.load_splat<f64>(c, 16);
  const c3 = v128.load_splat<f64>(c, 24);
  let r0 = row;
  let r1 = r0 + stride;
  let r2 = r1 + stride;
  let r3 = r2 + stride;
  const end = v + bytes;
  while (v < end) {
    let s = f64x2.add(f64x2.mul(c0, v128.load(r0)), f64x2.mul(c1, v128.load(r1)));
    let t = f64x2.add(f64x2.mul(c2, v128.load(r2)), f64x2.mul(c3, v128.load(r3)));
    v128.store(v, f64x2.add(v128.load(v), f64x2.add(s, t)));
    s = f64x2.add(f64x2.mul(c0, v128.load(r0, 16)), f64x2.mul(c1, v128.load(r1, 16)));
    t = f64x2.add(f64x2.mul(c2, v128.load(r2, 16)), f64x2.mul(c3, v128.load(r3, 16)));
    v128.store(v, f64x2.add(v128.load(v, 16), f64x2.add(s, t)), 16);
    v += 32;
    r0 += 32;
    r1 += 32;
    r2 += 32;
    r3 += 32;
  }
}
