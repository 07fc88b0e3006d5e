/**
 * The upper tail of the standard Gaussian in f64, Q(x) = 1 - Phi(x), and its inverse, for rows of the sampler of orthants: from
 * the module's own polynomials, two lanes at once. Scalars, to the last digits, are in normal.ts.
 *
 * Each polynomial is the Chebyshev series of its function, which was computed with 45 digits, cut at 1e-16.
 */
import { inverseMills, logNormalCdf } from "./normal";

/** 1 / sqrt(2 pi) */
const DENSITY: f64 = 0.3989422804014327;
/** sqrt(ln 2): the radius of the median. */
const MEDIAN: f64 = 0.8325546111576978;
/** End of the quantile's polynomial: Q = 2e-16. */
const FAR: f64 = 6;
const SHIFT: f64 = 1.9027882969771552;
const SLOPE: f64 = -6.7709122273286635;
/** Beyond it phi is below the smallest normal number. */
const NO_DENSITY: f64 = 700;
const LOG2_E: f64 = 1.4426950408889634;
const LN2_HIGH: f64 = 6.9314718036912381649e-1;
const LN2_LOW: f64 = 1.90821492927058770002e-10;
/** Adding it rounds to an integer, which then stands in the low bits. */
const ROUND: f64 = 6755399441055744;
/** Makes exponents change at the root of 1/2. */
const LOG_SHIFT: i64 = 0x3ff00000_00000000 - 0x3fe6a09e_00000000;
/** 2^52 and the exponent's bias. */
const BIASED: f64 = 4503599627370496 + 1023;

/** (x + 5) Q(x) / phi(x), x >= 0, in powers of (x - 5) / (x + 5) [as Shepherd & Laframboise 1981]. */
const MILLS: usize = memory.data<f64>(
  [
    1.9280810471531575, -1.66786659518896, 1.241547061573877, -0.7859110755465453, 0.41364471573217226,
    -0.17325473408715042, 0.05212550242182693, -0.007503282820678759, -0.0019999620670556138, 0.0013658591609424361,
    -0.00014883252854029768, -0.00012473565818721082, 4.181269707272043e-5, 9.974780085542733e-6,
    -6.9405498481783575e-6, -8.360675980181407e-7, 1.0865648093633823e-6, 9.668428357216325e-8, -1.6898908396071304e-7,
    -1.7398124277679196e-8, 2.324918339616538e-8, 3.1868668438665133e-9, -1.968820796668673e-9, -3.336850487923168e-10,
  ],
  16,
);

/** z / (r - MEDIAN) where Q(z) = exp(-r^2), MEDIAN <= r <= FAR, in powers of SHIFT + SLOPE / (r + 1.5). */
const QUANTILE: usize = memory.data<f64>(
  [
    1.7823010570242073, -0.2443492339600764, 0.0432566613540697, -0.012141494240346391, 0.003274761924228145,
    -0.0010883015419232741, 0.00032535490527268654, -0.00011315016436272861, 3.554773008672364e-5,
    -1.292503968115622e-5, 4.1037044452884055e-6, -1.5538622265689311e-6, 4.913590956554787e-7, -1.9468783192562199e-7,
    5.967517317444143e-8, -2.4676032792008204e-8, 7.573737960117227e-9, -3.87250809251141e-9, 7.172629201915475e-10,
    -1.3703444447951528e-10, 1.7585969988022883e-10, -1.7684063724759318e-10,
  ],
  16,
);

/** exp(x) in powers of x: 1 / k!, and a last 0 that makes their number even. */
const EXP: usize = memory.data<f64>(
  [
    1.0, 1.0, 0.5, 0.16666666666666666, 0.041666666666666664, 0.008333333333333333, 0.001388888888888889,
    0.0001984126984126984, 2.48015873015873e-5, 2.7557319223985893e-6, 2.755731922398589e-7, 2.505210838544172e-8,
    2.08767569878681e-9, 0.0,
  ],
  16,
);

/** Of ln((1 + s) / (1 - s)), in powers of s^2 [fdlibm, e_log.c]; and a last 0. */
const LOG: usize = memory.data<f64>(
  [
    0.6666666666666735, 0.3999999999940942, 0.2857142874366239, 0.22222198432149784, 0.1818357216161805,
    0.15313837699209373, 0.14798198605116586, 0.0,
  ],
  16,
);

/** sum_k c_k y^k of an even number of coefficients: even and odd powers are two chains. */
function polynomial(c: usize, terms: usize, y: v128): v128 {
  const y2 = f64x2.mul(y, y);
  let at = c + (terms << 3) - 16;
  let even = v128.load_splat<f64>(at);
  let odd = v128.load_splat<f64>(at, 8);
  while (at > c) {
    at -= 16;
    even = f64x2.add(f64x2.mul(even, y2), v128.load_splat<f64>(at));
    odd = f64x2.add(f64x2.mul(odd, y2), v128.load_splat<f64>(at, 8));
  }
  return f64x2.add(even, f64x2.mul(odd, y));
}

/** `w = 1 / (x + 5)` of Mills' ratio, whose polynomial is in `1 - 10 w`. */
function millsWeight(x: v128): v128 {
  return f64x2.div(f64x2.splat(1), f64x2.add(x, f64x2.splat(5)));
}

function millsVariable(w: v128): v128 {
  return f64x2.sub(f64x2.splat(1), f64x2.mul(w, f64x2.splat(10)));
}

/** Nearest integer to -x log2 e, in the low bits of a number, for 0 <= x <= NO_DENSITY or beyond it. */
function exponentOf(x: v128): v128 {
  const bounded = f64x2.pmin(f64x2.splat(NO_DENSITY), x);
  return f64x2.sub(f64x2.splat(ROUND), f64x2.mul(bounded, f64x2.splat(LOG2_E)));
}

/** `-x - n ln 2`, n as `exponentOf` has it. */
function exponentRest(x: v128, exponent: v128): v128 {
  const bounded = f64x2.pmin(f64x2.splat(NO_DENSITY), x);
  const n = f64x2.sub(exponent, f64x2.splat(ROUND));
  const sum = f64x2.add(bounded, f64x2.mul(n, f64x2.splat(LN2_HIGH)));
  return f64x2.neg(f64x2.add(sum, f64x2.mul(n, f64x2.splat(LN2_LOW))));
}

/** 2^n */
function powerOf(exponent: v128): v128 {
  return i64x2.add(i64x2.shl(exponent, 52), i64x2.splat(0x3ff0000000000000));
}

// ln x of positive normal numbers [fdlibm, e_log.c]: x = 2^k m, m within a factor root 2 of 1, f = m - 1, s = f / (2 + f)
function logExponent(x: v128): v128 {
  const bits = i64x2.add(x, i64x2.splat(LOG_SHIFT));
  return f64x2.sub(v128.or(i64x2.shr_u(bits, 52), i64x2.splat(0x4330000000000000)), f64x2.splat(BIASED));
}

function logFraction(x: v128): v128 {
  const bits = i64x2.add(x, i64x2.splat(LOG_SHIFT));
  const m = i64x2.add(v128.and(bits, i64x2.splat(0x000fffff_ffffffff)), i64x2.splat(0x3fe6a09e_00000000));
  return f64x2.sub(m, f64x2.splat(1));
}

function logVariable(f: v128): v128 {
  return f64x2.div(f, f64x2.add(f, f64x2.splat(2)));
}

/** @param p the polynomial at s^2. */
function logSum(k: v128, f: v128, s: v128, p: v128): v128 {
  const half = f64x2.mul(f64x2.mul(f, f), f64x2.splat(0.5));
  const tail = f64x2.mul(f64x2.mul(s, s), p);
  const low = f64x2.add(f64x2.mul(s, f64x2.add(half, tail)), f64x2.mul(k, f64x2.splat(LN2_LOW)));
  return f64x2.add(f64x2.mul(k, f64x2.splat(LN2_HIGH)), f64x2.sub(f, f64x2.sub(half, low)));
}

function quantileVariable(r: v128): v128 {
  const w = f64x2.div(f64x2.splat(SLOPE), f64x2.add(r, f64x2.splat(1.5)));
  return f64x2.add(w, f64x2.splat(SHIFT));
}

/** z >= 0 with `Q(z) = exp(-r^2)`, p the polynomial. */
function quantileEnd(r: v128, p: v128): v128 {
  const z = f64x2.mul(f64x2.sub(r, f64x2.splat(MEDIAN)), p);
  if (!v128.any_true(f64x2.gt(r, f64x2.splat(FAR)))) return z;
  const r0 = f64x2.extract_lane(r, 0);
  const r1 = f64x2.extract_lane(r, 1);
  const z0 = r0 > FAR ? farQuantile(r0 * r0) : f64x2.extract_lane(z, 0);
  const z1 = r1 > FAR ? farQuantile(r1 * r1) : f64x2.extract_lane(z, 1);
  return f64x2.replace_lane(f64x2.splat(z0), 1, z1);
}

/** Polynomials of a row of sixteen, in place: eight vectors, four at a time in even and odd powers. */
function polynomialRow(c: usize, terms: usize, y: usize): void {
  polynomial4(c, terms, y);
  polynomial4(c, terms, y + 64);
}

function polynomial4(c: usize, terms: usize, y: usize): void {
  let x = v128.load(y);
  const a = f64x2.mul(x, x);
  x = v128.load(y, 16);
  const b = f64x2.mul(x, x);
  x = v128.load(y, 32);
  const d = f64x2.mul(x, x);
  x = v128.load(y, 48);
  const e = f64x2.mul(x, x);
  let at = c + (terms << 3) - 16;
  let a0 = v128.load_splat<f64>(at);
  let b0 = a0;
  let d0 = a0;
  let e0 = a0;
  let a1 = v128.load_splat<f64>(at, 8);
  let b1 = a1;
  let d1 = a1;
  let e1 = a1;
  while (at > c) {
    at -= 16;
    const even = v128.load_splat<f64>(at);
    a0 = f64x2.add(f64x2.mul(a0, a), even);
    b0 = f64x2.add(f64x2.mul(b0, b), even);
    d0 = f64x2.add(f64x2.mul(d0, d), even);
    e0 = f64x2.add(f64x2.mul(e0, e), even);
    const odd = v128.load_splat<f64>(at, 8);
    a1 = f64x2.add(f64x2.mul(a1, a), odd);
    b1 = f64x2.add(f64x2.mul(b1, b), odd);
    d1 = f64x2.add(f64x2.mul(d1, d), odd);
    e1 = f64x2.add(f64x2.mul(e1, e), odd);
  }
  v128.store(y, f64x2.add(a0, f64x2.mul(a1, v128.load(y))));
  v128.store(y, f64x2.add(b0, f64x2.mul(b1, v128.load(y, 16))), 16);
  v128.store(y, f64x2.add(d0, f64x2.mul(d1, v128.load(y, 32))), 32);
  v128.store(y, f64x2.add(e0, f64x2.mul(e1, v128.load(y, 48))), 48);
}

/** Bytes of a row of sixteen. */
const ROW: usize = 128;

/**
 * Tails of a row of sixteen bounds t: Q(t) for t < 0, else `Q(t) exp(t^2 / 2)`, which does not underflow. Absolute accuracy.
 *
 * @param scratch four rows.
 */
export function tailRow(t: usize, out: usize, scratch: usize): void {
  const variables = scratch;
  const exponents = scratch + ROW;
  const ratios = scratch + 2 * ROW;
  for (let k: usize = 0; k < ROW; k += 16) {
    const w = millsWeight(f64x2.abs(v128.load(t + k)));
    v128.store(ratios + k, f64x2.mul(w, f64x2.splat(DENSITY)));
    v128.store(variables + k, millsVariable(w));
  }
  polynomialRow(MILLS, 24, variables);
  for (let k: usize = 0; k < ROW; k += 16) {
    v128.store(ratios + k, f64x2.mul(v128.load(ratios + k), v128.load(variables + k)));
    const x = v128.load(t + k);
    const half = f64x2.mul(f64x2.mul(x, x), f64x2.splat(0.5));
    const exponent = exponentOf(half);
    v128.store(exponents + k, exponent);
    v128.store(variables + k, exponentRest(half, exponent));
  }
  polynomialRow(EXP, 14, variables);
  for (let k: usize = 0; k < ROW; k += 16) {
    const ratio = v128.load(ratios + k);
    const bell = f64x2.mul(v128.load(variables + k), powerOf(v128.load(exponents + k)));
    const below = f64x2.sub(f64x2.splat(1), f64x2.mul(bell, ratio));
    v128.store(out + k, v128.bitselect(ratio, below, f64x2.ge(v128.load(t + k), f64x2.splat(0))));
  }
}

/**
 * A row of sixteen draws from the standard Gaussian above t.
 *
 * @param tails what `tailRow` made of t.
 * @param points uniforms in (0, 1).
 * @param scratch four rows.
 */
export function noiseRow(t: usize, tails: usize, points: usize, out: usize, scratch: usize): void {
  const variables = scratch;
  const arguments_ = scratch + ROW;
  const fractions = scratch + 2 * ROW;
  const flips = scratch + 3 * ROW;
  const one = f64x2.splat(1);
  const half = f64x2.splat(0.5);
  for (let k: usize = 0; k < ROW; k += 16) {
    const p = f64x2.mul(v128.load(tails + k), v128.load(points + k));
    // of probabilities above 1/2 the complement is inverted
    const flip = v128.andnot(f64x2.gt(p, half), f64x2.ge(v128.load(t + k), f64x2.splat(0)));
    v128.store(flips + k, v128.and(flip, f64x2.splat(-0.0)));
    const x = v128.bitselect(f64x2.sub(one, p), p, flip);
    v128.store(arguments_ + k, x);
    const s = logVariable(logFraction(x));
    v128.store(fractions + k, s);
    v128.store(variables + k, f64x2.mul(s, s));
  }
  polynomialRow(LOG, 8, variables);
  for (let k: usize = 0; k < ROW; k += 16) {
    const x = v128.load(arguments_ + k);
    const log = logSum(logExponent(x), logFraction(x), v128.load(fractions + k), v128.load(variables + k));
    const bound = v128.load(t + k);
    const added = v128.and(f64x2.mul(f64x2.mul(bound, bound), half), f64x2.ge(bound, f64x2.splat(0)));
    const r = f64x2.sqrt(f64x2.sub(added, log));
    v128.store(arguments_ + k, r);
    v128.store(variables + k, quantileVariable(r));
  }
  polynomialRow(QUANTILE, 22, variables);
  for (let k: usize = 0; k < ROW; k += 16) {
    const z = quantileEnd(v128.load(arguments_ + k), v128.load(variables + k));
    v128.store(out + k, v128.xor(z, v128.load(flips + k)));
  }
}

/** ln x of positive normal numbers, to some roundings. */
export function logarithm(x: v128): v128 {
  const f = logFraction(x);
  const s = logVariable(f);
  return logSum(logExponent(x), f, s, polynomial(LOG, 8, f64x2.mul(s, s)));
}

/** z >= 0 with Q(z) = exp(-q), q >= ln 2. */
function upperHalfQuantile(q: f64): f64 {
  const r = f64x2.splat(sqrt(q));
  return f64x2.extract_lane(quantileEnd(r, polynomial(QUANTILE, 22, quantileVariable(r))), 0);
}

/** z with Q(z) = exp(-q) far out: Newton's method on ln Q, which is almost a parabola. */
function farQuantile(q: f64): f64 {
  let z = sqrt(2 * q);
  z -= NativeMath.log(4 * q * NativeMath.PI) / (2 * z);
  for (let i = 0; i < 3; i++) z += (logNormalCdf(-z) + q) / inverseMills(-z);
  return z;
}

/** z with ln Q(z) = -q, q > 0. */
export function upperQuantile(q: f64): f64 {
  const median = MEDIAN * MEDIAN;
  if (q >= median) return upperHalfQuantile(q);
  return -upperHalfQuantile(max(median, -NativeMath.log(-NativeMath.expm1(-q))));
}
