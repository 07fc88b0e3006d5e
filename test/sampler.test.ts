/** The sampler as a whole: the functions counted are those of the parameters that `sampleParameters` returns. */
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { formatFunction } from "../src/data/functions.ts";
import { booleanPoints, givenPoints, type Points } from "../src/data/points.ts";
import { sharedKernels } from "../src/engine/module.ts";
import { countFunctions, createPool, defineNetwork, type NetworkOptions, sampleParameters } from "../src/index.ts";
import { keyOfParameters } from "../src/network/parameters.ts";
import { type Activation, layersOf } from "./reference/dense.ts";
import { bitsOf, booleanInputs, type Case, hexOf, outputsF64 } from "./reference/functions.ts";
import { unpackRows } from "./reference/table.ts";
import { orbitByHand } from "./truthChecks.ts";

const kernels = await sharedKernels();
const pool = createPool({ workers: 0 });
afterAll(() => pool.close());

/** What f32 sums may be off by, relative to the sum of the absolute values of all that was added. */
const ROUNDING = 3e-7;

interface Setting {
  readonly network: NetworkOptions;
  /** undefined: all Boolean inputs */
  readonly points: number[][] | undefined;
  readonly outputDraws: number;
  readonly seed: bigint;
}

interface Outcome {
  points: number;
  /** points whose output is too close to 0 for f32, or exactly 0 */
  close: number;
  exactZeros: number;
}

function caseOf({ network, points }: Setting): Case {
  return {
    layers: network.layers,
    activation: (network.activation ?? "relu") as Activation,
    points: points ?? booleanInputs(network.layers[0]),
  };
}

/** Checks `bodies` bodies of a setting; @returns how many points there were, and how many were too close to call. */
async function check(setting: Setting, bodies: number): Promise<Outcome> {
  const { network, points, outputDraws, seed } = setting;
  const reference = caseOf(setting);
  const count = reference.points.length;
  const net = defineNetwork(network);
  const own: Points = points
    ? givenPoints({ data: points.flat(), points: count }, network.layers[0])
    : booleanPoints(network.layers[0]);
  const samples = bodies * outputDraws;
  const counted = new Map<string, number>();
  const outcome: Outcome = { points: samples * count, close: 0, exactZeros: 0 };
  for (let sample = 0; sample < samples; sample++) {
    const parameters = await sampleParameters(network, { seed, sample, outputDraws, boolean: points === undefined });
    const f = formatFunction(keyOfParameters(kernels, net, own, parameters), count);
    counted.set(f, (counted.get(f) ?? 0) + 1);
    const bits = bitsOf(f, count);
    outputsF64(reference, parameters).forEach(({ output, relative }, i) => {
      if (output === 0) {
        outcome.exactZeros++;
        expect(bits[i], `point ${i}: the output is exactly 0`).toBe(0);
      } else if (relative < ROUNDING) outcome.close++;
      else if (bits[i] !== Number(output > 0)) {
        throw new Error(`sample ${sample}, point ${i}: bit ${bits[i]}, but the output is ${output} (${relative})`);
      }
    });
    expect(hexOf(bits)).toBe(f);
  }
  const table = await countFunctions(network, {
    samples,
    seed,
    outputDraws,
    pool,
    inputs: points && { data: points.flat(), points: count },
  });
  expect(new Map([...table.rows()].map((row) => [row.function, row.count]))).toEqual(counted);
  table.close();
  return outcome;
}

const hidden = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 4 });
const activation = fc.constantFrom<Activation>("relu", "tanh");
const draws = fc.constantFrom(1, 2, 3, 4, 16);
const variances = fc.constantFrom(
  { sigmaW2: 2, sigmaB2: 1 },
  { sigmaW2: 1, sigmaB2: 0.01 },
  { sigmaW2: 3, sigmaB2: 0 },
  { sigmaW2: 0.5, sigmaB2: 10 },
);
const seed = fc.bigInt(0n, 2n ** 64n - 1n);
const total: Outcome = { points: 0, close: 0, exactZeros: 0 };

function add(outcome: Outcome): void {
  total.points += outcome.points;
  total.close += outcome.close;
}

describe("counted functions = f64 reference on the sampled parameters, except where f32 rounding decides", () => {
  it("on all Boolean inputs, n = 1 to 10, any depth 0 to 4 and widths 1 to 50", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 10 }),
        hidden,
        activation,
        draws,
        variances,
        seed,
        async (n, h, a, m, v, s) => {
          add(
            await check(
              { network: { layers: [n, ...h, 1], activation: a, ...v }, points: undefined, outputDraws: m, seed: s },
              2,
            ),
          );
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it("on the study's network, 7-40-40-1, both activations, 1 and 16 draws", async () => {
    for (const a of ["relu", "tanh"] as const) {
      for (const m of [1, 16]) {
        for (const sigmaB2 of [0, 1]) {
          const network = { layers: [7, 40, 40, 1], activation: a, sigmaB2 };
          add(await check({ network, points: undefined, outputDraws: m, seed: 11n }, m === 1 ? 40 : 4));
        }
      }
    }
  });

  it("on given points, m = 1 to 1024, not multiples of 8, with zeros and negative features", async () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(63, 64, 65, 127, 128, 129, 1023, 1024));
    const feature = fc.oneof(fc.constant(0), fc.constantFrom(1, -1), fc.double({ min: -3, max: 3, noNaN: true }));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 17 }),
        size,
        fc.array(feature, { minLength: 64, maxLength: 64 }),
        hidden,
        activation,
        draws,
        variances,
        seed,
        async (features, count, values, h, a, m, v, s) => {
          // few values, stretched by a stride that is prime to their number
          const points = Array.from({ length: count }, (_, i) =>
            Array.from({ length: features }, (_, j) => Math.fround(values[(i * 7 + j * 13 + (i >> 3)) % 64])),
          );
          add(
            await check(
              { network: { layers: [features, ...h, 1], activation: a, ...v }, points, outputDraws: m, seed: s },
              1,
            ),
          );
        },
      ),
      { numRuns: 60, seed: 2 },
    );
  });

  it("leaves fewer than 2 points in 10^4 too close to call", () => {
    expect(total.points).toBeGreaterThan(100_000);
    expect(total.close / total.points).toBeLessThan(2e-4);
  });

  it("on Boolean inputs given as points gives the functions of the Boolean path for the same parameters", async () => {
    for (const layers of [
      [7, 40, 40, 1],
      [5, 13, 1],
      [3, 1],
      [1, 3, 1],
      [10, 7, 7, 7, 1],
    ]) {
      const n = layers[0];
      const net = defineNetwork({ layers });
      for (let sample = 0; sample < 5; sample++) {
        const parameters = await sampleParameters({ layers }, { seed: 3, sample });
        const inputs = booleanInputs(n);
        const given = givenPoints({ data: inputs.flat(), points: inputs.length }, n);
        const reference = outputsF64({ layers, activation: "relu", points: inputs }, parameters);
        const byPoints = bitsOf(
          formatFunction(keyOfParameters(kernels, net, given, parameters), inputs.length),
          inputs.length,
        );
        const byCube = bitsOf(
          formatFunction(keyOfParameters(kernels, net, booleanPoints(n), parameters), inputs.length),
          inputs.length,
        );
        reference.forEach(({ relative }, i) => {
          if (relative > ROUNDING) expect(byCube[i]).toBe(byPoints[i]);
        });
      }
    }
  });
});

describe("without biases (sigmaB2 = 0)", () => {
  it("the output at the zero input is exactly 0 and its bit 0, any depth and activation", async () => {
    for (const layers of [
      [7, 1],
      [7, 40, 1],
      [7, 40, 40, 1],
      [9, 20, 20, 20, 1],
    ]) {
      for (const a of ["relu", "tanh"] as const) {
        for (const outputDraws of [1, 16]) {
          const table = await countFunctions(
            { layers, activation: a, sigmaB2: 0 },
            { samples: 3200, outputDraws, pool, seed: 4 },
          );
          for (const row of table.rows()) expect(Number.parseInt(row.function[0], 16)).toBeLessThan(8);
          table.close();
        }
      }
    }
  });

  it("where all units of a narrow ReLU layer are dead the output is exactly 0 and the bit 0", async () => {
    let zeros = 0;
    for (const layers of [
      [7, 2, 1],
      [7, 2, 2, 1],
      [7, 4, 2, 1],
      [5, 1, 1, 1, 1],
      [8, 3, 3, 1],
      [3, 1, 5, 1],
    ]) {
      for (const outputDraws of [1, 4]) {
        const network = { layers, sigmaB2: 0 };
        zeros += (await check({ network, points: undefined, outputDraws, seed: 5n }, 20)).exactZeros;
        const points = booleanInputs(layers[0]).map((row) => row.map((v) => 2 * v - 1));
        zeros += (await check({ network, points, outputDraws, seed: 5n }, 20)).exactZeros;
      }
    }
    expect(zeros).toBeGreaterThan(1000);
  });
});

describe("cluster sums", () => {
  // on given points the class is the function and its negation; on Boolean inputs the whole orbit
  it.each([
    ["3-4-1", { layers: [3, 4, 1] }, undefined, 1],
    ["4-6-5-1", { layers: [4, 6, 5, 1] }, undefined, 1],
    ["3-40-1 without biases", { layers: [3, 40, 1], sigmaB2: 0 }, undefined, 2],
    ["3-2-1 without biases", { layers: [3, 2, 1], sigmaB2: 0 }, undefined, 0],
    ["2-5-1 on five points", { layers: [2, 5, 1] }, [1, 2, -1, 3, 0.5, -2, 2, 2, -3, 1], 1],
  ] as const)(
    "of %s are the sums over bodies of c_k^2, and of c_k times the body's draws in the class",
    async (_, network, data, negation) => {
      const outputDraws = 8;
      const bodies = 60;
      const n = network.layers[0];
      const count = data ? data.length / n : 2 ** n;
      const points = data ? givenPoints({ data, points: count }, n) : booleanPoints(n);
      const net = defineNetwork(network);
      const expected = new Map<string, number[]>();
      for (let body = 0; body < bodies; body++) {
        const own = new Map<string, number>();
        const classes = new Map<string, number>();
        const classOf = new Map<string, string>();
        for (let draw = 0; draw < outputDraws; draw++) {
          const sample = body * outputDraws + draw;
          const parameters = await sampleParameters(network, { seed: 8, sample, outputDraws, boolean: !data });
          const f = formatFunction(keyOfParameters(kernels, net, points, parameters), count);
          const c = data ? [f, hexOf(bitsOf(f, count).map((b) => 1 - b))].sort()[0] : orbitByHand(f, n, negation)[0];
          classOf.set(f, c);
          own.set(f, (own.get(f) ?? 0) + 1);
          classes.set(c, (classes.get(c) ?? 0) + 1);
        }
        for (const [f, c] of own) {
          const sums = expected.get(f) ?? [0, 0, 0];
          expected.set(f, [sums[0] + c, sums[1] + c * c, sums[2] + c * classes.get(classOf.get(f)!)!]);
        }
      }
      const table = await countFunctions(network, {
        samples: bodies * outputDraws,
        seed: 8,
        outputDraws,
        pool,
        inputs: data && { data, points: count },
      });
      expect(table.symmetry.negation).toBe(negation);
      let rows = 0;
      for (const segment of table.segments()) {
        for (const { key, sums } of unpackRows(segment, table.shape.words, table.shape.stride)) {
          const [k, squares, classSquares] = expected.get(formatFunction(key, count))!;
          expect(Number(sums[0])).toBe(k);
          expect(Number(sums[1])).toBe(squares);
          // functions of different classes may share a hash: then the sum is larger, on so few bits it is not
          expect(Number(sums[2])).toBe(classSquares);
          rows++;
        }
      }
      expect(rows).toBe(expected.size);
      table.close();
    },
  );
});

describe("parameters of a sample", () => {
  it("have the prior's variances, layer by layer, weights and biases apart", async () => {
    const layers = [7, 40, 40, 1];
    const network = { layers, sigmaW2: 3, sigmaB2: 0.25 };
    for (const outputDraws of [1, 16]) {
      const sums = layers.slice(1).map(() => ({ weights: 0, weightCount: 0, biases: 0, biasCount: 0 }));
      for (let sample = 0; sample < 2000; sample++) {
        // one draw of each body: independent
        const parameters = await sampleParameters(network, {
          seed: 6,
          sample: sample * outputDraws + (sample % outputDraws),
          outputDraws,
        });
        layersOf(layers, parameters).forEach(({ weights, biases, fanIn }, l) => {
          for (let i = 0; i < weights.length; i++) sums[l].weights += weights[i] ** 2 * fanIn;
          for (let i = 0; i < biases.length; i++) sums[l].biases += biases[i] ** 2;
          sums[l].weightCount += weights.length;
          sums[l].biasCount += biases.length;
        });
      }
      for (const { weights, weightCount, biases, biasCount } of sums) {
        // variance of a mean of n squares of N(0, v): 2 v^2 / n; 4.9 standard errors, 1 seed in 10^6 fails
        expect(Math.abs(weights / weightCount / 3 - 1) / Math.sqrt(2 / weightCount)).toBeLessThan(4.9);
        expect(Math.abs(biases / biasCount / 0.25 - 1) / Math.sqrt(2 / biasCount)).toBeLessThan(4.9);
      }
    }
  });

  it("of one body share its hidden layers and differ in the output layer, all drawn at once", async () => {
    const network = { layers: [7, 12, 9, 1] };
    const all = await Promise.all(
      [0, 1, 2, 3, 4].map((sample) => sampleParameters(network, { seed: 7, sample, outputDraws: 4 })),
    );
    const hiddenCount = 12 * 8 + 9 * 13;
    const bodies = all.map((p) => p.subarray(0, hiddenCount).join());
    expect(new Set(bodies.slice(0, 4)).size).toBe(1);
    expect(bodies[4]).not.toBe(bodies[0]);
    expect(new Set(all.map((p) => p.subarray(hiddenCount).join())).size).toBe(5);
    expect(new Set(all.flatMap((p) => [...p.subarray(hiddenCount)])).size).toBe(50);
  });

  it("do not depend on what was drawn before, and differ between seeds beyond 2^53 and 2^63", async () => {
    const network = { layers: [7, 5, 1] };
    const seeds = [0n, 1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 53n + 2n, 2n ** 63n, 2n ** 64n - 1n];
    const first = await Promise.all(seeds.map((s) => sampleParameters(network, { seed: s, sample: 12345 })));
    expect(new Set(first.map((p) => p.join())).size).toBe(seeds.length);
    const again = await Promise.all(seeds.map((s) => sampleParameters(network, { seed: s, sample: 12345 })));
    expect(again).toEqual(first);
    expect(await sampleParameters(network, { seed: 1, sample: 12345 })).toEqual(first[1]);
    // indices past 2^32 are not folded
    const far = await sampleParameters(network, { seed: 1, sample: 12345 + 2 ** 32 });
    expect(far).not.toEqual(first[1]);
  });
});
