/**
 * Relative flatness of one layer: `sum_(s,s') <w_s, w_s'> Tr(H_(s,s'))`, w_s the rows of its weight matrix W (d rows of m
 * numbers, without biases) and `H_(s,s')` the m x m block of second derivatives between two rows [Petzka et al. 2021,
 * definition 3].
 *
 * With any F such that `F F' = W W'` (d x r; W itself, or the Cholesky factor of W W' where d < m) it is
 * `Tr((W W' x I) H) = sum_(k <= r, i <= m) v' H v`, `v = f_k x e_i` (column k of F as the i-th entries of all rows): r m exact
 * Hessian products, r = min(d, m). Where that is more than `relativeFlatnessProducts`, Hutchinson's estimate: `v = F Z`,
 * Z of independent signs [r][m], has the mean `v' H v` wanted; its standard error comes from the probes, whose number is fixed
 * in advance. The result says which.
 *
 * Invariant under alpha-rescaling: W becomes c W and its block of H becomes H / c^2. So it is under the rescaling of single
 * units of this layer; not under that of single units of the layer before (columns of W), unless all are scaled alike.
 *
 * @module
 */
import { RandomStream } from "../engine/random.ts";
import { layerOffsets } from "../network/parameters.ts";
import {
  integerOption,
  type Measure,
  type MeasureOptions,
  type MeasureSubject,
  optionValues,
  subjectOf,
} from "./measure.ts";
import { RELATIVE_FLATNESS_STREAM } from "./streams.ts";

export const relativeFlatnessOptions = {
  /** The layer, 1 the first. Default: the last. */
  relativeFlatnessLayer: integerOption(undefined, 1, 2 ** 31),
  /** The most Hessian products for an exact value; beyond, Hutchinson's estimate. */
  relativeFlatnessProducts: integerOption(2000, 0, 1e9),
  /** Probes of Hutchinson's estimate. */
  relativeFlatnessProbes: integerOption(200, 2, 1e9),
};

/** F `[d][r]` with `F F' = W W'`. */
function rowFactor(weights: Float32Array, d: number, m: number): { factor: Float64Array; rank: number } {
  if (m <= d) return { factor: Float64Array.from(weights), rank: m };
  // Cholesky; rows that depend on earlier ones get a zero pivot
  const factor = new Float64Array(d * d);
  let largest = 0;
  for (let s = 0; s < d; s++) {
    for (let t = 0; t <= s; t++) {
      let sum = 0;
      for (let j = 0; j < m; j++) sum += weights[s * m + j] * weights[t * m + j];
      if (s === t) largest = Math.max(largest, sum);
      for (let k = 0; k < t; k++) sum -= factor[s * d + k] * factor[t * d + k];
      const pivot = factor[t * d + t];
      if (s === t) factor[s * d + s] = sum > 1e-14 * largest ? Math.sqrt(sum) : 0;
      else factor[s * d + t] = pivot > 0 ? sum / pivot : 0;
    }
  }
  return { factor, rank: d };
}

/** The layer that is asked for. */
function layerOf({ network }: MeasureSubject, options: MeasureOptions): number {
  const depth = network.layers.length - 1;
  const layer = optionValues(relativeFlatnessOptions, options).relativeFlatnessLayer ?? depth;
  if (layer > depth) {
    throw new RangeError(`relativeFlatnessLayer: expected an integer from 1 to ${depth}, got ${layer}`);
  }
  return layer;
}

export const relativeFlatness: Measure = {
  name: "relative-flatness",
  invariant: true,
  source: "Petzka et al. 2021, arXiv 2001.00939",
  options: relativeFlatnessOptions,
  check: layerOf,
  async run(context) {
    const { surface, w, kernels, seed, pause, options } = context;
    const { network } = surface;
    const { relativeFlatnessProducts, relativeFlatnessProbes } = optionValues(relativeFlatnessOptions, options);
    const layer = layerOf(subjectOf(context), options);
    const m = network.layers[layer - 1];
    const d = network.layers[layer];
    const at = layerOffsets(network)[layer - 1];
    const { factor, rank } = rowFactor(w.subarray(at, at + d * m), d, m);
    const v = new Float32Array(w.length);
    const out = new Float32Array(w.length);
    const form = async (): Promise<number> => {
      await surface.hessianProduct(w, v, out);
      let sum = 0;
      for (let p = at; p < at + d * m; p++) sum += v[p] * out[p];
      await pause();
      return sum;
    };

    if (rank * m <= relativeFlatnessProducts) {
      let value = 0;
      for (let k = 0; k < rank; k++) {
        for (let i = 0; i < m; i++) {
          v.fill(0);
          for (let s = 0; s < d; s++) v[at + s * m + i] = factor[s * rank + k];
          value += await form();
        }
      }
      return { value, layer, method: "exact", products: rank * m };
    }
    const signs = new Float32Array(rank * m);
    let sum = 0;
    let squares = 0;
    for (let probe = 0; probe < relativeFlatnessProbes; probe++) {
      new RandomStream(kernels, seed, probe, RELATIVE_FLATNESS_STREAM).signs(signs);
      for (let s = 0; s < d; s++) {
        for (let i = 0; i < m; i++) {
          let entry = 0;
          for (let k = 0; k < rank; k++) entry += factor[s * rank + k] * signs[k * m + i];
          v[at + s * m + i] = entry;
        }
      }
      const value = await form();
      sum += value;
      squares += value * value;
    }
    const value = sum / relativeFlatnessProbes;
    const variance = Math.max(0, (squares - sum * value) / (relativeFlatnessProbes - 1));
    return {
      value,
      standardError: Math.sqrt(variance / relativeFlatnessProbes),
      layer,
      method: "hutchinson",
      products: relativeFlatnessProbes,
    };
  },
};
