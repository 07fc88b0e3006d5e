import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** The built command: `node scripts/build.mjs` has run before. */
const CLI = "dist/cli.js";
const PARTIAL = "records.partial.jsonl";

let scratch: string;
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), "flatvol-study-test-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

function run(args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, "study", ...args], {
    encoding: "utf8",
    timeout: 120_000,
  });
  return { code: status, out: stdout, err: stderr };
}

const read = (directory: string) => JSON.parse(fs.readFileSync(join(directory, "records.json"), "utf8"));

let made: { readonly printed: Record<string, unknown>; readonly directory: string } | undefined;
/** The study run in one go, once. */
function unbroken() {
  if (made) return made;
  const directory = join(scratch, "whole");
  const flags = ["rescaling", "--quick", "--seed", "5", "--workers", "0", "--json", "--out", directory];
  const { code, out, err } = run(flags);
  expect([code, err]).toEqual([0, ""]);
  made = { printed: JSON.parse(out), directory };
  return made;
}
const whole = () => read(unbroken().directory);

describe("flatvol study", () => {
  it("keeps what is done through an interrupt, goes on from there, and ends with the same records", async () => {
    const broken = join(scratch, "broken");
    const flags = ["rescaling", "--quick", "--seed", "5"];
    const child = spawn(process.execPath, [CLI, "study", ...flags, "--workers", "1", "--out", broken]);
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    const records = (): number => {
      const path = join(broken, PARTIAL);
      return fs.existsSync(path) ? fs.readFileSync(path, "utf8").split("\n").length - 2 : 0;
    };
    const deadline = Date.now() + 60_000;
    while (records() < 1 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    const kept = records();
    expect(kept).toBeGreaterThanOrEqual(1);
    expect(kept).toBeLessThan(5);
    expect(fs.readdirSync(broken)).toEqual([PARTIAL]);

    // other settings do not go on from there
    const other = run(["rescaling", "--quick", "--seed", "6", "--out", broken]);
    expect(other.code).toBe(2);
    expect(other.err).toMatch(
      /^flatvol study rescaling: --out: "records\.partial\.jsonl": expected records of the same/,
    );

    const { code, out, err } = run([...flags, "--workers", "2", "--out", broken]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`${kept} of them from an earlier run`);
    expect(fs.readdirSync(broken).sort()).toEqual(["records.json", "records.parquet", "report.html"]);

    const { printed, directory } = unbroken();
    expect(printed).toMatchObject({ study: "rescaling", seed: "5", records: 5 });
    const [a, b] = [read(broken), whole()];
    expect(a.records).toEqual(b.records);
    expect(a.analysis).toEqual(b.analysis);
    expect(a.analysis).toEqual(printed.analysis);
    const table = await parquetReadObjects({ file: await asyncBufferFromFile(join(directory, "records.parquet")) });
    expect(table.map((row) => [row.alpha, row["volume.log10P"]])).toEqual(
      b.records.map((record: { alpha: number; volume: { log10P: number } }) => [record.alpha, record.volume.log10P]),
    );
    expect(fs.readFileSync(join(directory, "report.html"), "utf8")).toContain(
      "flatvol study rescaling --quick --seed 5",
    );
  }, 240_000);

  it("in shards, merged, has the records of the whole", () => {
    const dir = join(scratch, "shards");
    const flags = ["rescaling", "--quick", "--seed", "5", "--out", dir];
    const files = [1, 2, 3].map((i) => {
      expect(run([...flags, "--shard", `${i}/3`, "--workers", "2"])).toMatchObject({ code: 0, err: "" });
      return join(dir, `records.shard-${i}-of-3.jsonl`);
    });
    expect(fs.readdirSync(dir).sort()).toEqual(files.map((path) => path.slice(dir.length + 1)));
    const merge = (args: string[]) =>
      spawnSync(process.execPath, [CLI, "merge", ...args, "--out", dir], { encoding: "utf8" });
    const missing = merge([files[0], files[2]]);
    expect([missing.status, missing.stdout]).toEqual([2, ""]);
    expect(missing.stderr).toBe("flatvol merge: FILE: missing: shard 2 of 3\n");
    const both = merge([files[0], "x.parquet"]);
    expect(both.stderr).toContain("expected either tables or records");
    expect(merge(files)).toMatchObject({ status: 0, stderr: "" });
    const { code, out } = run(flags);
    expect(code).toBe(0);
    expect(out).toContain("5 of them from an earlier run");
    // all that a shard may not change, and no shard computed anything anew
    const { records, analysis } = read(dir);
    expect(records).toEqual(whole().records);
    expect(analysis).toEqual(whole().analysis);
  }, 240_000);

  it("refuses bad usage in one line that names the argument", () => {
    for (const [args, name] of [
      [["boolean", "--out", "/proc/flatvol"], "--out"],
      [["boolean", "--workers", "-1"], "--workers"],
      [["boolean", "--data", "x"], "--data"],
      [["rescaling", "--quick", "--shard", "1/6"], "--shard: expected at most 5 shards"],
      [["mnist", "--data", "no-such-directory"], "--data"],
      [["optimizers", "--data", scratch], "train-images-idx3-ubyte"],
      [["cifar"], "data_batch_1.bin"],
      [["digits"], '"digits"'],
    ] as const) {
      const { code, out, err } = run([...args]);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toMatch(/^[^\n]+\n$/);
      expect(err).toContain(name);
    }
  });
});
