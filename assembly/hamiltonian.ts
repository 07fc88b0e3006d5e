/**
 * Hamiltonian Monte Carlo under a network's Gaussian prior and a sign loss: the density `exp(-|x|^2 / 2 - loss(S x))` over
 * parameters x in units of their prior deviations S. The prior's part of the motion is a rotation of position and momentum,
 * taken exactly [Beskos, Pinski, Sanz-Serna & Stuart 2011], so that only the loss limits the step.
 *
 * The block holds addresses and numbers; src/volume/temperedChain.ts writes it. Vectors are f32 in the plan's layout, a
 * multiple of eight entries; padding has scale 0 and stays 0.
 */

import { gaussians, xoshiroWords } from "./gaussian";
import { sumOfSquares } from "./optimisers";
import { signLossGradient } from "./signLoss";
import { field, G, W } from "./trainingPlan";

const PLAN: usize = 0;
/** points */
const COUNT: usize = 4;
/** bytes of a vector */
const LENGTH: usize = 8;
const POSITION: usize = 12;
const MOMENTUM: usize = 16;
/** where the last state is kept while a move is tried */
const KEPT: usize = 20;
const KEPT_OUTPUTS: usize = 24;
/** prior deviations S, and 1 where there is a parameter */
const SCALES: usize = 28;
const ONES: usize = 32;
/** generator, and a buffer of 64 u32 */
const STATE: usize = 36;
const WORDS: usize = 40;
const OUTPUTS: usize = 44;
const SLOPES: usize = 48;
// f64
const BETA: usize = 56;
const STEP: usize = 64;
/** since they were set to 0: sum of the acceptance probabilities, moves, gradients */
const ACCEPTANCE: usize = 72;
const MOVES: usize = 80;
const GRADIENTS: usize = 88;

let cosine: f32 = 1;
let sine: f32 = 0;

/** Sets `cosine` and `sine` of t, 0 <= t <= 2, to f32: their series, to 1e-9. */
function turn(t: f64): void {
  const q = t * t;
  sine = <f32>(t * (1 - (q / 6) * (1 - (q / 20) * (1 - (q / 42) * (1 - (q / 72) * (1 - (q / 110) * (1 - q / 156)))))));
  cosine = <f32>(
    (1 - (q / 2) * (1 - (q / 12) * (1 - (q / 30) * (1 - (q / 56) * (1 - (q / 90) * (1 - (q / 132) * (1 - q / 182)))))))
  );
}

/** The parameters S x into the plan. */
function place(b: usize): void {
  const length = field(b, LENGTH);
  let x = field(b, POSITION);
  let s = field(b, SCALES);
  let w = field(field(b, PLAN), W);
  const end = x + length;
  for (; x < end; x += 16, s += 16, w += 16) v128.store(w, f32x4.mul(v128.load(x), v128.load(s)));
}

function loss(b: usize): f64 {
  store<f64>(b, load<f64>(b, GRADIENTS) + 1, GRADIENTS);
  return signLossGradient(field(b, PLAN), load<i32>(b, COUNT), load<f64>(b, BETA), field(b, OUTPUTS), field(b, SLOPES));
}

/** p -= h S g. */
function kick(b: usize, h: f64): void {
  const rate = f32x4.splat(<f32>h);
  let p = field(b, MOMENTUM);
  let s = field(b, SCALES);
  let g = field(field(b, PLAN), G);
  const end = p + field(b, LENGTH);
  for (; p < end; p += 16, s += 16, g += 16) {
    const push = f32x4.mul(rate, f32x4.mul(v128.load(s), v128.load(g)));
    v128.store(p, f32x4.sub(v128.load(p), push));
  }
}

/** Turns (x, p) by the angle set, and places the parameters. */
function drift(b: usize): void {
  const c = f32x4.splat(cosine);
  const s = f32x4.splat(sine);
  let x = field(b, POSITION);
  let p = field(b, MOMENTUM);
  let scales = field(b, SCALES);
  let w = field(field(b, PLAN), W);
  const end = x + field(b, LENGTH);
  for (; x < end; x += 16, p += 16, scales += 16, w += 16) {
    const at = v128.load(x);
    const along = v128.load(p);
    const next = f32x4.add(f32x4.mul(c, at), f32x4.mul(s, along));
    v128.store(x, next);
    v128.store(p, f32x4.sub(f32x4.mul(c, along), f32x4.mul(s, at)));
    v128.store(w, f32x4.mul(next, v128.load(scales)));
  }
}

/** The outputs at the block's position, and the loss at its beta. */
export function hamiltonianEvaluate(b: usize): f64 {
  place(b);
  return loss(b);
}

/**
 * A move from the block's position: a momentum, `steps` leapfrog steps of a length within 30 % of the block's, and Metropolis'
 * test. The position and the outputs are those of the state after it. @returns 1 if it moved.
 */
export function hamiltonianMove(b: usize, steps: i32): i32 {
  const length = field(b, LENGTH);
  const position = field(b, POSITION);
  const momentum = field(b, MOMENTUM);
  const outputs = field(b, OUTPUTS);
  const outputBytes = (<usize>load<i32>(b, COUNT)) << 2;
  const words = field(b, WORDS);
  gaussians(momentum, field(b, ONES), <i32>(length >> 5), field(b, STATE));
  xoshiroWords(words, 1, field(b, STATE));
  const step = load<f64>(b, STEP) * (0.7 + 0.6 * (<f64>load<u32>(words) + 0.5) * 2.3283064365386963e-10);
  turn(step);
  let potential = hamiltonianEvaluate(b);
  memory.copy(field(b, KEPT), position, length);
  memory.copy(field(b, KEPT_OUTPUTS), outputs, outputBytes);
  const vectors = <i32>(length >> 4);
  const before = potential + 0.5 * (sumOfSquares(position, vectors) + sumOfSquares(momentum, vectors));
  kick(b, 0.5 * step);
  for (let i = 0; i < steps; i++) {
    drift(b);
    potential = loss(b);
    kick(b, i + 1 < steps ? step : 0.5 * step);
  }
  const after = potential + 0.5 * (sumOfSquares(position, vectors) + sumOfSquares(momentum, vectors));
  const rise = after - before;
  // not a number: rejected
  const chance: f64 = rise <= 0 ? 1 : rise > 0 ? NativeMath.exp(-rise) : 0;
  store<f64>(b, load<f64>(b, ACCEPTANCE) + chance, ACCEPTANCE);
  store<f64>(b, load<f64>(b, MOVES) + 1, MOVES);
  if ((<f64>load<u32>(words, 4) + 0.5) * 2.3283064365386963e-10 < chance) return 1;
  memory.copy(position, field(b, KEPT), length);
  memory.copy(outputs, field(b, KEPT_OUTPUTS), outputBytes);
  return 0;
}
