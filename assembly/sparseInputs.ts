/**
 * The first layer on inputs that are zero for the most part. A point's nonzero inputs are records (u32 byte offset of the
 * feature's row of weights, f32 value), in ascending order of the features.
 */

/** 20 sums of a point with some nonzero input. */
function addSparse20(record: usize, end: usize, weights: usize, out: usize): void {
  let s0 = v128.load(out, 0);
  let s1 = v128.load(out, 16);
  let s2 = v128.load(out, 32);
  let s3 = v128.load(out, 48);
  let s4 = v128.load(out, 64);
  let r = record;
  let row: usize;
  let x: v128;
  // a test after each record keeps the loads of the next behind the sums of this one: four at once would spill
  while (true) {
    row = weights + <usize>load<u32>(r, 0);
    x = v128.load_splat<f32>(r, 4);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(row, 0)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(row, 16)));
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(row, 32)));
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(row, 48)));
    s4 = f32x4.add(s4, f32x4.mul(x, v128.load(row, 64)));
    if (r + 8 == end) break;
    row = weights + <usize>load<u32>(r, 8);
    x = v128.load_splat<f32>(r, 12);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(row, 0)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(row, 16)));
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(row, 32)));
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(row, 48)));
    s4 = f32x4.add(s4, f32x4.mul(x, v128.load(row, 64)));
    if (r + 16 == end) break;
    row = weights + <usize>load<u32>(r, 16);
    x = v128.load_splat<f32>(r, 20);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(row, 0)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(row, 16)));
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(row, 32)));
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(row, 48)));
    s4 = f32x4.add(s4, f32x4.mul(x, v128.load(row, 64)));
    if (r + 24 == end) break;
    row = weights + <usize>load<u32>(r, 24);
    x = v128.load_splat<f32>(r, 28);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(row, 0)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(row, 16)));
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(row, 32)));
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(row, 48)));
    s4 = f32x4.add(s4, f32x4.mul(x, v128.load(row, 64)));
    r += 32;
    if (r == end) break;
  }
  v128.store(out, s0, 0);
  v128.store(out, s1, 16);
  v128.store(out, s2, 32);
  v128.store(out, s3, 48);
  v128.store(out, s4, 64);
}

/**
 * 40 sums of a point with some nonzero input: a record is read once for all of them. The tests that never hold part the loads,
 * which the compiler moves to the start of their block: more than four at once would spill the sums.
 */
function addSparse40(record: usize, end: usize, weights: usize, out: usize): void {
  let s0 = v128.load(out, 0);
  let s1 = v128.load(out, 16);
  let s2 = v128.load(out, 32);
  let s3 = v128.load(out, 48);
  let s4 = v128.load(out, 64);
  let s5 = v128.load(out, 80);
  let s6 = v128.load(out, 96);
  let s7 = v128.load(out, 112);
  let s8 = v128.load(out, 128);
  let s9 = v128.load(out, 144);
  let r = record;
  let row: usize;
  let x: v128;
  while (true) {
    row = weights + <usize>load<u32>(r, 0);
    x = v128.load_splat<f32>(r, 4);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(row, 0)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(row, 16)));
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(row, 32)));
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(row, 48)));
    if (!row) break;
    s4 = f32x4.add(s4, f32x4.mul(x, v128.load(row, 64)));
    s5 = f32x4.add(s5, f32x4.mul(x, v128.load(row, 80)));
    s6 = f32x4.add(s6, f32x4.mul(x, v128.load(row, 96)));
    if (!row) break;
    s7 = f32x4.add(s7, f32x4.mul(x, v128.load(row, 112)));
    s8 = f32x4.add(s8, f32x4.mul(x, v128.load(row, 128)));
    s9 = f32x4.add(s9, f32x4.mul(x, v128.load(row, 144)));
    r += 8;
    if (r == end) break;
  }
  v128.store(out, s0, 0);
  v128.store(out, s1, 16);
  v128.store(out, s2, 32);
  v128.store(out, s3, 48);
  v128.store(out, s4, 64);
  v128.store(out, s5, 80);
  v128.store(out, s6, 96);
  v128.store(out, s7, 112);
  v128.store(out, s8, 128);
  v128.store(out, s9, 144);
}

/**
 * Adds to a row of sums the weights' rows of a point's nonzero inputs, in their order.
 *
 * @param record, end the point's records, and one past the last.
 * @param weights f32 `[features][n4]`. @param out f32 `[n4]`.
 */
export function addSparseRow(record: usize, end: usize, weights: usize, n4: i32, out: usize): void {
  if (record == end) return;
  let o: usize = 0;
  const width = (<usize>n4) << 2;
  for (; o + 160 <= width; o += 160) addSparse40(record, end, weights + o, out + o);
  for (; o + 80 <= width; o += 80) addSparse20(record, end, weights + o, out + o);
  for (; o < width; o += 16) {
    let s = v128.load(out + o);
    for (let r = record; r < end; r += 8) {
      const row = weights + <usize>load<u32>(r) + o;
      s = f32x4.add(s, f32x4.mul(v128.load_splat<f32>(r, 4), v128.load(row)));
    }
    v128.store(out + o, s);
  }
}

/** Adds x d to the rows `[features][n4]` of a gradient that belong to a point's nonzero inputs: the outer product of the two. */
export function addSparseOuter(record: usize, end: usize, d: usize, n4: i32, gradient: usize): void {
  let o: usize = 0;
  const width = (<usize>n4) << 2;
  for (; o + 160 <= width; o += 160) {
    const d0 = v128.load(d + o, 0);
    const d1 = v128.load(d + o, 16);
    const d2 = v128.load(d + o, 32);
    const d3 = v128.load(d + o, 48);
    const d4 = v128.load(d + o, 64);
    const d5 = v128.load(d + o, 80);
    const d6 = v128.load(d + o, 96);
    const d7 = v128.load(d + o, 112);
    const d8 = v128.load(d + o, 128);
    const d9 = v128.load(d + o, 144);
    for (let r = record; r < end; r += 8) {
      const row = gradient + <usize>load<u32>(r) + o;
      const x = v128.load_splat<f32>(r, 4);
      v128.store(row, f32x4.add(v128.load(row, 0), f32x4.mul(x, d0)), 0);
      v128.store(row, f32x4.add(v128.load(row, 16), f32x4.mul(x, d1)), 16);
      v128.store(row, f32x4.add(v128.load(row, 32), f32x4.mul(x, d2)), 32);
      v128.store(row, f32x4.add(v128.load(row, 48), f32x4.mul(x, d3)), 48);
      v128.store(row, f32x4.add(v128.load(row, 64), f32x4.mul(x, d4)), 64);
      v128.store(row, f32x4.add(v128.load(row, 80), f32x4.mul(x, d5)), 80);
      v128.store(row, f32x4.add(v128.load(row, 96), f32x4.mul(x, d6)), 96);
      v128.store(row, f32x4.add(v128.load(row, 112), f32x4.mul(x, d7)), 112);
      v128.store(row, f32x4.add(v128.load(row, 128), f32x4.mul(x, d8)), 128);
      v128.store(row, f32x4.add(v128.load(row, 144), f32x4.mul(x, d9)), 144);
    }
  }
  for (; o < width; o += 16) {
    const d0 = v128.load(d + o);
    for (let r = record; r < end; r += 8) {
      const row = gradient + <usize>load<u32>(r) + o;
      v128.store(row, f32x4.add(v128.load(row), f32x4.mul(v128.load_splat<f32>(r, 4), d0)));
    }
  }
}

/** A point's nonzero inputs as records. @returns one past the last. */
export function sparsePoint(x: usize, features: i32, rowBytes: usize, out: usize): usize {
  for (let k = 0; k < features; k++) {
    const value = load<f32>(x + ((<usize>k) << 2));
    if (value == 0) continue;
    store<u32>(out, <u32>(<usize>k * rowBytes));
    store<f32>(out, value, 4);
    out += 8;
  }
  return out;
}
