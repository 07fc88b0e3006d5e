/**
 * Expectation propagation for a Gaussian orthant: what a worker does, alone or with helpers.
 *
 * @module
 */
import { type Remote, wrap } from "comlink";
import type { Kernels } from "../engine/kernels.ts";
import type { Task } from "../engine/task.ts";
import { Anderson } from "./anderson.ts";
import { CovarianceMember, type Marginals, runOfMember, type Sites } from "./covarianceMember.ts";
import type { EpHelperEndpoint } from "./epHelperTask.ts";
import { lowerIndex, lowerSize, type Pause } from "./panels.ts";

/** Plain data: it crosses to workers. */
export interface EpArguments {
  readonly size: number;
  /** K by panels (src/volume/panels.ts); it is used up. */
  readonly covariance: Float64Array<ArrayBuffer>;
  readonly signs: Float64Array<ArrayBuffer>;
  /** Variance of the likelihood `Phi(y f / sqrt(noise))`: 0 the step, 1 the probit. */
  readonly noise: number;
  readonly start: Sites | undefined;
  readonly maxIterations: number;
  readonly tolerance: number;
  readonly damping: number;
  /** What is added to K to see whether it is positive semidefinite; 0: it is known to be. */
  readonly slack: number;
  /** To workers that run `epHelperTask`. */
  readonly helpers: readonly MessagePort[];
}

/** How it went. */
export interface EpRun {
  /** First row whose pivot shows that K is indefinite, or -1. */
  readonly indefinite: number;
  readonly logP: number;
  readonly converged: boolean;
  readonly iterations: number;
  readonly change: number;
  /** Share of the last step that was taken. */
  readonly damping: number;
  readonly sites: Sites;
}

/** Below this change steps are combined; before, the iteration is far from linear, and plain steps do better. */
const NEAR = 0.1;
/** Steps that are combined. */
const REMEMBERED = 3;
/** Share of the lesser of a site's old and new precisions that a combined step leaves at the least. */
const LEAST = 0.1;
/** A combined step may make the change larger for once, up to this; a plain one that does is taken for an oscillation. */
const LEAP = 2;
/** The change must fall by this factor ... */
const PROGRESS = 0.9;
/** ... in so many iterations; otherwise they turn in a circle. */
const PATIENCE = 5;
/** What the step is multiplied with then. */
const SHORTER = 0.7;
/** The shortest step. */
const SHORTEST = 0.01;

/** The member that leads: its helpers compute their shares of the marginals. */
class Leader {
  readonly member: CovarianceMember;
  readonly #helpers: ReadonlyArray<Remote<EpHelperEndpoint>>;
  readonly #vector: number;

  constructor(member: CovarianceMember, helpers: readonly MessagePort[]) {
    this.member = member;
    this.#helpers = helpers.map((port) => wrap<EpHelperEndpoint>(port));
    this.#vector = member.kernels.allocate(32 * member.panels);
  }

  /** Factors for new precisions, and asks for all marginals. @returns the failing row, or the marginals. */
  async marginals(precision: Float64Array): Promise<number | Marginals> {
    const { member } = this;
    const asked = Promise.all(this.#helpers.map((helper) => helper.marginals(precision)));
    // one may fail while this thread still computes
    asked.catch(() => {});
    const failed = await member.prepare(precision);
    if (failed >= 0) {
      await asked;
      return failed;
    }
    const own = await member.marginals(precision, runOfMember(member.panels, this.#helpers.length + 1, 0));
    const share = new Float64Array(member.size);
    const variance = new Float64Array(member.size);
    let at = 0;
    for (const part of [own, ...(await asked)]) {
      share.set(part.share, at);
      variance.set(part.variance, at);
      at += part.share.length;
    }
    return { share, variance };
  }

  /** `sum log L_ii`. */
  logRoot(): number {
    const { kernels, factor, panels } = this.member;
    return logRootOf(kernels, factor.lower, panels, this.#vector);
  }
}

/** `sum log L_ii` of a factor; `scratch`: `4 panels` f64. */
export function logRootOf(kernels: Kernels, lower: number, panels: number, scratch: number): number {
  const values = kernels.f64(lower, lowerSize(panels));
  const diagonal = kernels.f64(scratch, 4 * panels);
  for (let i = 0; i < 4 * panels; i++) diagonal[i] = values[lowerIndex(i, i)];
  return kernels.exports.sumOfLogs(scratch, 4 * panels);
}

/** Whether K plus `slack` on its diagonal has a Cholesky factor. @returns the failing row, or -1. */
export async function findIndefinite(member: CovarianceMember, slack: number): Promise<number> {
  // sites of equal precision 1 / slack: B = I + K / slack
  return member.prepare(new Float64Array(member.size).fill(1 / slack));
}

/** Addresses of the new sites, and of the marginal variances. */
interface Proposal {
  readonly size: number;
  readonly precision: number;
  readonly shift: number;
  readonly variance: number;
}

/** Moves the sites towards the proposed ones. */
function step(kernels: Kernels, proposal: Proposal, sites: Sites, anderson: Anderson, damping: number): void {
  const { size } = proposal;
  const precision = kernels.f64(proposal.precision, size);
  const shift = kernels.f64(proposal.shift, size);
  const variance = kernels.f64(proposal.variance, size);
  const x = new Float64Array(2 * size);
  const f = new Float64Array(2 * size);
  const weights = new Float64Array(2 * size);
  for (let i = 0; i < size; i++) {
    x[i] = sites.precision[i];
    x[size + i] = sites.shift[i];
    f[i] = precision[i] - x[i];
    f[size + i] = shift[i] - x[size + i];
    weights[i] = variance[i];
    weights[size + i] = Math.sqrt(variance[i]);
  }
  anderson.advance(x, f, weights, damping);
  for (let i = 0; i < size; i++) {
    // log-concave factors have sites of positive precision, which a leap must not lose
    const least = LEAST * Math.min(sites.precision[i], precision[i]);
    if (x[i] >= least) {
      sites.precision[i] = x[i];
      sites.shift[i] = x[size + i];
    } else {
      sites.precision[i] += damping * (precision[i] - sites.precision[i]);
      sites.shift[i] += damping * (shift[i] - sites.shift[i]);
    }
    // one that rounding has left at 0 says nothing
    if (!(sites.precision[i] > 0)) {
      sites.precision[i] = 0;
      sites.shift[i] = 0;
    }
  }
}

/** Iterates in this thread, with such helpers as there are. */
export async function iterate(kernels: Kernels, args: EpArguments, pause: Pause): Promise<EpRun> {
  const { size, covariance, noise, tolerance, maxIterations } = args;
  const member = new CovarianceMember(kernels, covariance, size, pause);
  const leader = new Leader(member, args.helpers);
  const labels = kernels.put(args.signs);
  const [share, variance, mean, weight, precision, shift] = Array.from({ length: 6 }, () => kernels.allocate(8 * size));
  const sums = kernels.allocate(16);
  const sites: Sites = args.start ?? { precision: new Float64Array(size), shift: new Float64Array(size) };
  const anderson = new Anderson(REMEMBERED);
  let { damping } = args;
  let accelerated = false;
  let best = Number.POSITIVE_INFINITY;
  let stale = 0;
  let last = Number.POSITIVE_INFINITY;
  const end = (logP: number, iterations: number, change: number, indefinite = -1): EpRun => ({
    indefinite,
    logP,
    converged: change <= tolerance,
    iterations,
    change,
    damping,
    sites,
  });
  const failed = args.slack > 0 ? await findIndefinite(member, args.slack) : -1;
  if (failed >= 0) return end(Number.NaN, 0, Number.NaN, failed);

  for (let iteration = 1; ; iteration++) {
    let logRoot = 0;
    if (sites.precision.some((s) => s > 0)) {
      const marginals = await leader.marginals(sites.precision);
      if (typeof marginals === "number") return end(Number.NaN, iteration, Number.NaN, marginals);
      const means = member.means(sites);
      logRoot = leader.logRoot();
      kernels.f64(share, size).set(marginals.share);
      kernels.f64(variance, size).set(marginals.variance);
      kernels.f64(mean, size).set(means.mean);
      kernels.f64(weight, size).set(means.weight);
    } else {
      // the prior itself
      kernels.f64(variance, size).set(member.variances);
      kernels.f64(share, size).fill(1);
      kernels.f64(mean, size).fill(0);
      kernels.f64(weight, size).fill(0);
    }
    kernels.exports.siteMoments(size, noise, labels, share, variance, mean, weight, precision, shift, sums);
    const [logZ, change] = kernels.f64(sums, 2);
    if (change <= tolerance || iteration >= maxIterations || !(change < Number.POSITIVE_INFINITY)) {
      return end(logZ - logRoot, iteration, change);
    }
    const near = change < NEAR;
    stale = change < PROGRESS * best ? 0 : stale + 1;
    best = Math.min(best, change);
    if (change > (near && accelerated ? LEAP : 1) * last || (accelerated && !near) || stale > PATIENCE) {
      damping = Math.min(damping, Math.max(SHORTEST, damping * SHORTER));
      stale = 0;
      anderson.restart();
    }
    if (!near) anderson.restart();
    accelerated = near;
    last = change;
    step(kernels, { size, precision, shift, variance }, sites, anderson, damping);
    await pause();
  }
}

export const epTask: Task<EpArguments, EpRun> = {
  name: "ep",
  async run({ kernels, pause }, args) {
    try {
      return await iterate(kernels, args, pause);
    } finally {
      for (const port of args.helpers) port.close();
    }
  },
  transfer: ({ sites }) => [sites.precision.buffer, sites.shift.buffer],
};
