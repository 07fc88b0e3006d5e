/** The two builds of the engine, and pools that run tasks of both. */
import { describe, expect, it } from "vitest";
import { EngineBuild } from "../src/engine/build.ts";
import { coreBuild } from "../src/engine/core.ts";
import { fullBuild } from "../src/engine/module.ts";
import { flatness, train } from "../src/flatness.ts";
import { countFunctions, createPool, defineNetwork, type Pool } from "../src/index.ts";
import { type CountChunkArguments, countChunk } from "../src/volume/countChunk.ts";
import { allGone, type Started, watching } from "./watchedWorkers.ts";

const network = { layers: [2, 4, 1] };
/** One task of the core. */
const chunk: CountChunkArguments = {
  network: defineNetwork(network),
  data: undefined,
  points: 4,
  seedLow: 0,
  seedHigh: 0,
  firstBody: 0,
  bodies: 10,
  draws: 1,
  symmetry: { bits: 0, negation: 0 },
};
const data = {
  points: 4,
  features: 2,
  inputs: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1),
  targets: Float32Array.of(0, 1, 1, 1),
};
const count = async (pool: Pool) => (await countFunctions(network, { samples: 500, pool })).digest();
const learn = async (pool: Pool) => (await train(network, data, { loss: "bce", maxEpochs: 3, pool })).trainLoss;

describe("the builds", () => {
  it("the core's module is a part of the full one and has nothing of training", async () => {
    const names = async (build: typeof coreBuild) =>
      new Set(WebAssembly.Module.exports(await build.compile()).map(({ name }) => name));
    const [core, full] = [await names(coreBuild), await names(fullBuild)];
    expect([...core].filter((name) => !full.has(name))).toEqual([]);
    expect(core.size).toBeLessThan(full.size);
    for (const name of ["hessianAt", "trainSteps", "matmul"]) expect([name, core.has(name)]).toEqual([name, false]);
    expect(coreBuild.workerSource.length).toBeLessThan(0.7 * fullBuild.workerSource.length);
    expect(coreBuild.workerSource).not.toContain("hessian");
  });

  it.each([0, 1, 2])(
    "a pool of %i workers runs tasks of both, in turn and at once, with the same results",
    async (workers) => {
      await watching(async (started, options) => {
        const pool = createPool({ workers, ...options });
        const first = [await count(pool), await learn(pool)];
        for (let k = 0; k < 3; k++) expect([await count(pool), await learn(pool)]).toEqual(first);
        const both = await Promise.all([count(pool), learn(pool), learn(pool), count(pool), learn(pool)]);
        expect(both).toEqual([first[0], first[1], first[1], first[0], first[1]]);
        const { trace } = await flatness(network, new Float32Array(17).fill(0.1), data, {
          loss: "bce",
          measures: ["trace"],
          pool,
        });
        expect(trace.value).toBeGreaterThan(0);
        pool.close();
        await allGone(started);
      });
    },
  );

  it.each([1, 2, 3])("never more workers alive than %i, the pool's size, whatever is idle", async (workers) => {
    for (let idle = 1; idle <= workers; idle++) {
      let all: readonly Started[] = [];
      let most = 0;
      const alive = () => all.filter((worker) => !worker.gone()).length;
      await watching(
        async (started, options) => {
          all = started;
          const pool = createPool({ workers, ...options });
          await Promise.all(Array.from({ length: idle }, () => pool.run(countChunk, chunk)));
          expect(alive()).toBe(idle);
          // tasks of the full build, all at once: some find room, for the others an idle worker of the core must go
          await Promise.all(Array.from({ length: workers }, () => learn(pool)));
          expect(alive()).toBe(workers);
          for (let k = 0; k < 2; k++) await Promise.all([pool.run(countChunk, chunk), learn(pool), learn(pool)]);
          expect(alive()).toBe(workers);
          pool.close();
          await allGone(started);
        },
        // called just before each start
        () => {
          most = Math.max(most, alive() + 1);
          return "";
        },
      );
      expect(most).toBe(workers);
    }
  });

  it("workers of the full build serve both, so that turns about start no worker each time", async () => {
    await watching(async (started, options) => {
      const pool = createPool({ workers: 2, ...options });
      for (let k = 0; k < 4; k++) {
        await count(pool);
        await Promise.all([learn(pool), learn(pool)]);
      }
      // two of the core for the first count, two of the full build after it
      expect(started.length).toBeLessThanOrEqual(4);
      pool.close();
      await allGone(started);
    });
  });

  it("an instance that is lent is nobody else's, comes back empty, and not after a trap", async () => {
    const kept = await coreBuild.lend(async (own) => {
      own.allocate(1000);
      expect(own).not.toBe(await coreBuild.kernels());
      await coreBuild.lend(async (other) => expect(other).not.toBe(own));
      return own;
    });
    expect(kept.reusable).toBe(true);
    const failing = async (error: Error) => {
      let used: unknown;
      const call = coreBuild.lend(async (own) => {
        used = own;
        own.allocate(1000);
        throw error;
      });
      await expect(call).rejects.toBe(error);
      return used;
    };
    const first = await failing(new RangeError("no trap"));
    const second = await failing(new WebAssembly.RuntimeError("unreachable"));
    expect(second).toBe(first);
    await coreBuild.lend(async (own) => expect(own).not.toBe(second));
  });

  it("a creation that failed is tried anew, and of many users at once few have an instance and few are kept", async () => {
    const build = new EngineBuild(coreBuild.deflatedWasm, coreBuild.workerSource);
    const { Memory } = WebAssembly;
    let made = 0;
    const failing = class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        made++;
        if (made === 1) throw new TypeError("no memory");
      }
    };
    WebAssembly.Memory = failing;
    try {
      await expect(build.kernels()).rejects.toThrow("no memory");
      expect(await build.kernels()).toBe(await build.kernels());
      made = 1;
      let now = 0;
      let most = 0;
      const use = async (): Promise<void> => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
      };
      await Promise.all(Array.from({ length: 40 }, () => build.lend(use)));
      expect(most).toBe(8);
      expect(made).toBe(1 + 8);
      // four were kept
      await Promise.all(Array.from({ length: 8 }, () => build.lend(use)));
      expect(made).toBe(1 + 8 + 4);
    } finally {
      WebAssembly.Memory = Memory;
    }
  });

  it("the shared instance is another once it has grown large, and the same until then", async () => {
    const before = await coreBuild.kernels();
    before.scoped(() => before.allocate(2 ** 20));
    expect(await coreBuild.kernels()).toBe(before);
    before.scoped(() => before.allocate(2 ** 27));
    const [after, other] = await Promise.all([coreBuild.kernels(), coreBuild.kernels()]);
    expect(after).not.toBe(before);
    expect(other).toBe(after);
    expect(after.large).toBe(false);
  });
});
