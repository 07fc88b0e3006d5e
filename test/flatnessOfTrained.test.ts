/** From training to flatness through the public functions: measures in workers on the module's own surfaces. */
import { expect, it } from "vitest";
import { measures } from "../src/flatness/index.ts";
import { type Dataset, flatness, landscape, train } from "../src/flatness.ts";
import { PlainSurface } from "./reference/plainSurface.ts";

const network = { layers: [5, 8, 6, 1] };
const data: Dataset = {
  points: 24,
  features: 5,
  inputs: Float32Array.from({ length: 120 }, (_, i) => ((i * i * 29 + i * 7) % 101) / 50 - 1),
  targets: Float32Array.from({ length: 24 }, (_, i) => ((i * 5) % 7) % 2),
};

it("a trained network's flatness is the same in workers and in the calling thread, and agrees with plain f64", async () => {
  const { parameters, converged } = await train(network, data, {
    loss: "bce",
    optimizer: "adam",
    learningRate: 0.01,
    seed: 2,
  });
  expect(converged).toBe(true);
  const names = measures.map((m) => m.name).filter((name) => name !== "llc" && name !== "spectral-density");
  const options = { loss: "bce", measures: names, seed: 4, keskarEpochs: 5, localVolumeDirections: 20 } as const;
  const two = await flatness(network, parameters, data, { ...options, workers: 2 });
  const none = await flatness(network, parameters, data, { ...options, workers: 0 });
  expect(two).toEqual(none);
  expect(two.error).toBe(0);
  const plain = await new PlainSurface(network, data, "bce").evaluate(parameters);
  expect(Math.abs(two.loss - plain.loss)).toBeLessThan(1e-5);
  for (const name of names) expect(Number.isFinite(two[name].value), name).toBe(true);

  const line = await landscape(network, parameters, data, { loss: "bce", steps: 5, radius: 0.5, seed: 1, workers: 2 });
  expect(line.losses[2]).toBe(line.loss);
  expect(line.loss).toBe(two.loss);
});
