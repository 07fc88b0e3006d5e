/** Counts in parts, by the command. `node scripts/build.mjs` has run before. */
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const CLI = "dist/cli.js";

let scratch: string;
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), "flatvol-long-test-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

function run(args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: "utf8",
    timeout: 120_000,
  });
  return { code: status, out: stdout, err: stderr };
}

const COUNT = [
  "count",
  "--layers",
  "5,9,1",
  "--samples",
  "9000",
  "--seed",
  "4",
  "--output-draws",
  "3",
  "--workers",
  "1",
];

function json(args: string[]) {
  const { code, out, err } = run([...args, "--json"]);
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out);
}

describe("shards", () => {
  it("of a count, merged, are the whole", () => {
    const whole = json(COUNT);
    const files = [1, 2, 3, 4].map((i) => {
      const out = join(scratch, `part-${i}.parquet`);
      const part = json([...COUNT, "--shard", `${i}/4`, "--out", out]);
      expect(part.samples).toBe(2250);
      expect(part.firstSample).toBe(2250 * (i - 1));
      return out;
    });
    const out = join(scratch, "whole.parquet");
    const merged = json(["merge", ...files, "--out", out]);
    const { seconds: _seconds, samplesPerSecond: _rate, ...expected } = whole;
    expect(merged).toEqual({ ...expected, out });
    expect(json(["merge", out]).digest).toBe(whole.digest);

    for (const [args, said] of [
      [[files[0], files[2], files[3]], "flatvol merge: FILE: missing: shard 2 of 4\n"],
      [[...files, files[3]], /^flatvol merge: FILE: "part-4\.parquet" and "part-4\.parquet" overlap: [^\n]*\n$/],
      [[join(scratch, "none.parquet")], /^flatvol merge: FILE: cannot read [^\n]*no such file\)\n$/],
      [[CLI], /^flatvol merge: FILE: "cli\.js": expected a Parquet table written by flatvol, got [^\n]*\n$/],
    ] as const) {
      const { code, out: printed, err } = run(["merge", ...args]);
      expect([code, printed]).toEqual([2, ""]);
      expect(err).toMatch(said);
    }
  });

  it("that are none are bad usage", () => {
    for (const [shard, said] of [
      ["0/4", "--shard: expected a shard like 3/64"],
      ["5/4", "--shard: expected a shard like 3/64"],
      ["3", "--shard: expected a shard like 3/64"],
      ["1/3001", "--shard: expected an integer from 1 to 3000, got 3001"],
    ]) {
      const { code, out, err } = run([...COUNT, "--shard", shard]);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(said);
    }
  });
});

describe("checkpoints", () => {
  const LONG = ["count", "--layers", "7,40,40,1", "--samples", "150000", "--seed", "2", "--workers", "1", "--top", "3"];

  it("carry a killed count to the end of an unbroken one, and are gone then", async () => {
    const state = join(scratch, "deep", "state");
    const flags = [...LONG, "--checkpoint", state, "--every", "0.1s", "--resume"];
    const kept = () => (fs.existsSync(state) ? fs.readdirSync(state).filter((name) => name.endsWith(".part")) : []);
    for (const parts of [1, 3]) {
      const child = spawn(process.execPath, [CLI, ...flags]);
      const ended = new Promise((resolve) => child.on("exit", (_code, signal) => resolve(signal)));
      const deadline = Date.now() + 60_000;
      while (kept().length < parts && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
      child.kill("SIGKILL");
      expect(await ended).toBe("SIGKILL");
      expect(kept().length).toBeGreaterThanOrEqual(parts);
    }
    const there = run(LONG.concat("--checkpoint", state));
    expect([there.code, there.out]).toEqual([2, ""]);
    expect(there.err).toMatch(
      /^flatvol count: --checkpoint: "[^"]*" holds a checkpoint; expected --resume to go on[^\n]*\n$/,
    );
    const other = run([...flags, "--seed", "3"]);
    expect([other.code, other.out]).toEqual([2, ""]);
    expect(other.err).toMatch(/^flatvol count: --checkpoint: expected one of this count in .*another seed[^\n]*\n$/);

    const whole = json(LONG);
    const resumed = json(flags);
    expect(resumed.digest).toBe(whole.digest);
    expect(resumed.top).toEqual(whole.top);
    expect(resumed.resumedSamples).toBeGreaterThan(0);
    expect(fs.existsSync(state) ? fs.readdirSync(state) : []).toEqual([]);
  });

  it("flags alone, or with nonsense, are bad usage", () => {
    for (const [flags, said] of [
      [["--resume"], "--resume: expected beside --checkpoint"],
      [["--every", "5m"], "--every: expected beside --checkpoint"],
      [["--checkpoint", scratch, "--every", "soon"], "--every: expected a duration like 90s, 5m or 2h"],
      [["--checkpoint", "/proc/flatvol"], "--checkpoint: cannot make the directory"],
      [["--checkpoint", CLI], "--checkpoint: "],
    ] as const) {
      const { code, out, err } = run([...COUNT, ...flags]);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(said);
    }
  });
});
