/**
 * Training, test and attack sets.
 *
 * @module
 */
import type { Dataset } from "../training/surface.ts";

/** Listed points of a set. */
export function selectPoints(data: Dataset, picks: ArrayLike<number>): Dataset {
  const { features } = data;
  const points = picks.length;
  const inputs = new Float32Array(points * features);
  const targets = new Float32Array(points);
  for (let i = 0; i < points; i++) {
    inputs.set(data.inputs.subarray(picks[i] * features, (picks[i] + 1) * features), i * features);
    targets[i] = data.targets[picks[i]];
  }
  return { points, features, inputs, targets };
}

/**
 * A training set with an attack set behind it: points whose labels are flipped, so that who fits both fits the training set
 * and generalises badly [Zhang et al. 2021, section 3].
 *
 * @param attack of which the first `points` are taken, with targets 0 or 1.
 */
export function withAttack(training: Dataset, attack: Dataset, points: number): Dataset {
  const { features } = training;
  const all = training.points + points;
  const inputs = new Float32Array(all * features);
  const targets = new Float32Array(all);
  inputs.set(training.inputs);
  inputs.set(attack.inputs.subarray(0, points * features), training.points * features);
  targets.set(training.targets);
  for (let i = 0; i < points; i++) targets[training.points + i] = 1 - attack.targets[i];
  return { points: all, features, inputs, targets };
}
