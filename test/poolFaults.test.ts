/** Faults at every stage of a pool's call: it rejects with the cause, the next one works, no worker is left. */
import { describe, expect, it } from "vitest";
import { countFunctions, createPool, type Pool } from "../src/index.ts";
import { allGone, inNode, type Started, watching } from "./watchedWorkers.ts";

const network = { layers: [7, 40, 40, 1] };

/** The digest of a count whose workers are sound. */
const SOUND = { samples: 2000, seed: 5 };
const digestOf = async (pool: Pool): Promise<string> => (await countFunctions(network, { ...SOUND, pool })).digest();

/** Script: from the `n`-th call on of a function, another stands in its place. */
const replace = (holder: string, name: string, n: number, body: string): string => `{
  const original = ${holder}.${name};
  let calls = 0;
  ${holder}.${name} = function (...args) {
    if (++calls < ${n}) return original.apply(this, args);
    ${body}
  };
}`;

interface Fault {
  readonly stage: string;
  /** Script of a worker that has it. */
  readonly script: string;
  /** What the call rejects with. */
  readonly cause: RegExp;
  /** Whether the worker can go on: it only failed at what it was told to do. */
  readonly survives?: boolean;
  readonly nodeOnly?: boolean;
  readonly megabytes?: number;
}

const FAULTS: readonly Fault[] = [
  {
    stage: "the script throws as it is loaded",
    script: 'throw new Error("at load");',
    cause: /^worker died: .*at load/,
  },
  {
    stage: "the module cannot be instantiated",
    script: replace("WebAssembly", "instantiate", 1, 'return Promise.reject(new Error("no instance"));'),
    cause: /no instance/,
  },
  {
    stage: "memory runs out while a table grows (Wasm)",
    script: replace("WebAssembly.Memory.prototype", "grow", 2, 'throw new RangeError("no memory left");'),
    cause: /^memory: a kernel needs \d+ bytes/,
    survives: true,
  },
  {
    stage: "the heap runs out in the middle of a call",
    script: "setTimeout(() => { const all = []; for (;;) all.push(new Array(1e5).fill(Math.random())); }, 150);",
    cause: /^worker died: .*(memory|ERR_WORKER_OUT_OF_MEMORY)/i,
    nodeOnly: true,
    megabytes: 64,
  },
  {
    stage: "an error is thrown outside of every promise",
    script: 'setTimeout(() => { throw new Error("from nowhere"); }, 100);',
    cause: /^worker died: .*from nowhere/,
  },
  {
    stage: "the thread exits",
    script: "setTimeout(() => process.exit(3), 100);",
    cause: /^worker died: worker exited with code 3$/,
    nodeOnly: true,
  },
  {
    stage: "the kernel traps",
    // an address far outside of its memory, in place of the plan's
    script: replace(
      "WebAssembly",
      "instantiate",
      1,
      `
      return original.apply(this, args).then((made) => {
        const instance = made.instance ?? made;
        const exports = { ...instance.exports, sampleFunctions: (_plan, ...rest) => instance.exports.sampleFunctions(0xfffffff0, ...rest) };
        const shown = Object.create(instance, { exports: { value: exports } });
        return made.instance ? { ...made, instance: shown } : shown;
      });`,
    ),
    cause: /out of bounds|unreachable/,
  },
  {
    stage: "the result cannot be posted",
    script: replace(
      "MessagePort.prototype",
      "postMessage",
      1,
      `
      if (calls === 1) throw new Error("not this one");
      return original.apply(this, args);`,
    ),
    cause: /Unserializable return value/,
    survives: true,
  },
];

describe("a fault", () => {
  for (const { stage, script, cause, survives, nodeOnly, megabytes } of FAULTS) {
    it.skipIf(nodeOnly && !inNode)(`when ${stage}: the call rejects with the cause, the next works`, async () => {
      const sound = createPool({ workers: 0 });
      const expected = await digestOf(sound);
      sound.close();
      await watching(
        async (started: Started[], options) => {
          const pool = createPool({ workers: 2, ...options });
          const call = countFunctions(network, { samples: 1e8, pool });
          await expect(call).rejects.toThrow(cause);
          expect(await digestOf(pool)).toBe(expected);
          if (!survives) expect(started.filter((worker) => worker.gone()).length).toBeGreaterThan(0);
          pool.close();
          await allGone(started);
        },
        (index) => (index === 0 ? script : ""),
        megabytes,
      );
    });
  }

  it("that is a hang ends with the time allowed for it; the worker that hangs is stopped", async () => {
    await watching(
      async (started, options) => {
        const pool = createPool({ workers: 1, ...options });
        const before = performance.now();
        const call = countFunctions(network, { samples: 1e8, pool, signal: AbortSignal.timeout(1000) });
        await expect(call).rejects.toMatchObject({ name: "TimeoutError" });
        expect(performance.now() - before).toBeLessThan(10_000);
        expect((await countFunctions(network, { ...SOUND, pool })).samples).toBe(SOUND.samples);
        expect(started).toHaveLength(2);
        pool.close();
        await allGone(started);
      },
      (index) => (index === 0 ? "setTimeout(() => { for (;;); }, 100);" : ""),
    );
  });

  it("of every worker, again and again, is one rejection a call and leaves none", async () => {
    await watching(
      async (started, options) => {
        const pool = createPool({ workers: 2, ...options });
        for (let call = 0; call < 3; call++) {
          await expect(countFunctions(network, { samples: 1e8, pool })).rejects.toThrow(/^worker died: .*at load/);
        }
        pool.close();
        await allGone(started);
      },
      () => 'throw new Error("at load");',
    );
  });
});
