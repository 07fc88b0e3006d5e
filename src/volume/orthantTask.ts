/**
 * One randomisation of a Gaussian orthant's samples: what a worker does.
 *
 * @module
 */
import type { Task } from "../engine/task.ts";
import { type OrthantDraw, type OrthantRows, sampleWeights, type WeightSums } from "./orthantSampler.ts";

/** Plain data: it crosses to workers. */
export interface OrthantArguments {
  readonly rows: OrthantRows;
  readonly draw: OrthantDraw;
}

export const orthantTask: Task<OrthantArguments, WeightSums> = {
  name: "orthant",
  run: ({ kernels, pause }, { rows, draw }) => sampleWeights(kernels, rows, draw, pause),
  transfer: () => [],
};
