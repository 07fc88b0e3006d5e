/** Many functions under one covariance: what each alone gives, in whatever order and on however many workers. */
import { describe, expect, it } from "vitest";
import { createPool, type Pool } from "../src/engine/pool.ts";
import { expectationPropagation } from "../src/volume/expectationPropagation.ts";
import { SharedKernel } from "../src/volume/sharedKernel.ts";
import { equicorrelated, randomCovariance, randomSigns, rowsOf } from "./covariances.ts";
import { sequentialEp } from "./reference/gaussianProcess.ts";

const SIZE = 40;
const kernel = randomCovariance(SIZE, 7);
const reference = randomSigns(SIZE, 7);
const functions = [8, 9, 10, 11].map((seed) => randomSigns(SIZE, seed));

const callOn = (pool: Pool) => ({ pool, signal: new AbortController().signal });

async function volumes(workers: number, order: readonly number[]): Promise<number[]> {
  const pool = createPool({ workers });
  try {
    const shared = new SharedKernel(kernel, reference);
    const found: number[] = [];
    await Promise.all(
      order.map(async (f) => {
        found[f] = (await shared.logVolume(functions[f], "heaviside", callOn(pool))).logP;
      }),
    );
    return found;
  } finally {
    pool.close();
  }
}

describe("SharedKernel", () => {
  it("has the sequential algorithm's fixed points, with either likelihood", async () => {
    const pool = createPool({ workers: 0 });
    const shared = new SharedKernel(kernel, reference);
    for (const labels of [...functions, reference]) {
      for (const likelihood of ["heaviside", "probit"] as const) {
        const { logZ } = sequentialEp(rowsOf(kernel), labels, likelihood === "probit" ? 1 : 0);
        const { logP, converged, method } = await shared.logVolume(labels, likelihood, callOn(pool));
        expect([converged, method]).toEqual([true, likelihood === "probit" ? "ep-probit" : "ep"]);
        // moments within 1e-5, so log P within some m times its square
        expect(Math.abs(logP - logZ)).toBeLessThan(1e-7);
      }
    }
    pool.close();
  });

  it("gives the same bits in any order, on any number of workers, and asked again", async () => {
    const found = await volumes(0, [0, 1, 2, 3]);
    expect(await volumes(0, [3, 1, 0, 2])).toEqual(found);
    expect(await volumes(2, [2, 3, 1, 0])).toEqual(found);
    expect(await volumes(3, [0, 0, 1, 1, 2, 3, 3])).toEqual(found);
  });

  it("needs fewer iterations for a neighbour of the reference", async () => {
    const pool = createPool({ workers: 0 });
    // neighbours in a covariance that makes their signs all but agree
    const strong = equicorrelated(60, 0.9);
    const ones = new Array(60).fill(1);
    const near = ones.map((y, i) => (i % 12 === 0 ? -y : y));
    const shared = new SharedKernel(strong, near);
    const other = ones.map((y, i) => (i % 15 === 0 ? -y : y));
    const warm = await shared.logVolume(other, "heaviside", callOn(pool));
    const cold = await expectationPropagation(strong, other, { workers: 0 });
    expect(warm.iterations).toBeLessThan(cold.iterations);
    expect(Math.abs(warm.logP - cold.logP)).toBeLessThan(1e-7);
    pool.close();
  });

  it("names what is wrong, and is no worse for a call that was aborted", async () => {
    expect(() => new SharedKernel(kernel, [1, 0])).toThrow(/^kernel: expected 2 x 2/);
    expect(() => new SharedKernel(kernel, new Array(SIZE).fill(3))).toThrow(/^labels\[0\]: expected/);
    const pool = createPool({ workers: 0 });
    // positive variances, correlations below 1, and yet an eigenvalue below 0
    const indefinite = new SharedKernel(Float64Array.of(1, -0.9, -0.9, -0.9, 1, -0.9, -0.9, -0.9, 1), [1, 1, 1]);
    await expect(indefinite.logVolume([1, 1, 0], "heaviside", callOn(pool))).rejects.toThrow(
      /^kernel: expected a positive semidefinite/,
    );
    const shared = new SharedKernel(kernel, reference);
    const aborted = { pool, signal: AbortSignal.abort(new Error("enough")) };
    await expect(shared.logVolume(functions[0], "probit", aborted)).rejects.toThrow("enough");
    expect((await shared.logVolume(functions[0], "probit", callOn(pool))).converged).toBe(true);
    pool.close();
  });
});
