/**
 * The loss of a network on a data set, in one instance of the module.
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import type { Network } from "../network/network.ts";
import { getParameters, makeTrainingPlan, putParameters, type TrainingPlan } from "./plan.ts";
import type { BoxAscent, Dataset, LossName, LossSurface } from "./surface.ts";

/** Points between two pauses of a pass that has no vector to add up. */
const SOME_POINTS = 1024;

/** Needs a checked data set (`checkDataset`). Its memory is the instance's arena, freed with it. */
export class LocalSurface implements LossSurface {
  readonly size: number;
  readonly plan: TrainingPlan;
  /** Where `lossAt` may put the outputs of all points. */
  readonly outputAddress: number;
  readonly #outputs: number;
  readonly #indices: number;

  constructor(
    readonly kernels: Kernels,
    readonly network: Network,
    readonly data: Dataset,
    readonly lossName: LossName,
    /** Whether the first layer takes only inputs that are not zero. Default: as the data has it. */
    sparse?: boolean,
  ) {
    this.size = network.parameterCount;
    this.plan = makeTrainingPlan(kernels, network, data, lossName, sparse);
    const { layers } = network;
    this.#outputs = layers[layers.length - 1];
    this.outputAddress = kernels.allocate(4 * data.points * this.#outputs);
    this.#indices = kernels.allocate(4 * data.points);
  }

  protected put(address: number, vector: Float32Array): void {
    putParameters(this.kernels, this.plan, vector, address);
  }

  protected get(address: number, out: Float32Array): void {
    getParameters(this.kernels, this.plan, address, out);
  }

  async loss(w: Float32Array): Promise<number> {
    this.put(this.plan.w, w);
    return this.kernels.exports.lossAt(this.plan.address, 0, 0, this.data.points, 0);
  }

  async outputs(w: Float32Array): Promise<Float32Array> {
    this.put(this.plan.w, w);
    this.kernels.exports.lossAt(this.plan.address, 0, 0, this.data.points, this.outputAddress);
    return this.kernels.f32(this.outputAddress, this.data.points * this.#outputs).slice();
  }

  async evaluate(w: Float32Array): Promise<{ loss: number; error: number }> {
    const loss = await this.loss(w);
    if (this.lossName === "mse") return { loss, error: Number.NaN };
    return { loss, error: this.kernels.exports.wrongPredictions() / this.data.points };
  }

  async gradient(w: Float32Array, out: Float32Array, range?: { first: number; count: number }): Promise<number> {
    this.put(this.plan.w, w);
    const { first, count } = range ?? { first: 0, count: this.data.points };
    const loss = this.kernels.exports.gradientAt(this.plan.address, first, 0, count);
    this.get(this.plan.gradient, out);
    return loss;
  }

  /** The gradient of the mean loss of listed points: a shuffled minibatch. @returns that loss. */
  async gradientOf(w: Float32Array, out: Float32Array, points: Uint32Array): Promise<number> {
    if (points.length > this.data.points) throw new RangeError(`points: expected at most ${this.data.points} points`);
    this.put(this.plan.w, w);
    this.kernels.u32(this.#indices, points.length).set(points);
    const loss = this.kernels.exports.gradientAt(this.plan.address, 0, this.#indices, points.length);
    this.get(this.plan.gradient, out);
    return loss;
  }

  async hessianProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void> {
    this.put(this.plan.w, w);
    this.put(this.plan.direction, v);
    this.kernels.exports.hessianAt(this.plan.address, 0, this.data.points, this.data.points);
    this.get(this.plan.product, out);
  }

  async gaussNewtonProduct(w: Float32Array, v: Float32Array, out: Float32Array): Promise<void> {
    this.put(this.plan.w, w);
    this.put(this.plan.direction, v);
    this.kernels.exports.gaussNewtonAt(this.plan.address, 0, this.data.points, this.data.points);
    this.get(this.plan.product, out);
  }

  async gaussNewtonTrace(w: Float32Array, pause: () => Promise<void> | void): Promise<number> {
    const { points } = this.data;
    this.put(this.plan.w, w);
    let sum = 0;
    for (let first = 0; first < points; first += SOME_POINTS) {
      const count = Math.min(SOME_POINTS, points - first);
      sum += this.kernels.exports.gaussNewtonTraceAt(this.plan.address, first, count);
      await pause();
    }
    return sum / points;
  }

  boxAscent(w: Float32Array, low: Float32Array, high: Float32Array): BoxAscent | undefined {
    const { kernels, plan, data } = this;
    const vector = (values: Float32Array): number => {
      const address = kernels.allocate(4 * plan.entries);
      this.put(address, values);
      return address;
    };
    const [lows, highs, best, result] = [vector(low), vector(high), vector(w), kernels.allocate(16)];
    this.put(plan.w, w);
    kernels.f64(result, 1)[0] = kernels.exports.lossAt(plan.address, 0, 0, data.points, 0);
    return {
      steps: (points, batch, rate) => {
        kernels.u32(this.#indices, points.length).set(points);
        const { address } = plan;
        const { length } = points;
        kernels.exports.ascentSteps(
          address,
          lows,
          highs,
          best,
          this.#indices,
          length,
          batch,
          data.points,
          rate,
          result,
        );
      },
      get best() {
        return { loss: kernels.f64(result, 1)[0], step: kernels.u32(result + 12, 1)[0] };
      },
      point: () => {
        const out = new Float32Array(this.size);
        this.get(best, out);
        return out;
      },
    };
  }
}
