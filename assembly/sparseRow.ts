/**
 * ReLU layers on one point at a time, units in the lanes, inactive units skipped.
 *
 * A row holds the *negated* pre-activations -z of a layer's units, padded with +0 to a multiple of 16: a unit is active where
 * the sign bit is set, so that packing signs finds the active units. (z = 0 gives -0 or +0; either adds nothing.)
 * Masks: a u64 for each 64 units, bit `u` set if unit `u` is active.
 */

/** Signs of 16 lanes as 16 bits. */
function signs16(v0: v128, v1: v128, v2: v128, v3: v128): i32 {
  // signed saturation keeps the sign
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(v0, v1), i16x8.narrow_i32x4_s(v2, v3)));
}

/**
 * Makes a row, and finds its active units.
 *
 * @param a, b f32 `[units16]`: the row is a + b; `b` = 0: it is 0 - a (`a` holds z).
 * @param out f32 `[units16]`, may be `a`.
 * @param units16 a multiple of 16.
 * @param masks u64 `[ceil(units16 / 64)]`.
 */
export function sumRow(a: usize, b: usize, out: usize, units16: i32, masks: usize): void {
  const end = out + ((<usize>units16) << 2);
  const zero = f32x4.splat(0);
  while (out < end) {
    let mask: u64 = 0;
    const stop = min(end, out + 256);
    for (let shift: u64 = 0; out < stop; out += 64, shift += 16) {
      let v0: v128;
      let v1: v128;
      let v2: v128;
      let v3: v128;
      if (b) {
        v0 = f32x4.add(v128.load(a, 0), v128.load(b, 0));
        v1 = f32x4.add(v128.load(a, 16), v128.load(b, 16));
        v2 = f32x4.add(v128.load(a, 32), v128.load(b, 32));
        v3 = f32x4.add(v128.load(a, 48), v128.load(b, 48));
        b += 64;
      } else {
        // 0 - z, not -z: a zero stays +0, inactive
        v0 = f32x4.sub(zero, v128.load(a, 0));
        v1 = f32x4.sub(zero, v128.load(a, 16));
        v2 = f32x4.sub(zero, v128.load(a, 32));
        v3 = f32x4.sub(zero, v128.load(a, 48));
      }
      a += 64;
      v128.store(out, v0, 0);
      v128.store(out, v1, 16);
      v128.store(out, v2, 32);
      v128.store(out, v3, 48);
      mask |= (<u64>signs16(v0, v1, v2, v3)) << shift;
    }
    store<u64>(masks, mask);
    masks += 8;
  }
}

/**
 * A dense layer on the active units of a row: `z = (a + b) + sum W relu`, units in ascending order.
 *
 * @param row, masks of the incoming layer; `chunks` = ceil(units16 / 64).
 * @param weights f32 rows `[fanIn][fanOut4]`, `rowStride` bytes apart.
 * @param a, b f32 `[fanOut4]`, the biases in two parts.
 * @param zeros f32 zeros, at least 40.
 * @param out if `output` is 0: z, f32 `[fanOut4]`. Else 4 f32 whose sum is `sum_k output_k relu(z_k)`; with more than 64
 *   incoming units fanOut4 f32 of scratch must lie behind them.
 * @param output f32 `[fanOut4]` weights of a single output unit, or 0.
 */
export function sparseDense(
  row: usize,
  masks: usize,
  chunks: i32,
  weights: usize,
  rowStride: usize,
  a: usize,
  b: usize,
  fanOut4: i32,
  zeros: usize,
  out: usize,
  output: usize,
): void {
  const zero = f32x4.splat(0);
  // with an output the layer itself is scratch behind the sums
  let z = output ? out + 16 : out;
  let y = zero;
  // as many units at a time as the registers hold
  for (let left = fanOut4; left > 0; ) {
    const units = left >= 40 ? 40 : left >= 16 ? 16 : 4;
    let from = a;
    let add = b;
    for (let c = 0; c < chunks; c++) {
      const chunk = <usize>c;
      const r = row + (chunk << 8);
      const mask = load<u64>(masks + (chunk << 3));
      const w = weights + chunk * (rowStride << 6);
      const read = c == chunks - 1 ? output : 0;
      const to = read ? out : z;
      if (units == 40) sparseTile40(r, mask, w, rowStride, from, add, to, read);
      else if (units == 16) sparseTile16(r, mask, w, rowStride, from, add, to, read);
      else sparseTile4(r, mask, w, rowStride, from, add, to, read);
      from = z;
      add = zeros;
    }
    const bytes = (<usize>units) << 2;
    a += bytes;
    b += bytes;
    weights += bytes;
    z += bytes;
    if (output) {
      output += bytes;
      y = f32x4.add(y, v128.load(out));
    }
    left -= units;
  }
  if (output) v128.store(out, y);
}

// A tile: `z = (a + b) - sum over the units u in the mask of row_u weights_u`. If `output` is 0, z goes to `out`; else
// the 4 f32 there get parts of `sum_k output_k relu(z_k)`. Functions of their own, so that the registers go to the loop.

/** `sparseTile` for 40 units. */
export function sparseTile40(
  row: usize,
  mask: u64,
  weights: usize,
  rowStride: usize,
  a: usize,
  b: usize,
  out: usize,
  output: usize,
): void {
  let a0 = f32x4.add(v128.load(a, 0), v128.load(b, 0));
  let a1 = f32x4.add(v128.load(a, 16), v128.load(b, 16));
  let a2 = f32x4.add(v128.load(a, 32), v128.load(b, 32));
  let a3 = f32x4.add(v128.load(a, 48), v128.load(b, 48));
  let a4 = f32x4.add(v128.load(a, 64), v128.load(b, 64));
  let a5 = f32x4.add(v128.load(a, 80), v128.load(b, 80));
  let a6 = f32x4.add(v128.load(a, 96), v128.load(b, 96));
  let a7 = f32x4.add(v128.load(a, 112), v128.load(b, 112));
  let a8 = f32x4.add(v128.load(a, 128), v128.load(b, 128));
  let a9 = f32x4.add(v128.load(a, 144), v128.load(b, 144));
  while (mask != 0) {
    const u = <usize>ctz(mask);
    mask &= mask - 1;
    const v = v128.load_splat<f32>(row + (u << 2));
    const p = weights + u * rowStride;
    a0 = f32x4.sub(a0, f32x4.mul(v128.load(p, 0), v));
    a1 = f32x4.sub(a1, f32x4.mul(v128.load(p, 16), v));
    a2 = f32x4.sub(a2, f32x4.mul(v128.load(p, 32), v));
    a3 = f32x4.sub(a3, f32x4.mul(v128.load(p, 48), v));
    a4 = f32x4.sub(a4, f32x4.mul(v128.load(p, 64), v));
    a5 = f32x4.sub(a5, f32x4.mul(v128.load(p, 80), v));
    a6 = f32x4.sub(a6, f32x4.mul(v128.load(p, 96), v));
    a7 = f32x4.sub(a7, f32x4.mul(v128.load(p, 112), v));
    a8 = f32x4.sub(a8, f32x4.mul(v128.load(p, 128), v));
    a9 = f32x4.sub(a9, f32x4.mul(v128.load(p, 144), v));
  }
  if (output) {
    const zero = f32x4.splat(0);
    let y = f32x4.mul(f32x4.pmax(a0, zero), v128.load(output, 0));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a1, zero), v128.load(output, 16)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a2, zero), v128.load(output, 32)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a3, zero), v128.load(output, 48)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a4, zero), v128.load(output, 64)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a5, zero), v128.load(output, 80)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a6, zero), v128.load(output, 96)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a7, zero), v128.load(output, 112)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a8, zero), v128.load(output, 128)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a9, zero), v128.load(output, 144)));
    v128.store(out, y);
  } else {
    v128.store(out, a0, 0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
    v128.store(out, a4, 64);
    v128.store(out, a5, 80);
    v128.store(out, a6, 96);
    v128.store(out, a7, 112);
    v128.store(out, a8, 128);
    v128.store(out, a9, 144);
  }
}

/** `sparseTile` for 16 units. */
export function sparseTile16(
  row: usize,
  mask: u64,
  weights: usize,
  rowStride: usize,
  a: usize,
  b: usize,
  out: usize,
  output: usize,
): void {
  let a0 = f32x4.add(v128.load(a, 0), v128.load(b, 0));
  let a1 = f32x4.add(v128.load(a, 16), v128.load(b, 16));
  let a2 = f32x4.add(v128.load(a, 32), v128.load(b, 32));
  let a3 = f32x4.add(v128.load(a, 48), v128.load(b, 48));
  while (mask != 0) {
    const u = <usize>ctz(mask);
    mask &= mask - 1;
    const v = v128.load_splat<f32>(row + (u << 2));
    const p = weights + u * rowStride;
    a0 = f32x4.sub(a0, f32x4.mul(v128.load(p, 0), v));
    a1 = f32x4.sub(a1, f32x4.mul(v128.load(p, 16), v));
    a2 = f32x4.sub(a2, f32x4.mul(v128.load(p, 32), v));
    a3 = f32x4.sub(a3, f32x4.mul(v128.load(p, 48), v));
  }
  if (output) {
    const zero = f32x4.splat(0);
    let y = f32x4.mul(f32x4.pmax(a0, zero), v128.load(output, 0));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a1, zero), v128.load(output, 16)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a2, zero), v128.load(output, 32)));
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(a3, zero), v128.load(output, 48)));
    v128.store(out, y);
  } else {
    v128.store(out, a0, 0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
  }
}

/** `sparseTile` for 4 units. */
export function sparseTile4(
  row: usize,
  mask: u64,
  weights: usize,
  rowStride: usize,
  a: usize,
  b: usize,
  out: usize,
  output: usize,
): void {
  let a0 = f32x4.add(v128.load(a, 0), v128.load(b, 0));
  while (mask != 0) {
    const u = <usize>ctz(mask);
    mask &= mask - 1;
    const v = v128.load_splat<f32>(row + (u << 2));
    const p = weights + u * rowStride;
    a0 = f32x4.sub(a0, f32x4.mul(v128.load(p, 0), v));
  }
  if (output) {
    const zero = f32x4.splat(0);
    let y = f32x4.mul(f32x4.pmax(a0, zero), v128.load(output, 0));
    v128.store(out, y);
  } else {
    v128.store(out, a0, 0);
  }
}

/** A single output on a row: 4 f32 whose sum is `sum_k output_k relu(z_k)`. */
export function rowDot(row: usize, units4: i32, output: usize, out: usize): void {
  const zero = f32x4.splat(0);
  const end = row + ((<usize>units4) << 2);
  let y = zero;
  for (; row < end; row += 16, output += 16) {
    y = f32x4.add(y, f32x4.mul(f32x4.pmax(f32x4.sub(zero, v128.load(row)), zero), v128.load(output)));
  }
  v128.store(out, y);
}

/**
 * Signs of eight outputs from their partial sums.
 *
 * @param sums f32 `[8][4]`, `stride` bytes from one row to the next; `bias` is added to each sum.
 * @returns bit `7 - i` is set if `((s0 + s1) + (s2 + s3)) + bias > 0` for row `i`: the first to the highest bit.
 */
export function sumSigns(sums: usize, stride: usize, bias: f32): i32 {
  const b = f32x4.splat(bias);
  const zero = f32x4.splat(0);
  return (
    i32x4.bitmask(f32x4.gt(f32x4.add(sum4(sums + (stride << 2), stride), b), zero)) |
    (i32x4.bitmask(f32x4.gt(f32x4.add(sum4(sums, stride), b), zero)) << 4)
  );
}

/** Sums of four rows, the first in the highest lane. */
function sum4(p: usize, stride: usize): v128 {
  const r3 = v128.load(p);
  const r2 = v128.load(p + stride);
  const r1 = v128.load(p + 2 * stride);
  const r0 = v128.load(p + 3 * stride);
  const s01 = f32x4.add(v128.shuffle<f32>(r0, r1, 0, 2, 4, 6), v128.shuffle<f32>(r0, r1, 1, 3, 5, 7));
  const s23 = f32x4.add(v128.shuffle<f32>(r2, r3, 0, 2, 4, 6), v128.shuffle<f32>(r2, r3, 1, 3, 5, 7));
  return f32x4.add(v128.shuffle<f32>(s01, s23, 0, 2, 4, 6), v128.shuffle<f32>(s01, s23, 1, 3, 5, 7));
}
