/**
 * Samples of a Gaussian orthant by separation of variables [Genz 1992], sixteen at a time, drawn in one of two ways.
 *
 * The vector is `L z` with standard Gaussian z, and variable i is positive where `z_i > l_i`, `l_i = sum_{j < i} N_ij z_j`.
 *
 * 1. Exponentially tilted [Botev 2017]: `z_i = mu_i + zeta`, zeta above `t = l_i - mu_i`. A sample's weight is
 *    `exp(c1) prod_i Q(t) exp(slope_i t)`, Q = 1 - Phi.
 * 2. Towards Gaussian sites for the variables to come: `z_i = l_i + scale_i (zeta - t)`, zeta above
 *    `t = start_i + sum_{j < i} M_ij z_j`, of weight `exp(c2) prod_i Q(t) exp(linear_i t + square_i t^2)`.
 *
 * With both, the first quad of a block is drawn in the first way and the others in the second, and each sample has the weight of
 * the mixture, `1 / (1 / (4 w1) + 3 / (4 w2))`: never above 4 w1, which is bounded, as w2 is not.
 *
 * Rows from `free` on are variables without noise of their own: they must come out as `l_i < 0`, or the weight is 0.
 *
 * A sample of number s takes the point `frac(shift_i + s step_i)` of a shifted lattice, folded by the tent map (the baker's
 * transform [Hickernell 2002]); fractions are u64, so that all of it is exact. Each way numbers its own samples.
 *
 * The products with z are tiles of 4 rows by 4 samples that stay in registers while j runs.
 *
 * The plan, 64 bytes: u32 addresses and numbers
 * - rows: N, for every four rows from i on `[i + 4][4]` f64, in columns 0 to i + 3; aligned to 16;
 * - others: M likewise; 0: all samples are drawn in the first way;
 * - n: rows, a multiple of 4; those added for that are rows without noise;
 * - free;
 * - constants: for every row 8 f64, `l` before any product, mu, slope, start, scale, linear, square, unused;
 * - steps, shifts: n u64;
 * - work: `orthantWorkBytes(n)`, aligned to 16;
 * and f64 c1, c2 at bytes 32 and 40.
 */
import { logarithm, noiseRow, tailRow } from "./gaussianTail";

/** Samples of a block, in quads. */
const QUADS: usize = 4;
/** Bytes of a row of 16 samples, and of four rows. */
const ROW: usize = 128;
const GROUP: usize = 512;
const LOG_QUARTER: f64 = -1.3862943611198906;
const LOG_THREE_QUARTERS: f64 = -0.2876820724517809;
/** Rows after which the products of tails go into their logarithms, a power of 2: sixteen of the smallest are far from 0. */
const FOLD: i32 = 16;

export function orthantWorkBytes(n: i32): usize {
  return <usize>n * ROW + 2 * GROUP + 13 * ROW;
}

/**
 * Blocks of sixteen samples.
 *
 * @param first number of the first block, an integer.
 * @param out 16 `blocks` f64: the logarithms of the weights.
 */
export function orthantBlocks(plan: usize, first: f64, blocks: i32, out: usize): void {
  const mixed = load<u32>(plan, 4) != 0;
  let b = <u64>first;
  for (let k = 0; k < blocks; k++) {
    block(plan, mixed, b, out);
    b++;
    out += ROW;
  }
}

function block(plan: usize, mixed: bool, b: u64, out: usize): void {
  let rows: usize = load<u32>(plan);
  let others: usize = load<u32>(plan, 4);
  const n = load<i32>(plan, 8);
  const free = load<i32>(plan, 12);
  let constants: usize = load<u32>(plan, 16);
  let step: usize = load<u32>(plan, 20);
  let shift: usize = load<u32>(plan, 24);
  const work: usize = load<u32>(plan, 28);
  const quad = (<usize>n) << 5;
  const bounds = work + QUADS * quad;
  const bounds2 = bounds + GROUP;
  const scratch = bounds2 + GROUP;
  // tails of both ways, uniforms; products and logarithms of weights of both ways
  const t1 = scratch + 12 * ROW;
  const tails1 = scratch;
  const tails2 = scratch + ROW;
  const points = scratch + 2 * ROW;
  const product1 = scratch + 3 * ROW;
  const product2 = scratch + 4 * ROW;
  const weights1 = scratch + 5 * ROW;
  const weights2 = scratch + 6 * ROW;
  const zeta = scratch + 7 * ROW;
  const rest = scratch + 8 * ROW;
  memory.fill(weights1, 0, 2 * ROW);
  for (let k: usize = 0; k < 2 * ROW; k += 16) v128.store(product1 + k, f64x2.splat(1));
  for (let i = 0; i < n; i += 4) {
    const bytes = (<usize>i) << 5;
    for (let q: usize = 0; q < QUADS; q++) {
      tile(rows, bytes, work + q * quad, bounds + (q << 5));
      if (mixed) tile(others, bytes, work + q * quad, bounds2 + (q << 5));
    }
    rows += bytes;
    others += bytes;
    for (let a: usize = 0; a < 4; a++) {
      const l = bounds + a * ROW;
      const t2 = bounds2 + a * ROW;
      const z = work + ((<usize>i + a) << 5);
      move(l, load<f64>(constants), l);
      for (let c: usize = 0; c < a; c++) {
        const at = ((c << 2) + a) << 3;
        addRow(l, v128.load_splat<f64>(rows + at), work + ((<usize>i + c) << 5), quad);
        if (mixed) addRow(t2, v128.load_splat<f64>(others + at), work + ((<usize>i + c) << 5), quad);
      }
      if (i + <i32>a < free) {
        const width = load<u64>(step);
        const origin = load<u64>(shift);
        move(l, -load<f64>(constants, 8), t1);
        tailRow(t1, tails1, rest);
        weigh(t1, tails1, load<f64>(constants, 16), 0, product1, weights1);
        if (mixed) {
          uniforms(origin + 4 * b * width, width, 32, points);
          uniforms(origin + 12 * b * width, width, 96, points + 32);
          move(t2, load<f64>(constants, 24), t2);
          tailRow(t2, tails2, rest);
          weigh(t2, tails2, load<f64>(constants, 40), load<f64>(constants, 48), product2, weights2);
          // the first quad as in the first way
          memory.copy(t2, t1, 32);
          memory.copy(tails2, tails1, 32);
          noiseRow(t2, tails2, points, zeta, rest);
          const scale = f64x2.splat(load<f64>(constants, 32));
          place(l, t2, zeta, f64x2.splat(1), z);
          for (let q: usize = 1; q < QUADS; q++)
            place(l + (q << 5), t2 + (q << 5), zeta + (q << 5), scale, z + q * quad);
        } else {
          uniforms(origin + 16 * b * width, width, ROW, points);
          noiseRow(t1, tails1, points, zeta, rest);
          for (let q: usize = 0; q < QUADS; q++) {
            place(l + (q << 5), t1 + (q << 5), zeta + (q << 5), f64x2.splat(1), z + q * quad);
          }
        }
      } else {
        check(l, product1, z, quad);
      }
      constants += 64;
      step += 8;
      shift += 8;
    }
    rows += 128;
    others += 128;
    if (((i + 4) & (FOLD - 1)) == 0) {
      fold(product1, weights1);
      if (mixed) fold(product2, weights2);
    }
  }
  fold(product1, weights1);
  fold(product2, weights2);
  const c1 = load<f64>(plan, 32);
  const c2 = load<f64>(plan, 40);
  for (let k: usize = 0; k < ROW; k += 8) {
    const w1 = load<f64>(weights1 + k) + c1;
    store<f64>(out + k, mixed ? mixture(w1, load<f64>(weights2 + k) + c2) : w1);
  }
}

/** Logarithm of the mixture's weight from those of the two ways. */
function mixture(w1: f64, w2: f64): f64 {
  if (w1 == -Infinity) return w1;
  const x = LOG_QUARTER - w1;
  const y = LOG_THREE_QUARTERS - w2;
  const larger = max(x, y);
  return -larger - NativeMath.log1p(NativeMath.exp(min(x, y) - larger));
}

/** `out = N z` of 4 rows by 4 samples over the rows before. */
function tile(rows: usize, bytes: usize, z: usize, out: usize): void {
  let s00 = f64x2.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  const end = rows + bytes;
  while (rows < end) {
    const z0 = v128.load(z);
    const z1 = v128.load(z, 16);
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
    z += 32;
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

/** `row += c z`, sixteen samples. */
function addRow(row: usize, c: v128, z: usize, quad: usize): void {
  for (let q: usize = 0; q < QUADS; q++) {
    v128.store(row, f64x2.add(v128.load(row), f64x2.mul(c, v128.load(z))));
    v128.store(row, f64x2.add(v128.load(row, 16), f64x2.mul(c, v128.load(z, 16))), 16);
    row += 32;
    z += quad;
  }
}

/** Folded points of the lattice in (0, 1), `bytes` of them. */
function uniforms(point: u64, step: u64, bytes: usize, out: usize): void {
  let x = i64x2.replace_lane(i64x2.splat(point), 1, point + step);
  const two = i64x2.splat(step << 1);
  const one = i64x2.splat(0x3ff0000000000000);
  const shift = f64x2.splat(1 - 1.1102230246251565e-16);
  for (let k: usize = 0; k < bytes; k += 16) {
    const folded = i64x2.shl(v128.xor(x, i64x2.shr_s(x, 63)), 1);
    // the middle of one of 2^52 equal intervals
    v128.store(out + k, f64x2.sub(v128.or(i64x2.shr_u(folded, 12), one), shift));
    x = i64x2.add(x, two);
  }
}

/** `out = row + c`, sixteen samples; may be the row itself. */
function move(row: usize, c: f64, out: usize): void {
  const x = f64x2.splat(c);
  for (let k: usize = 0; k < ROW; k += 16) v128.store(out + k, f64x2.add(v128.load(row + k), x));
}

/** Takes sixteen tails above t into the product and, with `linear t + square t^2`, the weights. */
function weigh(t: usize, tails: usize, linear: f64, square: f64, product: usize, weights: usize): void {
  const b = f64x2.splat(linear);
  const c = f64x2.splat(square);
  for (let k: usize = 0; k < ROW; k += 16) {
    v128.store(product + k, f64x2.mul(v128.load(product + k), v128.load(tails + k)));
    const x = v128.load(t + k);
    const half = f64x2.mul(f64x2.mul(x, x), f64x2.splat(0.5));
    const taken = v128.and(half, f64x2.ge(x, f64x2.splat(0)));
    const exponent = f64x2.sub(f64x2.mul(x, f64x2.add(b, f64x2.mul(c, x))), taken);
    v128.store(weights + k, f64x2.add(v128.load(weights + k), exponent));
  }
}

/** `z = l + scale (zeta - t)`, four samples. */
function place(l: usize, t: usize, zeta: usize, scale: v128, z: usize): void {
  for (let k: usize = 0; k < 32; k += 16) {
    const above = f64x2.sub(v128.load(zeta + k), v128.load(t + k));
    v128.store(z + k, f64x2.add(v128.load(l + k), f64x2.mul(scale, above)));
  }
}

/** Variables without noise: the weight is kept where they are positive. */
function check(bounds: usize, product: usize, z: usize, quad: usize): void {
  for (let q: usize = 0; q < QUADS; q++) {
    for (let k: usize = 0; k < 32; k += 16) {
      const right = f64x2.lt(v128.load(bounds + k), f64x2.splat(0));
      v128.store(product + k, v128.and(v128.load(product + k), right));
      v128.store(z + k, f64x2.splat(0));
    }
    bounds += 32;
    product += 32;
    z += quad;
  }
}

/** Takes a product's logarithm into the weights. */
function fold(product: usize, weights: usize): void {
  const one = f64x2.splat(1);
  for (let k: usize = 0; k < ROW; k += 16) {
    const p = v128.load(product + k);
    const nothing = f64x2.eq(p, f64x2.splat(0));
    const log = v128.bitselect(f64x2.splat(-Infinity), logarithm(v128.bitselect(one, p, nothing)), nothing);
    v128.store(weights + k, f64x2.add(v128.load(weights + k), log));
    v128.store(product + k, one);
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
