/**
 * A training while it is under way: what it takes to go on from an epoch as if it had never been interrupted.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import type { Kernels } from "../engine/kernels.ts";
import { version } from "../generated/version.ts";
import { type OptimizerMemory, optimizerArrays } from "./optimiser.ts";
import type { Dataset } from "./surface.ts";
import type { TrainArguments, TrainingRecord } from "./trainTask.ts";

/** Where a training stands after an epoch. Plain data. */
export interface TrainingState {
  /** Epochs done. */
  readonly epoch: number;
  readonly convergedAt: number | undefined;
  readonly history: readonly TrainingRecord[];
  /** The parameters and the optimiser's memory, as the module has them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Keeps states of one training. */
export interface TrainingStore {
  /** Least time between two states. */
  readonly everyMilliseconds: number;
  /**
   * Called once, before the training.
   *
   * @param identity what the training is: everything that its result depends on.
   * @returns the state to go on from; undefined: from the start.
   * @throws RangeError if there is a state of another training.
   */
  open(identity: string): TrainingState | undefined;
  /** Called at the end of an epoch. What it throws ends the training. */
  keep(state: TrainingState): void;
}

/** Everything that a training's result depends on, as text. */
export function identityOfTraining(args: TrainArguments): string {
  const { network, data, test, start, state: _state, keeping: _keeping, ...settings } = args;
  const digest = (...arrays: Float32Array[]): string => {
    const hash = sha256.create();
    for (const { buffer, byteOffset, byteLength } of arrays)
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    return Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  const set = ({ points, inputs, targets }: Dataset) => ({ points, digest: digest(inputs, targets) });
  const whole = { version, network, ...settings, data: set(data), test: test && set(test), start: digest(start) };
  return JSON.stringify(whole, (_key, value) => (typeof value === "bigint" ? String(value) : value));
}

/** The parameters and the optimiser's memory as bytes. */
export function saveMemory(kernels: Kernels, memory: OptimizerMemory): Uint8Array<ArrayBuffer> {
  const arrays = optimizerArrays(kernels, memory);
  const bytes = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const array of arrays) {
    bytes.set(array, at);
    at += array.byteLength;
  }
  return bytes;
}

/** The way back. */
export function restoreMemory(kernels: Kernels, memory: OptimizerMemory, bytes: Uint8Array): void {
  const arrays = optimizerArrays(kernels, memory);
  const expected = arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes.length !== expected) {
    throw new RangeError(`checkpoint: expected ${expected} bytes of a training's memory, got ${bytes.length}`);
  }
  let at = 0;
  for (const array of arrays) {
    array.set(bytes.subarray(at, at + array.byteLength));
    at += array.byteLength;
  }
}
