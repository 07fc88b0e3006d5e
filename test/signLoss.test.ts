/** The sign loss and the moves on it: against plain f64, central differences, and distributions known in closed form. */
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { RandomStream } from "../src/engine/random.ts";
import { evaluate } from "../src/index.ts";
import { defineNetwork, type NetworkOptions } from "../src/network/network.ts";
import { priorDeviations } from "../src/network/priorDeviations.ts";
import { getParameters, makeTrainingPlan, putParameters } from "../src/training/plan.ts";
import { TemperedChain } from "../src/volume/temperedChain.ts";
import { signLoss } from "./reference/signLoss.ts";

const kernels = await sharedKernels();

/** Random points, targets and parameters of the prior's size. */
function problem(options: NetworkOptions, points: number, seed: bigint) {
  const network = defineNetwork(options);
  const features = network.layers[0];
  const draw = (n: number, stream: number): Float32Array => {
    const out = new Float32Array(n);
    new RandomStream(kernels, seed, 0, stream).gaussians(out);
    return out;
  };
  const inputs = draw(points * features, 1).map((x) => (x > -0.3 ? x : 0));
  const targets = draw(points, 2).map((x) => Number(x > 0));
  const deviations = priorDeviations(network);
  const w = draw(network.parameterCount, 3).map((x, i) => x * deviations[i]);
  return { network, features, inputs, targets, points, w };
}

describe("signLossGradient", () => {
  it.each([
    [{ layers: [3, 5, 4, 1] }, 10],
    [{ layers: [3, 5, 4, 1], activation: "tanh" }, 300],
    [{ layers: [6, 9, 1] }, 700],
    [{ layers: [2, 1] }, 5],
  ] as Array<[NetworkOptions, number]>)(
    "is the plain loss, and its derivative along three directions by central differences in f64: %j, %i points",
    async (options, points) => {
      const { network, features, inputs, targets, w } = problem(options, points, 5n);
      const lossAt = async (v: Float32Array): Promise<number> =>
        signLoss(await evaluate(options, v, inputs, points), targets, beta);
      const beta = 1.7;
      const given = kernels.scoped(() => {
        const plan = makeTrainingPlan(kernels, network, { points, features, inputs, targets }, "bce");
        const [outputs, slopes] = [0, 1].map(() => kernels.allocate(4 * points));
        putParameters(kernels, plan, w, plan.w);
        const loss = kernels.exports.signLossGradient(plan.address, points, beta, outputs, slopes);
        const gradient = new Float32Array(w.length);
        getParameters(kernels, plan, plan.gradient, gradient);
        return { loss, gradient, outputs: kernels.f32(outputs, points).slice() };
      });
      expect(Array.from(given.outputs)).toEqual(
        Array.from(await evaluate(options, w, inputs, points), (z) => expect.closeTo(z, 4)),
      );
      // f32 outputs: 1e-6 of the loss's slope in each
      expect(Math.abs(given.loss / (await lossAt(w)) - 1)).toBeLessThan(1e-5);
      for (let k = 0; k < 3; k++) {
        const direction = new Float32Array(w.length);
        new RandomStream(kernels, 7n, k, 4).gaussians(direction);
        const h = 2e-3;
        const along = (c: number): Float32Array => w.map((x, i) => x + c * direction[i]);
        const difference = ((await lossAt(along(h))) - (await lossAt(along(-h)))) / (2 * h);
        const slope = direction.reduce((sum, d, i) => sum + d * given.gradient[i], 0);
        const size = Math.sqrt(given.gradient.reduce((sum, g) => sum + g * g, 0));
        // f32 losses differ by some 1e-6 of themselves, over 2 h; kinks of ReLU within h
        expect(Math.abs(slope - difference)).toBeLessThan(0.02 * size + (1e-5 * given.loss) / h);
      }
    },
  );

  it("does not change as all outputs are scaled, and is m ln 2 where they are all 0", () => {
    const { network, inputs, targets, points } = problem({ layers: [2, 3, 1], sigmaB2: 0 }, 6, 2n);
    kernels.scoped(() => {
      const chain = new TemperedChain(kernels, { network, inputs, points, targets });
      chain.set(2, 0.1);
      kernels.f32(chain.position, chain.bytes / 4).fill(0);
      expect(chain.evaluate()).toBeCloseTo(6 * Math.LN2, 12);
      kernels.f32(chain.outputs, 6).set([1, -2, 0.5, 3, -1, 2]);
      const margins = (): number[] => {
        const out = kernels.allocate(24);
        kernels.exports.signMargins(chain.outputs, chain.targets, 6, out);
        return Array.from(kernels.f32(out, 6));
      };
      const one = margins();
      kernels.f32(chain.outputs, 6).set([4, -8, 2, 12, -4, 8]);
      expect(margins()).toEqual(one);
    });
  });

  it("counts wrong signs: an output of exactly 0 has the bit 0", () => {
    kernels.scoped(() => {
      const outputs = kernels.put(Float32Array.of(0, 0, -0, 1, -1, 2, -2));
      const targets = kernels.put(Float32Array.of(0, 1, 1, 1, 1, 0, 0));
      expect(kernels.exports.wrongSigns(outputs, targets, 7)).toBe(4);
    });
  });
});

describe("moves", () => {
  it("at beta 0 leave the prior as it is: every move is accepted, to rounding, and E|x|^2 is the number of parameters", () => {
    const { network, inputs, targets, points } = problem({ layers: [3, 6, 5, 1] }, 8, 3n);
    kernels.scoped(() => {
      const chain = new TemperedChain(kernels, { network, inputs, points, targets });
      kernels.exports.seedLanes(chain.state, 1, 0, 0, 0, 1);
      chain.draw();
      chain.set(0, 0.3);
      let sum = 0;
      const moves = 400;
      for (let k = 0; k < moves; k++) {
        chain.move(7);
        sum += kernels.f32(chain.position, chain.bytes / 4).reduce((a, x) => a + x * x, 0);
      }
      expect(chain.statistics().acceptance).toBeGreaterThan(0.9999);
      expect(chain.statistics().gradients).toBe(8 * moves);
      // chi-square of 65, 400 draws that are almost independent (a turn by 2 radians): 5 standard errors, doubled
      const n = network.parameterCount;
      expect(Math.abs(sum / moves - n)).toBeLessThan(10 * Math.sqrt((2 * n) / moves));
    });
  });

  it("at beta > 0 sample a bias alone: E[y] of 1 point is 1 / (1 + exp(-beta)) - that of the loss of its sign", () => {
    // one output b + w x with x = 0, so z = b ~ N(0, 1) and t = beta sign(b): the loss takes two values
    const network = defineNetwork({ layers: [1, 1] });
    kernels.scoped(() => {
      const targets = Float32Array.of(1);
      const chain = new TemperedChain(kernels, { network, inputs: Float32Array.of(0), points: 1, targets });
      kernels.exports.seedLanes(chain.state, 9, 0, 0, 0, 1);
      chain.draw();
      const beta = 1.2;
      chain.set(beta, 0.5);
      let right = 0;
      const moves = 20_000;
      for (let k = 0; k < moves; k++) {
        chain.move(4);
        right += Number(kernels.f32(chain.outputs, 1)[0] > 0);
      }
      // P(right) = sigma(beta), since both signs have half the prior; 5 standard errors, doubled for correlation
      const p = 1 / (1 + Math.exp(-beta));
      expect(Math.abs(right / moves - p)).toBeLessThan(10 * Math.sqrt((p * (1 - p)) / moves));
      // a move that crosses 0 to the wrong side meets the loss's jump
      expect(chain.statistics().acceptance).toBeLessThan(1);
    });
  });
});
