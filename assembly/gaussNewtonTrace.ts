/**
 * The trace of the Gauss-Newton matrix `J' C J`, exactly: `C = d2L / dz2 = sum_k u_k u_k'` for each point, one `u_k` an output, so the
 * trace is `sum_k |J' u_k|^2`, and the squared norm of a point's gradient is, layer by layer, that of its `dL/dz` times
 * one plus that of what the layer takes in. One pass backward an output, and no vector of parameters.
 */
import { BLOCK, backThrough, forward, inputsOf, lossOf, pointOf, slope } from "./gradient";
import { BCE, CE } from "./losses";
import { sumOfSquares } from "./optimisers";
import {
  A,
  ACTIVATION,
  D,
  FEATURES,
  field,
  LAYERS,
  LOSS,
  layerOf,
  N4,
  OUTPUTS,
  PROBABILITIES,
  STARTS,
  W,
} from "./trainingPlan";

/** Sum of the squares of `count` f32. */
function squares(at: usize, count: i32): f64 {
  const vectors = count >> 2;
  const end = at + ((<usize>count) << 2);
  let sum = sumOfSquares(at, vectors);
  at += (<usize>vectors) << 4;
  for (; at < end; at += 4) {
    const x = <f64>load<f32>(at);
    sum += x * x;
  }
  return sum;
}

/** Squared norm of point i of a block's inputs. */
function inputSquares(plan: usize, x: usize, first: i32, i: i32): f64 {
  const starts = field(plan, STARTS);
  if (!starts) {
    const features = load<i32>(plan, FEATURES);
    return squares(x + ((<usize>(i * features)) << 2), features);
  }
  const at = starts + (pointOf(first, 0, i) << 2);
  let sum: f64 = 0;
  for (let record = <usize>load<u32>(at), end = <usize>load<u32>(at, 4); record < end; record += 8) {
    const value = <f64>load<f32>(record, 4);
    sum += value * value;
  }
  return sum;
}

/** `u_k` of each point, laid out as the outputs. */
function curvatureRoot(kind: i32, p: usize, stride: usize, outputs: i32, k: i32, count: i32, out: usize): void {
  memory.fill(out, 0, <usize>count * stride);
  for (let i = 0; i < count; i++, p += stride, out += stride) {
    if (kind == BCE) {
      const q = <f64>load<f32>(p);
      store<f32>(out, <f32>sqrt(q * (1 - q)));
    } else if (kind == CE) {
      const root = sqrt(<f64>load<f32>(p + ((<usize>k) << 2)));
      for (let o = 0; o < outputs; o++) {
        const at = (<usize>o) << 2;
        store<f32>(out + at, <f32>(root * (f64(i32(o == k)) - <f64>load<f32>(p + at))));
      }
    } else store<f32>(out + ((<usize>k) << 2), 1);
  }
}

/** Sum over `count` points from `first` of `tr J' C J`. */
export function gaussNewtonTraceAt(plan: usize, first: i32, count: i32): f64 {
  const layers = load<i32>(plan, LAYERS);
  const outputs = load<i32>(plan, OUTPUTS);
  const w = field(plan, W);
  const last = layerOf(plan, layers - 1);
  const stride = field(last, N4) << 2;
  let total: f64 = 0;
  for (let done = 0; done < count; done += BLOCK) {
    const n = min(BLOCK, count - done);
    const at = first + done;
    const x = inputsOf(plan, at, 0, n);
    forward(plan, x, at, 0, n);
    lossOf(plan, at, 0, n, 1, 1, 1);
    for (let k = 0; k < outputs; k++) {
      curvatureRoot(load<i32>(plan, LOSS), field(plan, PROBABILITIES), stride, outputs, k, n, field(last, D));
      for (let l = layers - 1; l >= 0; l--) {
        const layer = layerOf(plan, l);
        const n4 = load<i32>(layer, N4);
        const width = (<usize>n4) << 2;
        const d = field(layer, D);
        if (l == 0) {
          for (let i = 0; i < n; i++) total += squares(d + <usize>i * width, n4) * (1 + inputSquares(plan, x, at, i));
          break;
        }
        const below = layerOf(plan, l - 1);
        const belowN4 = load<i32>(below, N4);
        const a = field(below, A);
        const belowWidth = (<usize>belowN4) << 2;
        for (let i = 0; i < n; i++) {
          total += squares(d + <usize>i * width, n4) * (1 + squares(a + <usize>i * belowWidth, belowN4));
        }
        backThrough(plan, l, D, w, D, n, 0);
        slope(a, field(below, D), (n * belowN4) >> 2, load<i32>(plan, ACTIVATION));
      }
    }
  }
  return total;
}
