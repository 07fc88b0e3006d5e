/**
 * The same bits everywhere: digests recorded once in Node 20 on x86-64. Chromium, and any other machine, must give them too.
 * (That the tables are right is for other tests to say; these change only if what is drawn or evaluated changes on purpose.)
 */
import { expect, it } from "vitest";
import { type CountOptions, countFunctions, type NetworkOptions } from "../src/index.ts";

const points = { points: 20, data: Float32Array.from({ length: 60 }, (_, i) => ((i * 37) % 41) / 41 - 0.5) };

const runs: ReadonlyArray<readonly [string, NetworkOptions, CountOptions, string]> = [
  [
    "7-40-40-1",
    { layers: [7, 40, 40, 1] },
    { samples: 20_000, seed: 1 },
    "6d64e8ea7e50fbc60e3e80c9c63360c570396c4c343d63669f3e998a876ef0f4",
  ],
  [
    "7-40-40-1, 16 output draws",
    { layers: [7, 40, 40, 1] },
    { samples: 160_000, seed: 1, outputDraws: 16 },
    "6f29b00dfb72945abef18725b47b73de0abdcc52e89d89188b000f92438cc812",
  ],
  [
    "7-40-40-1, no biases",
    { layers: [7, 40, 40, 1], sigmaB2: 0 },
    { samples: 20_000, seed: 1 },
    "1e9676cff388a1206d9adcb4c5930fdfc0513924abe24dcc52eca26b1a2db954",
  ],
  [
    "5-9-1, tanh",
    { layers: [5, 9, 1], activation: "tanh", sigmaW2: 3 },
    { samples: 20_000, seed: 2 },
    "c90f5bb421f26118bdd817fd71324e1854b05a7d835ea9ab1cf34c5f955859c7",
  ],
  [
    "10-12-11-1",
    { layers: [10, 12, 11, 1] },
    { samples: 2000, seed: 3 },
    "ae3ebcfaa8331b8206052e5b32f2980b08da6b190a11d6e6db36b8045aa24463",
  ],
  [
    "3-8-6-1 on points",
    { layers: [3, 8, 6, 1] },
    { samples: 20_000, seed: 4, inputs: points },
    "eed177799730b4eb717e60abf31ee7408ec234cc1035f7bcfeb2752a4df3d132",
  ],
];

it.each(runs)("%s", async (_, network, options, digest) => {
  for (const workers of [0, 2]) {
    const table = await countFunctions(network, { ...options, workers });
    expect(await table.digest()).toBe(digest);
    table.close();
  }
});
