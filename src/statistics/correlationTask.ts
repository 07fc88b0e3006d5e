/**
 * Correlations and their intervals: what a worker does.
 *
 * @module
 */
import type { Task } from "../engine/task.ts";
import { bootstrapWords } from "./bootstrapWords.ts";
import { type Correlations, correlateInSteps } from "./correlateFew.ts";

/** Plain data: it crosses to workers. */
export interface CorrelationArguments {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly resamples: number;
}

export const correlationTask: Task<CorrelationArguments, Correlations> = {
  name: "correlations",
  async run({ kernels, pause }, { x, y, resamples }) {
    const steps = correlateInSteps(x, y, resamples, bootstrapWords(kernels), kernels);
    let step = steps.next();
    while (!step.done) {
      await pause();
      step = steps.next();
    }
    return step.value;
  },
  transfer: () => [],
};
