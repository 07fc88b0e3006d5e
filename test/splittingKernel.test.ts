/** The kernel of splitting: its energy against the definition, and that its moves keep the prior. */
import { describe, expect, it } from "vitest";
import { booleanPoints, type Points } from "../src/data/points.ts";
import { sharedKernels } from "../src/engine/module.ts";
import { defineNetwork, type Network } from "../src/network/network.ts";
import { adaptMoves, bitsOf, type Chain, makeChain, setLevel } from "../src/volume/splittingChain.ts";

const kernels = await sharedKernels();

/** Outputs and energy in f64, from parameters `[fanOut][fanIn + 1]` by layer. */
function plain(
  network: Network,
  points: Points,
  w: Float32Array,
  bits: Uint32Array,
  counts: Uint32Array,
  jump: number,
) {
  const { layers, activation, sigmaW2, sigmaB2 } = network;
  const values = points.values();
  const bit = (words: Uint32Array, i: number) => (words[i >> 5] >>> (31 - (i & 31))) & 1;
  let energy = 0;
  const outputs: number[] = [];
  for (let i = 0; i < points.count; i++) {
    let a = [...values.subarray(i * points.features, (i + 1) * points.features)];
    let at = 0;
    let below = a;
    for (let l = 1; l < layers.length; l++) {
      below = a;
      a = Array.from({ length: layers[l] }, () => {
        let z = w[at + below.length];
        for (let j = 0; j < below.length; j++) z += w[at + j] * below[j];
        at += below.length + 1;
        return z;
      });
      if (l + 1 < layers.length) a = a.map((z) => (activation === "relu" ? Math.max(0, z) : Math.tanh(z)));
    }
    const [z] = a;
    outputs.push(z);
    const variance = sigmaB2 + (sigmaW2 / below.length) * below.reduce((sum, h) => sum + h * h, 0);
    if (bit(counts, i) && Number(z > 0) !== bit(bits, i)) {
      energy += jump + (variance > 0 ? Math.abs(z) / Math.sqrt(variance) : 0);
    }
  }
  return { outputs, energy };
}

function started(network: Network, points: Points, bits: Uint32Array, counts: Uint32Array, jump: number): Chain {
  const chain = makeChain(kernels, { network, points, bits, counts, jump });
  kernels.exports.seedLanes(chain.state, 7, 0, 0, 0, 0x7e57);
  kernels.exports.gaussians(chain.parameters, chain.scales, chain.entries / 8, chain.state);
  return chain;
}

const networks = [
  { layers: [5, 1] },
  { layers: [5, 7, 1] },
  { layers: [5, 7, 6, 1], sigmaB2: 0.5 },
  { layers: [5, 4, 9, 3, 1], sigmaW2: 3 },
  { layers: [5, 7, 6, 1], activation: "tanh" },
  { layers: [5, 4, 5, 3, 1], activation: "tanh", sigmaB2: 0 },
] as const;

describe("splitting kernel", () => {
  it.each(networks)("has the energy of the definition, before and after moves: %j", (options) => {
    const network = defineNetwork(options);
    const points = booleanPoints(5);
    const bits = Uint32Array.of(0x96a51e3c);
    const counts = Uint32Array.of(0xfff0ffff);
    kernels.scoped(() => {
      const { exports } = kernels;
      const chain = started(network, points, bits, counts, 0.2);
      const size = network.parameterCount;
      const check = (energy: number): void => {
        const w = kernels.f32(chain.parameters, size).slice();
        const expected = plain(network, points, w, bits, counts, 0.2);
        // sums of some dozen terms of about 1 in f32
        expect(energy).toBeCloseTo(expected.energy, 3);
        const out = kernels.allocate(4);
        const found = bitsOf(kernels, chain, out)[0];
        expected.outputs.forEach((z, i) => {
          if (Math.abs(z) > 1e-5) expect((found >>> (31 - i)) & 1).toBe(Number(z > 0));
        });
      };
      const start = exports.splittingEvaluate(chain.address);
      check(start);
      setLevel(kernels, chain, start);
      for (let k = 0; k < 5; k++) {
        const energy = exports.splittingSweeps(chain.address, 2);
        expect(energy).toBeLessThanOrEqual(Math.fround(start));
        // what the moves kept is what a fresh evaluation finds
        check(energy);
        expect(exports.splittingEvaluate(chain.address)).toBeCloseTo(energy, 3);
      }
      const statistics = adaptMoves(kernels, chain);
      expect(statistics).toHaveLength(network.layers.length - 1);
      for (const { moves, evaluations, angle } of statistics) {
        expect(moves).toBeGreaterThan(0);
        expect(evaluations).toBeGreaterThanOrEqual(1);
        expect(angle).toBeGreaterThan(0);
      }
    });
  });

  it("keeps the prior where every function is allowed: means and variances of long runs", () => {
    const network = defineNetwork({ layers: [3, 4, 3, 1], sigmaW2: 2, sigmaB2: 0.7 });
    const points = booleanPoints(3);
    kernels.scoped(() => {
      const { exports } = kernels;
      const chain = started(network, points, Uint32Array.of(0), Uint32Array.of(0xff000000), 0.1);
      exports.splittingEvaluate(chain.address);
      setLevel(kernels, chain, 1e30);
      const size = network.parameterCount;
      const deviations = kernels.f32(chain.scales, size).slice();
      const draws = 4000;
      let sum = 0;
      let squares = 0;
      let fourths = 0;
      for (let k = 0; k < draws; k++) {
        exports.splittingSweeps(chain.address, 1);
        if (k % 100 === 0) exports.splittingEvaluate(chain.address);
        kernels.f32(chain.parameters, size).forEach((w, i) => {
          const z = w / deviations[i];
          sum += z;
          squares += z * z;
          fourths += z ** 4;
        });
      }
      const n = draws * size;
      // an angle uniform on the circle forgets the state: n draws are worth at least n / 3 independent ones
      expect(Math.abs(sum / n)).toBeLessThan(5 * Math.sqrt(3 / n));
      expect(Math.abs(squares / n - 1)).toBeLessThan(5 * Math.sqrt((2 * 3) / n));
      expect(Math.abs(fourths / n - 3)).toBeLessThan(5 * Math.sqrt((96 * 3) / n));
    });
  });
});
