/**
 * Triangular solves and products of symmetric matrices with one vector, in the panels of `panels.ts`.
 *
 * Vectors have `4 panels` f64, aligned to 16.
 */
import { panelAddress } from "./panels";

/** `y = L^-1 y`. */
export function forwardSolve(lower: usize, inverses: usize, panels: i32, y: usize): void {
  for (let i = 0; i < panels; i++) {
    let a = panelAddress(lower, i);
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let t0 = s0;
    let t1 = s0;
    const end = y + ((<usize>i) << 5);
    for (let at = y; at < end; at += 16, a += 64) {
      let w = v128.load_splat<f64>(at, 0);
      s0 = f64x2.add(s0, f64x2.mul(w, v128.load(a, 0)));
      s1 = f64x2.add(s1, f64x2.mul(w, v128.load(a, 16)));
      w = v128.load_splat<f64>(at, 8);
      t0 = f64x2.add(t0, f64x2.mul(w, v128.load(a, 32)));
      t1 = f64x2.add(t1, f64x2.mul(w, v128.load(a, 48)));
    }
    v128.store(end, f64x2.sub(v128.load(end, 0), f64x2.add(s0, t0)), 0);
    v128.store(end, f64x2.sub(v128.load(end, 16), f64x2.add(s1, t1)), 16);
    const inverse = inverses + ((<usize>i) << 7);
    for (let r: usize = 4; r-- > 0; ) {
      let sum: f64 = 0;
      for (let k: usize = 0; k <= r; k++) sum += load<f64>(inverse + 32 * r + 8 * k) * load<f64>(end + 8 * k);
      store<f64>(end + 8 * r, sum);
    }
  }
}

/** `y += or -= A' x` for four rows A of `columns` columns (even), at `a`; x0, x1: the four entries of x. */
function addTransposed(a: usize, columns: i32, x0: v128, x1: v128, y: usize): void {
  const end = y + ((<usize>columns) << 3);
  for (; y < end; y += 16, a += 64) {
    const p = f64x2.add(f64x2.mul(v128.load(a, 0), x0), f64x2.mul(v128.load(a, 16), x1));
    const q = f64x2.add(f64x2.mul(v128.load(a, 32), x0), f64x2.mul(v128.load(a, 48), x1));
    const s = f64x2.add(v128.shuffle<i64>(p, q, 0, 2), v128.shuffle<i64>(p, q, 1, 3));
    v128.store(y, f64x2.add(v128.load(y), s));
  }
}

/** `y = L'^-1 y`. */
export function backwardSolve(lower: usize, inverses: usize, panels: i32, y: usize): void {
  for (let i = panels - 1; i >= 0; i--) {
    const at = y + ((<usize>i) << 5);
    const inverse = inverses + ((<usize>i) << 7);
    for (let r: usize = 0; r < 4; r++) {
      let sum: f64 = 0;
      for (let k = r; k < 4; k++) sum += load<f64>(inverse + 32 * k + 8 * r) * load<f64>(at + 8 * k);
      store<f64>(at + 8 * r, sum);
    }
    const x0 = f64x2.neg(v128.load(at, 0));
    const x1 = f64x2.neg(v128.load(at, 16));
    addTransposed(panelAddress(lower, i), i << 2, x0, x1, y);
  }
}

/**
 * `y = A x` for a symmetric A, of which the lower triangle is stored, its diagonal tiles in full.
 *
 * @param y may not overlap x.
 */
export function symmetricProduct(a: usize, panels: i32, x: usize, y: usize): void {
  memory.fill(y, 0, (<usize>panels) << 5);
  for (let i = 0; i < panels; i++) {
    const start = panelAddress(a, i);
    const own = (<usize>i) << 5;
    addTransposed(start, i << 2, v128.load(x + own, 0), v128.load(x + own, 16), y);
    let row = start;
    let s0 = v128.load(y + own, 0);
    let s1 = v128.load(y + own, 16);
    let t0 = f64x2.splat(0);
    let t1 = t0;
    const end = x + own + 32;
    for (let at = x; at < end; at += 16, row += 64) {
      let w = v128.load_splat<f64>(at, 0);
      s0 = f64x2.add(s0, f64x2.mul(w, v128.load(row, 0)));
      s1 = f64x2.add(s1, f64x2.mul(w, v128.load(row, 16)));
      w = v128.load_splat<f64>(at, 8);
      t0 = f64x2.add(t0, f64x2.mul(w, v128.load(row, 32)));
      t1 = f64x2.add(t1, f64x2.mul(w, v128.load(row, 48)));
    }
    v128.store(y + own, f64x2.add(s0, t0), 0);
    v128.store(y + own, f64x2.add(s1, t1), 16);
  }
}

/**
 * Panels `from, ..., to - 1` of `I + R A R`, R diagonal.
 *
 * @param root the diagonal of R.
 * @param out a lower triangle; may be `a`.
 */
export function scaledPlusIdentity(a: usize, root: usize, out: usize, from: i32, to: i32): void {
  for (let i = from; i < to; i++) {
    let at = panelAddress(a, i);
    let into = panelAddress(out, i);
    const own = (<usize>i) << 5;
    const r0 = v128.load(root + own, 0);
    const r1 = v128.load(root + own, 16);
    const end = root + own + 32;
    for (let k = root; k < end; k += 8, at += 32, into += 32) {
      const w = v128.load_splat<f64>(k);
      v128.store(into, f64x2.mul(w, f64x2.mul(r0, v128.load(at, 0))), 0);
      v128.store(into, f64x2.mul(w, f64x2.mul(r1, v128.load(at, 16))), 16);
    }
    for (let r: usize = 0; r < 4; r++) {
      const diagonal = into - 128 + 40 * r;
      store<f64>(diagonal, load<f64>(diagonal) + 1);
    }
  }
}

/**
 * Row `row` of `A R`, a symmetric A (as in `symmetricProduct`) and a diagonal R, to lane `lane` of a panel at `out`.
 */
export function scaledRow(a: usize, panels: i32, root: usize, row: i32, lane: i32, out: usize): void {
  const own = panelAddress(a, row >> 2) + ((<usize>(row & 3)) << 3);
  let into = out + ((<usize>lane) << 3);
  const size = panels << 2;
  for (let k = 0; k < size; k++, into += 32) {
    const at =
      k <= row ? own + ((<usize>k) << 5) : panelAddress(a, k >> 2) + ((<usize>row) << 5) + ((<usize>(k & 3)) << 3);
    store<f64>(into, load<f64>(at) * load<f64>(root + ((<usize>k) << 3)));
  }
}
