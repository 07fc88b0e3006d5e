/**
 * Affine functions on all 2^n Boolean inputs, many at a time (one a lane), by additions only: the value at input
 * `x = 8 s + r` is row `s` of `base` (bias and the high n - 3 bits) plus row `r` of `low` (the low three bits).
 *
 * A ReLU unit that is active on most inputs is cheaper turned around: relu(z) = z + relu(-z). The z of all such units
 * together are one affine function for each unit of the next layer, and relu(-z) is zero on most inputs. At
 * n = 7, sigma_w^2 = 2, sigma_b^2 = 1 this leaves 16 % of the products of the next layer, without it 49 %.
 */

const SIGN: u32 = 0x80000000;

/**
 * Finds the units whose mean over the cube is positive, and the signs under which `spreadAffine` gives -z of a unit, or
 * z of one that is turned around.
 *
 * @param parameters f32 `[n + 1][units4]`: biases, then the weights of bit 0 (the most significant), ..., bit n - 1.
 * @param units4 number of units, a multiple of 4; absent ones are zero.
 * @param turn 0: no unit is turned around.
 * @param signs u32 `[units4]`: 0x80000000, or 0 for a unit that is turned around.
 * @param masks u64 for each 64 units: bit `u` is set if unit `u` is turned around.
 */
export function chooseSigns(n: i32, parameters: usize, units4: i32, turn: i32, signs: usize, masks: usize): void {
  const stride = (<usize>units4) << 2;
  const half = f32x4.splat(0.5);
  const zero = f32x4.splat(0);
  const sign = i32x4.splat(<i32>SIGN);
  const allowed = i32x4.splat(-turn);
  let mask: u64 = 0;
  for (let j = 0; j < units4; j += 4) {
    let p = parameters + ((<usize>j) << 2);
    const bias = v128.load(p);
    let sum = zero;
    for (let d = 0; d < n; d++) {
      p += stride;
      sum = f32x4.add(sum, v128.load(p));
    }
    const positive = v128.and(f32x4.gt(f32x4.add(bias, f32x4.mul(sum, half)), zero), allowed);
    v128.store(signs + ((<usize>j) << 2), v128.andnot(sign, positive));
    mask |= (<u64>i32x4.bitmask(positive)) << (<u64>(j & 63));
    if ((j & 63) == 60 || j + 4 == units4) {
      store<u64>(masks, mask);
      masks += 8;
      mask = 0;
    }
  }
}

/**
 * Splits affine functions into their two parts.
 *
 * @param parameters f32 `[n + 1][units4]` as in `chooseSigns`.
 * @param signs u32 `[units4]`, XORed into the values.
 * @param base f32 `[max(2^(n-3), 1)][rowBytes / 4]`, `low` f32 `[min(2^n, 8)][rowBytes / 4]`: the first units4 of each row.
 */
export function spreadAffine(
  n: i32,
  parameters: usize,
  units4: i32,
  signs: usize,
  base: usize,
  low: usize,
  rowBytes: usize,
): void {
  const stride = (<usize>units4) << 2;
  const last = parameters + stride * <usize>n;
  const lowBits = min(n, 3);
  const zero = f32x4.splat(0);
  for (let j: usize = 0; j < stride; j += 16) {
    const sign = v128.load(signs + j);
    let to = base + j;
    v128.store(to, v128.xor(v128.load(parameters + j), sign));
    let weight = last + j - 3 * stride;
    let size = rowBytes;
    for (let d = 3; d < n; d++) {
      const w = v128.xor(v128.load(weight), sign);
      for (let i: usize = 0; i < size; i += rowBytes) v128.store(to + size + i, f32x4.add(v128.load(to + i), w));
      weight -= stride;
      size <<= 1;
    }
    to = low + j;
    v128.store(to, zero);
    weight = last + j;
    size = rowBytes;
    for (let d = 0; d < lowBits; d++) {
      const w = v128.xor(v128.load(weight), sign);
      for (let i: usize = 0; i < size; i += rowBytes) v128.store(to + size + i, f32x4.add(v128.load(to + i), w));
      weight -= stride;
      size <<= 1;
    }
  }
}
