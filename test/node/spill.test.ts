import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { countFunctions } from "../../src/index.ts";
import { spillToDisk } from "../../src/node.ts";

let directory: string;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "flatvol-spill-test-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(directory, { recursive: true, force: true });
});

const network = { layers: [7, 40, 40, 1] };
const small = { samples: 60_000, workers: 1, chunkSize: 3000 };

describe("spillToDisk", () => {
  it.for([1, 4])("gives the table that fits into memory, to the bit (outputDraws %i)", async (outputDraws) => {
    const whole = await countFunctions(network, { ...small, outputDraws });
    const spilled = await countFunctions(network, {
      ...small,
      outputDraws,
      memoryLimit: 50_000,
      spill: spillToDisk(directory),
    });
    expect(spilled.spilledBytes).toBeGreaterThan(50_000);
    expect(await spilled.digest()).toBe(await whole.digest());
    expect(spilled.top(50)).toEqual(whole.top(50));
    const { function: f } = whole.top(3)[2];
    expect(spilled.orbit(f)).toEqual(whole.orbit(f));
    spilled.close();
    whole.close();
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it("without it the count says what to set", async () => {
    await expect(countFunctions(network, { ...small, memoryLimit: 50_000 })).rejects.toThrow(
      /^memoryLimit: .*50000 bytes; set a higher memoryLimit.*spillToDisk/,
    );
  });

  it("keeps rows, uses freed room again, and forgets everything on close", () => {
    const store = spillToDisk(directory);
    const rows = (seed: number, length: number) =>
      Uint32Array.from({ length }, (_, i) => Math.imul(i + seed, 2654435761));
    const kept = [1, 2, 3].map((seed) => store.write(rows(seed, 30_000)));
    kept[1].release();
    kept[1].release();
    const again = store.write(rows(4, 30_000));
    expect(again.read()).toEqual(rows(4, 30_000));
    expect(kept[0].read()).toEqual(rows(1, 30_000));
    expect(kept[2].read()).toEqual(rows(3, 30_000));
    expect(kept[1].read()).toHaveLength(0);
    const tiny = store.write(rows(5, 1));
    expect(tiny.read()).toEqual(rows(5, 1));
    store.close();
    store.close();
    expect(again.read()).toHaveLength(0);
    expect(() => store.write(rows(1, 1))).toThrow(/^spill: the store is closed/);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it("writes nothing before it must", () => {
    spillToDisk(directory);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it("refuses what is no writable directory, naming the argument", () => {
    expect(() => spillToDisk(join(directory, "none"))).toThrow(/^directory: expected .* which does not exist$/);
    fs.writeFileSync(join(directory, "file"), "");
    expect(() => spillToDisk(join(directory, "file"))).toThrow(/^directory: expected .* which is no directory$/);
    expect(() => spillToDisk(7 as unknown as string)).toThrow(TypeError);
  });

  it("names the directory when the disk is full, and leaves nothing", async () => {
    const real = fs.writeSync;
    let written = 0;
    vi.spyOn(fs, "writeSync").mockImplementation(((...args: Parameters<typeof real>) => {
      written++;
      if (written > 3) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
      return real(...args);
    }) as typeof real);
    await expect(countFunctions(network, { ...small, memoryLimit: 0, spill: spillToDisk(directory) })).rejects.toThrow(
      `spill: no space left in "${directory}" after`,
    );
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  it("leaves nothing behind when the process is killed", () => {
    const script = `
      import { spillToDisk } from ${JSON.stringify(join(process.cwd(), "dist/node.js"))};
      spillToDisk(${JSON.stringify(directory)}).write(new Uint32Array(100000));
      process.kill(process.pid, "SIGKILL");`;
    const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
    expect(signal).toBe("SIGKILL");
    if (process.platform !== "win32") expect(fs.readdirSync(directory)).toEqual([]);
  });
});
