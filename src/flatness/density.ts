/**
 * The spectral density of a symmetric operator by stochastic Lanczos quadrature [Ubaru, Chen & Saad 2017; Ghorbani,
 * Krishnan & Xiao 2019].
 *
 * For a random vector z of unit length, `f(A)` has the quadratic form `z' f(A) z = sum_j weight_j f(node_j)` with nodes and
 * weights from some Lanczos steps (Gauss quadrature); its mean over z is `tr f(A) / size`.
 *
 * @module
 */
import { checkInteger, checkNumber, show } from "../engine/checks.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { RandomStream } from "../engine/random.ts";
import { Basis, largestBasis } from "./basis.ts";
import { checkedProduct, checkOperator, type Pause, type SymmetricOperator } from "./operator.ts";
import { tridiagonalEigen } from "./tridiagonal.ts";

/** What `spectralDensity` takes. */
export interface DensityOptions {
  /** Random vectors, at least 2. Default 10. */
  readonly probes?: number;
  /** Lanczos steps, so products, each; at the most the size. Default: 80, or the size. */
  readonly steps?: number;
}

/** One probe's quadrature: nodes from the least up, with weights that sum to 1. */
export interface Quadrature {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

/** A number with its standard error over the probes. */
export interface Mass {
  readonly value: number;
  readonly standardError: number;
}

/** A density as the mean of its probes' quadratures. */
export class SpectralDensity {
  readonly probes: readonly Quadrature[];
  readonly products: number;
  readonly #kernels: Kernels;

  constructor(kernels: Kernels, probes: readonly Quadrature[], products: number) {
    this.#kernels = kernels;
    this.probes = probes;
    this.products = products;
  }

  /** `tr f(A) / size`. */
  mean(f: (eigenvalue: number) => number): Mass {
    const each = this.probes.map(({ nodes, weights }) => nodes.reduce((sum, x, j) => sum + weights[j] * f(x), 0));
    const mean = each.reduce((sum, x) => sum + x, 0) / each.length;
    const squares = each.reduce((sum, x) => sum + (x - mean) * (x - mean), 0);
    return { value: mean, standardError: Math.sqrt(squares / (each.length - 1) / each.length) };
  }

  /** Share of the eigenvalues in [low, high]. */
  mass(low: number, high: number): Mass {
    return this.mean((x) => (x >= low && x <= high ? 1 : 0));
  }

  /** Least and largest node: inside the spectrum. */
  range(): [number, number] {
    return [
      Math.min(...this.probes.map(({ nodes }) => nodes[0])),
      Math.max(...this.probes.map(({ nodes }) => nodes[nodes.length - 1])),
    ];
  }

  /**
   * The density smoothed by a Gaussian: its value at each point of a grid, integral 1.
   *
   * @param width standard deviation of the Gaussian, > 0.
   * @returns the density, and its standard error over the probes.
   */
  smooth(grid: ArrayLike<number>, width: number): { density: Float64Array; standardError: Float64Array } {
    if (!(width > 0)) throw new RangeError(`width: expected a number > 0, got ${show(width)}`);
    const { expMinusOne } = this.#kernels.exports;
    const density = new Float64Array(grid.length);
    const standardError = new Float64Array(grid.length);
    // 1 / sqrt(2 pi)
    const factor = 0.3989422804014327 / width;
    for (let i = 0; i < grid.length; i++) {
      const at = this.mean((x) => {
        const y = (grid[i] - x) / width;
        return factor * (expMinusOne((-y * y) / 2) + 1);
      });
      density[i] = at.value;
      standardError[i] = at.standardError;
    }
    return { density, standardError };
  }
}

/** A new direction below this share of the products' norms is rounding. */
const ROUNDING = 1e-13;

/**
 * The density from `probes` random sign vectors.
 *
 * @throws TypeError, RangeError for bad arguments; Error for a product with entries that are not finite.
 */
export async function spectralDensity(
  kernels: Kernels,
  operator: SymmetricOperator,
  options: DensityOptions,
  random: RandomStream,
  pause: Pause = () => {},
): Promise<SpectralDensity> {
  checkOperator(operator);
  const n = operator.size;
  const probes = checkInteger("probes", options.probes ?? 10, 2, 1e6);
  const limit = Math.min(n, largestBasis(n));
  const steps = checkInteger("steps", options.steps ?? Math.min(limit, 80), 1, limit);
  return Basis.use(kernels, n, steps, async (basis) => {
    const signs = new Float32Array(n);
    const parts = new Float64Array(steps);
    const quadratures: Quadrature[] = [];
    let products = 0;
    for (let probe = 0; probe < probes; probe++) {
      random.signs(signs);
      basis.work.set(signs);
      basis.keep(0, Math.sqrt(n));
      const diagonal: number[] = [];
      const couplings: number[] = [];
      let norm = 0;
      for (let j = 0; j < steps; j++) {
        await checkedProduct(operator, basis.row(j), basis.work);
        products++;
        norm = Math.max(norm, basis.norm());
        basis.orthogonalise(j + 1, parts);
        diagonal.push(parts[j]);
        const rest = basis.norm();
        couplings.push(rest);
        await pause();
        // the vector's Krylov space is complete: the quadrature is exact
        if (rest <= ROUNDING * norm || j + 1 === steps) break;
        basis.keep(j + 1, rest);
      }
      const d = Float64Array.from(diagonal);
      const first = new Float64Array(d.length);
      first[0] = 1;
      tridiagonalEigen(d, Float64Array.from(couplings), 1, first);
      const order = Array.from(d, (_, j) => j).sort((a, b) => d[a] - d[b]);
      quadratures.push({
        nodes: Float64Array.from(order, (j) => d[j]),
        weights: Float64Array.from(order, (j) => first[j] * first[j]),
      });
    }
    return new SpectralDensity(kernels, quadratures, products);
  });
}

/** `points` numbers from low to high, equally spaced. */
export function evenGrid(low: number, high: number, points: number): Float64Array {
  checkNumber("high", high, low, Number.MAX_VALUE);
  checkInteger("points", points, 2, 1e7);
  return Float64Array.from({ length: points }, (_, i) => low + ((high - low) * i) / (points - 1));
}
