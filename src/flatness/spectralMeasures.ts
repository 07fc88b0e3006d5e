/**
 * Flatness as the spectrum of the Hessian, or of the Gauss-Newton matrix, of the training loss.
 *
 * None is invariant under rescaling: `H(alpha) = S H(1) S` with S diagonal [Dinh et al. 2017]. Vectors are rounded to f32 for
 * the products, so eigenvalues below about 1e-6 of the largest are rounding.
 *
 * @module
 */
import { RandomStream } from "../engine/random.ts";
import { spectralDensity as estimateDensity, evenGrid } from "./density.ts";
import { type LanczosResult, lanczos, type WhichEigenvalues } from "./lanczos.ts";
import {
  choiceOption,
  integerOption,
  type Measure,
  type MeasureContext,
  type MeasureResult,
  type MeasureSubject,
  numberOption,
  optionValues,
} from "./measure.ts";
import { gaussNewtonOperator, hessianOperator, type SymmetricOperator } from "./operator.ts";
import { spectrum as exactSpectrum, SPECTRUM_LIMIT } from "./spectrum.ts";
import { trace as estimateTrace, frobeniusNorm } from "./trace.ts";

// streams of random numbers, one for each use
const NORM_STREAM = 0x220;
const TOP_STREAM = 0x221;
const NEGATIVE_STREAM = 0x222;
const GGN_TOP_STREAM = 0x223;
const TRACE_STREAM = 0x224;
const GGN_TRACE_STREAM = 0x225;
const FROBENIUS_STREAM = 0x226;
const DENSITY_STREAM = 0x227;

/** Options of one Lanczos run. */
const searchOptions = {
  /** Residual asked for, as a share of the spectral norm. */
  eigenTolerance: numberOption(1e-4, 0, 1),
  /** Products at the most; as many more as eigenvalues measure their residuals. */
  eigenProducts: integerOption(1000, 1, 1e9),
};

export const spectralNormOptions = searchOptions;

export const logProductOptions = {
  /** Eigenvalues from the largest down; at the most the number of parameters. */
  eigenCount: integerOption(10, 1, 1e6),
  ...searchOptions,
};

export const topEigenvaluesOptions = {
  ...logProductOptions,
  /** Most negative eigenvalues. */
  eigenNegative: integerOption(1, 0, 1e6),
};

export const traceOptions = {
  /** Products in all, fixed beforehand. */
  traceProducts: integerOption(120, 6, 1e9),
  /**
   * `exact` takes a pass backward for each output: `ggn-trace` of any network, and `trace` of a ReLU network, whose Hessian has the
   * Gauss-Newton matrix's trace, since an output is linear in each single weight. `auto`: exact where it can be and no
   * number of products is asked for, else `hutch++`.
   */
  traceMethod: choiceOption("auto", ["auto", "exact", "hutch++", "hutchinson"]),
};

export const frobeniusOptions = {
  /** Products in all, fixed beforehand. */
  frobeniusProducts: integerOption(60, 2, 1e9),
};

export const spectralDensityOptions = {
  /** Random vectors. */
  densityProbes: integerOption(10, 2, 1e6),
  /** Products a vector; at the most the number of parameters. */
  densitySteps: integerOption(80, 1, 1e6),
  /** Points of the grid. */
  densityPoints: integerOption(400, 2, 1e6),
  /** Standard deviation of the smoothing, as a share of the spectrum's width. */
  densityWidth: numberOption(0.01, 1e-9, 1),
  /** An eigenvalue counts as large above this share of the largest magnitude. */
  densityThreshold: numberOption(0.01, 0, 1),
};

function streamOf({ kernels, seed }: MeasureContext, stream: number): RandomStream {
  return new RandomStream(kernels, seed, 0, stream);
}

async function eigenpairs(
  context: MeasureContext,
  operator: SymmetricOperator,
  count: number,
  which: WhichEigenvalues,
  stream: number,
  options: { readonly eigenTolerance: number; readonly eigenProducts: number },
): Promise<LanczosResult> {
  return lanczos(
    context.kernels,
    operator,
    {
      count: Math.min(count, operator.size),
      which,
      tolerance: options.eigenTolerance,
      products: options.eigenProducts,
    },
    streamOf(context, stream),
    context.pause,
  );
}

function details({ values, residuals, converged, products }: LanczosResult): {
  eigenvalues: number[];
  residuals: number[];
  converged: boolean;
  products: number;
} {
  return { eigenvalues: [...values], residuals: [...residuals], converged, products };
}

/** Largest magnitude of an eigenvalue. */
export const spectralNorm: Measure = {
  name: "spectral-norm",
  invariant: false,
  source: "Keskar et al. 2017, arXiv 1609.04836",
  options: spectralNormOptions,
  async run(context) {
    const options = optionValues(spectralNormOptions, context.options);
    const operator = hessianOperator(context.surface, context.w);
    const result = await eigenpairs(context, operator, 1, "magnitude", NORM_STREAM, options);
    return {
      value: Math.abs(result.values[0]),
      eigenvalue: result.values[0],
      /** An eigenvalue lies within this of `eigenvalue`. */
      residual: result.residuals[0],
      converged: result.converged,
      products: result.products,
      eigenvector: Float32Array.from(result.vectors),
    };
  },
};

/** The largest eigenvalues, and the most negative ones; the value is the largest. */
export const topEigenvalues: Measure = {
  name: "top-eigenvalues",
  invariant: false,
  source: "Sagun, Bottou & LeCun 2016, arXiv 1611.07476",
  options: topEigenvaluesOptions,
  async run(context) {
    const options = optionValues(topEigenvaluesOptions, context.options);
    const operator = hessianOperator(context.surface, context.w);
    const top = await eigenpairs(context, operator, options.eigenCount, "largest", TOP_STREAM, options);
    const result = { value: top.values[0], ...details(top), eigenvectors: Float32Array.from(top.vectors) };
    if (options.eigenNegative === 0) return result;
    const negative = await eigenpairs(context, operator, options.eigenNegative, "smallest", NEGATIVE_STREAM, options);
    return { ...result, smallest: details(negative) };
  },
};

/**
 * `sum ln lambda_i` over the k largest eigenvalues. NaN if one of them is not above its residual, so that its logarithm
 * means nothing; `resolved` counts those that are.
 */
export const logProduct: Measure = {
  name: "log-product",
  invariant: false,
  source: "Wu, Zhu & E 2017, arXiv 1706.10239",
  options: logProductOptions,
  async run(context) {
    const options = optionValues(logProductOptions, context.options);
    const operator = hessianOperator(context.surface, context.w);
    const top = await eigenpairs(context, operator, options.eigenCount, "largest", TOP_STREAM, options);
    const wanted = Math.min(options.eigenCount, operator.size);
    let resolved = 0;
    let sum = 0;
    let error = 0;
    while (resolved < top.values.length && top.values[resolved] > top.residuals[resolved]) {
      sum += context.kernels.exports.naturalLog(top.values[resolved]);
      error += top.residuals[resolved] / (top.values[resolved] - top.residuals[resolved]);
      resolved++;
    }
    const complete = resolved === wanted;
    return {
      value: complete ? sum : Number.NaN,
      /** The value is within this of the sum for eigenvalues within the residuals. */
      errorBound: complete ? error : Number.NaN,
      eigenCount: wanted,
      resolved,
      /** Over the resolved ones alone. */
      resolvedLogProduct: sum,
      ...details(top),
    };
  },
};

/** @param closed whether the operator's trace is that of the Gauss-Newton matrix. */
async function traceOf(
  context: MeasureContext,
  operator: SymmetricOperator,
  closed: boolean,
  stream: number,
): Promise<MeasureResult> {
  const { surface, w, kernels, pause } = context;
  const { traceProducts, traceMethod } = optionValues(traceOptions, context.options);
  const wanted = traceMethod === "auto" && context.options.traceProducts === undefined ? "exact" : traceMethod;
  if (wanted === "exact" && closed && surface.gaussNewtonTrace) {
    const value = await surface.gaussNewtonTrace(w, pause);
    return { value, standardError: 0, products: 0, exact: true, method: "exact" };
  }
  if (traceMethod === "exact") throw new RangeError("traceMethod: this surface has no exact trace");
  const method = traceMethod === "hutchinson" ? "hutchinson" : "hutch++";
  const options = { products: traceProducts, method } as const;
  return { ...(await estimateTrace(kernels, operator, options, streamOf(context, stream), pause)), method };
}

function isPiecewiseLinear({ network }: Pick<MeasureSubject, "network">): boolean {
  return network.activation === "relu";
}

/** Sum of the eigenvalues. */
export const trace: Measure = {
  name: "trace",
  invariant: false,
  source: "Meyer, Musco, Musco & Woodruff 2021, arXiv 2010.09649",
  options: traceOptions,
  check(subject, options) {
    if (options.traceMethod === "exact" && !isPiecewiseLinear(subject)) {
      throw new RangeError(
        `traceMethod: the Hessian of a ${subject.network.activation} network has no exact trace; expected auto, hutch++ or hutchinson`,
      );
    }
  },
  run(context) {
    const operator = hessianOperator(context.surface, context.w);
    return traceOf(context, operator, isPiecewiseLinear(context.surface), TRACE_STREAM);
  },
};

/** Root of the sum of the eigenvalues' squares. */
export const frobenius: Measure = {
  name: "frobenius",
  invariant: false,
  source: "Wu, Zhu & E 2017, arXiv 1706.10239",
  options: frobeniusOptions,
  async run(context) {
    const { frobeniusProducts } = optionValues(frobeniusOptions, context.options);
    const operator = hessianOperator(context.surface, context.w);
    const random = streamOf(context, FROBENIUS_STREAM);
    return { ...(await frobeniusNorm(operator, { products: frobeniusProducts }, random, context.pause)) };
  },
};

/**
 * The density of the eigenvalues. The value is the share of them whose magnitude is above a threshold: directions that are
 * not flat.
 */
export const spectralDensity: Measure = {
  name: "spectral-density",
  invariant: false,
  source: "Ghorbani, Krishnan & Xiao 2019, arXiv 1901.10159",
  options: spectralDensityOptions,
  async run(context) {
    const options = optionValues(spectralDensityOptions, context.options);
    const operator = hessianOperator(context.surface, context.w);
    const density = await estimateDensity(
      context.kernels,
      operator,
      { probes: options.densityProbes, steps: Math.min(options.densitySteps, operator.size) },
      streamOf(context, DENSITY_STREAM),
      context.pause,
    );
    const [least, largest] = density.range();
    const threshold = options.densityThreshold * Math.max(Math.abs(least), Math.abs(largest));
    const above = density.mean((x) => (Math.abs(x) > threshold ? 1 : 0));
    // a spectrum of one point has no width
    const width = options.densityWidth * (largest - least || Math.abs(largest) || 1);
    const grid = evenGrid(least - 4 * width, largest + 4 * width, options.densityPoints);
    const smooth = density.smooth(grid, width);
    return {
      value: above.value,
      standardError: above.standardError,
      threshold,
      negative: density.mean((x) => (x < -threshold ? 1 : 0)),
      /** Mean eigenvalue, `trace / size`. */
      mean: density.mean((x) => x),
      range: [least, largest],
      width,
      grid,
      density: smooth.density,
      densityStandardError: smooth.standardError,
      probes: density.probes,
      products: density.products,
    };
  },
};

/** All eigenvalues; the value is the largest magnitude. */
export const spectrum: Measure = {
  name: "spectrum",
  invariant: false,
  source: "Sagun, Bottou & LeCun 2016, arXiv 1611.07476",
  check({ w }) {
    if (w.length > SPECTRUM_LIMIT) {
      throw new RangeError(`measures: spectrum is for up to ${SPECTRUM_LIMIT} parameters, got ${w.length}`);
    }
  },
  async run(context) {
    const result = await exactSpectrum(context.kernels, hessianOperator(context.surface, context.w), context.pause);
    const { values } = result;
    return {
      value: Math.max(Math.abs(values[0]), Math.abs(values[values.length - 1])),
      eigenvalues: values,
      trace: result.trace,
      frobenius: result.frobenius,
      asymmetry: result.asymmetry,
      products: result.products,
    };
  },
};

/** The largest eigenvalues of the Gauss-Newton matrix; the value is the largest. */
export const ggnTop: Measure = {
  name: "ggn-top",
  invariant: false,
  source: "Papyan 2019, arXiv 1901.08244",
  options: logProductOptions,
  async run(context) {
    const options = optionValues(logProductOptions, context.options);
    const operator = gaussNewtonOperator(context.surface, context.w);
    const top = await eigenpairs(context, operator, options.eigenCount, "largest", GGN_TOP_STREAM, options);
    return { value: top.values[0], ...details(top) };
  },
};

/** Trace of the Gauss-Newton matrix. */
export const ggnTrace: Measure = {
  name: "ggn-trace",
  invariant: false,
  source: "Papyan 2019, arXiv 1901.08244",
  options: traceOptions,
  run: (context) => traceOf(context, gaussNewtonOperator(context.surface, context.w), true, GGN_TRACE_STREAM),
};

/** All of this file, in the order of the table. */
export const spectralMeasures: readonly Measure[] = [
  spectralNorm,
  topEigenvalues,
  trace,
  frobenius,
  logProduct,
  spectralDensity,
  spectrum,
  ggnTop,
  ggnTrace,
];
