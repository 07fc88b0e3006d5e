/**
 * Laplace's method: what a worker does.
 *
 * @module
 */
import type { Task } from "../engine/task.ts";
import { CovarianceMember } from "./covarianceMember.ts";
import { findIndefinite, logRootOf } from "./epTask.ts";

/** Plain data: it crosses to workers. */
export interface LaplaceArguments {
  readonly size: number;
  /** K by panels (src/volume/panels.ts). */
  readonly covariance: Float64Array<ArrayBuffer>;
  readonly signs: Float64Array<ArrayBuffer>;
  /** What is added to K to see whether it is positive semidefinite. */
  readonly slack: number;
  readonly maxIterations: number;
  readonly tolerance: number;
}

/** How it went. */
export interface LaplaceRun {
  /** First row whose pivot shows that K is indefinite, or -1. */
  readonly indefinite: number;
  readonly logP: number;
  readonly converged: boolean;
  readonly iterations: number;
  readonly change: number;
}

/** The shortest share of Newton's step that is tried. */
const SHORTEST = 2 ** -20;

export const laplaceTask: Task<LaplaceArguments, LaplaceRun> = {
  name: "laplace",
  async run({ kernels, pause }, { size, covariance, signs, slack, maxIterations, tolerance }) {
    const member = new CovarianceMember(kernels, covariance, size, pause);
    const { panels, factor } = member;
    const { exports } = kernels;
    const bytes = 32 * panels;
    const labels = kernels.put(signs);
    const [fAt, aAt, slopeAt, curvatureAt, vector] = Array.from({ length: 5 }, () => kernels.allocate(bytes));
    const end = (logP: number, iterations: number, change: number, row = -1): LaplaceRun => ({
      indefinite: row,
      logP,
      converged: change <= tolerance,
      iterations,
      change,
    });
    const failed = await findIndefinite(member, slack);
    if (failed >= 0) return end(Number.NaN, 0, Number.NaN, failed);

    // f = K a, from a = 0
    const f = kernels.f64(fAt, 4 * panels);
    const a = kernels.f64(aAt, 4 * panels);
    const slope = kernels.f64(slopeAt, size);
    const curvature = kernels.f64(curvatureAt, size);
    const work = kernels.f64(vector, 4 * panels);
    const last = new Float64Array(size);
    const step = new Float64Array(size);
    const objective = (): number => {
      exports.symmetricProduct(member.covariance, panels, aAt, fAt);
      let quadratic = 0;
      for (let i = 0; i < size; i++) quadratic += a[i] * f[i];
      return exports.probitDerivatives(size, labels, fAt, slopeAt, curvatureAt) - quadratic / 2;
    };
    let value = objective();
    let change = Number.POSITIVE_INFINITY;
    for (let iteration = 1; ; iteration++) {
      const row = await member.prepare(curvature);
      if (row >= 0) return end(Number.NaN, iteration, Number.NaN, row);
      if (change <= tolerance || iteration > maxIterations) {
        return end(value - logRootOf(kernels, factor.lower, panels, vector), iteration - 1, change);
      }
      // b = W f + slope; a = b - W^½ B^-1 W^½ K b
      for (let i = 0; i < size; i++) step[i] = curvature[i] * f[i] + slope[i];
      work.fill(0);
      work.set(step);
      exports.symmetricProduct(member.covariance, panels, vector, fAt);
      for (let i = 0; i < size; i++) work[i] = Math.sqrt(curvature[i]) * f[i];
      exports.forwardSolve(factor.lower, factor.inverses, panels, vector);
      exports.backwardSolve(factor.lower, factor.inverses, panels, vector);
      last.set(a.subarray(0, size));
      for (let i = 0; i < size; i++) step[i] -= Math.sqrt(curvature[i]) * work[i] + last[i];
      let next = value;
      for (let share = 1; ; share /= 2) {
        for (let i = 0; i < size; i++) a[i] = last[i] + share * step[i];
        next = objective();
        // the objective is concave: a shorter step gains, until rounding says otherwise
        if (next >= value || share <= SHORTEST) break;
      }
      change = Math.abs(next - value);
      value = next;
      await pause();
    }
  },
  transfer: () => [],
};
