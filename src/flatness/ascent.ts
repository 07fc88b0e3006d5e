/**
 * Maximising a loss over a set around the parameters: projected gradient ascent with a spectral step
 * [Birgin, Martinez & Raydan 2000] and a line search.
 *
 * The step along the gradient is that of Barzilai & Borwein where the loss is concave along the last step. Where it is convex
 * the step is as good as infinite, and its projection the vertex (of a box) or boundary point (of a ball) at which the
 * linearised loss is largest: the step of Frank & Wolfe, under which a convex loss rises every time.
 *
 * @module
 */
import type { LossSurface } from "../training/surface.ts";
import type { Neighbourhood } from "./neighbourhood.ts";

/** Calls of a surface. */
export interface Evaluations {
  losses: number;
  gradients: number;
}

/** Where an ascent ended. */
export interface AscentResult {
  /** `surface.loss(point)`. */
  readonly loss: number;
  /** f32, in the set. */
  readonly point: Float32Array;
  readonly iterations: number;
  /** No direction rises any more, to rounding; false: the iterations ran out. */
  readonly converged: boolean;
}

const LARGEST_STEP = 1e30;
/** Sufficient increase, as a share of what the slope promises. */
const ARMIJO = 1e-4;
const HALVINGS = 20;
/** Increases below this, relative to the loss, are f32 rounding; so many of them in a row end the ascent. */
const SMALL = 1e-9;
const SMALL_STEPS = 3;

// Loops over parameters are functions of their own: engines leave those of async functions unoptimised.

/** `P(u + step g) - u` into `direction`, g the gradient in the set's coordinates; returns its slope. */
function aim(
  set: Neighbourhood,
  u: Float64Array,
  gradient: Float32Array,
  step: number,
  direction: Float64Array,
): number {
  const { scale } = set;
  let largest = 0;
  for (let i = 0; i < u.length; i++) largest = Math.max(largest, Math.abs(scale[i] * gradient[i]));
  if (largest === 0) return 0;
  const factor = Math.min(step, LARGEST_STEP / largest);
  for (let i = 0; i < u.length; i++) direction[i] = u[i] + factor * scale[i] * gradient[i];
  set.project(direction);
  let slope = 0;
  for (let i = 0; i < u.length; i++) {
    direction[i] -= u[i];
    slope += direction[i] * scale[i] * gradient[i];
  }
  return slope;
}

/** `out = u + share direction`. */
function along(u: Float64Array, share: number, direction: Float64Array, out: Float64Array): void {
  for (let i = 0; i < u.length; i++) out[i] = u[i] + share * direction[i];
}

/** Barzilai and Borwein's step from what the gradients at two points say of the curvature between them. */
function secantStep(
  scale: Float64Array,
  u: Float64Array,
  gradient: Float32Array,
  next: Float64Array,
  nextGradient: Float32Array,
): number {
  let squares = 0;
  let curvature = 0;
  for (let i = 0; i < u.length; i++) {
    const s = next[i] - u[i];
    squares += s * s;
    curvature += s * scale[i] * (nextGradient[i] - gradient[i]);
  }
  return curvature < 0 ? squares / -curvature : LARGEST_STEP;
}

/**
 * @param start u in the set's own coordinates.
 * @param evaluations counted up.
 */
export async function ascend(
  surface: LossSurface,
  set: Neighbourhood,
  start: Float64Array,
  iterations: number,
  evaluations: Evaluations,
  pause: () => Promise<void> | void,
): Promise<AscentResult> {
  const n = start.length;
  const { scale } = set;
  let u = start.slice();
  set.project(u);
  let trial = new Float64Array(n);
  let point = new Float32Array(n);
  let trialPoint = new Float32Array(n);
  let gradient = new Float32Array(n);
  let trialGradient = new Float32Array(n);
  const direction = new Float64Array(n);
  set.place(u, point);
  let loss = await surface.gradient(point, gradient);
  evaluations.gradients++;

  let step = LARGEST_STEP;
  let small = 0;
  let done = 0;
  let converged = false;
  while (done < iterations && small < SMALL_STEPS) {
    await pause();
    const slope = aim(set, u, gradient, step, direction);
    let share = 1;
    let accepted = false;
    let rise = 0;
    for (let halving = 0; slope > 0 && halving <= HALVINGS; halving++, share /= 2) {
      along(u, share, direction, trial);
      set.place(trial, trialPoint);
      // the first try is mostly taken, and needs its gradient then
      const reached =
        halving === 0 ? await surface.gradient(trialPoint, trialGradient) : await surface.loss(trialPoint);
      if (halving === 0) evaluations.gradients++;
      else evaluations.losses++;
      rise = reached - loss;
      accepted = rise > 0 && rise >= ARMIJO * share * slope;
      if (!accepted) continue;
      if (halving > 0) {
        await surface.gradient(trialPoint, trialGradient);
        evaluations.gradients++;
      }
      loss = reached;
      break;
    }
    if (!accepted) {
      // neither the long step nor a short one rises: a stationary point, to rounding
      if (step === LARGEST_STEP || slope <= 0) {
        converged = true;
        break;
      }
      step = LARGEST_STEP;
      continue;
    }
    done++;
    small = rise <= SMALL * Math.abs(loss) ? small + 1 : 0;
    step = secantStep(scale, u, gradient, trial, trialGradient);
    [u, trial] = [trial, u];
    [point, trialPoint] = [trialPoint, point];
    [gradient, trialGradient] = [trialGradient, gradient];
  }
  evaluations.losses++;
  return { loss: await surface.loss(point), point, iterations: done, converged: converged || small >= SMALL_STEPS };
}
