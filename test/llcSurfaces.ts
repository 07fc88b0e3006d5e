/** Singular losses whose learning coefficients are known, for the tests of `llc`. */
import { FormulaSurface } from "./reference/quadraticSurface.ts";

/** `w1^(2a) w2^(2b)`: lambda = 1 / (2 max(a, b)), of multiplicity 2 if a = b [Watanabe 2009, normal crossings]. */
export function normalCrossing(a: number, b: number, points: number): FormulaSurface {
  return new FormulaSurface(
    2,
    (w, out) => {
      if (out) {
        out[0] = 2 * a * w[0] ** (2 * a - 1) * w[1] ** (2 * b);
        out[1] = 2 * b * w[0] ** (2 * a) * w[1] ** (2 * b - 1);
      }
      return w[0] ** (2 * a) * w[1] ** (2 * b);
    },
    undefined,
    points,
  );
}

/** `E[n beta L]` under `exp(-n beta L - gamma |w|^2 / 2)`, by the trapezoidal rule in the logarithms of w1 and w2. */
export function crossingExpectation(a: number, b: number, scale: number, gamma: number): number {
  const [from, to, pieces] = [-30, 3, 1500];
  const x = Array.from({ length: pieces }, (_, i) => Math.exp(from + ((to - from) * i) / pieces));
  let mass = 0;
  let sum = 0;
  for (const u of x) {
    for (const v of x) {
      const loss = scale * u ** (2 * a) * v ** (2 * b);
      const weight = Math.exp(-loss - (gamma / 2) * (u * u + v * v)) * u * v;
      mass += weight;
      sum += weight * loss;
    }
  }
  return sum / mass;
}

/**
 * Reduced-rank regression: `|B A - T|^2 / 2`, B [outputs][hidden], A [hidden][inputs], T = diag(1, ..., 1, 0, ...) of rank
 * `rank`: the population loss for inputs of unit covariance. The parameters of a minimum come along.
 */
export function reducedRank(
  [inputs, hidden, outputs, rank]: readonly [number, number, number, number],
  points: number,
): { surface: FormulaSurface; w: Float32Array } {
  const size = hidden * (inputs + outputs);
  const A = (w: ArrayLike<number>, h: number, i: number) => w[h * inputs + i];
  const B = (w: ArrayLike<number>, o: number, h: number) => w[hidden * inputs + o * hidden + h];
  const surface = new FormulaSurface(
    size,
    (w, out) => {
      out?.fill(0);
      let loss = 0;
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < inputs; i++) {
          let e = o === i && i < rank ? -1 : 0;
          for (let h = 0; h < hidden; h++) e += B(w, o, h) * A(w, h, i);
          loss += (e * e) / 2;
          for (let h = 0; out && h < hidden; h++) {
            out[h * inputs + i] += e * B(w, o, h);
            out[hidden * inputs + o * hidden + h] += e * A(w, h, i);
          }
        }
      }
      return loss;
    },
    undefined,
    points,
  );
  const w = new Float32Array(size);
  for (let k = 0; k < rank; k++) {
    w[k * inputs + k] = 1;
    w[hidden * inputs + k * hidden + k] = 1;
  }
  return { surface, w };
}

/** Its learning coefficient, in the case that no side is larger than the others together [Aoyagi & Watanabe 2005, case 1]. */
export function reducedRankCoefficient([m, h, n, r]: readonly [number, number, number, number]): number {
  const s = h + r;
  const even = -s * s - m * m - n * n + 2 * s * m + 2 * s * n + 2 * m * n;
  return (even + ((m + h + n + r) % 2)) / 8;
}
