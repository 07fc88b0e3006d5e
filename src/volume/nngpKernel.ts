/**
 * The covariance of an infinitely wide network's outputs under its prior: the neural network Gaussian process kernel.
 *
 * @module
 */
import { booleanPoints, MAXIMUM_BITS, type PointsOptions } from "../data/points.ts";
import { checkChoice, checkInteger, checkNumber, checkOptions, show } from "../engine/checks.ts";
import type { Kernels } from "../engine/kernels.ts";
import { fullBuild } from "../engine/module.ts";
import { breathe } from "../engine/platform.ts";
import { COVARIANCE_LIMIT } from "./covariance.ts";
import { lowerIndex, lowerSize, makeRest, panelsOf, unpackSymmetric } from "./panels.ts";

/** What `nngpKernel` takes: a network whose hidden layers are infinitely wide. */
export interface NngpOptions {
  /** Number of hidden layers, 0 or more. */
  readonly depth?: number;
  /** Or the layers of a finite network, whose number of hidden layers counts, and whose first is the number of features. */
  readonly layers?: readonly number[];
  /**
   * Default `"relu"`. `"erf"` is the sigmoid that has a closed form; tanh has none, and lies close to erf(z sqrt(pi) / 2):
   * see `empiricalKernel` for tanh itself.
   */
  readonly activation?: "relu" | "erf";
  /** Default 2. */
  readonly sigmaW2?: number;
  /** Default 1. */
  readonly sigmaB2?: number;
  readonly signal?: AbortSignal;
}

/** Points: given ones, or all 2^bits Boolean inputs in the order of a truth table. */
export type CovariancePoints = PointsOptions | { readonly bits: number };

/** A covariance matrix. */
export interface Covariance {
  /** `[points][points]`, symmetric to the bit. */
  readonly kernel: Float64Array<ArrayBuffer>;
  readonly points: number;
}

/** Layers at the most: past some hundreds nothing changes but the scale. */
const MOST_LAYERS = 10_000;
/** Panels of a call. */
const SOME = 8;

/** The points as f64 `[points][features]`. */
export function checkPoints(inputs: CovariancePoints, features?: number): { data: Float64Array; points: number } {
  checkOptions("inputs", inputs, ["data", "points", "bits"]);
  if ("bits" in inputs) {
    if ("data" in inputs || "points" in inputs)
      throw new TypeError("inputs.bits: expected no data or points beside it");
    const bits = checkInteger("inputs.bits", inputs.bits, 1, MAXIMUM_BITS);
    if (features !== undefined && features !== bits) {
      throw new RangeError(`inputs.bits: expected layers[0] = ${features}, got ${bits}`);
    }
    return { data: Float64Array.from(booleanPoints(bits).values()), points: 2 ** bits };
  }
  const points = checkInteger("inputs.points", inputs.points, 1, COVARIANCE_LIMIT);
  const { data } = inputs;
  if (typeof data !== "object" || data === null || typeof data.length !== "number") {
    throw new TypeError(`inputs.data: expected an array of numbers, got ${show(data)}`);
  }
  if (
    data.length === 0 ||
    data.length % points !== 0 ||
    (features !== undefined && data.length !== points * features)
  ) {
    const wanted = features === undefined ? `a multiple of ${points}` : `${points} points x ${features} features`;
    throw new RangeError(`inputs.data: expected ${wanted} numbers, got ${data.length}`);
  }
  const values = Float64Array.from(data);
  const bad = values.findIndex((value) => !(Math.abs(value) <= LARGEST));
  if (bad >= 0)
    throw new RangeError(`inputs.data[${bad}]: expected a number within ±${LARGEST}, got ${show(data[bad])}`);
  return { data: values, points };
}

/** Inputs whose squares are far from f64's end. */
const LARGEST = 1e100;

/**
 * The NNGP kernel: `K⁰ = σ_b² + σ_w² x.x'/d`, then for each hidden layer the expectation of the activations' product [Lee et
 * al. 2018; ReLU: Cho & Saul 2009; erf: Williams 1997]. Weights have variance `sigmaW2 / fanIn`, biases `sigmaB2`.
 *
 * Equal points have equal rows, and correlation 1, to the bit; so has `K` its symmetry.
 *
 * @param inputs at most 2000 points.
 * @throws TypeError, RangeError naming the argument; the signal's reason.
 * @example
 * const { kernel } = await nngpKernel({ depth: 2 }, { bits: 7 });
 * kernel[128 * 1 + 2]; // 3.065..., of 0000001 and 0000010
 */
export async function nngpKernel(options: NngpOptions, inputs: CovariancePoints): Promise<Covariance> {
  checkOptions("options", options, ["depth", "layers", "activation", "sigmaW2", "sigmaB2", "signal"]);
  const { layers, signal } = options;
  if ((options.depth === undefined) === (layers === undefined)) {
    throw new TypeError("depth: expected either depth or layers");
  }
  if (layers !== undefined) {
    if (!Array.isArray(layers) || layers.length < 2) {
      throw new TypeError(`layers: expected an array of at least two integers, got ${show(layers)}`);
    }
    layers.forEach((width, l) => {
      checkInteger(`layers[${l}]`, width, 1, 2 ** 31);
    });
  }
  const depth = checkInteger("depth", options.depth ?? (layers as readonly number[]).length - 2, 0, MOST_LAYERS);
  if ((options.activation as string) === "tanh") {
    throw new RangeError(
      `activation: "tanh" has no closed form; expected relu or erf, a sigmoid close to it (empiricalKernel takes tanh)`,
    );
  }
  const activation = checkChoice("activation", options.activation ?? "relu", ["relu", "erf"] as const);
  const sigmaW2 = checkNumber("sigmaW2", options.sigmaW2 ?? 2, 0, 1e12);
  const sigmaB2 = checkNumber("sigmaB2", options.sigmaB2 ?? 1, 0, 1e12);
  const { data, points } = checkPoints(inputs, layers?.[0]);
  signal?.throwIfAborted();
  return fullBuild.lend(async (own) => {
    const rest = makeRest(async () => {
      await breathe();
      signal?.throwIfAborted();
    });
    const panels = panelsOf(points);
    const features = data.length / points;
    const lower = own.allocate(8 * lowerSize(panels));
    await addGram(own, lower, data, points, rest);
    const { exports } = own;
    exports.affineKernel(lower, 0, panels, sigmaW2 / features, sigmaB2);
    const diagonal = own.allocate(32 * panels);
    for (let layer = 0; layer < depth; layer++) {
      const matrix = own.f64(lower, lowerSize(panels));
      const variances = own.f64(diagonal, 4 * panels);
      for (let i = 0; i < 4 * panels; i++) variances[i] = matrix[lowerIndex(i, i)];
      const overflow = variances.findIndex((value) => !(value < Number.POSITIVE_INFINITY));
      if (overflow >= 0) throw new RangeError(`sigmaW2: the variances grow beyond f64 in layer ${layer + 1}`);
      for (let from = 0; from < panels; from += SOME) {
        const to = Math.min(panels, from + SOME);
        exports.layerKernel(lower, diagonal, from, to, Number(activation === "erf"), sigmaW2, sigmaB2);
        await rest();
      }
    }
    const kernel = unpackSymmetric(own.f64(lower, lowerSize(panels)), points);
    const bad = kernel.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new RangeError(`sigmaW2: the variances grow beyond f64 in layer ${depth}`);
    return { kernel, points };
  });
}

/**
 * Adds `X X'` to a lower triangle by panels. Sums run over the features in order, so equal points get equal entries.
 *
 * @param x `[points][features]`.
 */
export async function addGram(
  kernels: Kernels,
  lower: number,
  x: ArrayLike<number>,
  points: number,
  rest: () => Promise<void> | void,
): Promise<void> {
  const panels = panelsOf(points);
  const features = x.length / points;
  const mark = kernels.mark();
  const stride = 32 * Math.min(features, DEPTH);
  const rows = kernels.allocate(stride * panels);
  for (let first = 0; first < features; first += DEPTH) {
    const depth = Math.min(DEPTH, features - first);
    const packed = kernels.f64(rows, (stride / 8) * panels);
    for (let i = 0; i < points; i++) {
      const at = (stride / 8) * (i >> 2) + (i & 3);
      for (let k = 0; k < depth; k++) packed[at + 4 * k] = x[i * features + first + k];
    }
    for (let i = 0; i < panels; i++) {
      kernels.exports.panelProducts(lower + 64 * i * (i + 1), rows + stride * i, rows, stride, depth, 0, i + 1);
      await rest();
    }
  }
  kernels.release(mark);
}

/** Features taken at a time. */
const DEPTH = 256;
