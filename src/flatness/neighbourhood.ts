/**
 * Sets around the parameters w in which a loss is maximised, exact to the last f32: what is evaluated is the f32 point, and
 * that point lies in the set.
 *
 * @module
 */
import type { RandomStream } from "../engine/random.ts";

const bits = new DataView(new ArrayBuffer(4));

/** The next f32 towards plus or minus infinity. */
function neighbour(x: number, up: boolean): number {
  if (x === 0) return up ? 2 ** -149 : -(2 ** -149);
  bits.setFloat32(0, x);
  bits.setInt32(0, bits.getInt32(0) + (x > 0 === up ? 1 : -1));
  return bits.getFloat32(0);
}

/** A set in coordinates of its own: `u` stands for the point `w + scale * u`. Vectors have one entry a parameter. */
export interface Neighbourhood {
  readonly w: Float32Array;
  readonly scale: Float64Array;
  /** Moves u to the nearest point of the set. */
  project(u: Float64Array): void;
  /** The f32 point of a u in the set: rounded, and in the set. */
  place(u: Float64Array, out: Float32Array): void;
  /** The u of a point of the set. */
  coordinates(x: Float32Array, out: Float64Array): void;
  /** A random u in the set, far from the middle. */
  random(stream: RandomStream, out: Float64Array): void;
  /** How far out an f32 point lies: at most 1 in the set, which is asked of the exact numbers. */
  reach(x: Float32Array): number;
}

/** Keskar's box `|d_i| <= epsilon (|w_i| + 1)` [Keskar et al. 2017, equation 3 with A = I]. */
export class Box implements Neighbourhood {
  readonly w: Float32Array;
  readonly scale: Float64Array;
  /** Its ends, f32 within it. */
  readonly low: Float32Array;
  readonly high: Float32Array;

  constructor(w: Float32Array, epsilon: number) {
    this.w = w;
    this.scale = Float64Array.from(w, (x) => epsilon * (Math.abs(x) + 1));
    this.low = new Float32Array(w.length);
    this.high = new Float32Array(w.length);
    for (let i = 0; i < w.length; i++) {
      const x = w[i];
      const r = this.scale[i];
      let low = Math.fround(x - r);
      while (x - low > r) low = neighbour(low, true);
      let high = Math.fround(x + r);
      while (high - x > r) high = neighbour(high, false);
      this.low[i] = low;
      this.high[i] = high;
    }
  }

  project(u: Float64Array): void {
    for (let i = 0; i < u.length; i++) u[i] = Math.max(-1, Math.min(1, u[i]));
  }

  place(u: Float64Array, out: Float32Array): void {
    const { w, scale } = this;
    for (let i = 0; i < out.length; i++) out[i] = w[i] + scale[i] * u[i];
    this.clamp(out);
  }

  /** Projects f32 parameters to the box. */
  clamp(x: Float32Array): void {
    for (let i = 0; i < x.length; i++) {
      if (x[i] < this.low[i]) x[i] = this.low[i];
      else if (x[i] > this.high[i]) x[i] = this.high[i];
    }
  }

  coordinates(x: Float32Array, out: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.scale[i] > 0 ? (x[i] - this.w[i]) / this.scale[i] : 0;
    this.project(out);
  }

  random(stream: RandomStream, out: Float64Array): void {
    stream.uniforms(out);
    for (let i = 0; i < out.length; i++) out[i] = 2 * out[i] - 1;
  }

  reach(x: Float32Array): number {
    let most = 0;
    for (let i = 0; i < x.length; i++) {
      const d = Math.abs(x[i] - this.w[i]);
      // a quotient could round down to 1
      const share = d <= this.scale[i] ? Math.min(1, d / (this.scale[i] || 1)) : Math.max(d / this.scale[i], 1.000001);
      most = Math.max(most, share);
    }
    return most;
  }
}

/** Rounding of norms in f64 must not leave the ball. */
const SHRINK = 1 - 1e-12;

/** The ball `|d / scale|_2 <= radius`; a parameter of scale 0 stays. */
export class Ball implements Neighbourhood {
  readonly w: Float32Array;
  readonly scale: Float64Array;
  readonly radius: number;

  constructor(w: Float32Array, radius: number, scale: Float64Array) {
    this.w = w;
    this.radius = radius;
    this.scale = scale;
  }

  project(u: Float64Array): void {
    let sum = 0;
    for (let i = 0; i < u.length; i++) {
      if (this.scale[i] === 0) u[i] = 0;
      sum += u[i] * u[i];
    }
    const norm = Math.sqrt(sum);
    const limit = this.radius * SHRINK;
    if (norm > limit) for (let i = 0; i < u.length; i++) u[i] *= limit / norm;
  }

  place(u: Float64Array, out: Float32Array): void {
    const { w, scale } = this;
    for (let i = 0; i < out.length; i++) {
      const exact = w[i] + scale[i] * u[i];
      let x = Math.fround(exact);
      // towards w, so that no coordinate grows
      if (exact > w[i] ? x > exact : x < exact) x = neighbour(x, exact < w[i]);
      out[i] = x;
    }
  }

  coordinates(x: Float32Array, out: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.scale[i] > 0 ? (x[i] - this.w[i]) / this.scale[i] : 0;
    this.project(out);
  }

  random(stream: RandomStream, out: Float64Array): void {
    const z = new Float32Array(out.length);
    stream.gaussians(z);
    let sum = 0;
    for (let i = 0; i < out.length; i++) {
      out[i] = this.scale[i] === 0 ? 0 : z[i];
      sum += out[i] * out[i];
    }
    const factor = sum > 0 ? (this.radius * SHRINK) / Math.sqrt(sum) : 0;
    for (let i = 0; i < out.length; i++) out[i] *= factor;
  }

  reach(x: Float32Array): number {
    let sum = 0;
    for (let i = 0; i < x.length; i++) {
      const d = x[i] - this.w[i];
      if (this.scale[i] > 0) sum += (d / this.scale[i]) ** 2;
      else if (d !== 0) return Number.POSITIVE_INFINITY;
    }
    return this.radius > 0 ? Math.sqrt(sum) / this.radius : sum > 0 ? Number.POSITIVE_INFINITY : 0;
  }
}
