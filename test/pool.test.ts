/** Workers that die, calls that are stopped: each call settles with the cause, and the next one works. */
import { describe, expect, it } from "vitest";
import type { Task } from "../src/engine/task.ts";
import { countFunctions, createPool, defineNetwork } from "../src/index.ts";
import { type CountChunkArguments, countChunk } from "../src/volume/countChunk.ts";
import { allGone, dies, inNode, watching } from "./watchedWorkers.ts";

const network = { layers: [7, 40, 40, 1] };

describe("a worker that dies", () => {
  it("in the middle of a call rejects it with the cause, leaves no worker, and the pool's next call works", async () => {
    await watching(
      async (started, options) => {
        const pool = createPool({ workers: 2, ...options });
        const error: Error = await countFunctions(network, { samples: 1e8, pool }).then(
          () => expect.fail("it went through"),
          (reason) => reason,
        );
        expect(error.message).toMatch(inNode ? /^worker died: worker exited with code 7$/ : /^worker died: .*boom/);
        expect(error.cause).toBeInstanceOf(Error);
        expect(started).toHaveLength(2);
        const table = await countFunctions(network, { samples: 2000, pool });
        expect(table.samples).toBe(2000);
        expect(started.length).toBeGreaterThan(2);
        pool.close();
        await allGone(started);
      },
      (index) => (index === 0 ? dies(120) : ""),
    );
  });

  it("between two calls is replaced before the next", async () => {
    await watching(
      async (started, options) => {
        const pool = createPool({ workers: 1, ...options });
        await countFunctions(network, { samples: 100, pool });
        await new Promise((resolve) => setTimeout(resolve, 600));
        const table = await countFunctions(network, { samples: 100, pool });
        expect(table.samples).toBe(100);
        expect(started).toHaveLength(2);
        pool.close();
        await allGone(started);
      },
      (index) => (index === 0 ? dies(300) : ""),
    );
  });

  it("at once, every time, rejects every call and hangs none", async () => {
    await watching(
      async (started, options) => {
        const pool = createPool({ workers: 2, ...options });
        const calls = [1, 2, 3].map(() => countFunctions(network, { samples: 1e8, pool }));
        const settled = await Promise.allSettled(calls);
        for (const call of settled) expect(call.status).toBe("rejected");
        for (const call of settled as PromiseRejectedResult[]) expect(call.reason.message).toMatch(/^worker died: /);
        pool.close();
        await allGone(started);
      },
      () => dies(0),
    );
  });

  it("whose source does not load rejects with the cause", async () => {
    await watching(
      async (started, options) => {
        await expect(
          (async () => {
            const pool = createPool({ workers: 1, ...options });
            try {
              await countFunctions(network, { samples: 100, pool });
            } finally {
              pool.close();
            }
          })(),
        ).rejects.toThrow(/^worker died: /);
        await allGone(started);
      },
      () => "this is no script;",
    );
  });
});

/** Arguments with which the kernel reads far past its data: a trap, not an error. */
const trapping: CountChunkArguments = {
  network: defineNetwork({ layers: [1, 1] }),
  data: new Float32Array(1),
  points: 2 ** 17,
  seedLow: 0,
  seedHigh: 0,
  firstBody: 0,
  bodies: 1,
  draws: 1,
  symmetry: { bits: 0, negation: 0 },
};
const sound: CountChunkArguments = { ...trapping, data: new Float32Array(8), points: 8, bodies: 10 };

describe("a trap in a kernel", () => {
  it("rejects with a RuntimeError; the worker is replaced, and the next call works", async () => {
    await watching(async (started, options) => {
      const pool = createPool({ workers: 1, ...options });
      await expect(pool.run(countChunk, trapping)).rejects.toMatchObject({ name: "RuntimeError" });
      expect((await pool.run(countChunk, sound)).rows.length).toBeGreaterThan(0);
      expect(started).toHaveLength(2);
      pool.close();
      await allGone(started);
    });
  });

  it("in the calling thread (workers: 0) too", async () => {
    const pool = createPool({ workers: 0 });
    await expect(pool.run(countChunk, trapping)).rejects.toBeInstanceOf(WebAssembly.RuntimeError);
    expect((await pool.run(countChunk, sound)).rows.length).toBeGreaterThan(0);
    pool.close();
  });

  it("an error that is no trap keeps the worker", async () => {
    await watching(async (started, options) => {
      const pool = createPool({ workers: 1, ...options });
      const unknown: Task<number, number> = { name: "no such task", run: async (_, n) => n, transfer: () => [] };
      await expect(pool.run(unknown, 1)).rejects.toThrow(/no task "no such task"/);
      expect((await pool.run(countChunk, sound)).rows.length).toBeGreaterThan(0);
      expect(started).toHaveLength(1);
      pool.close();
      await allGone(started);
    });
  });
});

describe("abort", () => {
  for (const workers of [0, 1, 2]) {
    for (const [moment, delay] of [
      ["while workers start", 5],
      ["early", 100],
      ["in the middle", 700],
    ] as const) {
      it(`${moment}, ${workers} workers: rejects soon with the reason itself, leaves no worker`, async () => {
        await watching(async (started, options) => {
          const controller = new AbortController();
          const reason = new Error("enough");
          const pool = createPool({ workers, ...options });
          const call = countFunctions(network, { samples: 1e9, pool, signal: controller.signal });
          let abortedAt = 0;
          setTimeout(() => {
            abortedAt = performance.now();
            controller.abort(reason);
          }, delay);
          await expect(call).rejects.toBe(reason);
          expect(performance.now() - abortedAt).toBeLessThan(1000);
          // busy workers are stopped; the pool still works
          expect((await countFunctions(network, { samples: 100, pool })).samples).toBe(100);
          pool.close();
          await allGone(started);
        });
      });
    }
  }

  it("of a call with its own workers leaves none", async () => {
    await watching(async (started) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 300);
      const call = countFunctions(network, { samples: 1e9, workers: 2, signal: controller.signal });
      await expect(call).rejects.toMatchObject({ name: "AbortError" });
      await allGone(started);
    });
  });

  it("before the call starts rejects at once and starts nothing", async () => {
    await watching(async (started) => {
      const reason = { why: "any value" };
      await expect(
        countFunctions(network, { samples: 1e9, workers: 2, signal: AbortSignal.abort(reason) }),
      ).rejects.toBe(reason);
      expect(started).toHaveLength(0);
    });
  });

  it("from within onProgress, and an error thrown there, end the call", async () => {
    for (const workers of [0, 2]) {
      const controller = new AbortController();
      const stop = (): void => controller.abort("stop");
      await expect(
        countFunctions(network, { samples: 1e9, workers, signal: controller.signal, onProgress: stop }),
      ).rejects.toBe("stop");
      const thrown = new Error("in the listener");
      await expect(
        countFunctions(network, {
          samples: 1e9,
          workers,
          onProgress: () => {
            throw thrown;
          },
        }),
      ).rejects.toBe(thrown);
    }
  });

  it("leaves the signal without listeners after many calls", async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    const pool = createPool({ workers: 1 });
    for (let i = 0; i < 20; i++) await pool.run(countChunk, sound, { signal });
    await Promise.all([1, 2, 3].map(() => pool.run(countChunk, sound, { signal })));
    expect(listeners).toBe(0);
    pool.close();
  });
});

describe("pool", () => {
  it("close rejects running and waiting calls, and later ones", async () => {
    for (const workers of [0, 1]) {
      const pool = createPool({ workers });
      const calls = [1, 2].map(() => countFunctions(network, { samples: 1e9, pool }));
      setTimeout(() => pool.close(), 200);
      for (const call of await Promise.allSettled(calls)) {
        expect(call.status).toBe("rejected");
        expect((call as PromiseRejectedResult).reason.message).toMatch(/pool: it was closed/);
      }
      await expect(countFunctions(network, { samples: 10, pool })).rejects.toThrow(/pool: it is closed/);
      pool.close();
    }
  });

  it("runs several calls at a time, each with its own right answer", async () => {
    for (const workers of [0, 2]) {
      const pool = createPool({ workers });
      const seeds = [1, 2, 3, 4, 5];
      const digests = await Promise.all(
        seeds.map(async (seed) => (await countFunctions(network, { samples: 1500, seed, pool })).digest()),
      );
      for (const [i, seed] of seeds.entries()) {
        expect(await (await countFunctions(network, { samples: 1500, seed, pool })).digest()).toBe(digests[i]);
      }
      expect(new Set(digests).size).toBe(5);
      pool.close();
    }
  });

  it("in the calling thread frees a task's memory however calls overlap", async () => {
    const pool = createPool({ workers: 0 });
    // each call starts the next while its own memory is allocated
    const calls: Array<Promise<number>> = [];
    const task: Task<number, number> = {
      name: "allocate",
      async run({ kernels }, left) {
        const before = kernels.mark();
        kernels.allocate(1000);
        if (left > 0) calls.push(pool.run(task, left - 1));
        await new Promise((resolve) => setTimeout(resolve, 2));
        return before;
      },
      transfer: () => [],
    };
    const first = await pool.run(task, 0);
    calls.push(pool.run(task, 20));
    for (let i = 0; i < calls.length; i++) await calls[i];
    expect(calls).toHaveLength(21);
    expect(await pool.run(task, 0)).toBe(first);
    pool.close();
  });

  it("tells what it runs on", async () => {
    const pool = createPool({ workers: 3 });
    expect(pool.info()).toMatchObject({ workers: 3, simd: true });
    expect(pool.info().hardwareThreads).toBeGreaterThan(0);
    expect(createPool({ workers: 0 }).info().why).toMatch(/calling thread/);
    await using disposed = createPool({ workers: 1 });
    expect((await countFunctions(network, { samples: 10, pool: disposed })).samples).toBe(10);
  });
});

describe("instances of the calling thread", () => {
  it("are used again by later pools, and not by a pool that still holds one", async () => {
    const seen = new Set<unknown>();
    const look: Task<null, null> = {
      name: "look",
      async run({ kernels }) {
        seen.add(kernels.memory);
        return null;
      },
      transfer: () => [],
    };
    for (let i = 0; i < 5; i++) {
      const pool = createPool({ workers: 0 });
      await pool.run(look, null);
      pool.close();
      await Promise.resolve();
    }
    expect(seen.size).toBe(1);
    const pools = [0, 1, 2].map(() => createPool({ workers: 0 }));
    for (const pool of pools) await pool.run(look, null);
    for (const pool of pools) pool.close();
    expect(seen.size).toBe(3);
  });
});
