/** Many trainings in a call against each of them by `train`. */
import { describe, expect, it } from "vitest";
import { formatFunction } from "../src/data/functions.ts";
import { fullBuild, sharedKernels } from "../src/engine/module.ts";
import { Pool } from "../src/engine/pool.ts";
import { derivedSeed } from "../src/engine/random.ts";
import { onBuild } from "../src/engine/task.ts";
import { train } from "../src/flatness.ts";
import { functionOf } from "../src/network/evaluate.ts";
import { defineNetwork } from "../src/network/network.ts";
import { checkOptimizer, type OptimizerOptions } from "../src/training/optimiser.ts";
import { MANY_STREAM, NEVER, trainManyTask } from "../src/training/trainManyTask.ts";

const network = defineNetwork({ layers: [4, 9, 7, 1] });
// x_0 xor x_3 on ten of the sixteen inputs
const inputs = [0, 1, 2, 3, 5, 8, 9, 11, 13, 14];
const data = {
  points: 10,
  features: 4,
  inputs: Float32Array.from(inputs.flatMap((i) => [3, 2, 1, 0].map((j) => (i >> j) & 1))),
  targets: Float32Array.from(inputs, (i) => ((i >> 3) ^ i) & 1),
};

describe("trainMany", () => {
  it.each([
    { optimizer: "sgd", learningRate: 0.2 },
    { optimizer: "momentum", learningRate: 0.05 },
    { optimizer: "adam", learningRate: 0.01 },
    { optimizer: "entropy-sgd", learningRate: 1, innerSteps: 2, innerLearningRate: 0.3 },
  ] as OptimizerOptions[])("ends as train does, training by training: %j", async (options) => {
    const pool = new Pool({ workers: 0 });
    const kernels = await sharedKernels();
    const [count, maxEpochs, batch] = [12, 60, 4];
    const args = { network, data, settings: checkOptimizer(options), batch, maxEpochs, first: 5, count, seed: 9n };
    const { functions, epochs } = await pool.run(onBuild(fullBuild, trainManyTask), args);
    let reached = 0;
    for (let i = 0; i < count; i++) {
      const seed = derivedSeed(kernels, 9n, 5 + i, MANY_STREAM);
      const one = await train(network, data, { ...options, loss: "bce", batch, maxEpochs, seed, pool });
      expect(epochs[i]).toBe(one.convergedAt ?? NEVER);
      if (!one.converged) continue;
      reached++;
      expect(formatFunction(functions, 16, i)).toBe(await functionOf(network, one.parameters));
    }
    expect(reached).toBeGreaterThan(3);
    // any chunks
    const part = await pool.run(onBuild(fullBuild, trainManyTask), { ...args, first: 9, count: 3 });
    expect([...part.functions]).toEqual([...functions.subarray(4, 7)]);
    pool.close();
  });
});
