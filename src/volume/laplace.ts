/**
 * Laplace's method for the probability of a Gaussian orthant with the probit likelihood: the cheap baseline [Rasmussen &
 * Williams 2006, algorithm 3.1].
 *
 * @module
 */
import { checkInteger, checkNumber, checkOptions, show } from "../engine/checks.ts";
import { fullBuild } from "../engine/module.ts";
import { Pool } from "../engine/pool.ts";
import { onBuild } from "../engine/task.ts";
import { checkOrthant, DEFINITENESS_TOLERANCE, indefinite } from "./covariance.ts";
import type { GaussianApproximation } from "./expectationPropagation.ts";
import { laplaceTask } from "./laplaceTask.ts";

/** What `laplace` takes. */
export interface LaplaceOptions {
  /** Default 100. */
  readonly maxIterations?: number;
  /** Largest change of the objective `log p(y|f) - ½ f' K^-1 f` in a step at which the iteration ends. Default 1e-10. */
  readonly tolerance?: number;
  /** Workers of the call's own pool; 0: the calling thread. Default 1. */
  readonly workers?: number;
  /** A pool to use instead; it is left open. */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
}

/** What Laplace's method gives. */
export interface Laplace extends GaussianApproximation {
  readonly method: "laplace";
}

/**
 * log of `E prod Phi(y_i f_i)`, f Gaussian of covariance K, from the posterior's peak and its curvature there. For the step
 * likelihood the peak lies at 0, and the method says nothing: it is `expectationPropagation` then.
 *
 * @param kernel as for `expectationPropagation`.
 * @param labels likewise.
 * @throws TypeError, RangeError naming the argument; the signal's reason; an Error if a worker died.
 * @example
 * const { kernel } = await nngpKernel({ depth: 2 }, { bits: 3 });
 * const { logP } = await laplace(kernel, "17"); // of the majority, with the probit likelihood
 */
export async function laplace(
  kernel: ArrayLike<number>,
  labels: ArrayLike<number | boolean> | string,
  options: LaplaceOptions = {},
): Promise<Laplace> {
  checkOptions("options", options, ["maxIterations", "tolerance", "workers", "pool", "signal"]);
  const maxIterations = checkInteger("maxIterations", options.maxIterations ?? 100, 1, 1_000_000);
  const tolerance = checkNumber("tolerance", options.tolerance ?? 1e-10, 1e-15, 1);
  const { size, covariance, signs, scale } = checkOrthant(kernel, labels);
  if (options.pool !== undefined && !(options.pool instanceof Pool)) {
    throw new TypeError(`pool: expected a Pool, got ${show(options.pool)}`);
  }
  const pool = options.pool ?? new Pool({ workers: options.workers ?? 1 });
  const { signal } = options;
  try {
    const slack = scale > 0 ? DEFINITENESS_TOLERANCE * scale : 1;
    const { indefinite: row, ...run } = await pool.run(
      onBuild(fullBuild, laplaceTask),
      { size, covariance, signs, slack, maxIterations, tolerance },
      { signal: signal && AbortSignal.any([signal]), transfer: [covariance.buffer] },
    );
    if (row >= 0) throw indefinite(row, run.iterations);
    const { logP } = run;
    return { method: "laplace", ...run, log10P: logP / Math.LN10, jitter: 0, approximation: true };
  } finally {
    if (!options.pool) pool.close();
  }
}
