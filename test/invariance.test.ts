/** What each flatness measure says of its invariance, over random networks and rescalings. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { measures } from "../src/flatness/index.ts";
import { contextOf, randomSurface } from "./randomSurface.ts";
import { rescaled } from "./reference/plainSurface.ts";

/** Enough for a comparison at the same seed. */
const options = {
  keskarEpochs: 2,
  keskarBatch: 4,
  keskarStarts: 1,
  keskarIterations: 20,
  samStarts: 1,
  asamStarts: 2,
  pacBayesDraws: 20,
  localVolumeDirections: 20,
  llcChains: 2,
  llcBurnIn: 50,
  llcDraws: 50,
};

interface Case {
  hidden: number[];
  features: number;
  outputs: number;
  which: number;
  seed: number;
  alpha: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  hidden: fc.array(fc.integer({ min: 2, max: 6 }), { minLength: 1, maxLength: 3 }),
  features: fc.integer({ min: 1, max: 5 }),
  outputs: fc.constantFrom(1, 3),
  which: fc.nat(2),
  seed: fc.integer({ min: 0, max: 1000 }),
  // as far from 1 as that both directions are tried
  alpha: fc.oneof(fc.double({ min: 0.15, max: 0.5, noNaN: true }), fc.double({ min: 2, max: 6, noNaN: true })),
});

/** A network that is right on all its points, before and after. */
function pair({ hidden, features, outputs, which, seed, alpha }: Case) {
  const layers = [features, ...hidden, outputs];
  const { surface, w } = randomSurface({ layers, loss: outputs === 1 ? "bce" : "ce", points: 10, seed });
  for (let i = 0; i < 10; i++) {
    const z = surface.output(w, i);
    surface.data.targets[i] = outputs === 1 ? Number(z[0] > 0) : z.indexOf(Math.max(...z));
  }
  const layer = 1 + (which % hidden.length);
  return { surface, w, v: rescaled(surface.network, w, layer, alpha) };
}

describe("under rescaling of a hidden layer", () => {
  for (const measure of measures) {
    it(`${measure.name} ${measure.invariant ? "stays as it is, to f32" : "changes"}`, async () => {
      let changed = 0;
      let runs = 0;
      await fc.assert(
        fc.asyncProperty(cases, async (chosen) => {
          const { surface, w, v } = pair(chosen);
          const before = await measure.run(contextOf(surface, w, options));
          const after = await measure.run(contextOf(surface, v, options));
          const scale = Math.max(Math.abs(before.value), Math.abs(after.value));
          const change = scale > 0 ? Math.abs(after.value - before.value) / scale : 0;
          if (measure.invariant) expect(change).toBeLessThan(2e-3);
          runs++;
          if (change > 1e-2) changed++;
        }),
        { seed: 1, numRuns: 12 },
      );
      // a network whose units are all off has no curvature to change
      if (!measure.invariant) expect(changed).toBeGreaterThan(0.6 * runs);
    });
  }
});
