/**
 * Loss, gradient, Hessian-vector product (Pearlmutter 1994, the R-operator) and Gauss-Newton product of a dense network on
 * points of a data set, in blocks of at most 256 points whose order is fixed.
 *
 * Parameters, gradient and vectors share one layout: layer by layer, weights by input unit `[fanIn][n4]`, then biases `[n4]`,
 * with n4 = fanOut rounded up to a multiple of 4. The padding is zero in parameters and vectors, and stays so in what is
 * computed. Activations and their derivatives are `[points][n4]`.
 *
 * The plan is a block of memory (trainingPlan.ts), written by src/training/plan.ts.
 */
import { TANH } from "./dense";
import { lossBlock, lossCurvature, WRONG } from "./losses";
import { matmul } from "./matmul";
import { addSparseOuter, addSparseRow } from "./sparseInputs";
import { tanhArray } from "./tanh";
import {
  A,
  ACTIVATION,
  BIASES,
  BYTES,
  D,
  FAN_IN,
  FAN_OUT,
  FEATURES,
  field,
  G,
  GATHERED,
  HV,
  INPUTS,
  LAYERS,
  LOSS,
  layerOf,
  N4,
  OUTPUTS,
  PACK_A,
  PACK_B,
  PROBABILITIES,
  RA,
  RD,
  STARTS,
  TARGETS,
  V,
  W,
  WEIGHTS,
} from "./trainingPlan";

/** Most points of a block. */
export const BLOCK: i32 = 256;

/** Fills `rows` rows of n4 sums with the biases, or zeros if `bias` is 0. */
function fill(out: usize, bias: usize, n4: i32, rows: i32): void {
  const width = (<usize>n4) << 2;
  const end = out + <usize>rows * width;
  if (!bias) {
    memory.fill(out, 0, end - out);
    return;
  }
  // a call of memory.copy costs more than such a short row
  for (; out < end; out += width) {
    for (let o: usize = 0; o < width; o += 16) v128.store(out + o, v128.load(bias + o));
  }
}

/** x = relu(x) or tanh(x), in place. */
function activate(x: usize, vectors: i32, activation: i32): void {
  if (activation == TANH) {
    tanhArray(x, x, vectors);
    return;
  }
  const zero = f32x4.splat(0);
  const end = x + ((<usize>vectors) << 4);
  for (; x < end; x += 16) v128.store(x, f32x4.pmax(v128.load(x), zero));
}

/** d = phi'(z) d, in place, from the activations a = phi(z); the derivative of ReLU at 0 is 0. */
export function slope(a: usize, d: usize, vectors: i32, activation: i32): void {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const end = a + ((<usize>vectors) << 4);
  for (; a < end; a += 16, d += 16) {
    const x = v128.load(a);
    const y = v128.load(d);
    v128.store(d, activation == TANH ? f32x4.mul(f32x4.sub(one, f32x4.mul(x, x)), y) : v128.and(f32x4.gt(x, zero), y));
  }
}

/** R{phi'(z) d} = phi'(z) Rd + phi''(z) Rz d into rd, and phi'(z) d into d. With ra = phi'(z) Rz, tanh'' Rz = -2 a ra. */
function slopeAndCurve(a: usize, d: usize, ra: usize, rd: usize, vectors: i32, activation: i32): void {
  if (activation == TANH) {
    const minusTwo = f32x4.splat(-2);
    const one = f32x4.splat(1);
    const end = a + ((<usize>vectors) << 4);
    for (; a < end; a += 16, d += 16, ra += 16, rd += 16) {
      const x = v128.load(a);
      const y = v128.load(d);
      const s = f32x4.sub(one, f32x4.mul(x, x));
      const curve = f32x4.mul(f32x4.mul(minusTwo, f32x4.mul(x, v128.load(ra))), y);
      v128.store(rd, f32x4.add(f32x4.mul(s, v128.load(rd)), curve));
      v128.store(d, f32x4.mul(s, y));
    }
  } else {
    slope(a, rd, vectors, activation);
    slope(a, d, vectors, activation);
  }
}

/** Adds the sums over `rows` rows of n4 entries to `out`. */
function addColumns(x: usize, rows: i32, n4: i32, out: usize): void {
  const width = (<usize>n4) << 2;
  for (let o: usize = 0; o < width; o += 16) {
    let sum = f32x4.splat(0);
    let at = x + o;
    for (let i = 0; i < rows; i++, at += width) sum = f32x4.add(sum, v128.load(at));
    v128.store(out + o, f32x4.add(v128.load(out + o), sum));
  }
}

export function pointOf(first: i32, indices: usize, i: i32): usize {
  return indices ? <usize>load<u32>(indices + ((<usize>i) << 2)) : <usize>(first + i);
}

/** Where a block's dense inputs start; rows of `features` f32. */
function denseInputs(plan: usize, first: i32, indices: usize, count: i32): usize {
  const inputs = field(plan, INPUTS);
  const row = field(plan, FEATURES) << 2;
  if (!indices) return inputs + <usize>first * row;
  const gathered = field(plan, GATHERED);
  for (let i = 0; i < count; i++)
    memory.copy(gathered + <usize>i * row, inputs + pointOf(first, indices, i) * row, row);
  return gathered;
}

/** out += X M for the first layer, M the weights of a parameter vector. */
function addFirst(
  plan: usize,
  layer: usize,
  x: usize,
  first: i32,
  indices: usize,
  count: i32,
  m: usize,
  out: usize,
): void {
  const n4 = load<i32>(layer, N4);
  const width = (<usize>n4) << 2;
  const starts = field(plan, STARTS);
  if (starts) {
    for (let i = 0; i < count; i++, out += width) {
      const at = starts + (pointOf(first, indices, i) << 2);
      addSparseRow(<usize>load<u32>(at), <usize>load<u32>(at, 4), m, n4, out);
    }
    return;
  }
  const features = load<i32>(plan, FEATURES);
  const packA = field(plan, PACK_A);
  matmul(x, (<usize>features) << 2, 4, m, width, 4, out, width, count, n4, features, 1, packA, field(plan, PACK_B));
}

/** gradient += X' d for the first layer. */
function addFirstGradient(
  plan: usize,
  layer: usize,
  x: usize,
  first: i32,
  indices: usize,
  count: i32,
  d: usize,
  gradient: usize,
): void {
  const n4 = load<i32>(layer, N4);
  const width = (<usize>n4) << 2;
  const starts = field(plan, STARTS);
  if (starts) {
    for (let i = 0; i < count; i++, d += width) {
      const at = starts + (pointOf(first, indices, i) << 2);
      addSparseOuter(<usize>load<u32>(at), <usize>load<u32>(at, 4), d, n4, gradient);
    }
    return;
  }
  const features = load<i32>(plan, FEATURES);
  const packA = field(plan, PACK_A);
  matmul(
    x,
    4,
    (<usize>features) << 2,
    d,
    width,
    4,
    gradient,
    width,
    features,
    n4,
    count,
    1,
    packA,
    field(plan, PACK_B),
  );
}

/** Activations of a block; the last layer's outputs are linear. */
export function forward(plan: usize, x: usize, first: i32, indices: usize, count: i32): void {
  const layers = load<i32>(plan, LAYERS);
  const w = field(plan, W);
  for (let l = 0; l < layers; l++) {
    const layer = layerOf(plan, l);
    const n4 = load<i32>(layer, N4);
    const width = (<usize>n4) << 2;
    const a = field(layer, A);
    const weights = w + field(layer, WEIGHTS);
    fill(a, w + field(layer, BIASES), n4, count);
    if (l == 0) addFirst(plan, layer, x, first, indices, count, weights, a);
    else {
      const below = layerOf(plan, l - 1);
      const from = field(below, A);
      const packA = field(plan, PACK_A);
      const rowBytes = field(below, N4) << 2;
      matmul(
        from,
        rowBytes,
        4,
        weights,
        width,
        4,
        a,
        width,
        count,
        n4,
        load<i32>(layer, FAN_IN),
        1,
        packA,
        field(plan, PACK_B),
      );
    }
    if (l + 1 < layers) activate(a, (count * n4) >> 2, load<i32>(plan, ACTIVATION));
  }
}

/** R{activations}: their derivative as the parameters move along V. */
function forwardAlong(plan: usize, x: usize, first: i32, indices: usize, count: i32): void {
  const layers = load<i32>(plan, LAYERS);
  const w = field(plan, W);
  const v = field(plan, V);
  const packA = field(plan, PACK_A);
  const packB = field(plan, PACK_B);
  for (let l = 0; l < layers; l++) {
    const layer = layerOf(plan, l);
    const n4 = load<i32>(layer, N4);
    const width = (<usize>n4) << 2;
    const ra = field(layer, RA);
    const weights = field(layer, WEIGHTS);
    fill(ra, v + field(layer, BIASES), n4, count);
    if (l == 0) addFirst(plan, layer, x, first, indices, count, v + weights, ra);
    else {
      const below = layerOf(plan, l - 1);
      const fanIn = load<i32>(layer, FAN_IN);
      const rowBytes = field(below, N4) << 2;
      matmul(field(below, A), rowBytes, 4, v + weights, width, 4, ra, width, count, n4, fanIn, 1, packA, packB);
      matmul(field(below, RA), rowBytes, 4, w + weights, width, 4, ra, width, count, n4, fanIn, 1, packA, packB);
    }
    if (l + 1 < layers) slope(field(layer, A), ra, (count * n4) >> 2, load<i32>(plan, ACTIVATION));
  }
}

/** gradient += what dL/dz in buffer `d` (D or RD) of each layer gives, from the activations in buffer `a` (A or RA). */
function addGradient(
  plan: usize,
  l: i32,
  a: usize,
  d: usize,
  x: usize,
  first: i32,
  indices: usize,
  count: i32,
  gradient: usize,
): void {
  const layer = layerOf(plan, l);
  const n4 = load<i32>(layer, N4);
  const width = (<usize>n4) << 2;
  const weights = gradient + field(layer, WEIGHTS);
  if (l == 0) addFirstGradient(plan, layer, x, first, indices, count, field(layer, d), weights);
  else {
    const below = layerOf(plan, l - 1);
    const rowBytes = field(below, N4) << 2;
    const fanIn = load<i32>(layer, FAN_IN);
    const packA = field(plan, PACK_A);
    matmul(
      field(below, a),
      4,
      rowBytes,
      field(layer, d),
      width,
      4,
      weights,
      width,
      fanIn,
      n4,
      count,
      1,
      packA,
      field(plan, PACK_B),
    );
  }
}

/** out(l - 1) = d(l) M', M the weights of a parameter vector; added if `add`. */
export function backThrough(plan: usize, l: i32, d: usize, m: usize, out: usize, count: i32, add: i32): void {
  const layer = layerOf(plan, l);
  const below = layerOf(plan, l - 1);
  const width = field(layer, N4) << 2;
  const fanIn = load<i32>(layer, FAN_IN);
  const fanOut = load<i32>(layer, FAN_OUT);
  matmul(
    field(layer, d),
    width,
    4,
    m + field(layer, WEIGHTS),
    4,
    width,
    field(below, out),
    field(below, N4) << 2,
    count,
    fanIn,
    fanOut,
    add,
    field(plan, PACK_A),
    field(plan, PACK_B),
  );
}

/** Gradient of a block into `gradient` from dL/dz of the last layer in buffer `d`; uses buffer `d` of every layer. */
export function backward(
  plan: usize,
  d: usize,
  x: usize,
  first: i32,
  indices: usize,
  count: i32,
  gradient: usize,
): void {
  const w = field(plan, W);
  for (let l = load<i32>(plan, LAYERS) - 1; l >= 0; l--) {
    const layer = layerOf(plan, l);
    const n4 = load<i32>(layer, N4);
    addGradient(plan, l, A, d, x, first, indices, count, gradient);
    addColumns(field(layer, d), count, n4, gradient + field(layer, BIASES));
    if (l == 0) return;
    backThrough(plan, l, d, w, d, count, 0);
    const below = layerOf(plan, l - 1);
    slope(field(below, A), field(below, d), (count * load<i32>(below, N4)) >> 2, load<i32>(plan, ACTIVATION));
  }
}

/** The last layer's loss of a block. `d` and `p` say whether derivatives and probabilities are wanted. */
export function lossOf(plan: usize, first: i32, indices: usize, count: i32, scale: f64, d: i32, p: i32): f64 {
  const last = layerOf(plan, load<i32>(plan, LAYERS) - 1);
  const kind = load<i32>(plan, LOSS);
  const outputs = load<i32>(plan, OUTPUTS);
  const targetBytes: usize = kind == 2 ? (<usize>outputs) << 2 : 4;
  const targets = field(plan, TARGETS) + (indices ? 0 : <usize>first * targetBytes);
  const stride = field(last, N4) << 2;
  const derivative = d ? field(last, D) : 0;
  if (d) fill(derivative, 0, load<i32>(last, N4), count);
  return lossBlock(
    kind,
    field(last, A),
    stride,
    outputs,
    targets,
    indices,
    count,
    scale,
    derivative,
    p ? field(plan, PROBABILITIES) : 0,
  );
}

/** RD of the last layer = scale * (d2L/dz2) RA. */
function curvatureOf(plan: usize, count: i32, scale: f64): void {
  const last = layerOf(plan, load<i32>(plan, LAYERS) - 1);
  const n4 = load<i32>(last, N4);
  fill(field(last, RD), 0, n4, count);
  lossCurvature(
    load<i32>(plan, LOSS),
    field(plan, PROBABILITIES),
    field(last, RA),
    (<usize>n4) << 2,
    load<i32>(plan, OUTPUTS),
    count,
    scale,
    field(last, RD),
  );
}

/** Where a block's inputs are, for `forward` and `backward`. */
export function inputsOf(plan: usize, first: i32, indices: usize, count: i32): usize {
  return field(plan, STARTS) ? 0 : denseInputs(plan, first, indices, count);
}

function some(indices: usize, done: i32): usize {
  return indices ? indices + ((<usize>done) << 2) : 0;
}

/**
 * Mean loss of `count` points, f64, and no more.
 *
 * @param first, indices the points `first`, `first + 1`, ..., or the `count` u32 at `indices` unless it is 0.
 * @param outputs where the outputs go, f32 `[count][OUTPUTS]`; 0: not wanted.
 */
export function lossAt(plan: usize, first: i32, indices: usize, count: i32, outputs: usize): f64 {
  let total: f64 = 0;
  store<i32>(WRONG, 0);
  const last = layerOf(plan, load<i32>(plan, LAYERS) - 1);
  const width = field(plan, OUTPUTS) << 2;
  const stride = field(last, N4) << 2;
  for (let done = 0; done < count; done += BLOCK) {
    const n = min(BLOCK, count - done);
    const these = some(indices, done);
    forward(plan, inputsOf(plan, first + done, these, n), first + done, these, n);
    total += lossOf(plan, first + done, these, n, 0, 0, 0);
    if (outputs) {
      for (let i = 0; i < n; i++, outputs += width) memory.copy(outputs, field(last, A) + <usize>i * stride, width);
    }
  }
  return total / count;
}

/** Points that the last call of `lossAt` or `gradientAt` found wrongly predicted. */
export function wrongPredictions(): i32 {
  return load<i32>(WRONG);
}

/** Gradient of the mean loss of `count` points into G. @returns that mean loss, f64. Points as in `lossAt`. */
export function gradientAt(plan: usize, first: i32, indices: usize, count: i32): f64 {
  return addGradients(plan, first, indices, count, count);
}

/** Gradient of the sum over `count` points from `first`, over `all`, into G. @returns the mean loss of the `count`, f64. */
export function partialGradientAt(plan: usize, first: i32, count: i32, all: i32): f64 {
  return addGradients(plan, first, 0, count, all);
}

function addGradients(plan: usize, first: i32, indices: usize, count: i32, all: i32): f64 {
  const g = field(plan, G);
  memory.fill(g, 0, field(plan, BYTES));
  store<i32>(WRONG, 0);
  const scale = 1 / <f64>all;
  let total: f64 = 0;
  for (let done = 0; done < count; done += BLOCK) {
    const n = min(BLOCK, count - done);
    const these = some(indices, done);
    const x = inputsOf(plan, first + done, these, n);
    forward(plan, x, first + done, these, n);
    total += lossOf(plan, first + done, these, n, scale, 1, 0);
    backward(plan, D, x, first + done, these, n, g);
  }
  return total / count;
}

/** `gradientAt` of listed points: a training step's. */
export function gradientOf(plan: usize, indices: usize, count: i32): f64 {
  return gradientAt(plan, 0, indices, count);
}

/** HV = G_N V, the Gauss-Newton matrix J' (d2L/dz2) J of the mean over `count` points from `first`, times V. */
export function gaussNewtonAt(plan: usize, first: i32, count: i32, all: i32): void {
  const hv = field(plan, HV);
  memory.fill(hv, 0, field(plan, BYTES));
  const scale = 1 / <f64>all;
  for (let done = 0; done < count; done += BLOCK) {
    const n = min(BLOCK, count - done);
    const x = inputsOf(plan, first + done, 0, n);
    forward(plan, x, first + done, 0, n);
    lossOf(plan, first + done, 0, n, scale, 1, 1);
    forwardAlong(plan, x, first + done, 0, n);
    curvatureOf(plan, n, scale);
    backward(plan, RD, x, first + done, 0, n, hv);
  }
}

/** HV = H V, H the Hessian of the sum over `count` points from `first`, over `all`. */
export function hessianAt(plan: usize, first: i32, count: i32, all: i32): void {
  const hv = field(plan, HV);
  memory.fill(hv, 0, field(plan, BYTES));
  const scale = 1 / <f64>all;
  const w = field(plan, W);
  const v = field(plan, V);
  const activation = load<i32>(plan, ACTIVATION);
  for (let done = 0; done < count; done += BLOCK) {
    const n = min(BLOCK, count - done);
    const at = first + done;
    const x = inputsOf(plan, at, 0, n);
    forward(plan, x, at, 0, n);
    lossOf(plan, at, 0, n, scale, 1, 1);
    forwardAlong(plan, x, at, 0, n);
    curvatureOf(plan, n, scale);
    for (let l = load<i32>(plan, LAYERS) - 1; l >= 0; l--) {
      const layer = layerOf(plan, l);
      addGradient(plan, l, A, RD, x, at, 0, n, hv);
      addColumns(field(layer, RD), n, load<i32>(layer, N4), hv + field(layer, BIASES));
      if (l == 0) break;
      addGradient(plan, l, RA, D, x, at, 0, n, hv);
      backThrough(plan, l, RD, w, RD, n, 0);
      backThrough(plan, l, D, v, RD, n, 1);
      const below = layerOf(plan, l - 1);
      const vectors = (n * load<i32>(below, N4)) >> 2;
      if (l == 1 && activation != TANH) {
        // the first layer's D would go into curvature only, and ReLU has none
        slope(field(below, A), field(below, RD), vectors, activation);
        continue;
      }
      backThrough(plan, l, D, w, D, n, 0);
      slopeAndCurve(field(below, A), field(below, D), field(below, RA), field(below, RD), vectors, activation);
    }
  }
}
