/** The kernel of infinitely wide ReLU networks, in plain TypeScript [Cho & Saul 2009; Lee et al. 2018]. */

/**
 * `K0 = sigmaB2 + sigmaW2 x x' / d`, then one arc-cosine kernel a hidden layer.
 *
 * @returns `[points][points]`, row-major.
 */
export function nngpKernel(points: number[][], depth = 2, sigmaW2 = 2, sigmaB2 = 1): Float64Array<ArrayBuffer> {
  const m = points.length;
  const d = points[0].length;
  let kernel = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      let inner = 0;
      for (let k = 0; k < d; k++) inner += points[i][k] * points[j][k];
      kernel[i * m + j] = sigmaB2 + (sigmaW2 * inner) / d;
    }
  }
  for (let l = 0; l < depth; l++) {
    const next = new Float64Array(m * m);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < m; j++) {
        const scale = Math.sqrt(kernel[i * m + i] * kernel[j * m + j]);
        const cosine = i === j ? 1 : Math.max(-1, Math.min(1, kernel[i * m + j] / scale));
        const angle = Math.acos(cosine);
        next[i * m + j] =
          sigmaB2 + ((sigmaW2 * scale) / (2 * Math.PI)) * (Math.sin(angle) + (Math.PI - angle) * cosine);
      }
    }
    kernel = next;
  }
  return kernel;
}

/** All inputs of n bits, the highest bit first. */
export function booleanInputs(n: number): number[][] {
  return Array.from({ length: 2 ** n }, (_, i) => Array.from({ length: n }, (_, j) => (i >> (n - 1 - j)) & 1));
}
