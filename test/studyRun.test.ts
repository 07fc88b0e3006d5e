import { describe, expect, it } from "vitest";
import { Pool } from "../src/engine/pool.ts";
import { fingerprintOf, type RecordStore, runTasks, type StudyProgress, type StudyTask } from "../src/study/run.ts";

interface Square {
  readonly x: number;
  readonly square: number | null;
}

function squares(count: number, ran: number[], fail?: number): Array<StudyTask<Square>> {
  return Array.from({ length: count }, (_, x) => ({
    key: `x ${x}`,
    stage: x < 2 ? "first" : "then",
    async run({ signal }) {
      signal.throwIfAborted();
      // later tasks end earlier
      await new Promise((resolve) => setTimeout(resolve, count - x));
      if (x === fail) throw new Error("it broke");
      ran.push(x);
      return { x, square: x === 3 ? Number.NaN : x * x };
    },
  }));
}

/** What a file does, in memory. */
function memoryStore(found: ReadonlyMap<string, unknown> = new Map()) {
  const added = new Map<string, unknown>();
  const store: RecordStore = { found, add: (key, json) => void added.set(key, JSON.parse(json)) };
  return { store, added };
}

const expected = [0, 1, 4, null, 16].map((square, x) => ({ x, square }));

describe("runTasks", () => {
  it.each([0, 1, 3])("gives records in the order of the tasks with %i workers, as JSON has them", async (workers) => {
    const pool = new Pool({ workers });
    expect(await runTasks(squares(5, []), { pool })).toEqual(expected);
    expect(await runTasks([], { pool })).toEqual([]);
    pool.close();
  });

  it("runs only what is not known, and tells how far it is", async () => {
    const pool = new Pool({ workers: 0 });
    const seen: StudyProgress[] = [];
    const ran: number[] = [];
    const { store, added } = memoryStore(
      new Map([
        ["x 1", expected[1]],
        ["x 4", expected[4]],
      ]),
    );
    const records = await runTasks(squares(5, ran), { pool, store, onProgress: (progress) => seen.push(progress) });
    expect(records).toEqual(expected);
    expect(ran).toEqual([0, 2, 3]);
    expect([...added.keys()]).toEqual(["x 0", "x 2", "x 3"]);
    expect(seen.map(({ stage, done, total }) => [stage, done, total])).toEqual([
      ["first", 2, 5],
      ["first", 3, 5],
      ["then", 4, 5],
      ["then", 5, 5],
    ]);
    expect(seen[0].secondsLeft).toBeNaN();
    expect(seen.at(-1)!.secondsLeft).toBe(0);
    expect(seen.at(-1)!.rate).toBeGreaterThan(0);
    pool.close();
  });

  it("keeps what is done when a task fails, and throws its error", async () => {
    const pool = new Pool({ workers: 0 });
    const { store, added } = memoryStore();
    await expect(runTasks(squares(5, [], 2), { pool, store })).rejects.toThrow("it broke");
    expect([...added.keys()]).toEqual(["x 0", "x 1"]);
    pool.close();
  });

  it("stops at the signal with its reason, and goes on from there", async () => {
    const pool = new Pool({ workers: 0 });
    const stop = new AbortController();
    const first = memoryStore();
    const onProgress = ({ done }: StudyProgress): void => {
      if (done === 2) stop.abort(new Error("enough"));
    };
    await expect(
      runTasks(squares(5, []), { pool, store: first.store, signal: stop.signal, onProgress }),
    ).rejects.toThrow("enough");
    expect(first.added.size).toBe(2);
    const ran: number[] = [];
    expect(await runTasks(squares(5, ran), { pool, store: memoryStore(first.added).store })).toEqual(expected);
    expect(ran).toEqual([2, 3, 4]);
    pool.close();
  });
});

describe("fingerprintOf", () => {
  it("differs with study, seed and settings", () => {
    const one = { study: "a", seed: "0", settings: { n: 1 } };
    const all = [one, { ...one, study: "b" }, { ...one, seed: "1" }, { ...one, settings: { n: 2 } }];
    expect(new Set(all.map(fingerprintOf)).size).toBe(4);
    expect(fingerprintOf({ ...one })).toBe(fingerprintOf(one));
  });
});
