/** Losses given by formulas, of any number of parameters, for tests with closed forms. */
import { defineNetwork, type Network } from "../../src/network/network.ts";
import type { Dataset, LossSurface } from "../../src/training/surface.ts";

/** A loss from f64 formulas. Its network is a stand-in of the right size, with a unit Gaussian prior on every parameter. */
export class FormulaSurface implements LossSurface {
  readonly network: Network;
  readonly data: Dataset;
  readonly lossName = "mse";
  readonly size: number;

  /**
   * @param size number of parameters, at least 2.
   * @param value loss, and its gradient into `out`.
   * @param product Hessian product.
   * @param points what the data set claims to hold.
   */
  constructor(
    size: number,
    private readonly value: (w: ArrayLike<number>, out?: Float64Array) => number,
    private readonly product: (w: ArrayLike<number>, v: ArrayLike<number>, out: Float64Array) => void = () => {
      throw new Error("no Hessian product");
    },
    points = 1,
  ) {
    this.size = size;
    // size - 1 weights of variance (size - 1) / fan-in = 1, and one bias
    this.network = defineNetwork({ layers: [size - 1, 1], sigmaW2: size - 1, sigmaB2: 1 });
    this.data = { points, features: size - 1, inputs: new Float32Array(0), targets: new Float32Array(0) };
  }

  async loss(w: Float32Array): Promise<number> {
    return this.value(w);
  }

  async outputs(): Promise<Float32Array> {
    throw new Error("a formula has no outputs");
  }

  async evaluate(w: Float32Array): Promise<{ loss: number; error: number }> {
    return { loss: this.value(w), error: Number.NaN };
  }

  async gradient(w: Float32Array, out: Float32Array): Promise<number> {
    const wide = new Float64Array(this.size);
    const loss = this.value(w, wide);
    out.set(wide);
    return loss;
  }

  async hessianProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void> {
    const wide = new Float64Array(this.size);
    this.product(w, v, wide);
    out.set(wide);
  }

  gaussNewtonProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void> {
    return this.hessianProduct(w, v, out);
  }
}

/** `(w - c)' A (w - c) / 2 + offset`, A symmetric: its rows, or its diagonal alone. */
export class QuadraticSurface extends FormulaSurface {
  constructor(matrix: readonly (readonly number[])[] | Float64Array, centre: ArrayLike<number>, offset = 0) {
    const size = matrix.length;
    const apply =
      matrix instanceof Float64Array
        ? (v: Float64Array): Float64Array => v.map((x, i) => matrix[i] * x)
        : (v: Float64Array): Float64Array =>
            Float64Array.from(matrix, (row) => row.reduce((sum, a, j) => sum + a * v[j], 0));
    super(
      size,
      (w, out) => {
        const d = Float64Array.from({ length: size }, (_, i) => w[i] - centre[i]);
        const gradient = apply(d);
        out?.set(gradient);
        return offset + gradient.reduce((sum, g, i) => sum + g * d[i], 0) / 2;
      },
      (_, v, out) => out.set(apply(Float64Array.from(v))),
    );
  }
}
