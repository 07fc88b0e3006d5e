/**
 * Sharpness over a ball: `max L(w + d) - L(w)`, `|d|_2 <= rho` (SAM) or `|d / |w||_2 <= rho` (adaptive, ASAM).
 *
 * The value is an audited maximum (projected ascent from several starts); the one-step value `L(w + d1) - L(w)`, d1 the
 * maximiser of the linearised loss, which SAM trains with, and its first-order estimate stand beside it.
 *
 * SAM's ball does not follow a rescaling. ASAM's does: with `T = diag |w|` and a rescaling `w -> S w` that leaves the loss as
 * it is, `T -> S T`, so `d -> S d` maps one ball to the other [Kwon et al. 2021]. A weight that is 0 stays 0, the
 * limit of a small one. Kwon's implementation adds eta = 0.01 to |w|; with eta > 0 the value is not invariant, and says so.
 *
 * @module
 */
import { RandomStream } from "../engine/random.ts";
import { type AscentResult, ascend } from "./ascent.ts";
import {
  integerOption,
  type Measure,
  type MeasureContext,
  type MeasureResult,
  numberOption,
  optionValues,
} from "./measure.ts";
import { Ball } from "./neighbourhood.ts";
import { ASAM_START_STREAM, SAM_START_STREAM } from "./streams.ts";

export const samOptions = {
  /** Radius of SAM's ball. */
  samRho: numberOption(0.05, 0, 1e6),
  /** Random starts, beside the one-step maximiser and its opposite. */
  samStarts: integerOption(3, 0, 10_000),
  /** Iterations of one ascent at the most. */
  samIterations: integerOption(100, 1, 1e9),
};

export const asamOptions = {
  /** Radius of ASAM's ball. */
  asamRho: numberOption(0.5, 0, 1e6),
  /** Added to |w|; the value is invariant at 0 only. */
  asamEta: numberOption(0, 0, 1e6),
  /** Random starts, beside the one-step maximiser and its opposite. */
  asamStarts: integerOption(3, 0, 10_000),
  /** Iterations of one ascent at the most. */
  asamIterations: integerOption(100, 1, 1e9),
};

async function ballSharpness(
  context: MeasureContext,
  ball: Ball,
  random: { starts: number; stream: number },
  iterations: number,
): Promise<MeasureResult> {
  const { surface, w, kernels, seed, pause } = context;
  const n = w.length;
  const { scale, radius } = ball;
  const gradient = new Float32Array(n);
  await surface.gradient(w, gradient);
  const start = await surface.loss(w);
  const evaluations = { losses: 1, gradients: 1 };
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (scale[i] * gradient[i]) ** 2;
  const norm = Math.sqrt(squares);

  const forward = new Float64Array(n);
  if (norm > 0) for (let i = 0; i < n; i++) forward[i] = (radius * scale[i] * gradient[i]) / norm;
  ball.project(forward);
  const point = new Float32Array(n);
  ball.place(forward, point);
  const oneStepLoss = await surface.loss(point);
  evaluations.losses++;
  const starts: Array<readonly [string, Float64Array]> = [
    ["one step", forward],
    ["opposite", forward.map((x) => -x)],
  ];
  for (let k = 0; k < random.starts; k++) {
    const u = new Float64Array(n);
    ball.random(new RandomStream(kernels, seed, k, random.stream), u);
    starts.push([`random ${k}`, u]);
  }
  // the middle belongs to the ball too
  let best: Pick<AscentResult, "loss" | "point"> = { loss: start, point: w.slice() };
  let bestStart = "none";
  const found: Array<{ start: string; value: number; iterations: number; converged: boolean }> = [];
  for (const [name, u] of starts) {
    const result = await ascend(surface, ball, u, iterations, evaluations, pause);
    found.push({
      start: name,
      value: result.loss - start,
      iterations: result.iterations,
      converged: result.converged,
    });
    if (result.loss > best.loss) {
      best = { loss: result.loss, point: result.point };
      bestStart = name;
    }
  }
  if (oneStepLoss > best.loss) best = { loss: oneStepLoss, point };
  const reach = ball.reach(best.point);
  if (!(reach <= 1)) throw new Error(`the maximiser lies outside the ball: ${reach} times its radius`);
  const values = found.map(({ value }) => value);
  return {
    value: best.loss - start,
    rho: radius,
    oneStep: oneStepLoss - start,
    /** `rho |T grad L|`, the rise of the linearised loss. */
    firstOrder: radius * norm,
    startLoss: start,
    maximalLoss: best.loss,
    /** Norm of the perturbation over rho: checked to be at most 1. */
    ballShare: reach,
    bestStart,
    spread: { least: Math.min(...values), most: Math.max(...values) },
    starts: found,
    maximiser: best.point,
    evaluations,
  };
}

export const sam: Measure = {
  name: "sam",
  invariant: false,
  source: "Foret et al. 2021, arXiv 2010.01412",
  options: samOptions,
  run(context) {
    const { samRho, samStarts, samIterations } = optionValues(samOptions, context.options);
    const ball = new Ball(context.w, samRho, new Float64Array(context.w.length).fill(1));
    return ballSharpness(context, ball, { starts: samStarts, stream: SAM_START_STREAM }, samIterations);
  },
};

export const asam: Measure = {
  name: "asam",
  invariant: true,
  source: "Kwon et al. 2021, arXiv 2102.11600",
  options: asamOptions,
  async run(context) {
    const { asamRho, asamEta, asamStarts, asamIterations } = optionValues(asamOptions, context.options);
    const scale = Float64Array.from(context.w, (x) => Math.abs(x) + asamEta);
    const ball = new Ball(context.w, asamRho, scale);
    const random = { starts: asamStarts, stream: ASAM_START_STREAM };
    return { ...(await ballSharpness(context, ball, random, asamIterations)), eta: asamEta, invariant: asamEta === 0 };
  },
};
