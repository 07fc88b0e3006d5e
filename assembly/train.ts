/**
 * Many training steps in one call. The optimiser lives in a block of memory, `OPTIMISER_*` below; steps take the minibatches
 * `indices[k batch .. (k + 1) batch)` in turn (the last of an epoch may be smaller).
 *
 * `entropy-sgd` [Chaudhari et al. 2017, algorithm 1, with the outer step of the authors' program]: each outer step takes L
 * minibatches, one an inner Langevin step from x, then steps along x - mu; with L = 0 it is SGD, as in that program.
 * `sam` [Foret et al. 2021, algorithm 1]: the gradient at w + rho g / |g|, the step at w.
 */
import { gaussians } from "./gaussian";
import { gradientOf } from "./gradient";
import {
  adagradStep,
  adamStep,
  difference,
  langevinStep,
  momentumStep,
  offset,
  rmspropStep,
  sgdStep,
  sumOfSquares,
} from "./optimisers";

// 4-byte words
const KIND: usize = 0;
/** vectors of four f32 in w, g and every state vector */
const VECTORS: usize = 4;
const W: usize = 8;
const G: usize = 12;
/** first and second moments */
const M: usize = 16;
const V: usize = 20;
/** the outer parameters (Entropy-SGD, SAM) and the running mean mu */
const X: usize = 24;
const MEAN: usize = 28;
const NOISE: usize = 32;
/** sqrt(inner rate) epsilon, once for each entry */
const NOISE_SCALE: usize = 36;
/** generator, 64 bytes */
const STATE: usize = 40;
const INNER_STEPS: usize = 44;
/** 1: momentum with Nesterov's correction */
const NESTEROV: usize = 48;
const LAMBDA: usize = 52;
const MU: usize = 56;
const BETA1: usize = 60;
const BETA2: usize = 64;
const EPSILON: usize = 68;
const INNER_RATE: usize = 72;
const AVERAGING: usize = 76;
const RHO: usize = 80;
// f64
/** beta1^t, beta2^t after t steps; start as 1 */
const POWER1: usize = 88;
const POWER2: usize = 96;
/** gamma now, and its factor from one outer step to the next */
const GAMMA: usize = 104;
const GAMMA_GROWTH: usize = 112;
/** Bytes of the block. */
const BYTES: usize = 120;

const SGD: i32 = 0;
const MOMENTUM: i32 = 1;
const ADAM: i32 = 2;
const ADAGRAD: i32 = 3;
const RMSPROP: i32 = 4;
const ENTROPY_SGD: i32 = 5;
const SAM: i32 = 6;

/** Size of an optimiser's block, for TypeScript to agree with. */
export function optimiserBytes(): i32 {
  return <i32>BYTES;
}

function plainStep(o: usize, kind: i32, rate: f32): void {
  const w = <usize>load<u32>(o, W);
  const g = <usize>load<u32>(o, G);
  const m = <usize>load<u32>(o, M);
  const v = <usize>load<u32>(o, V);
  const vectors = load<i32>(o, VECTORS);
  const lambda = load<f32>(o, LAMBDA);
  const epsilon = load<f32>(o, EPSILON);
  if (kind == SGD) sgdStep(w, g, vectors, rate, lambda);
  else if (kind == MOMENTUM) {
    momentumStep(w, g, m, vectors, rate, lambda, load<f32>(o, MU), load<i32>(o, NESTEROV));
  } else if (kind == ADAM) {
    const beta1 = load<f32>(o, BETA1);
    const beta2 = load<f32>(o, BETA2);
    const power1 = load<f64>(o, POWER1) * beta1;
    const power2 = load<f64>(o, POWER2) * beta2;
    store<f64>(o, power1, POWER1);
    store<f64>(o, power2, POWER2);
    const scale = <f32>(<f64>rate / (1 - power1));
    adamStep(w, g, m, v, vectors, lambda, beta1, beta2, epsilon, scale, <f32>(1 / sqrt(1 - power2)));
  } else if (kind == ADAGRAD) adagradStep(w, g, v, vectors, rate, lambda, epsilon);
  else if (kind == RMSPROP) rmspropStep(w, g, v, vectors, rate, lambda, load<f32>(o, BETA2), epsilon);
}

/**
 * Trains on `count` points in the order of `indices`.
 *
 * @param plan network and data, as `gradientOf` takes them.
 * @param optimiser its block.
 * @param indices u32, points of the data.
 * @param rate learning rate of these steps.
 * @returns the sum over the points of the losses met, f64: each at the parameters of its step.
 */
export function trainSteps(plan: usize, optimiser: usize, indices: usize, count: i32, batch: i32, rate: f32): f64 {
  const o = optimiser;
  const kind = load<i32>(o, KIND);
  const w = <usize>load<u32>(o, W);
  const g = <usize>load<u32>(o, G);
  const x = <usize>load<u32>(o, X);
  const vectors = load<i32>(o, VECTORS);
  const bytes = (<usize>vectors) << 4;
  const lambda = load<f32>(o, LAMBDA);
  const base = load<f32>(o, MU) == 0 ? SGD : MOMENTUM;
  const inner = load<i32>(o, INNER_STEPS);
  let total: f64 = 0;
  for (let done = 0; done < count; ) {
    const points = min(batch, count - done);
    if (kind == ENTROPY_SGD && inner > 0) {
      const mean = <usize>load<u32>(o, MEAN);
      memory.copy(x, w, bytes);
      memory.copy(mean, w, bytes);
      const gamma = <f32>load<f64>(o, GAMMA);
      for (let l = 0; l < inner && done < count; l++) {
        const these = min(batch, count - done);
        total += gradientOf(plan, indices + ((<usize>done) << 2), these) * these;
        done += these;
        const noise = <usize>load<u32>(o, NOISE);
        // groups of eight: the vectors are allocated in whole groups
        gaussians(noise, <usize>load<u32>(o, NOISE_SCALE), (vectors + 1) >> 1, <usize>load<u32>(o, STATE));
        langevinStep(w, g, x, mean, noise, vectors, load<f32>(o, INNER_RATE), lambda, gamma, load<f32>(o, AVERAGING));
      }
      store<f64>(o, load<f64>(o, GAMMA) * load<f64>(o, GAMMA_GROWTH), GAMMA);
      memory.copy(w, x, bytes);
      difference(x, mean, g, vectors);
      // weight decay has acted on the inner steps
      store<f32>(o, 0, LAMBDA);
      plainStep(o, base, rate);
      store<f32>(o, lambda, LAMBDA);
      continue;
    }
    const at = indices + ((<usize>done) << 2);
    total += gradientOf(plan, at, points) * points;
    if (kind == SAM) {
      const norm = sqrt(sumOfSquares(g, vectors));
      if (norm > 0) {
        memory.copy(x, w, bytes);
        offset(w, g, <f32>(<f64>load<f32>(o, RHO) / norm), w, vectors);
        gradientOf(plan, at, points);
        memory.copy(w, x, bytes);
      }
    }
    plainStep(o, kind >= ENTROPY_SGD ? base : kind, rate);
    done += points;
  }
  return total;
}
