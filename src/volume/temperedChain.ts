/**
 * Memory of the kernel that moves one network under its prior and a sign loss (assembly/hamiltonian.ts).
 *
 * @module
 */
import type { Kernels } from "../engine/kernels.ts";
import type { Network } from "../network/network.ts";
import { priorDeviations } from "../network/priorDeviations.ts";
import { getParameters, makeTrainingPlan, putParameters, type TrainingPlan } from "../training/plan.ts";

const HEADER_BYTES = 96;
const BETA = 56;
const STATISTICS = 72;

/** What a chain aims at: points, and the sign wanted of the output at each. */
export interface Target {
  readonly network: Network;
  /** `[points][features]`. */
  readonly inputs: Float32Array;
  readonly points: number;
  /** 0 or 1 for each point. */
  readonly targets: Float32Array;
}

/** How moves fared. */
export interface MoveStatistics {
  /** Mean probability of acceptance. */
  readonly acceptance: number;
  readonly gradients: number;
}

/** One network's parameters, in units of their prior deviations, and the moves on them. Lives until the arena is released. */
export class TemperedChain {
  readonly plan: TrainingPlan;
  /** Position, f32 in the plan's layout, and its bytes. */
  readonly position: number;
  readonly bytes: number;
  /** Outputs at the position, f32, once it is evaluated; and what is wanted, f32. */
  readonly outputs: number;
  readonly targets: number;
  readonly points: number;
  /** Generator of the moves and of the prior. */
  readonly state: number;
  readonly #kernels: Kernels;
  readonly #address: number;
  readonly #ones: number;

  constructor(kernels: Kernels, { network, inputs, points, targets }: Target) {
    this.#kernels = kernels;
    const features = network.layers[0];
    this.plan = makeTrainingPlan(kernels, network, { points, features, inputs, targets }, "bce");
    const { entries, address: plan } = this.plan;
    this.bytes = 4 * entries;
    this.points = points;
    const vector = (): number => kernels.allocate(this.bytes);
    this.position = vector();
    const momentum = vector();
    const kept = vector();
    const scales = vector();
    this.#ones = vector();
    putParameters(kernels, this.plan, Float32Array.from(priorDeviations(network)), scales);
    putParameters(kernels, this.plan, new Float32Array(network.parameterCount).fill(1), this.#ones);
    this.state = kernels.allocate(64);
    const words = kernels.allocate(256);
    const row = (): number => kernels.allocate(4 * points);
    this.outputs = row();
    const keptOutputs = row();
    const slopes = row();
    this.targets = kernels.put(targets);
    this.#address = kernels.allocate(HEADER_BYTES);
    kernels
      .u32(this.#address, 13)
      .set([
        plan,
        points,
        this.bytes,
        this.position,
        momentum,
        kept,
        keptOutputs,
        scales,
        this.#ones,
        this.state,
        words,
        this.outputs,
        slopes,
      ]);
  }

  /** Draws the position from the prior. */
  draw(): void {
    this.#kernels.exports.gaussians(this.position, this.#ones, this.bytes / 32, this.state);
  }

  /** Sets beta and the step of the moves to come, and their statistics to nothing. */
  set(beta: number, step: number): void {
    this.#kernels.f64(this.#address + BETA, 2).set([beta, step]);
    this.#kernels.f64(this.#address + STATISTICS, 3).fill(0);
  }

  /** The outputs at the position. @returns the loss. */
  evaluate(): number {
    return this.#kernels.exports.hamiltonianEvaluate(this.#address);
  }

  /** One move of so many leapfrog steps. */
  move(steps: number): void {
    this.#kernels.exports.hamiltonianMove(this.#address, steps);
  }

  statistics(): MoveStatistics {
    const [acceptance, moves, gradients] = this.#kernels.f64(this.#address + STATISTICS, 3);
    return { acceptance: acceptance / Math.max(1, moves), gradients };
  }

  /** The network's parameters at the position last evaluated, in the library's flat layout. */
  parameters(out: Float32Array): void {
    getParameters(this.#kernels, this.plan, this.plan.w, out);
  }
}
