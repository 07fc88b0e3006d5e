/** Counts that are interrupted: whatever ends them, they go on to the bits of an unbroken run. */
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CountOptions, countFunctions } from "../../src/index.ts";
import { type CheckpointOptions, checkpointTo, spillToDisk } from "../../src/node.ts";
import { LONGER } from "../fuzz.ts";

let scratch: string;
let directory: string;
beforeEach(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), "flatvol-checkpoint-test-"));
  directory = join(scratch, "state");
  fs.mkdirSync(directory);
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(scratch, { recursive: true, force: true });
});

const network = { layers: [5, 9, 1] };
const SMALL = { samples: 6000, seed: 3, workers: 0, chunkSize: 200 };

/** Counts with a checkpoint after every chunk. */
function kept(options: Partial<CountOptions> = {}, store: CheckpointOptions = {}, net: object = network) {
  const checkpoint = checkpointTo(directory, { every: 0, ...store });
  return countFunctions(net as typeof network, { ...SMALL, ...options, checkpoint });
}

/** Counts until `samples` are kept, then stops as if interrupted. */
async function interrupted(samples: number, options: Partial<CountOptions> = {}): Promise<void> {
  const stop = new AbortController();
  const onProgress = (progress: { samples: number }): void => {
    if (progress.samples > samples) stop.abort("interrupted");
  };
  await expect(kept({ ...options, signal: stop.signal, onProgress })).rejects.toBe("interrupted");
}

const parts = (): Array<[number, number]> =>
  fs
    .readdirSync(directory)
    .flatMap((name) => {
      const match = /^bodies-(\d+)-(\d+)\.part$/.exec(name);
      return match ? [[Number(match[1]), Number(match[2])] as [number, number]] : [];
    })
    .sort((a, b) => a[0] - b[0]);
const reached = (): number => Math.max(0, ...parts().map(([, end]) => end));
const digestOf = async (options: Partial<CountOptions> = {}): Promise<string> =>
  (await countFunctions(network, { ...SMALL, ...options })).digest();

/** The directory's files and their bytes. */
const contents = (): Record<string, string> =>
  Object.fromEntries(fs.readdirSync(directory).map((name) => [name, fs.readFileSync(join(directory, name), "base64")]));

describe("a count with a checkpoint", () => {
  it.for([
    { outputDraws: 1 },
    { outputDraws: 4 },
    { firstSample: 400 },
    { inputs: { data: [0.5, -1, 2, 0.25, 1, 1, 0, 0, 0, 3], points: 2 } },
    { memoryLimit: 0 },
    { workers: 2 },
  ])("goes on after an interrupt to the table of an unbroken one (%o)", async (options) => {
    const spill = () => ({ ...options, ...("memoryLimit" in options ? { spill: spillToDisk(scratch) } : {}) });
    const whole = await countFunctions(network, { ...SMALL, ...options, memoryLimit: undefined });
    await interrupted(2000, spill());
    const there = reached();
    expect(there).toBeGreaterThan(0);
    const seen: number[] = [];
    const onProgress = ({ samples }: { samples: number }): void => void seen.push(samples);
    const table = await kept({ ...spill(), onProgress }, { resume: true });
    expect(await table.digest()).toBe(await whole.digest());
    expect([table.top(20), table.ranges, table.designEffect()]).toEqual([
      whole.top(20),
      whole.ranges,
      whole.designEffect(),
    ]);
    // what was kept is not counted again
    const draws = table.outputDraws;
    expect(seen[0]).toBeGreaterThan(there * draws - (options.firstSample ?? 0));
    table.close();
  });

  it("merges parts as they become many, and removes what it replaces", async () => {
    const table = await kept({ samples: 6000, chunkSize: 100 });
    // 60 parts: two merged ones of 24, and 12
    expect(parts()).toHaveLength(14);
    expect(parts()[0]).toEqual([0, 2400]);
    expect(parts().at(-1)?.[1]).toBe(6000);
    const again = await kept({}, { resume: true });
    expect(await again.digest()).toBe(await table.digest());
    const more = await kept({ samples: 9000 }, { resume: true });
    expect(await more.digest()).toBe(await digestOf({ samples: 9000 }));
  });

  it("is over when the store is removed", async () => {
    const checkpoint = checkpointTo(directory, { every: 1000 });
    const table = await countFunctions(network, { ...SMALL, checkpoint });
    expect(parts()).toEqual([[0, 6000]]);
    checkpoint.remove();
    expect(fs.readdirSync(directory)).toEqual([]);
    // the table does not need it
    expect(await table.digest()).toBe(await digestOf());
    await expect(countFunctions(network, { ...SMALL, checkpoint })).rejects.toThrow(/a store of its own/);
  });

  it("removes what a process left over that was ended while it merged or wrote", async () => {
    await interrupted(3000);
    const all = contents();
    await kept({ samples: 4800 }, { resume: true });
    // as if it had ended between the rename of the merged part and the removal of those that it replaces
    for (const [name, bytes] of Object.entries(all)) {
      fs.writeFileSync(join(directory, name), Buffer.from(bytes, "base64"));
    }
    fs.writeFileSync(join(directory, ".bodies-4800-5000.part.tmp"), "half of it");
    const table = await kept({ samples: 4800 }, { resume: true });
    expect(await table.digest()).toBe(await digestOf({ samples: 4800 }));
    expect(parts()[0]).toEqual([0, 4800]);
    expect(fs.readdirSync(directory)).toHaveLength(1);
  });
});

describe("kill -9", () => {
  const child = (samples: number): string => `
    import { countFunctions } from ${JSON.stringify(join(process.cwd(), "dist/index.js"))};
    import { checkpointTo } from ${JSON.stringify(join(process.cwd(), "dist/node.js"))};
    const table = await countFunctions({ layers: [7, 40, 40, 1] }, {
      samples: ${samples}, seed: 8, workers: 1, chunkSize: 1000,
      checkpoint: checkpointTo(${JSON.stringify(directory)}, { every: 0, resume: true }),
      onProgress: ({ stage, samples }) => process.stdout.write(stage === "sampling" ? samples + "\\n" : ""),
    });
    process.stdout.write("digest " + (await table.digest()) + "\\n");`;

  it("at any moment loses at most one interval; the run that goes on ends with the bits of an unbroken one", async () => {
    const samples = 60_000;
    let killed = 0;
    let digest = "";
    let before = 0;
    for (let attempt = 0; attempt < 40 && digest === ""; attempt++) {
      const running = spawn(process.execPath, ["--input-type=module", "-e", child(samples)]);
      let said = "";
      // moments all over the work, however fast the machine: after some chunks of 60, or (0) while it begins
      const chunks = (attempt * 5) % 11;
      running.stdout.on("data", (text) => {
        said += text;
        if (chunks > 0 && said.split("\n").length > chunks) running.kill("SIGKILL");
      });
      const ended = new Promise<string | null>((resolve) => running.on("close", (_code, signal) => resolve(signal)));
      const timer = chunks > 0 ? undefined : setTimeout(() => running.kill("SIGKILL"), 120);
      const signal = await ended;
      clearTimeout(timer);
      digest = /digest (\w+)/.exec(said)?.[1] ?? "";
      if (signal !== "SIGKILL") continue;
      killed++;
      const counted = Math.max(before, ...said.split("\n").map((line) => (/^\d+$/.test(line) ? Number(line) : 0)));
      // said is said before the part is kept: one chunk, the interval, may be missing
      expect(reached()).toBeGreaterThanOrEqual(counted - 1000);
      expect(reached()).toBeGreaterThanOrEqual(before);
      before = reached();
    }
    expect(killed).toBeGreaterThanOrEqual(3);
    const whole = await countFunctions({ layers: [7, 40, 40, 1] }, { samples, seed: 8, workers: 2 });
    expect(digest).toBe(await whole.digest());
  }, 180_000);
});

describe("a checkpoint that is not of this count", () => {
  it("is refused with the reason, and left as it is", async () => {
    await interrupted(2000);
    const before = contents();
    for (const [options, net, said] of [
      [{ seed: 4 }, network, /another seed \(4 in place|another seed \(3 in place of 4\)/],
      [{}, { layers: [5, 8, 1] }, /another network/],
      [{}, { ...network, activation: "tanh" }, /another network/],
      [{}, { ...network, sigmaW2: 1 }, /another prior/],
      [{ outputDraws: 2 }, network, /another outputDraws/],
      [{ inputs: { data: Array(160).fill(1), points: 32 } }, network, /another inputs/],
      [{ firstSample: 200 }, network, /it begins with body 0, the count with 200/],
      [{ samples: 400 }, network, /it holds bodies up to \d+, the count ends with 399/],
    ] as const) {
      const attempt = kept(options as Partial<CountOptions>, { resume: true }, net);
      await expect(attempt).rejects.toThrow(said);
      await expect(attempt).rejects.toThrow(/^checkpoint: expected one of this count in /);
      await expect(attempt).rejects.toBeInstanceOf(RangeError);
    }
    expect(contents()).toEqual(before);
    expect(() => checkpointTo(directory)).toThrow(/^checkpoint: ".*" holds a checkpoint; expected resume/);
  });

  it("of another version or module is refused", async () => {
    await interrupted(600);
    const [name] = fs.readdirSync(directory);
    const text = fs.readFileSync(join(directory, name), "latin1");
    const { createHash } = await import("node:crypto");
    for (const [from, to, said] of [
      [/"version":"0/, '"version":"9', /another version of flatvol/],
      [/"wasm":"[0-9a-f]{4}/, '"wasm":"0000', /another WebAssembly module/],
      [/flatvol part 1/, "flatvol part 7", /no part of a checkpoint of this version/],
    ] as const) {
      const bytes = Buffer.from(text.replace(from, to), "latin1");
      createHash("sha256")
        .update(bytes.subarray(0, -32))
        .digest()
        .copy(bytes, bytes.length - 32);
      fs.writeFileSync(join(directory, name), bytes);
      await expect(kept({}, { resume: true })).rejects.toThrow(said);
    }
  });

  it("that is damaged anywhere is refused, never half used", async () => {
    await interrupted(1200);
    const names = fs.readdirSync(directory);
    const sound = new Map(names.map((name) => [name, fs.readFileSync(join(directory, name))]));
    const restore = (): void => {
      for (const [name, bytes] of sound) fs.writeFileSync(join(directory, name), bytes);
    };
    const refused = () => expect(kept({}, { resume: true })).rejects.toThrow(/^checkpoint: expected one of this count/);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 1, max: 255 }), async (name, at, by) => {
        const bytes = Buffer.from(sound.get(name)!);
        bytes[at % bytes.length] ^= by;
        fs.writeFileSync(join(directory, name), bytes);
        await refused();
        restore();
      }),
      { seed: 5, numRuns: 100 * LONGER },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.nat(),
        fc.uint8Array({ maxLength: 100 }),
        async (name, at, put) => {
          const bytes = sound.get(name)!;
          const changed = Buffer.concat([bytes.subarray(0, at % bytes.length), put]);
          if (changed.equals(bytes)) return;
          fs.writeFileSync(join(directory, name), changed);
          await refused();
          restore();
        },
      ),
      { seed: 6, numRuns: 100 * LONGER },
    );
    fs.rmSync(join(directory, `bodies-${parts()[1].join("-")}.part`));
    await expect(kept({}, { resume: true })).rejects.toThrow(/bodies 200 to 399 are missing/);
    restore();
    fs.copyFileSync(join(directory, names[0]), join(directory, "bodies-100-300.part"));
    await expect(kept({}, { resume: true })).rejects.toThrow(/are there twice; did two processes write there\?/);
  });

  it("directory that is none, or options that are none, are refused naming the argument", () => {
    expect(() => checkpointTo(join(scratch, "none"))).toThrow(/^checkpoint: expected a directory .*no such directory/);
    fs.writeFileSync(join(scratch, "file"), "");
    expect(() => checkpointTo(join(scratch, "file"))).toThrow(/^checkpoint: expected a directory/);
    expect(() => checkpointTo(7 as unknown as string)).toThrow(TypeError);
    expect(() => checkpointTo(directory, { every: -1 })).toThrow(/^every: .*got -1$/);
    expect(() => checkpointTo(directory, { evry: 1 } as object)).toThrow(/^options\.evry: no such option/);
  });
});

describe("a disk that fails", () => {
  it.for(["writeSync", "fsyncSync", "renameSync", "openSync"] as const)(
    "in %s is named, and the last good checkpoint stands",
    async (call) => {
      const real = fs[call] as (...args: unknown[]) => unknown;
      let calls = 0;
      const limit = { writeSync: 17, fsyncSync: 5, renameSync: 3, openSync: 9 }[call];
      vi.spyOn(fs, call).mockImplementation(((...args: unknown[]) => {
        calls++;
        if (calls >= limit) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "write" });
        return real(...args);
      }) as never);
      await expect(kept()).rejects.toThrow(
        /^checkpoint: cannot write in ".*" \(no space left on the disk\); the last one stands, up to body \d+$/,
      );
      vi.restoreAllMocks();
      expect(reached()).toBeGreaterThan(0);
      expect(fs.readdirSync(directory).filter((name) => name.endsWith(".tmp"))).toEqual([]);
      expect(await (await kept({}, { resume: true })).digest()).toBe(await digestOf());
    },
  );

  it("because it is full, a real one of 64 kB, is named, and what was kept is used once there is room", async ({
    skip,
  }) => {
    const options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory];
    if (spawnSync("mount", options).status !== 0) skip("no right to mount a small file system here");
    try {
      await expect(kept()).rejects.toThrow(/^checkpoint: cannot write in .*no space left on the disk.*stands/);
      const there = reached();
      expect(there).toBeGreaterThan(0);
      expect(spawnSync("mount", ["-o", "remount,size=4m", directory]).status).toBe(0);
      expect(await (await kept({}, { resume: true })).digest()).toBe(await digestOf());
    } finally {
      spawnSync("umount", [directory]);
    }
  });

  it("or another process that writes there stops the count", async () => {
    const onProgress = ({ samples }: { samples: number }): void => {
      if (samples === 1000) fs.writeFileSync(join(directory, "bodies-0-5000.part"), "of another");
    };
    await expect(kept({ onProgress })).rejects.toThrow(/^checkpoint: another process writes to .*bodies-0-5000\.part/);
  });
});
