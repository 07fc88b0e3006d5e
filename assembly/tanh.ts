/**
 * tanh in f32x4 by the rational 13/6 approximation on [-7.905, 7.905] that Eigen uses; odd to the last bit, NaN stays NaN.
 * The error bound is measured in the tests.
 */

const T: usize = memory.data<f32>(
  [
    7.90531110763549805,
    7.90531110763549805,
    7.90531110763549805,
    7.90531110763549805, // 0
    -2.76076847742355e-16,
    -2.76076847742355e-16,
    -2.76076847742355e-16,
    -2.76076847742355e-16, // 16: x^13
    2.00018790482477e-13,
    2.00018790482477e-13,
    2.00018790482477e-13,
    2.00018790482477e-13,
    -8.60467152213735e-11,
    -8.60467152213735e-11,
    -8.60467152213735e-11,
    -8.60467152213735e-11,
    5.12229709037114e-8,
    5.12229709037114e-8,
    5.12229709037114e-8,
    5.12229709037114e-8,
    1.48572235717979e-5,
    1.48572235717979e-5,
    1.48572235717979e-5,
    1.48572235717979e-5,
    6.37261928875436e-4,
    6.37261928875436e-4,
    6.37261928875436e-4,
    6.37261928875436e-4,
    4.89352455891786e-3,
    4.89352455891786e-3,
    4.89352455891786e-3,
    4.89352455891786e-3, // 112: x
    1.19825839466702e-6,
    1.19825839466702e-6,
    1.19825839466702e-6,
    1.19825839466702e-6, // 128: x^6
    1.18534705686654e-4,
    1.18534705686654e-4,
    1.18534705686654e-4,
    1.18534705686654e-4,
    2.268434632439e-3,
    2.268434632439e-3,
    2.268434632439e-3,
    2.268434632439e-3,
    4.89352518554385e-3,
    4.89352518554385e-3,
    4.89352518554385e-3,
    4.89352518554385e-3, // 176: 1
  ],
  16,
);

/** tanh of the four lanes. */
export function tanh4(value: v128): v128 {
  const limit = v128.load(T, 0);
  // pmin and pmax keep a NaN that stands first
  const x = f32x4.pmax(f32x4.pmin(value, limit), f32x4.neg(limit));
  const x2 = f32x4.mul(x, x);
  let p = v128.load(T, 16);
  p = f32x4.add(f32x4.mul(p, x2), v128.load(T, 32));
  p = f32x4.add(f32x4.mul(p, x2), v128.load(T, 48));
  p = f32x4.add(f32x4.mul(p, x2), v128.load(T, 64));
  p = f32x4.add(f32x4.mul(p, x2), v128.load(T, 80));
  p = f32x4.add(f32x4.mul(p, x2), v128.load(T, 96));
  p = f32x4.add(f32x4.mul(p, x2), v128.load(T, 112));
  let q = v128.load(T, 128);
  q = f32x4.add(f32x4.mul(q, x2), v128.load(T, 144));
  q = f32x4.add(f32x4.mul(q, x2), v128.load(T, 160));
  q = f32x4.add(f32x4.mul(q, x2), v128.load(T, 176));
  return f32x4.div(f32x4.mul(p, x), q);
}

/**
 * @param x `4 * vectors` f32, 16-byte aligned.
 * @param out the same shape; may be `x`.
 */
export function tanhArray(x: usize, out: usize, vectors: i32): void {
  const end = x + ((<usize>vectors) << 4);
  for (; x < end; x += 16, out += 16) v128.store(out, tanh4(v128.load(x)));
}
