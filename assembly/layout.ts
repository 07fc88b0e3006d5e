/**
 * Parameters between the two layouts: flat (layer by layer, weights `[fanOut][fanIn]`, then biases) and the training kernels'
 * (weights by input unit `[fanIn][fanOut4]`, biases `[fanOut4]`; assembly/gradient.ts).
 */
import { BIASES, FAN_IN, FAN_OUT, field, LAYERS, layerOf, N4, WEIGHTS } from "./trainingPlan";

/** out[c][r] = x[r][c] for `rows` rows of `columns` f32; rows of bytes `stride` and `outStride`. Padding is left alone. */
export function transposeMatrix(x: usize, stride: usize, rows: i32, columns: i32, out: usize, outStride: usize): void {
  const whole = columns & ~3;
  let r = 0;
  for (; r + 4 <= rows; r += 4, x += 4 * stride, out += 16) {
    let a = x;
    let to = out;
    const end = x + ((<usize>whole) << 2);
    for (; a < end; a += 16, to += 4 * outStride) {
      const r0 = v128.load(a);
      const r1 = v128.load(a + stride);
      const r2 = v128.load(a + 2 * stride);
      const r3 = v128.load(a + 3 * stride);
      const p = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
      const q = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
      const s = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
      const t = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i64>(p, q, 0, 2));
      v128.store(to + outStride, v128.shuffle<i64>(p, q, 1, 3));
      v128.store(to + 2 * outStride, v128.shuffle<i64>(s, t, 0, 2));
      v128.store(to + 3 * outStride, v128.shuffle<i64>(s, t, 1, 3));
    }
    for (let c = whole; c < columns; c++, a += 4, to += outStride) {
      for (let i: usize = 0; i < 4; i++) store<f32>(to + (i << 2), load<f32>(a + i * stride));
    }
  }
  for (; r < rows; r++, x += stride, out += 4) {
    let to = out;
    for (let c = 0; c < columns; c++, to += outStride) store<f32>(to, load<f32>(x + ((<usize>c) << 2)));
  }
}

/** Flat parameters into the kernels' layout at `out`, whose padding stays as it is. */
export function fromFlat(plan: usize, flat: usize, out: usize): void {
  const layers = load<i32>(plan, LAYERS);
  for (let l = 0; l < layers; l++) {
    const layer = layerOf(plan, l);
    const fanIn = load<i32>(layer, FAN_IN);
    const fanOut = load<i32>(layer, FAN_OUT);
    const row = (<usize>fanIn) << 2;
    const biases = (<usize>fanOut) << 2;
    transposeMatrix(flat, row, fanOut, fanIn, out + field(layer, WEIGHTS), field(layer, N4) << 2);
    flat += <usize>fanOut * row;
    memory.copy(out + field(layer, BIASES), flat, biases);
    flat += biases;
  }
}

/** The kernels' layout into flat parameters. */
export function toFlat(plan: usize, from: usize, flat: usize): void {
  const layers = load<i32>(plan, LAYERS);
  for (let l = 0; l < layers; l++) {
    const layer = layerOf(plan, l);
    const fanIn = load<i32>(layer, FAN_IN);
    const fanOut = load<i32>(layer, FAN_OUT);
    const row = (<usize>fanIn) << 2;
    const biases = (<usize>fanOut) << 2;
    transposeMatrix(from + field(layer, WEIGHTS), field(layer, N4) << 2, fanIn, fanOut, flat, row);
    flat += <usize>fanOut * row;
    memory.copy(flat, from + field(layer, BIASES), biases);
    flat += biases;
  }
}
