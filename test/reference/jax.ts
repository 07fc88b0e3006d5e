/**
 * The loss of a dense network in jax-js on its Wasm backend: the gradient by `grad`, the Hessian product by `jvp` of it, the
 * Gauss-Newton product by `jvp` of the network, `jvp` of the gradient of the loss by the outputs, and `vjp` of the network.
 * jax-js knows no f64: everything is f32.
 */
import { defaultDevice, grad, init, jvp, nn, numpy as np, type Array as Tensor, vjp } from "@jax-js/jax";
import type { Activation } from "../../src/network/network.ts";
import type { Dataset, LossName } from "../../src/training/surface.ts";

await init("wasm");
defaultDevice("wasm");

type Parameters = Tensor[];

/** Every function of jax-js consumes its arguments, unless they are given as `.ref`. */
export class JaxSurface {
  readonly #inputs: Tensor;
  readonly #targets: Tensor;

  constructor(
    private readonly layers: readonly number[],
    private readonly activation: Activation,
    data: Dataset,
    private readonly loss: LossName,
  ) {
    const outputs = layers[layers.length - 1];
    const { points, features, targets } = data;
    this.#inputs = np.array(data.inputs).reshape([points, features]);
    this.#targets =
      loss === "ce"
        ? nn.oneHot(np.array(Int32Array.from(targets), { dtype: np.int32 }), outputs)
        : np.array(targets).reshape([points, outputs]);
  }

  /** Weights and biases of each layer, [fanOut, fanIn] and [fanOut]. */
  #parameters(flat: Float32Array): Parameters {
    const parts: Parameters = [];
    let at = 0;
    for (let l = 1; l < this.layers.length; l++) {
      const [fanIn, fanOut] = [this.layers[l - 1], this.layers[l]];
      parts.push(np.array(flat.slice(at, at + fanIn * fanOut)).reshape([fanOut, fanIn]));
      at += fanIn * fanOut;
      parts.push(np.array(flat.slice(at, at + fanOut)));
      at += fanOut;
    }
    return parts;
  }

  async #flat(parts: Parameters): Promise<Float32Array> {
    const values: number[] = [];
    for (const part of parts) values.push(...(await part.data()));
    return Float32Array.from(values);
  }

  readonly #network = (w: Parameters): Tensor => {
    let a = this.#inputs.ref;
    for (let l = 0; l < w.length; l += 2) {
      a = np.matmul(a, np.transpose(w[l])).add(w[l + 1]);
      if (l + 2 < w.length) a = this.activation === "relu" ? nn.relu(a) : np.tanh(a);
    }
    return a;
  };

  /** Of outputs [points, outputs]. */
  readonly #lossOf = (z: Tensor): Tensor => {
    const t = this.#targets.ref;
    if (this.loss === "bce") return np.mean(nn.softplus(z.ref).sub(t.mul(z)));
    if (this.loss === "ce") return np.mean(np.sum(nn.logSoftmax(z).mul(t), 1)).mul(-1);
    const e = z.sub(t);
    return np.mean(np.sum(e.ref.mul(e), 1)).mul(0.5);
  };

  readonly #total = (w: Parameters): Tensor => this.#lossOf(this.#network(w));

  async value(w: Float32Array): Promise<number> {
    return (await this.#total(this.#parameters(w)).data())[0];
  }

  async gradient(w: Float32Array): Promise<Float32Array> {
    return this.#flat(grad(this.#total)(this.#parameters(w)) as Parameters);
  }

  async hessianProduct(w: Float32Array, v: Float32Array): Promise<Float32Array> {
    const [, product] = jvp(grad(this.#total), [this.#parameters(w)], [this.#parameters(v)]);
    return this.#flat(product as Parameters);
  }

  async gaussNewtonProduct(w: Float32Array, v: Float32Array): Promise<Float32Array> {
    const [z, jv] = jvp(this.#network, [this.#parameters(w)], [this.#parameters(v)]);
    const [, curved] = jvp(grad(this.#lossOf), [z], [jv]);
    const [, pullBack] = vjp(this.#network, [this.#parameters(w)]);
    const [product] = pullBack(curved as Tensor) as [Parameters];
    return this.#flat(product);
  }
}
