/**
 * Standard Gaussians in f32: xoshiro128++ [Blackman & Vigna 2021] in four lanes feeds Box & Muller (1958).
 * Every operation is one IEEE f32 operation, so that every engine gives the same bits.
 *
 * The radius is `sqrt(-ln u)` times sqrt(2), u = (31 random bits + 1/2) 2^-31, so |z| <= sqrt(2 * 32 ln 2) = 6.66.
 * `ln u` = exponent * ln 2 + f P7(f) on [sqrt(1/2), sqrt(2)), relative error of f P7(f) 1.7e-7.
 * The angle lies in [-pi/4, pi/4): sine (3e-9) and cosine (3e-8) by polynomials; (c - s, c + s) turns it by 45 degrees
 * and brings the factor sqrt(2); two more random bits give the signs. No select, no range reduction.
 */

// Each constant stands four times: V8 rebuilds a v128.const at each use, a load is one instruction.
const CONSTANTS: usize = memory.data<f32>(
  [
    0.5,
    0.5,
    0.5,
    0.5, // 0: half
    31.0,
    31.0,
    31.0,
    31.0, // 16
    0.6931471805599453,
    0.6931471805599453,
    0.6931471805599453,
    0.6931471805599453, // 32: ln 2
    1.0,
    1.0,
    1.0,
    1.0, // 48
    // P7 of ln(1+f)/f, lowest degree first: 64 ... 176
    0.9999999403953552,
    0.9999999403953552,
    0.9999999403953552,
    0.9999999403953552,
    -0.5000036358833313,
    -0.5000036358833313,
    -0.5000036358833313,
    -0.5000036358833313,
    0.33335059881210327,
    0.33335059881210327,
    0.33335059881210327,
    0.33335059881210327,
    -0.24969908595085144,
    -0.24969908595085144,
    -0.24969908595085144,
    -0.24969908595085144,
    0.19900165498256683,
    0.19900165498256683,
    0.19900165498256683,
    0.19900165498256683,
    -0.17250831425189972,
    -0.17250831425189972,
    -0.17250831425189972,
    -0.17250831425189972,
    0.16222578287124634,
    0.16222578287124634,
    0.16222578287124634,
    0.16222578287124634,
    -0.101068876683712,
    -0.101068876683712,
    -0.101068876683712,
    -0.101068876683712,
    // 192: 2^-30
    9.313225746154785e-10,
    9.313225746154785e-10,
    9.313225746154785e-10,
    9.313225746154785e-10,
    // sin(pi t / 4) / t in t^2: 208 ... 256
    0.7853981852531433,
    0.7853981852531433,
    0.7853981852531433,
    0.7853981852531433,
    -0.08074543625116348,
    -0.08074543625116348,
    -0.08074543625116348,
    -0.08074543625116348,
    0.00249000103212893,
    0.00249000103212893,
    0.00249000103212893,
    0.00249000103212893,
    -3.59504520019982e-5,
    -3.59504520019982e-5,
    -3.59504520019982e-5,
    -3.59504520019982e-5,
    // cos(pi t / 4) in t^2: 272 ... 320
    0.9999999403953552,
    0.9999999403953552,
    0.9999999403953552,
    0.9999999403953552,
    -0.308424174785614,
    -0.308424174785614,
    -0.308424174785614,
    -0.308424174785614,
    0.015849683433771133,
    0.015849683433771133,
    0.015849683433771133,
    0.015849683433771133,
    -0.00031872783438302577,
    -0.00031872783438302577,
    -0.00031872783438302577,
    -0.00031872783438302577,
  ],
  16,
);
const BITS: usize = memory.data<u32>(
  [
    0x3f3504f3,
    0x3f3504f3,
    0x3f3504f3,
    0x3f3504f3, // sqrt(1/2) as f32 bits
    0x007fffff,
    0x007fffff,
    0x007fffff,
    0x007fffff, // mantissa
  ],
  16,
);

/**
 * Writes `4 * vectors` raw 32-bit words and advances the state.
 *
 * @param out 16 * vectors bytes: step t's words of lanes 0..3 at 16 t.
 * @param state 64 bytes as `seedLanes` leaves them. Period 2^128 - 1 a lane.
 */
export function xoshiroWords(out: usize, vectors: i32, state: usize): void {
  let s0 = v128.load(state, 0);
  let s1 = v128.load(state, 16);
  let s2 = v128.load(state, 32);
  let s3 = v128.load(state, 48);
  const end = out + ((<usize>vectors) << 4);
  for (; out < end; out += 16) {
    const sum = i32x4.add(s0, s3);
    v128.store(out, i32x4.add(v128.or(i32x4.shl(sum, 7), i32x4.shr_u(sum, 25)), s0));
    const shifted = i32x4.shl(s1, 9);
    s2 = v128.xor(s2, s0);
    s3 = v128.xor(s3, s1);
    s1 = v128.xor(s1, s2);
    s0 = v128.xor(s0, s3);
    s2 = v128.xor(s2, shifted);
    s3 = v128.or(i32x4.shl(s3, 11), i32x4.shr_u(s3, 21));
  }
  v128.store(state, s0, 0);
  v128.store(state, s1, 16);
  v128.store(state, s2, 32);
  v128.store(state, s3, 48);
}

/**
 * Writes `8 * groups` Gaussians, each times its own scale, and advances the state.
 *
 * @param out 32 * groups bytes, 16-byte aligned.
 * @param scale standard deviations, f32, the same shape as `out`; may not overlap it.
 * @param groups number of groups of eight.
 * @param state 64 bytes as `seedLanes` leaves them.
 */
export function gaussians(out: usize, scale: usize, groups: i32, state: usize): void {
  let s0 = v128.load(state, 0);
  let s1 = v128.load(state, 16);
  let s2 = v128.load(state, 32);
  let s3 = v128.load(state, 48);
  const end = out + ((<usize>groups) << 5);
  while (out < end) {
    // a: radius, and the first sign
    let sum = i32x4.add(s0, s3);
    const a = i32x4.add(v128.or(i32x4.shl(sum, 7), i32x4.shr_u(sum, 25)), s0);
    let shifted = i32x4.shl(s1, 9);
    s2 = v128.xor(s2, s0);
    s3 = v128.xor(s3, s1);
    s1 = v128.xor(s1, s2);
    s0 = v128.xor(s0, s3);
    s2 = v128.xor(s2, shifted);
    s3 = v128.or(i32x4.shl(s3, 11), i32x4.shr_u(s3, 21));
    // b: angle, and the second sign
    sum = i32x4.add(s0, s3);
    const b = i32x4.add(v128.or(i32x4.shl(sum, 7), i32x4.shr_u(sum, 25)), s0);
    shifted = i32x4.shl(s1, 9);
    s2 = v128.xor(s2, s0);
    s3 = v128.xor(s3, s1);
    s1 = v128.xor(s1, s2);
    s0 = v128.xor(s0, s3);
    s2 = v128.xor(s2, shifted);
    s3 = v128.or(i32x4.shl(s3, 11), i32x4.shr_u(s3, 21));

    const u = f32x4.add(f32x4.convert_i32x4_s(i32x4.shr_u(a, 1)), v128.load(CONSTANTS, 0));
    const offset = i32x4.sub(u, v128.load(BITS, 0));
    const exponent = f32x4.convert_i32x4_s(i32x4.shr_s(offset, 23));
    const f = f32x4.sub(i32x4.add(v128.and(offset, v128.load(BITS, 16)), v128.load(BITS, 0)), v128.load(CONSTANTS, 48));
    // Estrin's scheme: the chain of operations, not their number, bounds this loop (Horner's took 1.3 times as long)
    const f2 = f32x4.mul(f, f);
    const p01 = f32x4.add(f32x4.mul(v128.load(CONSTANTS, 80), f), v128.load(CONSTANTS, 64));
    const p23 = f32x4.add(f32x4.mul(v128.load(CONSTANTS, 112), f), v128.load(CONSTANTS, 96));
    const p45 = f32x4.add(f32x4.mul(v128.load(CONSTANTS, 144), f), v128.load(CONSTANTS, 128));
    const p67 = f32x4.add(f32x4.mul(v128.load(CONSTANTS, 176), f), v128.load(CONSTANTS, 160));
    const p = f32x4.add(
      f32x4.mul(f32x4.add(f32x4.mul(p67, f2), p45), f32x4.mul(f2, f2)),
      f32x4.add(f32x4.mul(p23, f2), p01),
    );
    const radius = f32x4.sqrt(
      f32x4.sub(f32x4.mul(f32x4.sub(v128.load(CONSTANTS, 16), exponent), v128.load(CONSTANTS, 32)), f32x4.mul(p, f)),
    );

    const t = f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_s(b, 1)), v128.load(CONSTANTS, 192));
    const t2 = f32x4.mul(t, t);
    let s = v128.load(CONSTANTS, 256);
    s = f32x4.add(f32x4.mul(s, t2), v128.load(CONSTANTS, 240));
    s = f32x4.add(f32x4.mul(s, t2), v128.load(CONSTANTS, 224));
    s = f32x4.mul(f32x4.add(f32x4.mul(s, t2), v128.load(CONSTANTS, 208)), t);
    let c = v128.load(CONSTANTS, 320);
    c = f32x4.add(f32x4.mul(c, t2), v128.load(CONSTANTS, 304));
    c = f32x4.add(f32x4.mul(c, t2), v128.load(CONSTANTS, 288));
    c = f32x4.add(f32x4.mul(c, t2), v128.load(CONSTANTS, 272));

    // scale and sign first: they are ready long before the radius
    const z0 = v128.xor(f32x4.mul(f32x4.sub(c, s), v128.load(scale, 0)), i32x4.shl(a, 31));
    const z1 = v128.xor(f32x4.mul(f32x4.add(c, s), v128.load(scale, 16)), i32x4.shl(b, 31));
    v128.store(out, f32x4.mul(z0, radius), 0);
    v128.store(out, f32x4.mul(z1, radius), 16);
    out += 32;
    scale += 32;
  }
  v128.store(state, s0, 0);
  v128.store(state, s1, 16);
  v128.store(state, s2, 32);
  v128.store(state, s3, 48);
}
