/** A loss surface whose points are shared out among workers: the same bits for any number of them, and nothing that hangs. */
import { describe, expect, it } from "vitest";
import { Kernels } from "../src/engine/kernels.ts";
import { compileModule, sharedKernels } from "../src/engine/module.ts";
import { Pool } from "../src/engine/pool.ts";
import { type FlatnessOptions, flatness } from "../src/flatness.ts";
import type { Activation, Network } from "../src/network/network.ts";
import { LocalSurface } from "../src/training/localSurface.ts";
import { runOfMember, SHARD, ShardTree } from "../src/training/shards.ts";
import { withHelpers } from "../src/training/shardTask.ts";
import { isLarge, SplitSurface } from "../src/training/splitSurface.ts";
import type { Dataset, LossName, LossSurface } from "../src/training/surface.ts";
import { gaussianVector, randomSurface } from "./randomSurface.ts";
import { PlainSurface } from "./reference/plainSurface.ts";
import { allGone, dies, watching } from "./watchedWorkers.ts";

const module = await compileModule();
const never = new AbortController().signal;

interface Problem {
  readonly network: Network;
  readonly data: Dataset;
  readonly loss: LossName;
  readonly w: Float32Array;
  readonly v: Float32Array;
}

function problemOf(layers: number[], loss: LossName, activation: Activation, points: number): Problem {
  const { surface, w } = randomSurface({ layers, loss, activation, points, seed: 3 });
  return { network: surface.network, data: surface.data, loss, w, v: gaussianVector(w.length, 5) };
}

/** The first half of the points dense, most inputs of the second half zero. */
function halfSparse(problem: Problem): Problem {
  const { data } = problem;
  const half = data.inputs.length / 2;
  const inputs = data.inputs.map((x, i) => (i > half && i % 23 !== 0 ? 0 : x));
  return { ...problem, data: { ...data, inputs } };
}

/** Everything that a surface gives. */
interface Everything {
  readonly loss: number;
  readonly evaluated: { loss: number; error: number };
  readonly gradientLoss: number;
  readonly batchLoss: number;
  readonly outputs: Float32Array;
  readonly gradient: Float32Array;
  readonly hessian: Float32Array;
  readonly gaussNewton: Float32Array;
  readonly batch: Float32Array;
  readonly elsewhere: Float32Array;
}

async function everything(surface: LossSurface, { w, v, data }: Problem): Promise<Everything> {
  const [gradient, hessian, gaussNewton, batch, elsewhere] = [0, 1, 2, 3, 4].map(() => new Float32Array(w.length));
  const gradientLoss = await surface.gradient(w, gradient);
  await surface.hessianProduct(w, v, hessian);
  await surface.gaussNewtonProduct(w, v, gaussNewton);
  const batchLoss = await surface.gradient(w, batch, { first: 3, count: data.points - 5 });
  // at another w: what was sent before must not be used
  await surface.hessianProduct(v, w, elsewhere);
  return {
    loss: await surface.loss(w),
    evaluated: await surface.evaluate(w),
    gradientLoss,
    batchLoss,
    outputs: await surface.outputs(w),
    gradient,
    hessian,
    gaussNewton,
    batch,
    elsewhere,
  };
}

/** Runs `body` with a surface that so many workers beside this thread compute. */
async function withWorkers<T>(
  workers: number,
  { network, data, loss }: Problem,
  body: (surface: SplitSurface, helpers: number) => Promise<T>,
): Promise<T> {
  // a place is left for the one who asks
  const pool = new Pool({ workers: workers && workers + 1 });
  try {
    return await withHelpers(pool, workers + 1, network, data, loss, never, async (helpers, signal) =>
      body(new SplitSurface(await Kernels.create(module), network, data, loss, { helpers, signal }), helpers.length),
    );
  } finally {
    pool.close();
  }
}

/** Largest difference over the largest entry. */
function apart(a: Float32Array, b: ArrayLike<number>): number {
  let most = 0;
  let largest = 1e-30;
  for (let i = 0; i < a.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return most / largest;
}

function expectClose(own: Everything, expected: Everything, tolerance: number): void {
  for (const name of ["loss", "gradientLoss", "batchLoss"] as const) {
    expect(Math.abs(own[name] - expected[name]), name).toBeLessThan(tolerance * (1 + Math.abs(expected[name])));
  }
  expect(own.gradientLoss).toBe(own.loss);
  expect(own.evaluated.loss).toBe(own.loss);
  expect(own.evaluated.error).toBe(expected.evaluated.error);
  for (const name of ["outputs", "gradient", "hessian", "gaussNewton", "batch", "elsewhere"] as const) {
    expect(own[name], name).toHaveLength(expected[name].length);
    expect(apart(own[name], expected[name]), name).toBeLessThan(tolerance);
  }
}

describe("a split surface", () => {
  const problems: Array<[string, Problem]> = [
    ["3 shards", problemOf([7, 9, 3], "ce", "relu", 2 * SHARD + 17)],
    ["7 shards", problemOf([5, 12, 4, 1], "bce", "tanh", 6 * SHARD + 1)],
    ["3 whole shards", problemOf([4, 6, 2], "mse", "relu", 3 * SHARD)],
    ["2 shards, fewer than members", problemOf([4, 1], "bce", "relu", SHARD + 1)],
    ["points of which the later ones are sparse", halfSparse(problemOf([30, 8, 3], "ce", "relu", 3 * SHARD + 50))],
  ];

  it.each(problems)("%s: equals the f64 reference, with the same bits for 0, 1, 2, 3 workers", async (_, problem) => {
    const { network, data, loss } = problem;
    const shards = Math.ceil(data.points / SHARD);
    const expected = await everything(new PlainSurface(network, data, loss), problem);
    const alone = await withWorkers(0, problem, (surface) => everything(surface, problem));
    expectClose(alone, expected, 2e-5);
    for (const workers of [1, 2, 3]) {
      const split = await withWorkers(workers, problem, (surface, helpers) => {
        expect(helpers).toBe(Math.min(workers, shards - 1));
        return everything(surface, problem);
      });
      expect(split).toEqual(alone);
    }
  });

  it("of a larger network gives what a local one does, to rounding", async () => {
    const problem = problemOf([100, 150, 60, 10], "ce", "relu", 1000);
    const { network, data, loss } = problem;
    const local = new LocalSurface(await Kernels.create(module), network, data, loss);
    const expected = await everything(local, problem);
    expectClose(await withWorkers(2, problem, (surface) => everything(surface, problem)), expected, 5e-6);
  });

  it("refuses a call while it computes another", async () => {
    const problem = problems[0][1];
    await withWorkers(1, problem, async (surface) => {
      const first = surface.loss(problem.w);
      await expect(surface.loss(problem.w)).rejects.toThrow("surface: it is computing already");
      expect(await first).toBe(await surface.loss(problem.w));
    });
  });
});

describe("shards", () => {
  it("are shared out one after the other, none left out", () => {
    for (const [shards, members] of [
      [1, 1],
      [7, 3],
      [8, 3],
      [16, 16],
    ]) {
      let next = 0;
      for (let k = 0; k < members; k++) {
        const { first, count } = runOfMember(shards, members, k);
        expect(first).toBe(next);
        expect([Math.floor(shards / members), Math.ceil(shards / members)]).toContain(count);
        next += count;
      }
      expect(next).toBe(shards);
    }
  });

  it("are added in pairs of pairs, whoever adds which", async () => {
    const kernels = await sharedKernels();
    const shards = 13;
    // numbers of many magnitudes: every order has sums of its own
    const leaves = Array.from({ length: shards }, (_, i) =>
      Float32Array.from({ length: 8 }, (_, j) => 1.37 ** (i * j)),
    );
    const f = Math.fround;
    const x = (i: number): number => leaves[i][7];
    const four = (i: number): number => f(f(x(i) + x(i + 1)) + f(x(i + 2) + x(i + 3)));
    const expected = f(f(four(0) + four(4)) + f(four(8) + x(12)));
    for (let cut = 0; cut <= shards; cut++) {
      for (let second = cut; second <= shards; second++) {
        kernels.scoped(() => {
          const tree = new ShardTree(kernels, 8, { first: 0, count: shards });
          for (const [first, end] of [
            [0, cut],
            [cut, second],
            [second, shards],
          ]) {
            const part = new ShardTree(kernels, 8, { first, count: end - first });
            for (let i = first; i < end; i++) part.add({ first: i, count: 1 }, leaves[i]);
            for (const sum of part.sums()) tree.add(sum, sum.vector);
          }
          expect(kernels.f32(tree.total(), 8)[7]).toBe(expected);
        });
      }
    }
  });
});

/** Large enough to be split, and small enough for a test. */
const large = problemOf([100, 100, 10], "ce", "relu", 4600);

function measure<const M extends string>(measures: readonly M[], options: Partial<FlatnessOptions>): Promise<unknown> {
  return flatness(large.network, large.w, large.data, { loss: "ce", ...options, measures } as FlatnessOptions<M>);
}

describe("flatness of what is large", () => {
  it("is taken in shards by the sizes alone", () => {
    expect(isLarge(large.network, large.data)).toBe(true);
    expect(isLarge(large.network, { ...large.data, points: 4000 })).toBe(false);
    expect(isLarge({ ...large.network, parameterCount: 1e9 }, { ...large.data, points: SHARD })).toBe(false);
  });

  it("has the same bits for any number of workers, with as many measures as workers or fewer", async () => {
    const options = {
      frobeniusProducts: 2,
      samStarts: 0,
      samIterations: 1,
      llcChains: 1,
      llcBurnIn: 0,
      llcDraws: 4,
      llcBatch: 32,
      llcStep: 1e-6,
    };
    const names = ["frobenius", "sam", "llc"] as const;
    const expected = (await measure(names, { ...options, workers: 0 })) as Record<string, unknown>;
    const { loss, error } = await new PlainSurface(large.network, large.data, "ce").evaluate(large.w);
    expect(expected.loss).toBeCloseTo(loss, 5);
    expect(expected.error).toBe(error);
    for (const [workers, ...some] of [
      [1, ...names],
      [2, "frobenius"],
      [3, "sam"],
      [3, "frobenius", "llc"],
    ] as const) {
      const { loss, error } = expected;
      const records = Object.fromEntries(some.map((name) => [name, expected[name]]));
      expect(await measure(some, { ...options, workers })).toEqual({ loss, error, ...records });
    }
  });

  it("is done for two calls at a time on one pool", async () => {
    const pool = new Pool({ workers: 2 });
    const calls = [1, 2, 3].map(() => measure(["frobenius"], { frobeniusProducts: 2, pool }));
    const [first, ...others] = await Promise.all(calls);
    for (const other of others) expect(other).toEqual(first);
    expect(pool.free).toBe(2);
    pool.close();
  });
});

// goes on for minutes if it is not stopped
const long = { measures: ["trace"], traceProducts: 10_000 } as const;

describe("a product that does not end well", () => {
  it.each([
    ["that helps", 0],
    ["that puts the parts together", 1],
  ])("a worker dies %s: the call rejects with the cause, and the pool's next call works", async (_, index) => {
    await watching(
      async (started, options) => {
        const pool = new Pool({ workers: 2, ...options });
        const error: Error = await measure(["trace"], { ...long, pool }).then(
          () => expect.fail("it went through"),
          (reason) => reason,
        );
        expect(error.message).toMatch(/^worker died: /);
        expect(await measure(["frobenius"], { frobeniusProducts: 2, pool })).toHaveProperty("frobenius");
        expect(pool.free).toBe(2);
        pool.close();
        await allGone(started);
      },
      (i) => (i === index ? dies(600) : ""),
    );
  });

  it("a helper of this thread dies: the product rejects with the cause", async () => {
    await watching(
      async (started, options) => {
        const pool = new Pool({ workers: 3, ...options });
        const { network, data, loss, w, v } = large;
        const out = new Float32Array(w.length);
        const products = withHelpers(pool, 3, network, data, loss, never, async (helpers, signal) => {
          const surface = new SplitSurface(await Kernels.create(module), network, data, loss, { helpers, signal });
          for (;;) await surface.hessianProduct(w, v, out);
        });
        await expect(products).rejects.toThrow(/^worker died: /);
        expect(pool.free).toBe(3);
        pool.close();
        await allGone(started);
      },
      (i) => (i === 1 ? dies(500) : ""),
    );
  });

  it("traps in a helper: the product rejects with the RuntimeError, and that worker is not used again", async () => {
    await watching(async (started, options) => {
      const pool = new Pool({ workers: 2, ...options });
      const { network, data, w, v } = problemOf([4, 6, 2], "ce", "relu", 2 * SHARD);
      const out = new Float32Array(w.length);
      const productOf = (target: number): Promise<void> => {
        const targets = data.targets.slice();
        targets[SHARD] = target;
        const bad = { ...data, targets };
        return withHelpers(pool, 2, network, bad, "ce", never, async (helpers, signal) => {
          const surface = new SplitSurface(await Kernels.create(module), network, bad, "ce", { helpers, signal });
          await surface.hessianProduct(w, v, out);
        });
      };
      await productOf(1);
      expect(started).toHaveLength(1);
      // an address far beyond the memory
      await expect(productOf(5e8)).rejects.toMatchObject({ name: "RuntimeError" });
      await productOf(1);
      expect(started).toHaveLength(2);
      pool.close();
      await allGone(started);
    });
  });

  it.each([0, 2])("is aborted, %i workers: rejects with the reason, soon", async (workers) => {
    await watching(async (started, options) => {
      const pool = new Pool({ workers, ...options });
      const stop = new AbortController();
      const reason = new Error("enough");
      let at = 0;
      setTimeout(() => {
        at = performance.now();
        stop.abort(reason);
      }, 400);
      await expect(measure(["trace"], { ...long, pool, signal: stop.signal })).rejects.toBe(reason);
      expect(performance.now() - at).toBeLessThan(1000);
      expect(await measure(["fisher-rao"], { fisherRaoEmpirical: "no", pool })).toHaveProperty("fisher-rao");
      pool.close();
      await allGone(started);
    });
  });

  it.each([0, 2])("is on a pool that closes, %i workers: rejects, and leaves no worker", async (workers) => {
    await watching(async (started, options) => {
      const pool = new Pool({ workers, ...options });
      setTimeout(() => pool.close(), 400);
      await expect(measure(["trace"], { ...long, pool })).rejects.toThrow("pool: it was closed");
      await expect(measure(["trace"], { ...long, pool })).rejects.toThrow("pool: it is closed");
      await allGone(started);
    });
  });
});
