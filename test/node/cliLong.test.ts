/** Counts in parts, by the command. `node scripts/build.mjs` has run before. */
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { writeNpy } from "../../src/node.ts";

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

  /** Kills the command when enough is kept, then runs it to its end. */
  async function killedAndResumed(args: string[], enough: () => boolean): Promise<ReturnType<typeof run>> {
    const child = spawn(process.execPath, [CLI, ...args]);
    const ended = new Promise((resolve) => child.on("exit", (_code, signal) => resolve(signal)));
    const deadline = Date.now() + 60_000;
    while (!enough() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    expect(enough()).toBe(true);
    return run(args);
  }

  const lines = (file: string): number =>
    fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").length - 1 : 0;

  it("carry a killed training to the weights of an unbroken one", async () => {
    const [points, features] = [300, 20];
    const file = (name: string): string => join(scratch, name);
    const x = Float32Array.from({ length: points * features }, (_, i) => Math.sin(i * i + i));
    fs.writeFileSync(file("x.npy"), writeNpy({ shape: [points, features], data: x }));
    const y = Float32Array.from({ length: points }, (_, i) => Number((i * 7919) % 11 < 5));
    fs.writeFileSync(file("y.npy"), writeNpy({ shape: [points], data: y }));
    const args = ["train", "--layers", "20,40,1", "--x", file("x.npy"), "--y", file("y.npy"), "--seed", "3"];
    args.push("--optimizer", "adam", "--target-loss", "0", "--max-epochs", "3000", "--history-every", "500");
    const state = file("training");
    const flags = [...args, "--out", file("resumed.safetensors"), "--checkpoint", state, "--every", "0s", "--json"];
    const resumed = await killedAndResumed([...flags, "--resume"], () => fs.existsSync(join(state, "training.state")));
    expect([resumed.code, resumed.err]).toEqual([0, ""]);
    const { resumedEpochs, seconds: _s, out: _o, ...found } = JSON.parse(resumed.out);
    expect(resumedEpochs).toBeGreaterThan(0);
    const { seconds: _t, out: _p, ...unbroken } = json([...args, "--out", file("whole.safetensors")]);
    expect(found).toEqual(unbroken);
    expect(fs.readFileSync(file("resumed.safetensors"))).toEqual(fs.readFileSync(file("whole.safetensors")));
    expect(fs.existsSync(state) ? fs.readdirSync(state) : []).toEqual([]);
  });

  it("carry killed volumes to those of an unbroken run, repetition by repetition", async () => {
    const args = ["volume", "--layers", "5,10,1", "--function", "69969669", "--method", "splitting", "--workers", "1"];
    args.push("--particles", "300", "--repetitions", "6", "--seed", "2");
    const state = join(scratch, "volumes");
    const records = join(state, "volumes.partial.jsonl");
    const flags = [...args, "--checkpoint", state, "--resume", "--json"];
    const resumed = await killedAndResumed(flags, () => lines(records) >= 3);
    expect([resumed.code, resumed.err]).toEqual([0, ""]);
    expect(JSON.parse(resumed.out)).toEqual(json(args));
    expect(fs.existsSync(state) ? fs.readdirSync(state) : []).toEqual([]);

    const compared = ["volume", "--layers", "3,6,1", "--compare", "--samples", "20000", "--workers", "1"];
    compared.push("--function", "17", "--function", "69", "--particles", "200");
    const both = [...compared, "--checkpoint", state, "--json"];
    const half = await killedAndResumed([...both, "--resume"], () => lines(records) >= 12);
    expect([half.code, half.err]).toEqual([0, ""]);
    expect(JSON.parse(half.out)).toEqual(json(compared));
  });

  it("carry a killed study to the records of an unbroken one, in a directory of their own", async () => {
    const [state, out, whole] = ["records", "resumed", "whole"].map((name) => join(scratch, name));
    const args = ["study", "rescaling", "--quick", "--seed", "1"];
    const flags = [...args, "--out", out, "--checkpoint", state, "--every", "10s"];
    const partial = join(state, "records.partial.jsonl");
    const resumed = await killedAndResumed([...flags, "--resume"], () => lines(partial) >= 2);
    expect([resumed.code, resumed.err]).toEqual([0, expect.any(String)]);
    expect(fs.existsSync(state) ? fs.readdirSync(state) : []).toEqual([]);
    expect(run([...args, "--out", whole]).code).toBe(0);
    const records = (directory: string) => JSON.parse(fs.readFileSync(join(directory, "records.json"), "utf8")).records;
    expect(records(out)).toEqual(records(whole));
  });

  it("of other volumes, another study or another training are refused", () => {
    const state = join(scratch, "foreign");
    fs.mkdirSync(state);
    const volume = ["volume", "--layers", "3,6,1", "--function", "17", "--method", "ep", "--checkpoint", state];
    const head = JSON.stringify({ format: "flatvol records 1", fingerprint: "{}" });
    for (const name of ["volumes.partial.jsonl", "records.partial.jsonl"]) {
      fs.writeFileSync(join(state, name), `${head}\n`);
    }
    const study = ["study", "rescaling", "--quick", "--out", join(scratch, "none"), "--checkpoint", state];
    for (const args of [volume, study]) {
      const unasked = run(args);
      expect([unasked.code, unasked.out]).toEqual([2, ""]);
      expect(unasked.err).toMatch(/--checkpoint: "[^"]*" holds a checkpoint; expected --resume to go on/);
      const { code, out, err } = run([...args, "--resume"]);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toMatch(
        /--checkpoint: "[^"]*foreign": "[a-z.]*": expected records of the same study, settings, data/,
      );
    }
    expect(fs.existsSync(join(scratch, "none"))).toBe(false);
    const own = join(scratch, "own");
    const wrong = run([...volume.slice(0, -1), own, "--particles", "1", "--method", "splitting"]);
    expect([wrong.code, wrong.out, fs.existsSync(own)]).toEqual([2, "", false]);
    fs.mkdirSync(join(own, "volumes.partial.jsonl"), { recursive: true });
    const folder = run([...volume.slice(0, -1), own, "--resume"]);
    expect([folder.code, folder.out]).toEqual([2, ""]);
    expect(folder.err).toMatch(/--checkpoint: "[^"]*own": cannot write "volumes.partial.jsonl" \(it is a directory\)/);
    const sharded = run([...study, "--resume", "--shard", "1/2"]);
    expect([sharded.code, sharded.out]).toEqual([2, ""]);
    expect(sharded.err).toContain("--checkpoint: expected none beside --shard");
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
