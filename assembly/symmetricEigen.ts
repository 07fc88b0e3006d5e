/**
 * Householder tridiagonalisation of a symmetric f64 matrix [Golub & Van Loan, section 8.3.1], from its last row upwards.
 *
 * The lower triangle is stored by pairs of rows: rows i and i + 1, i even, have i + 2 entries each, so that row i begins at
 * byte 4 i (i + 2) and every row is aligned to 16. The entry right of an even row's diagonal is unused.
 *
 * The rank-2 update of one step and the matrix-vector product of the next need the same entries: one pass does both, in
 * tiles of columns whose parts of the four vectors stay in the first-level cache.
 *
 * Step i, for i = n - 1, ..., 0: `tridiagonalRow`; then, if i > 0, `tridiagonalTile` for every tile of columns that begins
 * before i, in order, and `tridiagonalVectors`. All take the same arrays:
 *
 * - a: the lower triangle, largest entry about 1; overwritten;
 * - v, q: the last step's vectors, `n + 1` f64 rounded up to even; 0 before the first; overwritten by this step's;
 * - x, p: room for as many;
 * - d, e: n f64 each; step i writes `d[i]`, and `e[i]`, which couples i - 1 and i.
 */

/** Columns of a tile, even; the caller counts in them too. */
export const TILE: i32 = 512;
/** Sums of squares below this, in a matrix whose largest entry is about 1, are 0. */
const NOTHING: f64 = 1e-290;

function rowAddress(a: usize, i: i32): usize {
  const even = <usize>(i & ~1);
  return a + ((even * (even + 2)) << 2) + (i & 1 ? (even + 2) << 3 : 0);
}

/**
 * Rows i and i + 1 (i even) in columns [from, to), even numbers, to <= i: `a -= v q' + q v'`, then `p += ` what these
 * entries contribute to `a x`.
 */
function passPair(
  row: usize,
  next: usize,
  i: usize,
  from: usize,
  to: usize,
  v: usize,
  q: usize,
  x: usize,
  p: usize,
): void {
  const v0 = v128.load_splat<f64>(v + i);
  const v1 = v128.load_splat<f64>(v + i, 8);
  const q0 = v128.load_splat<f64>(q + i);
  const q1 = v128.load_splat<f64>(q + i, 8);
  const x0 = v128.load_splat<f64>(x + i);
  const x1 = v128.load_splat<f64>(x + i, 8);
  let s0 = f64x2.splat(0);
  let s1 = s0;
  for (let k = from; k < to; k += 16) {
    const vk = v128.load(v + k);
    const qk = v128.load(q + k);
    const xk = v128.load(x + k);
    const a0 = f64x2.sub(v128.load(row + k), f64x2.add(f64x2.mul(v0, qk), f64x2.mul(q0, vk)));
    v128.store(row + k, a0);
    s0 = f64x2.add(s0, f64x2.mul(a0, xk));
    const a1 = f64x2.sub(v128.load(next + k), f64x2.add(f64x2.mul(v1, qk), f64x2.mul(q1, vk)));
    v128.store(next + k, a1);
    s1 = f64x2.add(s1, f64x2.mul(a1, xk));
    v128.store(p + k, f64x2.add(v128.load(p + k), f64x2.add(f64x2.mul(a0, x0), f64x2.mul(a1, x1))));
  }
  store<f64>(p + i, load<f64>(p + i) + f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1));
  store<f64>(p + i, load<f64>(p + i, 8) + f64x2.extract_lane(s1, 0) + f64x2.extract_lane(s1, 1), 8);
}

/** Entry (i, j), j <= i: its update. */
function updated(row: usize, i: usize, j: usize, v: usize, q: usize): f64 {
  const a = load<f64>(row + j) - (load<f64>(v + i) * load<f64>(q + j) + load<f64>(q + i) * load<f64>(v + j));
  store<f64>(row + j, a);
  return a;
}

function add(p: usize, x: f64): void {
  store<f64>(p, load<f64>(p) + x);
}

/**
 * The leading i rows in the columns from `tile` to `tile + TILE`: `a -= v q' + q v'`, `p += ` their part of `a x`.
 *
 * @param tile a multiple of TILE, below i.
 */
export function tridiagonalTile(a: usize, i: i32, tile: i32, v: usize, q: usize, x: usize, p: usize): void {
  const even = i & ~1;
  const end = tile + TILE;
  for (let r = tile; r < even; r += 2) {
    const row = rowAddress(a, r);
    const next = row + ((<usize>r + 2) << 3);
    const to = r < end ? r : end;
    const at = (<usize>r) << 3;
    passPair(row, next, at, (<usize>tile) << 3, (<usize>to) << 3, v, q, x, p);
    if (r < end) {
      const above = updated(row, at, at, v, q);
      const side = updated(next, at + 8, at, v, q);
      const below = updated(next, at + 8, at + 8, v, q);
      add(p + at, above * load<f64>(x + at) + side * load<f64>(x + at, 8));
      add(p + at + 8, side * load<f64>(x + at) + below * load<f64>(x + at, 8));
    }
  }
  // an odd row at the end, with the last tile
  if (i & 1 && end >= i) {
    const at = (<usize>even) << 3;
    const row = rowAddress(a, even);
    const last = load<f64>(x + at);
    let s: f64 = 0;
    for (let k: usize = 0; k < at; k += 8) {
      const entry = updated(row, at, k, v, q);
      s += entry * load<f64>(x + k);
      add(p + k, entry * last);
    }
    add(p + at, s + updated(row, at, at, v, q) * last);
  }
}

/**
 * Brings row i up to date, and makes the vector x whose reflection `I - x x' / half` leaves one entry of it.
 *
 * @returns half.
 */
export function tridiagonalRow(a: usize, i: i32, v: usize, q: usize, x: usize, p: usize, d: usize, e: usize): f64 {
  const row = rowAddress(a, i);
  const at = (<usize>i) << 3;
  for (let k: usize = 0; k <= at; k += 8) updated(row, at, k, v, q);
  store<f64>(d + at, load<f64>(row + at));
  if (i == 0) return 1;
  memory.fill(p, 0, at + 8);
  const last = at - 8;
  let others: f64 = 0;
  for (let k: usize = 0; k < last; k += 8) {
    const y = load<f64>(row + k);
    others += y * y;
  }
  const f = load<f64>(row + last);
  if (others < NOTHING) {
    store<f64>(e + at, f);
    memory.fill(x, 0, at + 8);
    return 1;
  }
  const norm = sqrt(others + f * f);
  memory.copy(x, row, at);
  store<f64>(x + last, f >= 0 ? f + norm : f - norm);
  store<f64>(x + at, 0);
  store<f64>(e + at, f >= 0 ? -norm : norm);
  return norm * (norm + abs(f));
}

/** The vectors of step i's rank-2 update, from `p = a x`. */
export function tridiagonalVectors(i: i32, half: f64, v: usize, q: usize, x: usize, p: usize): void {
  const at = (<usize>i) << 3;
  let inner: f64 = 0;
  for (let k: usize = 0; k < at; k += 8) {
    const y = load<f64>(p + k) / half;
    store<f64>(p + k, y);
    inner += load<f64>(x + k) * y;
  }
  const shift = inner / (2 * half);
  for (let k: usize = 0; k < at; k += 8) {
    const y = load<f64>(x + k);
    store<f64>(v + k, y);
    store<f64>(q + k, load<f64>(p + k) - shift * y);
  }
  store<f64>(v + at, 0);
  store<f64>(q + at, 0);
}
