/**
 * One pivot of the Cholesky factorisation that orders the variables of a Gaussian orthant as it goes
 * [Gibson, Glasbey & Elston 1994]: next comes the variable least likely to be positive, given the expected values of those
 * before it. Nothing is swapped: column k of the factor is a row of `n` f64 in the variables' own numbering.
 *
 * All take `n` f64 of each: `mean` and `variance` of the variables given those chosen, and `done`, 1 where chosen, else 0.
 */
import { inverseMills } from "./normal";

/** `out[j] = -columns[j][p]` for the `k` columns so far: what the products with them are multiplied by. */
export function orthantCoefficients(columns: usize, stride: usize, k: i32, p: i32, out: usize): void {
  let at = columns + ((<usize>p) << 3);
  for (let j = 0; j < k; j++) {
    store<f64>(out + ((<usize>j) << 3), -load<f64>(at));
    at += stride;
  }
}

/**
 * Chooses variable p: scales its column, and conditions the others on it.
 *
 * @param column the covariances with p given those chosen; becomes the factor's column, 0 at those chosen before.
 */
export function orthantPivot(n: i32, column: usize, p: i32, mean: usize, variance: usize, done: usize): void {
  const at = (<usize>p) << 3;
  const deviation = sqrt(load<f64>(variance + at));
  const expected = inverseMills(load<f64>(mean + at) / deviation);
  const end = (<usize>n) << 3;
  store<f64>(done + at, 1);
  for (let i: usize = 0; i < end; i += 8) {
    if (load<f64>(done + i) != 0) {
      store<f64>(column + i, 0);
      continue;
    }
    const c = load<f64>(column + i) / deviation;
    store<f64>(column + i, c);
    store<f64>(mean + i, load<f64>(mean + i) + c * expected);
    store<f64>(variance + i, load<f64>(variance + i) - c * c);
  }
  store<f64>(column + at, deviation);
}

/** The next variable to choose, of those whose variance is above `tolerance`; -1: none. The first of equals. */
export function orthantNext(n: i32, mean: usize, variance: usize, done: usize, tolerance: f64): i32 {
  let best = -1;
  let lowest: f64 = 0;
  for (let i = 0; i < n; i++) {
    const at = (<usize>i) << 3;
    const v = load<f64>(variance + at);
    if (load<f64>(done + at) != 0 || v <= tolerance) continue;
    const bound = load<f64>(mean + at) / sqrt(v);
    if (best < 0 || bound < lowest) {
      best = i;
      lowest = bound;
    }
  }
  return best;
}
