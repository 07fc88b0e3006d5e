/**
 * Samples of a Gaussian orthant by separation of variables [Genz 1992], exponentially tilted [Botev 2017], sixteen at a time.
 *
 * Variable i, given those before it, is positive where its standardised noise `zeta_i > t_i`, with
 * `t_i = start_i + sum_{j < i} N_ij zeta_j`. The noise is drawn from the standard Gaussian above t_i, and the sample's weight is
 * `prod_i Q(t_i) exp(slope_i t_i)`, Q = 1 - Phi. Rows from `free` on are variables without noise of their own: they must come
 * out as `t_i < 0`, or the weight is 0.
 *
 * Sample s takes the point `frac(shift_i + s step_i)` of a shifted lattice, folded by the tent map (the baker's transform
 * [Hickernell 2002]); fractions are u64, so that all of it is exact.
 *
 * The products `sum N_ij zeta_j` are tiles of 4 rows by 4 samples that stay in registers while j runs.
 *
 * - rows: for every four rows from i on, `[i + 4][4]` f64, N of the four in columns 0 to i + 3; aligned to 16.
 * - n: rows, a multiple of 4; those added for that are rows without noise, with start -1.
 * - start, slopes: n f64; steps, shifts: n u64.
 * - work: `orthantWorkBytes(n)`, aligned to 16.
 */
import { logarithm, millsRatio, quantileOf, tailOf } from "./gaussianTail";

/** Samples of a block, in quads. */
const QUADS: usize = 4;
/** Bytes of a row of 16 samples. */
const ROW: usize = 128;
const DENSITY: f64 = 0.3989422804014327;
/** Rows after which the product of tails goes into its logarithm, a power of 2: sixteen of the smallest are far from 0. */
const FOLD: i32 = 16;

export function orthantWorkBytes(n: i32): usize {
  return <usize>n * ROW + 10 * ROW;
}

/**
 * Blocks of sixteen samples.
 *
 * @param first number of the first sample, an integer.
 * @param out 16 `blocks` f64: the logarithms of the weights.
 */
export function orthantBlocks(
  rows: usize,
  n: i32,
  free: i32,
  start: usize,
  slopes: usize,
  steps: usize,
  shifts: usize,
  first: f64,
  blocks: i32,
  work: usize,
  out: usize,
): void {
  let sample = <u64>first;
  for (let b = 0; b < blocks; b++) {
    block(rows, n, free, start, slopes, steps, shifts, sample, work, out);
    sample += 16;
    out += ROW;
  }
}

function block(
  rows: usize,
  n: i32,
  free: i32,
  start: usize,
  slopes: usize,
  steps: usize,
  shifts: usize,
  sample: u64,
  work: usize,
  out: usize,
): void {
  const quad = (<usize>n) << 5;
  const t = work + QUADS * quad;
  const product = t + 4 * ROW;
  const scratch = product + ROW;
  memory.fill(out, 0, ROW);
  for (let k: usize = 0; k < ROW; k += 16) v128.store(product + k, f64x2.splat(1));
  for (let i = 0; i < n; i += 4) {
    const at = (<usize>i) << 3;
    for (let q: usize = 0; q < QUADS; q++) tile(rows, at << 2, work + q * quad, start + at, t + (q << 5));
    const triangle = rows + (at << 2);
    for (let a = 0; a < 4; a++) {
      const row = i + a;
      const bounds = t + <usize>a * ROW;
      for (let b = 0; b < a; b++) {
        addRow(
          bounds,
          v128.load_splat<f64>(triangle + ((((<usize>b) << 2) + a) << 3)),
          work + ((<usize>(i + b)) << 5),
          quad,
        );
      }
      const zeta = work + ((<usize>row) << 5);
      const offset = (<usize>row) << 3;
      if (row < free) {
        const step = load<u64>(steps + offset);
        uniforms(load<u64>(shifts + offset) + sample * step, step, scratch);
        tails(bounds, v128.load_splat<f64>(slopes + offset), product, out, scratch);
        noise(scratch, zeta, quad);
      } else {
        check(bounds, product, zeta, quad);
      }
    }
    rows = triangle + 128;
    if (((i + 4) & (FOLD - 1)) == 0) fold(product, out);
  }
  fold(product, out);
}

/** Bounds of 4 rows by 4 samples: `start + N zeta` over the rows before. */
function tile(rows: usize, bytes: usize, zeta: usize, start: usize, out: usize): void {
  let s00 = v128.load_splat<f64>(start);
  let s01 = s00;
  let s10 = v128.load_splat<f64>(start, 8);
  let s11 = s10;
  let s20 = v128.load_splat<f64>(start, 16);
  let s21 = s20;
  let s30 = v128.load_splat<f64>(start, 24);
  let s31 = s30;
  const end = rows + bytes;
  while (rows < end) {
    const z0 = v128.load(zeta);
    const z1 = v128.load(zeta, 16);
    let c = v128.load_splat<f64>(rows);
    s00 = f64x2.add(s00, f64x2.mul(c, z0));
    s01 = f64x2.add(s01, f64x2.mul(c, z1));
    c = v128.load_splat<f64>(rows, 8);
    s10 = f64x2.add(s10, f64x2.mul(c, z0));
    s11 = f64x2.add(s11, f64x2.mul(c, z1));
    c = v128.load_splat<f64>(rows, 16);
    s20 = f64x2.add(s20, f64x2.mul(c, z0));
    s21 = f64x2.add(s21, f64x2.mul(c, z1));
    c = v128.load_splat<f64>(rows, 24);
    s30 = f64x2.add(s30, f64x2.mul(c, z0));
    s31 = f64x2.add(s31, f64x2.mul(c, z1));
    rows += 32;
    zeta += 32;
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  v128.store(out, s10, 128);
  v128.store(out, s11, 144);
  v128.store(out, s20, 256);
  v128.store(out, s21, 272);
  v128.store(out, s30, 384);
  v128.store(out, s31, 400);
}

/** `bounds += c zeta` of sixteen samples. */
function addRow(bounds: usize, c: v128, zeta: usize, quad: usize): void {
  for (let q: usize = 0; q < QUADS; q++) {
    v128.store(bounds, f64x2.add(v128.load(bounds), f64x2.mul(c, v128.load(zeta))));
    v128.store(bounds, f64x2.add(v128.load(bounds, 16), f64x2.mul(c, v128.load(zeta, 16))), 16);
    bounds += 32;
    zeta += quad;
  }
}

/** Sixteen folded points of the lattice in (0, 1). */
function uniforms(point: u64, step: u64, out: usize): void {
  let x = i64x2.replace_lane(i64x2.splat(point), 1, point + step);
  const two = i64x2.splat(step << 1);
  const one = i64x2.splat(0x3ff0000000000000);
  const shift = f64x2.splat(1 - 1.1102230246251565e-16);
  for (let k: usize = 0; k < ROW; k += 16) {
    const folded = i64x2.shl(v128.xor(x, i64x2.shr_s(x, 63)), 1);
    // the middle of one of 2^52 equal intervals
    v128.store(out + k, f64x2.sub(v128.or(i64x2.shr_u(folded, 12), one), shift));
    x = i64x2.add(x, two);
  }
}

/**
 * Tails above the bounds: into the weights, and into what `noise` inverts, `q = add - ln argument` of probabilities up to 1/2
 * and a sign.
 *
 * @param scratch sixteen uniforms; then their arguments, and after these what is added, and the signs.
 */
function tails(bounds: usize, slope: v128, product: usize, weights: usize, scratch: usize): void {
  const one = f64x2.splat(1);
  const middle = f64x2.splat(0.5);
  const sign = f64x2.splat(-0.0);
  for (let k: usize = 0; k < ROW; k += 16) {
    const t = v128.load(bounds + k);
    const x = f64x2.abs(t);
    const ratio = f64x2.mul(millsRatio(x), f64x2.splat(DENSITY));
    const half = f64x2.mul(f64x2.mul(x, x), middle);
    const above = f64x2.ge(t, f64x2.splat(0));
    const v = v128.bitselect(ratio, f64x2.sub(one, tailOf(half, ratio)), above);
    v128.store(product + k, f64x2.mul(v128.load(product + k), v));
    const added = v128.and(half, above);
    v128.store(weights + k, f64x2.add(v128.load(weights + k), f64x2.sub(f64x2.mul(slope, t), added)));
    const p = f64x2.mul(v, v128.load(scratch + k));
    const flip = v128.andnot(f64x2.gt(p, middle), above);
    v128.store(scratch + k, v128.bitselect(f64x2.sub(one, p), p, flip));
    v128.store(scratch + ROW + k, added);
    v128.store(scratch + 2 * ROW + k, v128.and(flip, sign));
  }
}

/** The noise whose tails `tails` left. */
function noise(scratch: usize, zeta: usize, quad: usize): void {
  for (let k: usize = 0; k < ROW; k += 32) {
    for (let l: usize = 0; l < 32; l += 16) {
      const at = scratch + k + l;
      const q = f64x2.sub(v128.load(at, ROW), logarithm(v128.load(at)));
      v128.store(zeta + l, v128.xor(quantileOf(q), v128.load(at, 2 * ROW)));
    }
    zeta += quad;
  }
}

/** A variable without noise: the weight is kept where it is positive. */
function check(bounds: usize, product: usize, zeta: usize, quad: usize): void {
  for (let q: usize = 0; q < QUADS; q++) {
    for (let l: usize = 0; l < 32; l += 16) {
      const right = f64x2.lt(v128.load(bounds + l), f64x2.splat(0));
      v128.store(product + l, v128.and(v128.load(product + l), right));
      v128.store(zeta + l, f64x2.splat(0));
    }
    bounds += 32;
    product += 32;
    zeta += quad;
  }
}

/** Takes the products' logarithms into the weights. */
function fold(product: usize, weights: usize): void {
  for (let k: usize = 0; k < ROW; k += 16) {
    const p = v128.load(product + k);
    const nothing = f64x2.eq(p, f64x2.splat(0));
    const log = v128.bitselect(f64x2.splat(-Infinity), logarithm(v128.bitselect(f64x2.splat(1), p, nothing)), nothing);
    v128.store(weights + k, f64x2.add(v128.load(weights + k), log));
    v128.store(product + k, f64x2.splat(1));
  }
}

/**
 * Largest of n logarithms, and the sums of `exp(x - largest)` and of its square.
 *
 * @param out 3 f64; the sums are 0 if the largest is -Infinity.
 */
export function weightSums(logs: usize, n: i32, out: usize): void {
  let largest = -Infinity;
  const end = logs + ((<usize>n) << 3);
  for (let at = logs; at < end; at += 8) largest = max(largest, load<f64>(at));
  let sum: f64 = 0;
  let squares: f64 = 0;
  if (largest > -Infinity) {
    for (let at = logs; at < end; at += 8) {
      const w = NativeMath.exp(load<f64>(at) - largest);
      sum += w;
      squares += w * w;
    }
  }
  store<f64>(out, largest, 0);
  store<f64>(out, sum, 8);
  store<f64>(out, squares, 16);
}
