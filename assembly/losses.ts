/**
 * Losses of a block of points and their derivatives by the outputs. Outputs z are f32 `[points][stride]` (stride in bytes, outputs
 * padded to a multiple of 4); everything is computed in f64 with the module's own exp and log.
 *
 * BCE = 0 one output, targets 0 or 1: softplus(z) - t z. CE = 1 several outputs, the target is a class: -log softmax(z)_t.
 * MSE = 2: half the squared error, summed over the outputs; targets `[points][outputs]`.
 */

export const BCE: i32 = 0;
export const CE: i32 = 1;
export const MSE: i32 = 2;

/** Points met by `lossBlock` whose predicted class differs: output > 0 for BCE, the first largest output for CE. */
export const WRONG: usize = memory.data(8, 8);

/**
 * Sum of the losses of `count` points.
 *
 * @param z outputs, `target` address of the first point's target.
 * @param indices u32 points of the targets, or 0: they stand in order.
 * @param d where scale * dL/dz goes, laid out as z; 0: not wanted.
 * @param p where the probabilities go, laid out as z (BCE, CE), for `lossCurvature`; 0: not wanted.
 */
export function lossBlock(
  kind: i32,
  z: usize,
  stride: usize,
  outputs: i32,
  targets: usize,
  indices: usize,
  count: i32,
  scale: f64,
  d: usize,
  p: usize,
): f64 {
  let total: f64 = 0;
  let wrong = 0;
  const targetBytes: usize = kind == MSE ? (<usize>outputs) << 2 : 4;
  for (let i = 0; i < count; i++, z += stride) {
    const point = indices ? <usize>load<u32>(indices + ((<usize>i) << 2)) : <usize>i;
    const target = targets + point * targetBytes;
    if (kind == BCE) {
      const x = <f64>load<f32>(z);
      const t = <f64>load<f32>(target);
      const e = NativeMath.exp(-abs(x));
      total += max(x, 0) - t * x + NativeMath.log1p(e);
      wrong += i32(x > 0 != t > 0.5);
      const q = x >= 0 ? 1 / (1 + e) : e / (1 + e);
      if (d) store<f32>(d, <f32>((q - t) * scale));
      if (p) store<f32>(p, <f32>q);
    } else if (kind == CE) {
      const t = <i32>load<f32>(target);
      let largest = <f64>load<f32>(z);
      let best = 0;
      for (let o = 1; o < outputs; o++) {
        const x = <f64>load<f32>(z + ((<usize>o) << 2));
        if (x > largest) {
          largest = x;
          best = o;
        }
      }
      wrong += i32(best != t);
      let sum: f64 = 0;
      for (let o = 0; o < outputs; o++) sum += NativeMath.exp(<f64>load<f32>(z + ((<usize>o) << 2)) - largest);
      total += NativeMath.log(sum) + largest - <f64>load<f32>(z + ((<usize>t) << 2));
      if (d) {
        for (let o = 0; o < outputs; o++) {
          const q = NativeMath.exp(<f64>load<f32>(z + ((<usize>o) << 2)) - largest) / sum;
          store<f32>(d + ((<usize>o) << 2), <f32>((q - f64(i32(o == t))) * scale));
          if (p) store<f32>(p + ((<usize>o) << 2), <f32>q);
        }
      }
    } else {
      for (let o = 0; o < outputs; o++) {
        const at = (<usize>o) << 2;
        const r = <f64>load<f32>(z + at) - <f64>load<f32>(target + at);
        total += 0.5 * r * r;
        if (d) store<f32>(d + at, <f32>(r * scale));
      }
    }
    if (d) d += stride;
    if (p) p += stride;
  }
  store<i32>(WRONG, load<i32>(WRONG) + wrong);
  return total;
}

/**
 * scale * (d2L / dz2) r for each point: how dL/dz moves as the outputs move by r [Pearlmutter 1994].
 *
 * @param p probabilities as `lossBlock` left them. @param r, out laid out as z; `out` may be `r`.
 */
export function lossCurvature(
  kind: i32,
  p: usize,
  r: usize,
  stride: usize,
  outputs: i32,
  count: i32,
  scale: f64,
  out: usize,
): void {
  for (let i = 0; i < count; i++, p += stride, r += stride, out += stride) {
    if (kind == BCE) {
      const q = <f64>load<f32>(p);
      store<f32>(out, <f32>(q * (1 - q) * <f64>load<f32>(r) * scale));
    } else if (kind == CE) {
      let mean: f64 = 0;
      for (let o = 0; o < outputs; o++) {
        const at = (<usize>o) << 2;
        mean += <f64>load<f32>(p + at) * <f64>load<f32>(r + at);
      }
      for (let o = 0; o < outputs; o++) {
        const at = (<usize>o) << 2;
        store<f32>(out + at, <f32>(<f64>load<f32>(p + at) * (<f64>load<f32>(r + at) - mean) * scale));
      }
    } else {
      for (let o = 0; o < outputs; o++) {
        const at = (<usize>o) << 2;
        store<f32>(out + at, <f32>(<f64>load<f32>(r + at) * scale));
      }
    }
  }
}
