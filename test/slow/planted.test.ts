/** Planted studies: networks replaced by records whose correlation is known must come out with it inside the interval. */
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../../src/engine/module.ts";
import { RandomStream } from "../../src/engine/random.ts";
import { analysePrediction } from "../../src/study/prediction.ts";
import { plantedRecord, plantedVolume } from "../plantedRecords.ts";

const PLANTS = 1000;
/** Networks of the study on digits. */
const NETWORKS = 55;

describe("95 % intervals of a study", () => {
  it.each([0.5, 0.9])("hold a planted correlation of %d in 93 to 97 % of 1,000 plants", async (rho) => {
    const kernels = await sharedKernels();
    // of normal pairs [Kendall 1970; Fisher]
    const truth = {
      pearson: rho,
      spearman: (6 / Math.PI) * Math.asin(rho / 2),
      kendall: (2 / Math.PI) * Math.asin(rho),
    };
    const names = Object.keys(truth) as Array<keyof typeof truth>;
    const held = { pearson: 0, spearman: 0, kendall: 0 };
    for (let plant = 0; plant < PLANTS; plant++) {
      const z = new Float32Array(2 * NETWORKS);
      new RandomStream(kernels, BigInt(Math.round(100 * rho)), plant, 0x7000).gaussians(z);
      const records = Array.from({ length: NETWORKS }, (_, i) =>
        plantedRecord(i, {
          volumes: plantedVolume(-30 + 4 * z[i]),
          accuracy: 0.7 + 0.1 * (rho * z[i] + Math.sqrt(1 - rho * rho) * z[NETWORKS + i]),
        }),
      );
      const { predictors } = await analysePrediction(records, "plants", undefined, 400);
      const { correlations } = predictors.find(({ name }) => name === "splitting")!;
      for (const name of names) {
        const [low, high] = correlations[name].ci95!;
        if (low <= truth[name] && truth[name] <= high) held[name]++;
      }
    }
    console.log(`rho ${rho}: held of ${PLANTS}`, held);
    // a coverage of 95 % leaves these bounds in 0.4 % of the seeds
    for (const name of names) {
      expect(held[name]).toBeGreaterThanOrEqual(0.93 * PLANTS);
      expect(held[name]).toBeLessThanOrEqual(0.97 * PLANTS);
    }
  });
});
