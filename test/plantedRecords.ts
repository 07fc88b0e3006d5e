/** Records of networks that nobody trained, for tests of what is made of records. */
import type { NetworkRecord } from "../src/study/networks.ts";

/** A network's record with plausible values, and those given. */
export function plantedRecord(index: number, given: Partial<NetworkRecord>): NetworkRecord {
  return {
    key: `network ${index}`,
    task: "planted",
    optimizer: "sgd",
    learningRate: 0.05,
    batch: 32,
    attack: index,
    repeat: 0,
    seed: index,
    main: true,
    converged: true,
    failure: null,
    epochs: 10,
    trainLoss: 0.1,
    trainAccuracy: 1,
    accuracy: 0.5,
    ones: 64,
    points: 128,
    function: "00",
    complexity: null,
    volumes: {},
    measures: {},
    ...given,
  };
}

/** A volume's record. */
export const plantedVolume = (log10P: number | null, warnings: readonly string[] = []) => ({
  splitting: { log10P, standardError: log10P === null ? null : 0.1, warnings },
});
