/** Gaussian orthants in plain TypeScript: closed forms, quadratures, and two samplers that share nothing with the library's. */
import { logUpperTail, upperQuantile, upperTail } from "./gaussianTail.ts";

/** Covariances `K_ij` from a function of i and j. */
export function covariance(m: number, entry: (i: number, j: number) => number): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: m * m }, (_, at) => entry(Math.floor(at / m), at % m));
}

/** Two variables [Sheppard 1899]. */
export function orthant2(rho: number): number {
  return 1 / 4 + Math.asin(rho) / (2 * Math.PI);
}

/** Three variables. */
export function orthant3(a: number, b: number, c: number): number {
  return 1 / 8 + (Math.asin(a) + Math.asin(b) + Math.asin(c)) / (4 * Math.PI);
}

/** m variables of equal correlation rho >= 0: `int phi(s) Phi(s sqrt(rho / (1 - rho)))^m ds` by the trapezium rule. */
export function equicorrelated(m: number, rho: number): number {
  const slope = Math.sqrt(rho / (1 - rho));
  const step = 1 / 256;
  let sum = 0;
  for (let s = -12; s <= 12; s += step) {
    sum += Math.exp((-s * s) / 2 + m * logUpperTail(-slope * s));
  }
  return (sum * step) / Math.sqrt(2 * Math.PI);
}

/** A chain of m variables, `X_1 ~ N(0, 1)`, `X_{k+1} = rho X_k + sqrt(1 - rho^2) noise`: one integral a step, by Simpson's rule. */
export function markovOrthant(m: number, rho: number, nodes = 600): number {
  const end = 9;
  const step = end / nodes;
  const spread = Math.sqrt(1 - rho * rho);
  const x = Array.from({ length: nodes + 1 }, (_, i) => i * step);
  const weight = x.map((_, i) => (step / 3) * (i === 0 || i === nodes ? 1 : i % 2 ? 4 : 2));
  const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  const kernel = x.map((from) => x.map((to, j) => (weight[j] * density((to - rho * from) / spread)) / spread));
  // chance that the rest of the chain is positive, given that X_k = x
  let rest = x.map(() => 1);
  for (let k = 1; k < m; k++) {
    const next = rest;
    rest = kernel.map((row) => row.reduce((sum, c, j) => sum + c * next[j], 0));
  }
  return x.reduce((sum, from, i) => sum + weight[i] * rest[i] * density(from), 0);
}

/** Uniforms in (0, 1): mulberry32. */
export function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}

/** Standard Gaussians from uniforms, by Box and Muller's formula. */
export function gaussians(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

/** Cholesky's factor by rows. */
export function cholesky(matrix: ArrayLike<number>, m: number): number[][] {
  const lower = Array.from({ length: m }, () => new Array<number>(m).fill(0));
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * m + j];
      for (let k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k];
      lower[i][j] = i === j ? Math.sqrt(sum) : sum / lower[j][j];
    }
  }
  return lower;
}

/** A covariance of full rank: `A A' + ridge I`, A of Gaussians. */
export function randomCovariance(m: number, seed: number, ridge = 0.1): Float64Array<ArrayBuffer> {
  const gaussian = gaussians(uniforms(seed));
  const a = Array.from({ length: m }, () => Array.from({ length: m }, gaussian));
  return covariance(m, (i, j) => a[i].reduce((sum, x, k) => sum + x * a[j][k], i === j ? ridge : 0));
}

/** Share of Gaussian vectors with the signs asked for. */
export function bruteForce(kernel: Float64Array, signs: number[], samples: number, seed: number): number {
  const m = signs.length;
  const lower = cholesky(kernel, m);
  const gaussian = gaussians(uniforms(seed));
  let hits = 0;
  for (let s = 0; s < samples; s++) {
    const z = Array.from({ length: m }, gaussian);
    hits += signs.every((sign, i) => sign * lower[i].reduce((sum, x, k) => sum + x * z[k], 0) > 0) ? 1 : 0;
  }
  return hits / samples;
}

/**
 * Genz's separation of variables as printed [1992], in the given order, with independent uniforms.
 *
 * @returns the mean weight and its standard error.
 */
export function genz(kernel: Float64Array, signs: number[], samples: number, seed: number) {
  const m = signs.length;
  const lower = cholesky(
    covariance(m, (i, j) => signs[i] * signs[j] * kernel[i * m + j]),
    m,
  );
  const random = uniforms(seed);
  let sum = 0;
  let squares = 0;
  for (let s = 0; s < samples; s++) {
    const z: number[] = [];
    let weight = 1;
    for (let i = 0; i < m; i++) {
      let inner = 0;
      for (let j = 0; j < i; j++) inner += lower[i][j] * z[j];
      const tail = upperTail(-inner / lower[i][i]);
      weight *= tail;
      z.push(upperQuantile(Math.log(tail * random())));
    }
    sum += weight;
    squares += weight * weight;
  }
  const mean = sum / samples;
  return { mean, standardError: Math.sqrt((squares / samples - mean * mean) / samples) };
}
