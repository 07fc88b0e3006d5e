/**
 * The loss of a dense network in plain f64: loss, gradient, Hessian product (R-operator) and Gauss-Newton product, one point
 * after the other, written from the definitions.
 */
import { defineNetwork, type Network, type NetworkOptions } from "../../src/network/network.ts";
import type { Dataset, LossName, LossSurface } from "../../src/training/surface.ts";

type Vector = ArrayLike<number>;

/** Derivatives of one point's loss with respect to its outputs. */
interface OutputLoss {
  loss: number;
  /** d loss / d output */
  gradient: Float64Array;
  /** d2 loss / d output2 times a vector */
  curvature: (v: Float64Array) => Float64Array;
}

const sigmoid = (z: number): number => (z >= 0 ? 1 / (1 + Math.exp(-z)) : 1 - 1 / (1 + Math.exp(z)));

/** Softmax of a point's outputs. */
export function softmax(z: Vector): Float64Array {
  const most = Math.max(...Array.from(z));
  const e = Float64Array.from(Array.from(z), (v) => Math.exp(v - most));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((v) => v / sum);
}

export function outputLoss(lossName: LossName, z: Float64Array, target: Vector): OutputLoss {
  if (lossName === "bce") {
    const p = sigmoid(z[0]);
    const t = target[0];
    // ln(1 + e^z) - t z
    const loss = Math.max(z[0], 0) + Math.log1p(Math.exp(-Math.abs(z[0]))) - t * z[0];
    return { loss, gradient: Float64Array.of(p - t), curvature: (v) => Float64Array.of(p * (1 - p) * v[0]) };
  }
  if (lossName === "ce") {
    const p = softmax(z);
    const most = Math.max(...z);
    const loss = most + Math.log(z.reduce((sum, v) => sum + Math.exp(v - most), 0)) - z[target[0]];
    const gradient = p.slice();
    gradient[target[0]] -= 1;
    return {
      loss,
      gradient,
      curvature: (v) => {
        const mean = p.reduce((sum, value, k) => sum + value * v[k], 0);
        return p.map((value, k) => value * (v[k] - mean));
      },
    };
  }
  const gradient = z.map((v, k) => v - target[k]);
  return { loss: gradient.reduce((sum, e) => sum + e * e, 0) / 2, gradient, curvature: (v) => v.slice() };
}

/** What a pass through the network leaves behind. */
interface Pass {
  /** Activations, inputs first. */
  a: Float64Array[];
  /** Pre-activations of each layer. */
  z: Float64Array[];
}

export class PlainSurface implements LossSurface {
  readonly network: Network;
  readonly data: Dataset;
  readonly lossName: LossName;
  readonly size: number;
  readonly #offsets: number[] = [];

  constructor(network: NetworkOptions, data: Dataset, lossName: LossName) {
    this.network = defineNetwork(network);
    this.data = data;
    this.lossName = lossName;
    this.size = this.network.parameterCount;
    let at = 0;
    const { layers } = this.network;
    for (let l = 1; l < layers.length; l++) {
      this.#offsets.push(at);
      at += layers[l] * (layers[l - 1] + 1);
    }
  }

  #point(i: number): Float64Array {
    const { features, inputs } = this.data;
    return Float64Array.from(inputs.subarray(i * features, (i + 1) * features));
  }

  #target(i: number): Vector {
    const { targets } = this.data;
    if (this.lossName !== "mse") return targets.subarray(i, i + 1);
    const outputs = this.network.layers[this.network.layers.length - 1];
    return targets.subarray(i * outputs, (i + 1) * outputs);
  }

  #act(z: number): number {
    return this.network.activation === "tanh" ? Math.tanh(z) : Math.max(z, 0);
  }

  /** First and second derivative of the activation. */
  #slope(z: number): [number, number] {
    if (this.network.activation === "relu") return [z > 0 ? 1 : 0, 0];
    const t = Math.tanh(z);
    return [1 - t * t, -2 * t * (1 - t * t)];
  }

  /** W a + b of layer l, from any vector in the place of the parameters. */
  #affine(l: number, w: Vector, a: Float64Array, withBias = true): Float64Array {
    const { layers } = this.network;
    const [fanIn, fanOut] = [layers[l], layers[l + 1]];
    const at = this.#offsets[l];
    return Float64Array.from({ length: fanOut }, (_, k) => {
      let sum = withBias ? w[at + fanIn * fanOut + k] : 0;
      for (let j = 0; j < fanIn; j++) sum += w[at + k * fanIn + j] * a[j];
      return sum;
    });
  }

  /** W' e of layer l. */
  #transposed(l: number, w: Vector, e: Float64Array): Float64Array {
    const { layers } = this.network;
    const [fanIn, fanOut] = [layers[l], layers[l + 1]];
    const at = this.#offsets[l];
    return Float64Array.from({ length: fanIn }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < fanOut; k++) sum += w[at + k * fanIn + j] * e[k];
      return sum;
    });
  }

  #addOuter(l: number, e: Float64Array, a: Float64Array, out: Float64Array, withBias = true): void {
    const { layers } = this.network;
    const [fanIn, fanOut] = [layers[l], layers[l + 1]];
    const at = this.#offsets[l];
    for (let k = 0; k < fanOut; k++) {
      for (let j = 0; j < fanIn; j++) out[at + k * fanIn + j] += e[k] * a[j];
      if (withBias) out[at + fanIn * fanOut + k] += e[k];
    }
  }

  #forward(w: Vector, i: number): Pass {
    const depth = this.network.layers.length - 1;
    const a: Float64Array[] = [this.#point(i)];
    const z: Float64Array[] = [];
    for (let l = 0; l < depth; l++) {
      z.push(this.#affine(l, w, a[l]));
      a.push(l < depth - 1 ? z[l].map((v) => this.#act(v)) : z[l]);
    }
    return { a, z };
  }

  /** Pulls a derivative with respect to the outputs back to the parameters. */
  #backward(w: Vector, pass: Pass, output: Float64Array, out: Float64Array): void {
    let e: Float64Array = output;
    for (let l = pass.z.length - 1; l >= 0; l--) {
      this.#addOuter(l, e, pass.a[l], out);
      if (l > 0) e = this.#transposed(l, w, e).map((v, j) => v * this.#slope(pass.z[l - 1][j])[0]);
    }
  }

  /** Directional derivatives of pre-activations and activations. */
  #tangent(w: Vector, v: Vector, pass: Pass): { ra: Float64Array[]; rz: Float64Array[] } {
    const ra: Float64Array[] = [new Float64Array(pass.a[0].length)];
    const rz: Float64Array[] = [];
    pass.z.forEach((z, l) => {
      const from = this.#affine(l, w, ra[l], false);
      rz.push(this.#affine(l, v, pass.a[l]).map((value, k) => value + from[k]));
      ra.push(l < pass.z.length - 1 ? rz[l].map((value, k) => value * this.#slope(z[k])[0]) : rz[l]);
    });
    return { ra, rz };
  }

  /** f64 outputs of one point. */
  output(w: Vector, i: number): Float64Array {
    const { z } = this.#forward(w, i);
    return z[z.length - 1];
  }

  /** f64 mean loss at any parameters. */
  lossAt(w: Vector): number {
    let sum = 0;
    for (let i = 0; i < this.data.points; i++) {
      sum += outputLoss(this.lossName, this.output(w, i), this.#target(i)).loss;
    }
    return sum / this.data.points;
  }

  /** f64 gradient. @returns the loss. */
  gradientAt(w: Vector, out: Float64Array, first = 0, count = this.data.points): number {
    out.fill(0);
    let loss = 0;
    for (let i = first; i < first + count; i++) {
      const pass = this.#forward(w, i);
      const at = outputLoss(this.lossName, pass.z[pass.z.length - 1], this.#target(i));
      loss += at.loss;
      this.#backward(w, pass, at.gradient, out);
    }
    for (let p = 0; p < out.length; p++) out[p] /= count;
    return loss / count;
  }

  /** Gradient of one point's loss with another target. */
  pointGradient(w: Vector, i: number, target: Vector): Float64Array {
    const out = new Float64Array(this.size);
    const pass = this.#forward(w, i);
    this.#backward(w, pass, outputLoss(this.lossName, pass.z[pass.z.length - 1], target).gradient, out);
    return out;
  }

  /** f64 Hessian product. */
  hessianAt(w: Vector, v: Vector, out: Float64Array): void {
    out.fill(0);
    for (let i = 0; i < this.data.points; i++) {
      const pass = this.#forward(w, i);
      const { ra, rz } = this.#tangent(w, v, pass);
      const last = pass.z.length - 1;
      const at = outputLoss(this.lossName, pass.z[last], this.#target(i));
      let e = at.gradient;
      let re = at.curvature(rz[last]);
      for (let l = last; l >= 0; l--) {
        this.#addOuter(l, re, pass.a[l], out);
        this.#addOuter(l, e, ra[l], out, false);
        if (l === 0) break;
        const back = this.#transposed(l, w, e);
        const rBack = this.#transposed(l, w, re);
        const vBack = this.#transposed(l, v, e);
        const slopes = Array.from(pass.z[l - 1], (z) => this.#slope(z));
        re = rBack.map((value, j) => (value + vBack[j]) * slopes[j][0] + back[j] * slopes[j][1] * rz[l - 1][j]);
        e = back.map((value, j) => value * slopes[j][0]);
      }
    }
    for (let p = 0; p < out.length; p++) out[p] /= this.data.points;
  }

  /** f64 Gauss-Newton product. */
  gaussNewtonAt(w: Vector, v: Vector, out: Float64Array): void {
    out.fill(0);
    for (let i = 0; i < this.data.points; i++) {
      const pass = this.#forward(w, i);
      const { rz } = this.#tangent(w, v, pass);
      const last = pass.z.length - 1;
      const { curvature } = outputLoss(this.lossName, pass.z[last], this.#target(i));
      this.#backward(w, pass, curvature(rz[last]), out);
    }
    for (let p = 0; p < out.length; p++) out[p] /= this.data.points;
  }

  async loss(w: Float32Array): Promise<number> {
    return this.lossAt(w);
  }

  async outputs(w: Float32Array): Promise<Float32Array> {
    const outputs = this.network.layers[this.network.layers.length - 1];
    const out = new Float32Array(this.data.points * outputs);
    for (let i = 0; i < this.data.points; i++) out.set(this.output(w, i), i * outputs);
    return out;
  }

  async evaluate(w: Float32Array): Promise<{ loss: number; error: number }> {
    let wrong = 0;
    for (let i = 0; i < this.data.points; i++) {
      const z = this.output(w, i);
      const predicted = this.lossName === "bce" ? Number(z[0] > 0) : z.indexOf(Math.max(...z));
      if (predicted !== this.#target(i)[0]) wrong++;
    }
    return { loss: this.lossAt(w), error: this.lossName === "mse" ? Number.NaN : wrong / this.data.points };
  }

  async gradient(w: Float32Array, out: Float32Array, range?: { first: number; count: number }): Promise<number> {
    const wide = new Float64Array(this.size);
    const loss = this.gradientAt(w, wide, range?.first, range?.count);
    out.set(wide);
    return loss;
  }

  async hessianProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void> {
    const wide = new Float64Array(this.size);
    this.hessianAt(w, v, wide);
    out.set(wide);
  }

  async gaussNewtonProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void> {
    const wide = new Float64Array(this.size);
    this.gaussNewtonAt(w, v, wide);
    out.set(wide);
  }
}

/** `W_l, b_l` divided by alpha and `W_(l+1)` multiplied by it, l = 1 the first hidden layer. A function of f64, rounded to f32. */
export function rescaled(network: Network, w: Float32Array, layer: number, alpha: number): Float32Array {
  const v = w.slice();
  let at = 0;
  for (let l = 1; l < network.layers.length; l++) {
    const weights = network.layers[l] * network.layers[l - 1];
    const end = at + weights + network.layers[l];
    if (l === layer) for (let p = at; p < end; p++) v[p] = w[p] / alpha;
    if (l === layer + 1) for (let p = at; p < at + weights; p++) v[p] = w[p] * alpha;
    at = end;
  }
  return v;
}
