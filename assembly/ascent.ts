/**
 * Minibatch gradient ascent inside a box, the full loss after each step: the protocol by which Keskar sharpness is measured.
 */
import { gradientOf, lossAt } from "./gradient";
import { BYTES, field, G, W } from "./trainingPlan";

/** w = clamp(w + rate g, low, high), `bytes` of each. */
function climb(w: usize, g: usize, low: usize, high: usize, bytes: usize, rate: f32): void {
  const r = f32x4.splat(rate);
  const end = w + bytes;
  for (; w < end; w += 16, g += 16, low += 16, high += 16) {
    const x = f32x4.add(v128.load(w), f32x4.mul(r, v128.load(g)));
    v128.store(w, f32x4.pmin(f32x4.pmax(x, v128.load(low)), v128.load(high)));
  }
}

/**
 * Steps from W over the minibatches of `indices`, in turn.
 *
 * @param low, high the box, vectors of parameters in the kernels' layout, 0 in the padding.
 * @param best vector of the parameters at which the loss was largest; written when a larger one is found.
 * @param all points of the data set.
 * @param result f64: the largest loss so far; u32 after it: steps taken so far, and the step at which it was found.
 */
export function ascentSteps(
  plan: usize,
  low: usize,
  high: usize,
  best: usize,
  indices: usize,
  count: i32,
  batch: i32,
  all: i32,
  rate: f32,
  result: usize,
): void {
  const w = field(plan, W);
  const bytes = field(plan, BYTES);
  for (let done = 0; done < count; done += batch) {
    gradientOf(plan, indices + ((<usize>done) << 2), min(batch, count - done));
    climb(w, field(plan, G), low, high, bytes, rate);
    const loss = lossAt(plan, 0, 0, all, 0);
    const step = load<u32>(result, 8) + 1;
    store<u32>(result, step, 8);
    if (loss > load<f64>(result)) {
      store<f64>(result, loss);
      store<u32>(result, step, 12);
      memory.copy(best, w, bytes);
    }
  }
}
