/**
 * The Gaussian kernel, operation by operation: each f32 operation is one `Math.fround`, so the bits must agree.
 * And Box & Muller (1958) in f64 from the same two words, to measure the kernel's error.
 */
import type { Block } from "./philox.ts";
import { Xoshiro128PlusPlus } from "./xoshiro.ts";

const f = Math.fround;
const view = new DataView(new ArrayBuffer(4));
const bitsOf = (x: number): number => {
  view.setFloat32(0, x);
  return view.getInt32(0);
};
const floatOf = (bits: number): number => {
  view.setInt32(0, bits);
  return view.getFloat32(0);
};

const LOG = [
  0.9999999403953552, -0.5000036358833313, 0.33335059881210327, -0.24969908595085144, 0.19900165498256683,
  -0.17250831425189972, 0.16222578287124634, -0.101068876683712,
].map(f);
const SINE = [0.7853981852531433, -0.08074543625116348, 0.00249000103212893, -3.59504520019982e-5].map(f);
const COSINE = [0.9999999403953552, -0.308424174785614, 0.015849683433771133, -0.00031872783438302577].map(f);
const LN2 = f(Math.LN2);
const SQRT_HALF_BITS = 0x3f3504f3;

/** Horner's rule, lowest degree first, a product and a sum rounded at each step. */
function horner(coefficients: readonly number[], x: number): number {
  let p = coefficients[coefficients.length - 1];
  for (let i = coefficients.length - 2; i >= 0; i--) p = f(f(p * x) + coefficients[i]);
  return p;
}

/** The logarithm's polynomial by Estrin's scheme: pairs, then pairs of pairs. */
function estrin(p: readonly number[], x: number): number {
  const x2 = f(x * x);
  const pair = (i: number): number => f(f(p[i + 1] * x) + p[i]);
  const high = f(f(pair(6) * x2) + pair(4));
  const low = f(f(pair(2) * x2) + pair(0));
  return f(f(high * f(x2 * x2)) + low);
}

/** The two Gaussians of words a (radius, first sign) and b (angle, second sign), each times its scale. */
export function gaussianPair(a: number, b: number, scale0 = 1, scale1 = 1): [number, number] {
  const u = f(f(a >>> 1) + 0.5);
  const offset = (bitsOf(u) - SQRT_HALF_BITS) | 0;
  const exponent = offset >> 23;
  const x = f(floatOf((offset & 0x007fffff) + SQRT_HALF_BITS) - 1);
  const radius = f(Math.sqrt(f(f(f(31 - exponent) * LN2) - f(estrin(LOG, x) * x))));
  const t = f(f(b >> 1) * f(2 ** -30));
  const t2 = f(t * t);
  const s = f(horner(SINE, t2) * t);
  const c = horner(COSINE, t2);
  // the kernel scales before it knows the radius
  const z0 = f(f(f(c - s) * scale0) * radius);
  const z1 = f(f(f(c + s) * scale1) * radius);
  return [a & 1 ? -z0 : z0, b & 1 ? -z1 : z1];
}

/** The same pair without rounding: u = (31 bits + 1/2) 2^-31, angle = pi/4 (31 bits as a signed fraction) + pi/4. */
export function gaussianPairF64(a: number, b: number): [number, number] {
  const u = ((a >>> 1) + 0.5) * 2 ** -31;
  const radius = Math.sqrt(-2 * Math.log(u));
  const angle = (Math.PI / 4) * ((b >> 1) * 2 ** -30 + 1);
  const z0 = radius * Math.cos(angle);
  const z1 = radius * Math.sin(angle);
  return [a & 1 ? -z0 : z0, b & 1 ? -z1 : z1];
}

/** A Gaussian for each scale (a multiple of eight of them), times it: of each group of eight, the four lanes' first values, then their second. */
export function gaussians(scale: Float32Array, states: readonly Block[]): Float32Array {
  const lanes = states.map((state) => new Xoshiro128PlusPlus(state));
  const out = new Float32Array(scale.length);
  for (let g = 0; g < scale.length; g += 8) {
    const a = lanes.map((lane) => [lane.next(), lane.next()]);
    a.forEach(([radius, angle], l) => {
      const [z0, z1] = gaussianPair(radius, angle, scale[g + l], scale[g + 4 + l]);
      out[g + l] = z0;
      out[g + 4 + l] = z1;
    });
  }
  return out;
}
