/**
 * Keskar sharpness: how much the loss can rise in a small box around the parameters,
 * `100 (max L(w + d) - L(w)) / (1 + L(w))` over `|d_i| <= epsilon (|w_i| + 1)` [Keskar et al. 2017, metric 2.1].
 *
 * Not invariant: the box does not follow a rescaling.
 *
 * @module
 */

import { CallSize } from "../engine/callSize.ts";
import { RandomStream } from "../engine/random.ts";
import type { BoxAscent, LossSurface } from "../training/surface.ts";
import { type AscentResult, ascend, type Evaluations } from "./ascent.ts";
import { integerOption, type Measure, type MeasureContext, numberOption, optionValues } from "./measure.ts";
import { batchGradient, shuffledPoints } from "./minibatch.ts";
import { Box } from "./neighbourhood.ts";
import { KESKAR_SHUFFLE_STREAM, KESKAR_START_STREAM } from "./streams.ts";

const SOURCE = "Keskar et al. 2017, arXiv 1609.04836";

export const protocolOptions = {
  /** Half-width of the box, relative to `|w_i| + 1`. */
  keskarEpsilon: numberOption(1e-4, 0, 1e6),
  /** Learning rate of the protocol's ascent. */
  keskarLearningRate: numberOption(1e-3, 0, 1e12),
  /** Points in a minibatch of the protocol. */
  keskarBatch: integerOption(32, 1, 2 ** 31),
  /** Epochs of the protocol. */
  keskarEpochs: integerOption(100, 0, 1e9),
};

export const keskarOptions = {
  ...protocolOptions,
  /**
   * Random starts of the audited maximiser, beside the centre, the gradient's corner and the protocol's best point. Ten came
   * within 1 % of three hundred on trained 7-20-20-1 networks, none within 9 %, at epsilon from 1e-4 to 1e-2.
   */
  keskarStarts: integerOption(10, 0, 10_000),
  /** Iterations of one ascent at the most. */
  keskarIterations: integerOption(100, 1, 1e9),
};

interface ProtocolResult {
  readonly start: number;
  readonly loss: number;
  readonly point: Float32Array;
  /** Steps taken until then, 0: the start. */
  readonly step: number;
  readonly steps: number;
  readonly evaluations: Evaluations;
}

/**
 * The study's protocol: minibatch gradient ascent, every epoch shuffled anew, projected to the box after each step, the full
 * loss after each step, the largest kept; the start counts too.
 */
async function runProtocol(context: MeasureContext, box: Box): Promise<ProtocolResult> {
  const { surface, w, kernels, seed, pause } = context;
  const { keskarLearningRate, keskarBatch, keskarEpochs } = optionValues(protocolOptions, context.options);
  const points = surface.data.points;
  const evaluations = { losses: 1, gradients: 0 };
  const ascent = surface.boxAscent?.(w, box.low, box.high) ?? (await stepwiseAscent(surface, w, box));
  const start = ascent.best.loss;
  // the steps are the same for any number of them in a call
  const size = new CallSize();
  for (let epoch = 0; epoch < keskarEpochs; epoch++) {
    const order = shuffledPoints(kernels, seed, epoch, KESKAR_SHUFFLE_STREAM, points);
    for (let first = 0; first < points; ) {
      const end = Math.min(points, first + size.steps * keskarBatch);
      const steps = Math.ceil((end - first) / keskarBatch);
      const began = performance.now();
      await ascent.steps(order.subarray(first, end), keskarBatch, keskarLearningRate);
      size.took(steps, performance.now() - began);
      evaluations.gradients += steps;
      evaluations.losses += steps;
      first = end;
      await pause();
    }
  }
  const { loss, step } = ascent.best;
  return { start, loss, point: ascent.point(), step, steps: evaluations.gradients, evaluations };
}

/** The same steps, one after the other, on any surface. */
async function stepwiseAscent(
  surface: LossSurface,
  w: Float32Array,
  box: Box,
): Promise<Omit<BoxAscent, "steps"> & { steps(...call: Parameters<BoxAscent["steps"]>): Promise<void> }> {
  const v = w.slice();
  const gradient = new Float32Array(w.length);
  let best = { loss: await surface.loss(w), step: 0 };
  let point = w.slice();
  let taken = 0;
  return {
    async steps(points, batch, rate) {
      for (let first = 0; first < points.length; first += batch) {
        await batchGradient(surface, v, gradient, points.subarray(first, Math.min(points.length, first + batch)));
        for (let i = 0; i < v.length; i++) v[i] += rate * gradient[i];
        box.clamp(v);
        taken++;
        const loss = await surface.loss(v);
        if (loss > best.loss) {
          best = { loss, step: taken };
          point = v.slice();
        }
      }
    },
    get best() {
      return best;
    },
    point: () => point,
  };
}

/** The number, its log10, and where it was found. */
function sharpness(context: MeasureContext, box: Box, start: number, loss: number, point: Float32Array) {
  const { naturalLog } = context.kernels.exports;
  const value = (100 * (loss - start)) / (1 + start);
  const reach = box.reach(point);
  if (!(reach <= 1)) throw new Error(`keskar: the maximiser lies outside the box: ${reach} times its half-width`);
  return {
    value,
    /** -Infinity where nothing rises. */
    log10: value > 0 ? naturalLog(value) / naturalLog(10) : Number.NEGATIVE_INFINITY,
    startLoss: start,
    maximalLoss: loss,
    /** Largest `|d_i| / (epsilon (|w_i| + 1))`: checked to be at most 1. */
    boxShare: reach,
    /** The f32 parameters `w + d` at which the loss is largest. */
    maximiser: point,
  };
}

/** The study's protocol to the letter. */
export const keskarProtocol: Measure = {
  name: "keskar-protocol",
  invariant: false,
  source: SOURCE,
  options: protocolOptions,
  async run(context) {
    const { keskarEpsilon } = optionValues(protocolOptions, context.options);
    const box = new Box(context.w, keskarEpsilon);
    const { start, loss, point, step, steps, evaluations } = await runProtocol(context, box);
    return { ...sharpness(context, box, start, loss, point), epsilon: keskarEpsilon, step, steps, evaluations };
  },
};

/**
 * The audited maximiser: full-batch projected ascent with step control from several starts, the protocol's best point among
 * them. `spread` is over the starts: where they differ, the largest is a lower bound of the maximum that others may beat.
 */
export const keskar: Measure = {
  name: "keskar",
  invariant: false,
  source: SOURCE,
  options: keskarOptions,
  async run(context) {
    const { surface, w, kernels, seed, pause } = context;
    const { keskarEpsilon, keskarStarts, keskarIterations } = optionValues(keskarOptions, context.options);
    const n = w.length;
    const box = new Box(w, keskarEpsilon);
    const protocol = await runProtocol(context, box);
    const { evaluations, start } = protocol;
    const toValue = (loss: number): number => (100 * (loss - start)) / (1 + start);

    const corner = new Float64Array(n);
    const gradient = new Float32Array(n);
    await surface.gradient(w, gradient);
    evaluations.gradients++;
    for (let i = 0; i < n; i++) corner[i] = Math.sign(gradient[i]);
    const protocolPoint = new Float64Array(n);
    box.coordinates(protocol.point, protocolPoint);
    const starts: Array<readonly [string, Float64Array]> = [
      ["centre", new Float64Array(n)],
      ["corner", corner],
      ["protocol", protocolPoint],
    ];
    for (let k = 0; k < keskarStarts; k++) {
      const u = new Float64Array(n);
      box.random(new RandomStream(kernels, seed, k, KESKAR_START_STREAM), u);
      starts.push([`random ${k}`, u]);
    }

    let best: Pick<AscentResult, "loss" | "point"> = { loss: start, point: w.slice() };
    let bestStart = "none";
    const found: Array<{ start: string; value: number; iterations: number; converged: boolean }> = [];
    for (const [name, u] of starts) {
      let result = await ascend(surface, box, u, keskarIterations, evaluations, pause);
      // rounding of the way back from u must not lose what the protocol found
      if (name === "protocol" && !(result.loss >= protocol.loss)) {
        result = { ...result, loss: protocol.loss, point: protocol.point };
      }
      found.push({
        start: name,
        value: toValue(result.loss),
        iterations: result.iterations,
        converged: result.converged,
      });
      if (result.loss > best.loss) {
        best = result;
        bestStart = name;
      }
    }
    const values = found.map(({ value }) => value);
    return {
      ...sharpness(context, box, start, best.loss, best.point),
      epsilon: keskarEpsilon,
      bestStart,
      protocolValue: toValue(protocol.loss),
      /** Over the starts. */
      spread: { least: Math.min(...values), most: Math.max(...values) },
      starts: found,
      evaluations,
    };
  },
};
