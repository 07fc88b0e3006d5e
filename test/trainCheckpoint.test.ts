/** A training that is interrupted and goes on is one that never was. */
import { describe, expect, it } from "vitest";
import { type Dataset, type TrainingState, type TrainingStore, type TrainOptions, train } from "../src/flatness.ts";
import { createPool } from "../src/index.ts";

const POINTS = 60;
const FEATURES = 6;
const data: Dataset = {
  points: POINTS,
  features: FEATURES,
  inputs: Float32Array.from({ length: POINTS * FEATURES }, (_, i) => Math.sin(i * i + i)),
  targets: Float32Array.from({ length: POINTS }, (_, i) => Number((i * 7919) % 11 < 5)),
};
const network = { layers: [FEATURES, 12, 1] };

/** Keeps every state; goes on from `state`. */
class Memory implements TrainingStore {
  readonly everyMilliseconds = 0;
  readonly states: TrainingState[] = [];
  identity = "";
  readonly state: TrainingState | undefined;

  constructor(state?: TrainingState) {
    this.state = state;
  }
  open(identity: string): TrainingState | undefined {
    this.identity = identity;
    return this.state;
  }
  keep(state: TrainingState): void {
    this.states.push(state);
  }
}

const SETTINGS: Array<[string, TrainOptions]> = [
  ["sgd", { loss: "bce" }],
  ["nesterov, cosine", { loss: "bce", optimizer: "nesterov", schedule: "cosine" }],
  ["adam", { loss: "bce", optimizer: "adam", weightDecay: 1e-3 }],
  ["adagrad", { loss: "bce", optimizer: "adagrad" }],
  ["rmsprop", { loss: "mse", optimizer: "rmsprop", targetLoss: 1e-9 }],
  ["entropy-sgd", { loss: "bce", optimizer: "entropy-sgd", learningRate: 0.5 }],
  ["sam, with measures", { loss: "bce", optimizer: "sam", measures: ["fisher-rao", "spectral-norm"], measureEvery: 4 }],
];

describe("a training with a checkpoint", () => {
  it.each(SETTINGS)("%s: from any epoch on it ends with the same bits", async (_name, settings) => {
    const pool = createPool({ workers: 0 });
    const options = {
      batch: 16,
      maxEpochs: 9,
      extraEpochs: 3,
      historyEvery: 2,
      test: data,
      seed: 5,
      pool,
      ...settings,
    };
    const unbroken = await train(network, data, options);
    const store = new Memory();
    expect(await train(network, data, { ...options, checkpoint: store })).toEqual(unbroken);
    expect(store.states.map(({ epoch }) => epoch)).toEqual(Array.from({ length: unbroken.epochs }, (_, i) => i + 1));
    for (const state of store.states) {
      const again = new Memory(state);
      expect(await train(network, data, { ...options, checkpoint: again })).toEqual(unbroken);
      expect(again.identity).toBe(store.identity);
    }
    pool.close();
  });

  it("tells trainings apart by everything that the result depends on", async () => {
    const identityOf = async (options: Partial<TrainOptions>, set = data): Promise<string> => {
      const store = new Memory();
      await train(network, set, { loss: "bce", maxEpochs: 1, workers: 0, ...options, checkpoint: store });
      return store.identity;
    };
    const other = { ...data, targets: data.targets.map((y, i) => (i === 3 ? 1 - y : y)) };
    const found = [
      await identityOf({}),
      await identityOf({ seed: 1 }),
      await identityOf({ learningRate: 0.02 }),
      await identityOf({ maxEpochs: 2 }),
      await identityOf({ batch: 8 }),
      await identityOf({ test: data }),
      await identityOf({}, other),
    ];
    expect(new Set(found).size).toBe(found.length);
    expect(await identityOf({ workers: 1 })).toBe(found[0]);
  });

  it("ends with what its store throws", async () => {
    const store = new Memory();
    store.keep = () => {
      throw new Error("checkpoint: cannot write");
    };
    const call = train(network, data, { loss: "bce", targetLoss: 0, maxEpochs: 1e8, workers: 1, checkpoint: store });
    await expect(call).rejects.toThrow("checkpoint: cannot write");
  });
});
