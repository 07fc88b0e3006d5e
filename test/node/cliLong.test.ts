/** Counts in parts, by the command. `node scripts/build.mjs` has run before. */
import { spawnSync } from "node:child_process";
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
