/** One number of every kind, from fixed seeds: what must be the same bits wherever it is computed. Runs in Node and on a page. */
import { countFunctions, createPool } from "flatvol";
import { flatness, train } from "flatvol/flatness";
import { expectationPropagation, nngpKernel, orthantProbability, splittingVolume } from "flatvol/volume";

const points = Float32Array.from({ length: 7 * 64 }, (_, i) => (Math.floor(i / 7) >> (6 - (i % 7))) & 1);
const targets = Float32Array.from({ length: 64 }, (_, i) => Number((i & 7) > 3 !== (i & 16) > 0));

export async function numbers(workers) {
  const pool = createPool({ workers });
  try {
    const table = await countFunctions({ layers: [7, 40, 40, 1] }, { samples: 20_000, seed: 1, outputDraws: 4, pool });
    const digest = await table.digest();
    table.close();
    const network = { layers: [7, 20, 20, 1] };
    const data = { points: 64, features: 7, inputs: points, targets };
    const { parameters, epochs, trainLoss } = await train(network, data, {
      loss: "bce",
      optimizer: "adam",
      learningRate: 0.01,
      batch: 16,
      seed: 2,
      pool,
    });
    const measures = ["keskar", "trace", "top-eigenvalues", "pac-bayes-sigma", "fisher-rao"];
    const flat = await flatness(network, parameters, data, { loss: "bce", measures, seed: 3, pool });
    const splitting = await splittingVolume(
      { layers: [5, 12, 12, 1] },
      { function: "0117177f", particles: 40, repetitions: 3, seed: 4, pool },
    );
    const { kernel } = await nngpKernel({ depth: 2 }, { bits: 7 });
    const labels = "7f7f37173f3713113717110113110000";
    const ep = await expectationPropagation(kernel, labels, { pool });
    const orthant = await orthantProbability(kernel, labels, { samples: 4096, seed: 5, pool });
    return {
      digest,
      parameters: Array.from(parameters),
      training: [epochs, trainLoss],
      flatness: measures.map((name) => [name, flat[name].value, flat[name].standardError ?? null]),
      splitting: [splitting.logP, splitting.standardError],
      ep: [ep.logP, ep.iterations],
      orthant: [orthant.logP, orthant.standardError],
    };
  } finally {
    pool.close();
  }
}
