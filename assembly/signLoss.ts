/**
 * A soft form of "every output has the wanted sign", for networks of one output: the sum over the points of
 * `ln(1 + exp(-beta y z / rms z))`, y = 1 or -1 the wanted sign, rms z the root mean square of all outputs. It does not change
 * when all outputs are scaled, so no population can lower it by shrinking them, and tends to (number of wrong points) x
 * infinity as beta grows.
 */
import { BLOCK, backward, forward, inputsOf } from "./gradient";
import { A, BYTES, D, field, G, LAYERS, layerOf, N4, TARGETS } from "./trainingPlan";

/** rms z below which outputs count as 0. */
const TINY: f64 = 1e-30;

/** y z / rms z of each point, f32, from the outputs z and the targets 0 or 1. */
export function signMargins(outputs: usize, targets: usize, count: i32, out: usize): void {
  const scale = 1 / max(rootMeanSquare(outputs, count), TINY);
  for (let i = 0; i < count; i++, outputs += 4, targets += 4, out += 4) {
    const z = scale * <f64>load<f32>(outputs);
    store<f32>(out, <f32>(load<f32>(targets) > 0.5 ? z : -z));
  }
}

function rootMeanSquare(x: usize, count: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < count; i++, x += 4) {
    const z = <f64>load<f32>(x);
    sum += z * z;
  }
  return sqrt(sum / count);
}

/** The loss at beta from margins, f64. */
export function signLoss(margins: usize, count: i32, beta: f64): f64 {
  let total: f64 = 0;
  for (let i = 0; i < count; i++, margins += 4) {
    const t = beta * <f64>load<f32>(margins);
    total += max(-t, 0) + NativeMath.log1p(NativeMath.exp(-abs(t)));
  }
  return total;
}

/** Wrong points: margins that do not have the wanted sign. An output of exactly 0 has the bit 0. */
export function wrongSigns(outputs: usize, targets: usize, count: i32): i32 {
  let wrong = 0;
  for (let i = 0; i < count; i++, outputs += 4, targets += 4) {
    wrong += i32(load<f32>(outputs) > 0 != load<f32>(targets) > 0.5);
  }
  return wrong;
}

/** The loss, and its derivative by each output into `slopes`, f32. */
function signLossSlopes(outputs: usize, targets: usize, count: i32, beta: f64, slopes: usize): f64 {
  const rms = rootMeanSquare(outputs, count);
  if (rms < TINY) {
    memory.fill(slopes, 0, (<usize>count) << 2);
    return 0.6931471805599453 * <f64>count;
  }
  const k = beta / rms;
  let total: f64 = 0;
  let along: f64 = 0;
  for (let i = 0; i < count; i++) {
    const at = (<usize>i) << 2;
    const z = <f64>load<f32>(outputs + at);
    const y: f64 = load<f32>(targets + at) > 0.5 ? k : -k;
    const t = y * z;
    const e = NativeMath.exp(-abs(t));
    total += max(-t, 0) + NativeMath.log1p(e);
    const slope = (-y * (t >= 0 ? e : 1)) / (1 + e);
    store<f32>(slopes + at, <f32>slope);
    along += slope * z;
  }
  // what moves all outputs along themselves does not change the loss
  const share = along / (rms * rms * count);
  for (let i = 0; i < count; i++) {
    const at = (<usize>i) << 2;
    store<f32>(slopes + at, <f32>(<f64>load<f32>(slopes + at) - share * <f64>load<f32>(outputs + at)));
  }
  return total;
}

/** Outputs of `count` points from point 0, f32. The last block's activations stay in the plan. */
function outputsOf(plan: usize, count: i32, outputs: usize): void {
  const last = layerOf(plan, load<i32>(plan, LAYERS) - 1);
  const stride = field(last, N4) << 2;
  for (let first = 0; first < count; first += BLOCK) {
    const n = min(BLOCK, count - first);
    forward(plan, inputsOf(plan, first, 0, n), first, 0, n);
    let z = field(last, A);
    for (let i = 0; i < n; i++, z += stride, outputs += 4) store<f32>(outputs, load<f32>(z));
  }
}

/**
 * The loss at beta of a training plan's points, 0 to `count` - 1, and its gradient by the plan's parameters into G.
 *
 * @param outputs where the outputs go; `slopes` scratch, f32 `[count]` both.
 */
export function signLossGradient(plan: usize, count: i32, beta: f64, outputs: usize, slopes: usize): f64 {
  memory.fill(field(plan, G), 0, field(plan, BYTES));
  outputsOf(plan, count, outputs);
  const total = signLossSlopes(outputs, field(plan, TARGETS), count, beta, slopes);
  const last = layerOf(plan, load<i32>(plan, LAYERS) - 1);
  const stride = field(last, N4) << 2;
  for (let first = 0; first < count; first += BLOCK) {
    const n = min(BLOCK, count - first);
    const x = inputsOf(plan, first, 0, n);
    if (count > BLOCK) forward(plan, x, first, 0, n);
    let d = field(last, D);
    memory.fill(d, 0, <usize>n * stride);
    for (let i = 0; i < n; i++, d += stride, slopes += 4) store<f32>(d, load<f32>(slopes));
    backward(plan, D, x, first, 0, n, field(plan, G));
  }
  return total;
}
