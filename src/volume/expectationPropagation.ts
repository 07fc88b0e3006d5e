/**
 * The probability of a Gaussian orthant, and so the volume of a function of an infinitely wide network, by expectation
 * propagation [Minka 2001; Rasmussen & Williams 2006, section 3.6].
 *
 * @module
 */
import { checkChoice, checkInteger, checkNumber, checkOptions, show } from "../engine/checks.ts";
import { fullBuild } from "../engine/module.ts";
import { Pool } from "../engine/pool.ts";
import { onBuild } from "../engine/task.ts";
import { certainPoints, checkOrthant, DEFINITENESS_TOLERANCE, indefinite, type Orthant } from "./covariance.ts";
import { runOfMember, type Sites } from "./covarianceMember.ts";
import { epHelperTask } from "./epHelperTask.ts";
import { epTask } from "./epTask.ts";
import { lowerIndex, packSymmetric, panelsOf } from "./panels.ts";

export type { Sites } from "./covarianceMember.ts";

/** What says how well an output goes with its label: a step (its sign), or the probit function. */
export type OrthantLikelihood = "heaviside" | "probit";

/** What `expectationPropagation` takes. */
export interface ExpectationPropagationOptions {
  /**
   * Default `"heaviside"`: P itself. `"probit"` is what some Gaussian process libraries use: it is P of `K + I`, and so are
   * its fixed points.
   */
  readonly likelihood?: OrthantLikelihood;
  /** Default 200. */
  readonly maxIterations?: number;
  /**
   * Largest difference allowed between the moments of the tilted and the approximate marginals, in units of the latter's
   * standard deviation and variance. Default 1e-5: log P, stationary in the sites, is then off by about m times its square.
   */
  readonly tolerance?: number;
  /** Share of each step that is taken, at first: it is shortened if the iteration oscillates. Default 1. */
  readonly damping?: number;
  /** Sites to begin with, those of a neighbouring function for example. Default: none, the prior. */
  readonly start?: Sites;
  /** Workers of the call's own pool; 0: the calling thread. Default: the machine's threads. */
  readonly workers?: number;
  /** A pool to use instead; it is left open. */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
}

/** An approximation: it has no standard error. */
export interface GaussianApproximation {
  readonly method: "ep" | "ep-probit" | "laplace";
  /** Natural logarithm. */
  readonly logP: number;
  readonly log10P: number;
  /** If not, the number is where the iteration stood. */
  readonly converged: boolean;
  readonly iterations: number;
  /** How far from its fixed point it ended: compare with `tolerance`. */
  readonly change: number;
  /** What was added to the diagonal of K: nothing. */
  readonly jitter: 0;
  readonly approximation: true;
  /** Why P is exactly 0; no iteration was needed then. */
  readonly reason?: string;
}

/** What expectation propagation gives. */
export interface ExpectationPropagation extends GaussianApproximation {
  readonly method: "ep" | "ep-probit";
  /** For `start`. */
  readonly sites: Sites;
  /** Share of the last step that was taken. */
  readonly damping: number;
}

/** Of the options. */
export const EP_DEFAULTS = { maxIterations: 200, tolerance: 1e-5, damping: 1 } as const;
const OPTIONS = ["likelihood", "maxIterations", "tolerance", "damping", "start", "workers", "pool", "signal"];
/** Points from which on helpers pay for their messages. */
const HELPED = 400;
/** More do not pay: each factors the whole matrix, a half of the work of one. */
const MOST_MEMBERS = 8;

/**
 * log P that a centred Gaussian vector of covariance K has given signs, approximated by expectation propagation: parallel
 * updates, damped where they oscillate. The result is a function of the arguments, to the bit, for any number of workers.
 *
 * @param kernel K, `[m][m]`, m <= 2000; symmetric, positive semidefinite.
 * @param labels m labels, 0 and 1, -1 and 1 or booleans; or the function in hex, point 0 first. Label 1: the output is above 0.
 * @throws TypeError, RangeError naming the argument, also for an indefinite K; the signal's reason; an Error if a worker died.
 * @example
 * const { kernel } = await nngpKernel({ depth: 2 }, { bits: 7 });
 * const { logP } = await expectationPropagation(kernel, "00000000000000000000000000000000"); // -1.77
 */
export async function expectationPropagation(
  kernel: ArrayLike<number>,
  labels: ArrayLike<number | boolean> | string,
  options: ExpectationPropagationOptions = {},
): Promise<ExpectationPropagation> {
  checkOptions("options", options, OPTIONS);
  const likelihood = checkChoice("likelihood", options.likelihood ?? "heaviside", ["heaviside", "probit"] as const);
  const maxIterations = checkInteger("maxIterations", options.maxIterations ?? EP_DEFAULTS.maxIterations, 1, 1_000_000);
  const tolerance = checkNumber("tolerance", options.tolerance ?? EP_DEFAULTS.tolerance, 1e-12, 1);
  const damping = checkNumber("damping", options.damping ?? EP_DEFAULTS.damping, 0.01, 1);
  const orthant = checkOrthant(kernel, labels);
  const start = options.start && checkSites(options.start, orthant.size);
  if (options.pool !== undefined && !(options.pool instanceof Pool)) {
    throw new TypeError(`pool: expected a Pool, got ${show(options.pool)}`);
  }
  const pool = options.pool ?? new Pool({ workers: options.workers });
  const signal = options.signal ?? new AbortController().signal;
  try {
    const settings = { likelihood, maxIterations, tolerance, damping, start };
    return await propagate(kernel, orthant, settings, { pool, signal, helped: true, checked: false });
  } finally {
    if (!options.pool) pool.close();
  }
}

/** How expectation propagation iterates, with every default filled in. */
export interface PropagationSettings {
  readonly likelihood: OrthantLikelihood;
  readonly maxIterations: number;
  readonly tolerance: number;
  readonly damping: number;
  readonly start: Sites | undefined;
}

/** Where it runs. */
export interface PropagationPlace {
  readonly pool: Pool;
  readonly signal: AbortSignal;
  /** Whether free workers may help. The result is the same; many functions at a time are faster without. */
  readonly helped: boolean;
  /** Whether K is known to be positive semidefinite. */
  readonly checked: boolean;
}

/**
 * Expectation propagation for what is already checked. The orthant's matrix is handed over to a worker.
 *
 * @param kernel as in `expectationPropagation`: the orthant's own.
 */
export async function propagate(
  kernel: ArrayLike<number>,
  orthant: Orthant,
  settings: PropagationSettings,
  { pool, signal, helped, checked }: PropagationPlace,
): Promise<ExpectationPropagation> {
  const { size, signs, scale } = orthant;
  const { likelihood, start, maxIterations, tolerance, damping } = settings;
  const method = likelihood === "probit" ? "ep-probit" : "ep";
  const fixed = { method, jitter: 0, approximation: true } as const;
  const none = { precision: new Float64Array(size), shift: new Float64Array(size) };
  const certain = likelihood === "heaviside" ? certainPoints(kernel, signs) : undefined;
  const exactly = (logP: number, reason?: string): ExpectationPropagation => ({
    ...fixed,
    logP,
    log10P: logP,
    converged: true,
    iterations: 0,
    change: 0,
    damping,
    sites: none,
    ...(reason === undefined ? {} : { reason }),
  });
  if (certain?.impossible !== undefined) return exactly(Number.NEGATIVE_INFINITY, certain.impossible);
  if (certain?.idle.length === size) return exactly(0);
  const active = without(orthant, certain?.idle ?? []);
  const slack = scale > 0 ? DEFINITENESS_TOLERANCE * scale : 1;
  const run = await withHelpers(pool, active, helped, signal, (helpers, inner) =>
    pool.run(
      onBuild(fullBuild, epTask),
      {
        size: active.size,
        covariance: active.covariance,
        signs: active.signs,
        noise: likelihood === "probit" ? 1 : 0,
        start: start && pick(start, active.points),
        maxIterations,
        tolerance,
        damping,
        slack: checked ? 0 : slack,
        helpers,
      },
      // the matrix is not needed here any more
      { signal: inner, transfer: [...helpers, active.covariance.buffer] },
    ),
  );
  if (run.indefinite >= 0) throw indefinite(active.points[run.indefinite], run.iterations);
  active.points.forEach((point, i) => {
    none.precision[point] = run.sites.precision[i];
    none.shift[point] = run.sites.shift[i];
  });
  const { logP, converged, iterations, change } = run;
  return {
    ...fixed,
    logP,
    log10P: logP / Math.LN10,
    converged,
    iterations,
    change,
    damping: run.damping,
    sites: none,
  };
}

/** An orthant of some of the points. */
interface Active extends Orthant {
  /** Which they are. */
  readonly points: readonly number[];
}

function without(orthant: Orthant, idle: readonly number[]): Active {
  const { size, covariance, signs, scale } = orthant;
  const left = new Set(idle);
  const points = Array.from({ length: size }, (_, i) => i).filter((i) => !left.has(i));
  if (idle.length === 0) return { ...orthant, points };
  const matrix = new Float64Array(points.length ** 2);
  points.forEach((i, r) => {
    for (let c = 0; c <= r; c++) matrix[r * points.length + c] = covariance[lowerIndex(i, points[c])];
  });
  return {
    size: points.length,
    covariance: packSymmetric(matrix, points.length),
    signs: Float64Array.from(points, (i) => signs[i]),
    scale,
    points,
  };
}

function pick({ precision, shift }: Sites, points: readonly number[]): Sites {
  return {
    precision: Float64Array.from(points, (i) => precision[i]),
    shift: Float64Array.from(points, (i) => shift[i]),
  };
}

function checkSites(sites: Sites, size: number): Sites {
  checkOptions("start", sites, ["precision", "shift"]);
  for (const name of ["precision", "shift"] as const) {
    const values = sites[name];
    if (!(values instanceof Float64Array)) {
      throw new TypeError(`start.${name}: expected a Float64Array, got ${show(values)}`);
    }
    if (values.length !== size) {
      throw new RangeError(`start.${name}: expected ${size} numbers, got ${values.length}`);
    }
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new RangeError(`start.${name}[${bad}]: expected a finite number, got ${values[bad]}`);
  }
  const negative = sites.precision.findIndex((s) => s < 0);
  if (negative >= 0) {
    throw new RangeError(`start.precision[${negative}]: expected 0 or more, got ${sites.precision[negative]}`);
  }
  const loose = sites.precision.findIndex((s, i) => s === 0 && sites.shift[i] !== 0);
  if (loose >= 0) {
    throw new RangeError(`start.shift[${loose}]: expected 0 where the precision is 0, got ${sites.shift[loose]}`);
  }
  return sites;
}

/**
 * Takes workers as helpers for the time of `body`, no more than are free beside one for `body` itself, which is to ask the pool
 * for it at once: calls that share a pool never wait for each other's helpers.
 */
async function withHelpers<T>(
  pool: Pool,
  { size, covariance }: Orthant,
  helped: boolean,
  signal: AbortSignal,
  body: (ports: MessagePort[], signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const failed = new AbortController();
  // a signal for each call: many listeners on one are taken for a leak
  const inner = (): AbortSignal => AbortSignal.any([signal, failed.signal]);
  const members = !helped || size < HELPED ? 1 : Math.max(1, Math.min(pool.free, MOST_MEMBERS));
  const ports: MessagePort[] = [];
  const ends: MessagePort[] = [];
  const sessions: Promise<unknown>[] = [];
  for (let k = 1; k < members; k++) {
    const work = new MessageChannel();
    const ending = new MessageChannel();
    ports.push(work.port1);
    ends.push(ending.port1);
    const copy = covariance.slice();
    const run = runOfMember(panelsOf(size), members, k);
    const args = { size, covariance: copy, run, port: work.port2, end: ending.port2 };
    const session = pool.run(onBuild(fullBuild, epHelperTask), args, {
      signal: inner(),
      transfer: [args.port, args.end, copy.buffer],
    });
    sessions.push(session.catch((reason: unknown) => failed.abort(reason)));
  }
  try {
    return await body(ports, inner());
  } finally {
    for (const end of ends) end.postMessage(null);
    await Promise.all(sessions);
    for (const end of ends) end.close();
  }
}
