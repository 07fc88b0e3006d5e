/**
 * The radial part of a Gaussian's mass: `ln of the integral of r^(n-1) exp(-b r - r^2 / 2) over 0 <= r <= R`.
 *
 * The logarithm of the integrand, `h(r) = (n - 1) ln r - b r - r^2 / 2`, is concave with `h'' <= -1`. It has its maximum over
 * [0, R] at `m = min(R, r*)`, `r* = (sqrt(b^2 + 4 (n - 1)) - b) / 2`. Only `exp(h(r) - h(m))` is formed, with
 * `h(r) - h(m) = (n - 1) ln(1 + (r - m) / m) - (r - m) (b + (r + m) / 2)`, so that nothing overflows and nothing of size
 * `n ln r` cancels. Where it has fallen by 40, what is left out is below 1e-15 of the whole; between, 16-point Gauss-Legendre
 * rules on eight pieces of either side, over each of which the integrand changes by a factor of about e^5.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";

/** Nodes and weights of the 16-point Gauss-Legendre rule, the positive half. */
const NODES = [
  0.09501250983763744, 0.2816035507792589, 0.45801677765722737, 0.6178762444026438, 0.755404408355003,
  0.8656312023878318, 0.9445750230732326, 0.9894009349916499,
];
const WEIGHTS = [
  0.18945061045506864, 0.18260341504492364, 0.16915651939500265, 0.1495959888165767, 0.12462897125553407,
  0.0951585116824926, 0.062253523938647456, 0.027152459411754176,
];
const PIECES = 8;
/** e^-40 is 4e-18. */
const DROP = 40;
/** `h` has fallen by more than DROP at this distance past its maximum, as `h'' <= -1`. */
const REACH = 9;

/** Where the integrand is largest over all r >= 0. */
export function radialPeak(n: number, b: number): number {
  const root = Math.sqrt(b * b + 4 * (n - 1));
  // the smaller of two roots would cancel
  return b > 0 ? (2 * (n - 1)) / (root + b) : (root - b) / 2;
}

/** Beyond this radius there is nothing left of the integral. */
export function radialReach(n: number, b: number): number {
  return radialPeak(n, b) + REACH;
}

/**
 * @param n dimension, at least 1.
 * @param radius R >= 0; may be infinite.
 * @returns -Infinity at R = 0.
 */
export function logRadialIntegral(kernels: Kernels, n: number, b: number, radius: number): number {
  if (!(radius > 0)) return Number.NEGATIVE_INFINITY;
  const { naturalLog, logOnePlus, expMinusOne } = kernels.exports;
  const peak = radialPeak(n, b);
  const m = Math.min(radius, peak);
  const end = Math.min(radius, peak + REACH);
  // n = 1 and b >= 0: the maximum is at 0
  const fall = (r: number): number => (n > 1 ? (n - 1) * logOnePlus((r - m) / m) : 0) - (r - m) * (b + (r + m) / 2);
  let start = 0;
  if (m > 0 && (n > 1 || fall(0) < -DROP)) {
    let outer = 0;
    let inner = m;
    // relative precision is enough: it only says where to stop
    for (let k = 0; k < 60 && inner - outer > 1e-3 * (m - outer); k++) {
      const middle = (outer + inner) / 2;
      if (fall(middle) < -DROP) outer = middle;
      else inner = middle;
    }
    start = outer;
  }
  let sum = 0;
  const side = (from: number, to: number): void => {
    const half = (to - from) / (2 * PIECES);
    if (!(half > 0)) return;
    for (let piece = 0; piece < PIECES; piece++) {
      const centre = from + (2 * piece + 1) * half;
      for (let k = 0; k < NODES.length; k++) {
        const step = half * NODES[k];
        sum += WEIGHTS[k] * half * (2 + expMinusOne(fall(centre - step)) + expMinusOne(fall(centre + step)));
      }
    }
  };
  side(start, m);
  side(m, end);
  return (n > 1 ? (n - 1) * naturalLog(m) : 0) - m * (b + m / 2) + naturalLog(sum);
}
