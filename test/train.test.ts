/** Training: against the same steps in plain f64, to zero error, and what it says of itself. */
import { describe, expect, it } from "vitest";
import { Kernels } from "../src/engine/kernels.ts";
import { compileModule, sharedKernels } from "../src/engine/module.ts";
import { flatness, type TrainOptions, train } from "../src/flatness/api.ts";
import { measures } from "../src/flatness/index.ts";
import { shuffledPoints } from "../src/flatness/minibatch.ts";
import { createPool, defineNetwork } from "../src/index.ts";
import { LocalSurface } from "../src/training/localSurface.ts";
import { cosineFactor, OPTIMIZERS, type OptimizerOptions } from "../src/training/optimiser.ts";
import type { Dataset } from "../src/training/surface.ts";
import { initialParameters } from "../src/training/train.ts";
import { SHUFFLE_STREAM } from "../src/training/trainTask.ts";
import * as rules from "./reference/optimisers.ts";
import { PlainSurface } from "./reference/plainSurface.ts";

const network = { layers: [7, 40, 40, 1] };

/** The 128 Boolean inputs, every second one in the set; the target is the majority of the first five bits. */
function booleanData(parity: number): Dataset {
  const chosen = Array.from({ length: 128 }, (_, i) => i).filter((i) => ((i * 37) % 128) % 2 === parity);
  const bit = (i: number, j: number): number => (i >> (6 - j)) & 1;
  return {
    points: chosen.length,
    features: 7,
    inputs: Float32Array.from(chosen.flatMap((i) => [0, 1, 2, 3, 4, 5, 6].map((j) => bit(i, j)))),
    targets: Float32Array.from(chosen, (i) => Number([0, 1, 2, 3, 4].reduce((sum, j) => sum + bit(i, j), 0) > 2)),
  };
}
const data = booleanData(0);
const test = booleanData(1);

/** The listed points, in that order. */
function subset({ features, inputs, targets }: Dataset, points: Uint32Array): Dataset {
  return {
    points: points.length,
    features,
    inputs: Float32Array.from([...points].flatMap((i) => [...inputs.subarray(features * i, features * (i + 1))])),
    targets: Float32Array.from(points, (i) => targets[i]),
  };
}

const settings: ReadonlyArray<OptimizerOptions & { maxEpochs?: number }> = [
  { optimizer: "sgd", learningRate: 0.1 },
  { optimizer: "momentum" },
  { optimizer: "nesterov" },
  { optimizer: "adam" },
  { optimizer: "adagrad" },
  { optimizer: "rmsprop" },
  { optimizer: "entropy-sgd" },
  { optimizer: "sam", learningRate: 0.1 },
];

describe("to zero error", () => {
  it.each(settings)("$optimizer", async (options) => {
    const pool = createPool({ workers: 0 });
    const run: TrainOptions = { ...options, loss: "bce", batch: 16, seed: 3, maxEpochs: 2000, test, pool };
    const result = await train(network, data, run);
    expect(result.converged).toBe(true);
    expect(result.convergedAt).toBe(result.epochs);
    expect(result.trainError).toBe(0);
    expect(result.testAccuracy).toBeGreaterThan(0.6);
    // what it says of the parameters is so, by plain f64
    const plain = new PlainSurface(network, data, "bce");
    const { loss, error } = await plain.evaluate(result.parameters);
    expect(error).toBe(0);
    expect(Math.abs(loss - result.trainLoss)).toBeLessThan(1e-5);
  });

  it("covers every optimiser", () => {
    expect(settings.map((s) => s.optimizer)).toEqual([...OPTIMIZERS]);
  });
});

describe("steps", () => {
  const small = { layers: [7, 6, 1], activation: "tanh" as const };

  const lambda = 0.01;
  const entropy = { innerSteps: 3, innerLearningRate: 0.2, averaging: 0.6, scope: 0.5, scopeGrowth: 0.1, noise: 0 };
  const inner = { steps: 3, rate: 0.2, averaging: 0.6, scope: 0.5, growth: 0.1 };
  const sgd = (decay: number) => (rate: number) => rules.sgd(rate, decay);
  const heavyBall =
    (decay: number, mu: number, nesterov = false) =>
    (rate: number) =>
      rules.momentum(rate, decay, mu, nesterov);

  it.each<readonly [OptimizerOptions, rules.Epoch]>([
    [{ optimizer: "sgd", weightDecay: lambda }, rules.stepwise(sgd(lambda))],
    [{ optimizer: "momentum", momentum: 0.8, weightDecay: lambda }, rules.stepwise(heavyBall(lambda, 0.8))],
    [{ optimizer: "nesterov", weightDecay: lambda }, rules.stepwise(heavyBall(lambda, 0.9, true))],
    [
      { optimizer: "adam", learningRate: 0.01, weightDecay: lambda },
      rules.stepwise((rate) => rules.adam(rate, lambda, 0.9, 0.999, 1e-8)),
    ],
    [{ optimizer: "adagrad", weightDecay: lambda }, rules.stepwise((rate) => rules.adagrad(rate, lambda, 1e-10))],
    [
      { optimizer: "rmsprop", learningRate: 0.01, weightDecay: lambda },
      rules.stepwise((rate) => rules.rmsprop(rate, lambda, 0.99, 1e-8)),
    ],
    [{ optimizer: "sam", rho: 0.3, weightDecay: lambda }, rules.sam(0.3, sgd(lambda))],
    [{ optimizer: "sam", rho: 0.3, momentum: 0.9 }, rules.sam(0.3, heavyBall(0, 0.9))],
    [{ optimizer: "entropy-sgd", ...entropy, weightDecay: lambda }, rules.entropySgd({ ...inner, lambda }, sgd(0))],
    [
      { optimizer: "entropy-sgd", ...entropy, momentum: 0.5 },
      rules.entropySgd({ ...inner, lambda: 0 }, heavyBall(0, 0.5)),
    ],
  ])(
    "%j: three epochs of minibatches are those of the plain rule, at a constant rate and along the cosine",
    async (options, epochOf) => {
      for (const schedule of ["constant", "cosine"] as const) {
        const learningRate = options.learningRate ?? 0.05;
        const epochs = 3;
        const run = { ...options, learningRate, schedule, loss: "bce", batch: 10, seed: 5, targetLoss: 0 } as const;
        const result = await train(small, data, { ...run, maxEpochs: epochs, workers: 0 });
        expect(result.converged).toBe(false);
        expect(result.epochs).toBe(epochs);
        const kernels = await sharedKernels();
        const w = [...(await initialParameters(defineNetwork(small), 5n))];
        const start = [...w];
        const state = { first: w.map(() => 0), second: w.map(() => 0), steps: 0 };
        for (let epoch = 0; epoch < epochs; epoch++) {
          const order = shuffledPoints(kernels, 5n, epoch, SHUFFLE_STREAM, data.points);
          expect([...order].sort((a, b) => a - b)).toEqual([...order.keys()]);
          let at = 0;
          let batch = data;
          const gradients: rules.Gradients = async (there, stay = false) => {
            if (!stay) {
              if (at >= data.points) return undefined;
              batch = subset(data, order.subarray(at, at + 10));
              at += 10;
            }
            const g = new Float64Array(w.length);
            new PlainSurface(small, batch, "bce").gradientAt(there, g);
            return [...g];
          };
          const factor = schedule === "cosine" ? (1 + Math.cos((Math.PI * epoch) / epochs)) / 2 : 1;
          await epochOf(w, gradients, state, learningRate * factor);
        }
        // some 20 steps of f32 roundings of parameters near 1; they have gone much further
        const moved = Math.max(...w.map((x, i) => Math.abs(x - start[i])));
        expect(moved).toBeGreaterThan(1e-2);
        result.parameters.forEach((x, i) => {
          expect(Math.abs(x - w[i])).toBeLessThan(1e-5);
        });
      }
    },
  );

  it.each([
    ["SAM with rho = 0 is its base", { optimizer: "sam", rho: 0 }, { optimizer: "sgd" }],
    ["with momentum too", { optimizer: "sam", rho: 0, momentum: 0.8 }, { optimizer: "momentum", momentum: 0.8 }],
    ["Entropy-SGD with L = 0 is SGD", { optimizer: "entropy-sgd", innerSteps: 0 }, { optimizer: "sgd" }],
    [
      "with momentum too",
      { optimizer: "entropy-sgd", innerSteps: 0, momentum: 0.8 },
      { optimizer: "momentum", momentum: 0.8 },
    ],
    ["momentum of 0 is SGD", { optimizer: "momentum", momentum: 0 }, { optimizer: "sgd" }],
  ] as const)("%s, to the bit", async (_, options, base) => {
    const run = { loss: "bce", learningRate: 0.05, weightDecay: 0.01, batch: 10, seed: 5, targetLoss: 0 } as const;
    const both = [options, base].map((own) => train(small, data, { ...run, ...own, maxEpochs: 3, workers: 0 }));
    const [degenerate, plain] = await Promise.all(both);
    expect(degenerate.parameters).toEqual(plain.parameters);
  });

  it("Entropy-SGD with one inner step, no noise and no memory is SGD at the inner rate", async () => {
    const run = { loss: "bce", batch: 10, seed: 5, targetLoss: 0, maxEpochs: 3, workers: 0 } as const;
    const one = { optimizer: "entropy-sgd", innerSteps: 1, averaging: 1, noise: 0, innerLearningRate: 0.05 } as const;
    const degenerate = await train(small, data, { ...run, ...one, learningRate: 1 });
    const plain = await train(small, data, { ...run, optimizer: "sgd", learningRate: 0.05 });
    plain.parameters.forEach((x, i) => {
      expect(Math.abs(x - degenerate.parameters[i])).toBeLessThan(1e-5);
    });
  });

  it("SAM's step is the gradient at w + rho g / |g|", async () => {
    const net = defineNetwork(small);
    const start = await initialParameters(net, 6n);
    const run: TrainOptions = { optimizer: "sam", rho: 0.3, learningRate: 0.1, loss: "bce", batch: 1000, seed: 6 };
    const { parameters } = await train(small, data, { ...run, maxEpochs: 1, targetLoss: 0, workers: 0 });
    const plain = new PlainSurface(small, data, "bce");
    const g = new Float32Array(start.length);
    await plain.gradient(start, g);
    const norm = Math.sqrt(g.reduce((sum, x) => sum + x * x, 0));
    await plain.gradient(
      start.map((x, i) => x + (0.3 * g[i]) / norm),
      g,
    );
    parameters.forEach((x, i) => {
      expect(Math.abs(x - (start[i] - 0.1 * g[i]))).toBeLessThan(1e-6);
    });
  });

  it("Entropy-SGD without noise: L steps towards x, then along x - mu", async () => {
    const net = defineNetwork(small);
    const start = await initialParameters(net, 7n);
    const entropy = { innerSteps: 3, innerLearningRate: 0.2, scope: 0.5, averaging: 0.75, noise: 0, learningRate: 0.6 };
    const run: TrainOptions = { optimizer: "entropy-sgd", ...entropy, loss: "bce", batch: 1000, seed: 7 };
    // one epoch is one minibatch, so one inner step; three points a batch of a third each would mix in the shuffle
    const { parameters } = await train(small, data, { ...run, maxEpochs: 1, targetLoss: 0, workers: 0 });
    const g = new Float32Array(start.length);
    await new PlainSurface(small, data, "bce").gradient(start, g);
    parameters.forEach((x, i) => {
      // x' = x - 0.2 g; mu = x / 4 + 3 x' / 4; x - 0.6 (x - mu)
      expect(Math.abs(x - (start[i] - 0.6 * 0.75 * 0.2 * g[i]))).toBeLessThan(1e-6);
    });
  });

  it("Entropy-SGD's noise moves the parameters, padding stays 0", async () => {
    const run: TrainOptions = { optimizer: "entropy-sgd", noise: 0.1, loss: "bce", seed: 7, maxEpochs: 2, workers: 0 };
    const noisy = await train(small, data, { ...run, targetLoss: 0 });
    const quiet = await train(small, data, { ...run, noise: 0, targetLoss: 0 });
    expect(noisy.parameters).not.toEqual(quiet.parameters);
    const kernels = await Kernels.create(await compileModule());
    const surface = new LocalSurface(kernels, defineNetwork(small), data, "bce");
    expect(Math.abs((await surface.loss(noisy.parameters)) - noisy.trainLoss)).toBeLessThan(1e-12);
  });
});

describe("a training", () => {
  it("is the same to the bit in the calling thread, in a worker, and beside others", async () => {
    const run: TrainOptions = { loss: "bce", optimizer: "entropy-sgd", seed: 9, maxEpochs: 20 };
    const here = await train(network, data, { ...run, workers: 0 });
    const pool = createPool({ workers: 2 });
    const both = await Promise.all([0, 1, 2].map(() => train(network, data, { ...run, pool })));
    pool.close();
    for (const { parameters } of both) expect(parameters).toEqual(here.parameters);
  });

  it("keeps to the genuine points, the cap, the epochs beyond, and the history asked for", async () => {
    const attack: Dataset = { ...data, targets: data.targets.map((t, i) => (i < 48 ? t : 1 - t)) };
    const run: TrainOptions = { loss: "bce", learningRate: 0.1, batch: 16, seed: 3, genuine: 48, workers: 0 };
    const result = await train(network, attack, { ...run, maxEpochs: 3000, extraEpochs: 7, historyEvery: 5, test });
    expect(result.converged).toBe(true);
    expect(result.epochs).toBe((result.convergedAt ?? 0) + 7);
    expect(result.history.map((r) => r.epoch)).toEqual(
      Array.from({ length: Math.floor(result.epochs / 5) + 1 }, (_, i) => 5 * i),
    );
    const early = await train(network, attack, { ...run, maxEpochs: 1 });
    expect(early.converged).toBe(false);
    expect(early.epochs).toBe(1);
    expect(early.trainError).toBeGreaterThan(0);
  });

  it("reports loss, error and accuracy as they are at that epoch", async () => {
    const attack: Dataset = { ...data, targets: data.targets.map((t, i) => (i < 48 ? t : 1 - t)) };
    const run: TrainOptions = { loss: "bce", learningRate: 0.1, batch: 16, seed: 3, genuine: 48, test, workers: 0 };
    const { history } = await train(network, attack, { ...run, maxEpochs: 9, historyEvery: 3 });
    for (const { epoch, loss, error, accuracy, testAccuracy } of history) {
      const there = await train(network, attack, { ...run, maxEpochs: epoch });
      expect([loss, error, accuracy, testAccuracy]).toEqual([
        there.trainLoss,
        there.trainError,
        there.trainAccuracy,
        there.testAccuracy,
      ]);
      const plain = new PlainSurface(network, attack, "bce");
      expect(Math.abs(plain.lossAt(there.parameters) - loss)).toBeLessThan(1e-5);
      const right = attack.targets
        .slice(0, 48)
        .filter((t, i) => Number(plain.output(there.parameters, i)[0] > 0) === t).length;
      expect(accuracy).toBe(right / 48);
      expect(error).toBe((48 - right) / 48);
    }
  });

  it("that diverges is an error that says where", async () => {
    const run: TrainOptions = { loss: "mse", learningRate: 1e6, targetLoss: 1e-3, workers: 0 };
    await expect(train(network, data, run)).rejects.toThrow(/^train: it diverged in epoch \d+: the loss became/);
  });

  it.each([
    [{ loss: "ce" }, RangeError, /^loss: expected "bce"/],
    [{ loss: "bce", optimizer: "lion" }, RangeError, /^optimizer: expected one of sgd/],
    [{ loss: "bce", learningRate: -1 }, RangeError, /^learningRate: .* got -1$/],
    [{ loss: "bce", momentum: Number.NaN }, RangeError, /^momentum: .* got NaN$/],
    [{ loss: "bce", batch: 0 }, RangeError, /^batch: .* got 0$/],
    [{ loss: "bce", genuine: 65 }, RangeError, /^genuine: expected an integer from 1 to 64, got 65$/],
    [{ loss: "mse" }, TypeError, /^targetLoss: /],
    [{ loss: "bce", learningrate: 1 }, TypeError, /^options.learningrate: no such option/],
    [
      { loss: "bce", measures: ["flat"] },
      RangeError,
      /^measures\[0\]: expected one of keskar-protocol, .*, got "flat"$/,
    ],
    [{ loss: "bce", measures: "trace" }, TypeError, /^measures: expected an array of names, got "trace"$/],
    [
      { loss: "bce", measures: ["trace", "trace"] },
      RangeError,
      /^measures\[1\]: expected each name once, got "trace"$/,
    ],
    [
      { loss: "bce", measures: ["trace"] },
      RangeError,
      /^measureEvery: expected at least 1, or historyEvery, .* got 0$/,
    ],
    [{ loss: "bce", measures: ["trace"], measureEvery: -1 }, RangeError, /^measureEvery: .* got -1$/],
    [{ loss: "bce", measures: ["trace"], measurePoints: "test" }, RangeError, /^measurePoints: .* got "test"$/],
    [{ loss: "bce", measureOptions: { traceProduct: 9 } }, TypeError, /^measureOptions.traceProduct: no such option/],
    [{ loss: "bce", measureOptions: { traceProducts: 1 } }, RangeError, /^traceProducts: .* got 1$/],
    [{ loss: "bce", measureOptions: null }, TypeError, /^measureOptions: expected an object, got null$/],
    [
      { loss: "mse", targetLoss: 0, measures: ["pac-bayes-sigma"], measureEvery: 1 },
      RangeError,
      /^measures\[0\]: "pac-bayes-sigma" needs the loss bce or ce, got mse$/,
    ],
    [
      { loss: "bce", genuine: 1, measures: ["llc"], measureEvery: 1, measurePoints: "genuine" },
      RangeError,
      /^llcBeta: expected a number, as 1 \/ ln n is not defined for n = 1 points$/,
    ],
    [{ loss: "bce", parameters: new Float32Array(3) }, RangeError, /^parameters: expected 2001 numbers, got 3$/],
  ])("%j is refused before any work", async (options, kind, message) => {
    const call = train(network, data, options as TrainOptions);
    await expect(call).rejects.toThrow(kind);
    await expect(call).rejects.toThrow(message);
  });
});

describe("measures on the way", () => {
  const tiny = { layers: [7, 4, 1] };
  const names = measures.map(({ name }) => name);
  const measureOptions = {
    keskarEpochs: 2,
    keskarStarts: 1,
    samStarts: 1,
    asamStarts: 1,
    pacBayesDraws: 10,
    pacBayesError: 0.9,
    localVolumeDirections: 10,
    llcBurnIn: 10,
    llcDraws: 20,
    densityProbes: 2,
  };
  const base: TrainOptions = { loss: "bce", batch: 16, seed: 11, genuine: 50, maxEpochs: 6, workers: 0 };

  it.each(settings)("do not change the course of $optimizer", async (options) => {
    const without = await train(tiny, data, { ...base, ...options });
    const watched = await train(tiny, data, { ...base, ...options, measures: names, measureEvery: 2, measureOptions });
    expect(watched.parameters).toEqual(without.parameters);
    expect({ ...watched, history: [] }).toEqual(without);
    expect(watched.history.map(({ epoch, measures }) => [epoch, Object.keys(measures ?? {})])).toEqual(
      [0, 2, 4, 6].map((epoch) => [epoch, names]),
    );
  });

  it("are what flatness gives at that epoch, with the epoch's seed, on all points or the genuine ones", async () => {
    const options = { ...base, measures: names, measureEvery: 3, historyEvery: 2, measureOptions };
    const { history } = await train(tiny, data, options);
    expect(history.map(({ epoch, measures }) => [epoch, measures !== undefined])).toEqual([
      [0, true],
      [2, false],
      [3, true],
      [4, false],
      [6, true],
    ]);
    const genuine = await train(tiny, data, { ...options, measurePoints: "genuine" });
    const first: Dataset = {
      ...data,
      points: 50,
      inputs: data.inputs.slice(0, 350),
      targets: data.targets.slice(0, 50),
    };
    for (const [records, points] of [
      [history, data],
      [genuine.history, first],
    ] as const) {
      for (const { epoch, measures: taken, measureSeed } of records) {
        if (!taken) continue;
        const { parameters } = await train(tiny, data, { ...base, maxEpochs: epoch });
        const call = { loss: "bce", measures: names, seed: measureSeed, workers: 0, ...measureOptions } as const;
        const record = await flatness(tiny, parameters, points, call);
        for (const name of names) {
          const { source: _, ...own } = record[name];
          const expected = Object.entries(own).filter(([, x]) => !(x instanceof Float32Array));
          expect(taken[name], name).toEqual(Object.fromEntries(expected));
        }
      }
    }
  });

  it("have seeds that depend on the training's and the epoch alone", async () => {
    const seeds = async (seed: number, measureEvery: number) => {
      const { history } = await train(tiny, data, { ...base, seed, measures: ["trace"], measureEvery });
      return history.map((record) => record.measureSeed);
    };
    const [every, second, other] = [await seeds(1, 1), await seeds(1, 2), await seeds(2, 1)];
    expect(second).toEqual([0, 2, 4, 6].map((epoch) => every[epoch]));
    expect(new Set([...every, ...other]).size).toBe(14);
  });

  it("are taken in workers too", async () => {
    const options = { ...base, measures: ["spectral-norm", "trace"], historyEvery: 3 };
    expect(await train(tiny, data, { ...options, workers: 1 })).toEqual(await train(tiny, data, options));
  });

  it("say at which epoch they are not defined", async () => {
    // no prior mass where a bias is not 0: so it is at the start, no longer after a step
    const flat = { ...tiny, sigmaB2: 0 };
    const options = { ...base, measures: ["local-volume"], measureEvery: 1, measureOptions };
    await expect(train(flat, data, options)).rejects.toThrow(
      /^measures: "local-volume" at epoch 1: parameters\[28\]: expected 0, as the prior's variance there is 0, got /,
    );
  });
});

it("the cosine schedule is cosine", () => {
  for (let i = 0; i <= 100; i++) {
    expect(Math.abs(cosineFactor(i / 100) - (1 + Math.cos((Math.PI * i) / 100)) / 2)).toBeLessThan(1e-15);
  }
});
