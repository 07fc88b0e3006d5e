/** The local learning coefficient of singular losses where the posterior is narrow. */
import { expect, it } from "vitest";
import { llc } from "../../src/flatness/llc.ts";
import { crossingExpectation, normalCrossing, reducedRank, reducedRankCoefficient } from "../llcSurfaces.ts";
import { contextOf } from "../randomSurface.ts";

it("normal crossings at n beta = 10^4: quadrature within 5 errors, 1 / (2 max(a, b)) to 15 % where a and b differ", async () => {
  const options = { llcBeta: 1, llcStep: 3e-6, llcLocalisation: 1, llcBurnIn: 200_000, llcDraws: 4_000_000 };
  for (const [a, b] of [
    [1, 1],
    [1, 2],
    [3, 1],
  ]) {
    const result = await llc.run(contextOf(normalCrossing(a, b, 10_000), new Float32Array(2), options));
    expect(Math.abs(result.value - crossingExpectation(a, b, 1e4, 1)) / result.standardError!).toBeLessThan(5);
    if (a !== b) expect(Math.abs(result.value * 2 * Math.max(a, b) - 1)).toBeLessThan(0.15);
  }
});

it("reduced-rank regression of ten shapes: Aoyagi & Watanabe's coefficients, to 5 % (12 % at multiplicity 2)", async () => {
  for (const sides of [
    [2, 1, 2, 0],
    [2, 1, 2, 1],
    [2, 2, 2, 0],
    [2, 2, 2, 1],
    [2, 2, 2, 2],
    [3, 2, 3, 1],
    [3, 3, 3, 0],
    [3, 3, 3, 1],
    [4, 2, 4, 0],
    [4, 3, 4, 2],
  ] as const) {
    const { surface, w } = reducedRank(sides, 1000);
    const options = { llcBeta: 10, llcStep: 3e-6, llcLocalisation: 1, llcBurnIn: 50_000, llcDraws: 400_000 };
    const result = await llc.run(contextOf(surface, w, options));
    const odd = sides.reduce<number>((sum, side) => sum + side, 0) % 2 === 1;
    const share = result.value / reducedRankCoefficient(sides);
    expect(Math.abs(share - 1), sides.join()).toBeLessThan(odd ? 0.12 : 0.05);
  }
});
