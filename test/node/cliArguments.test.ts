/** Any command line: an answer or one line that names what is wrong, soon, and nothing written but where it was told to. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  parseBytes,
  parseDuration,
  parseInteger,
  parseLayers,
  parseNumber,
  parseShard,
  parseWhole,
  UsageError,
} from "../../src/cli/arguments.ts";
import { LONGER } from "../fuzz.ts";

let scratch: string;
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), "flatvol-arguments-test-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

describe("values of flags", () => {
  it("are numbers in their range, or bad usage that names the flag in one line", () => {
    const near = fc
      .array(fc.constantFrom("0", "1", "9", ".", "_", ",", "/", "e", "E", "+", "-", "5", "m", "G", "i", "B", " "))
      .map((list) => list.join(""));
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (text) => {
        const parsers = [parseWhole, parseInteger, parseNumber, parseLayers, parseBytes, parseDuration, parseShard];
        for (const parse of parsers) {
          try {
            const value: unknown = parse("--flag", text);
            if (typeof value === "number") expect(value).not.toBeNaN();
            if (parse === parseInteger || parse === parseBytes) expect(Number.isSafeInteger(value)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
            expect((error as Error).message).toMatch(/^--flag: expected [^\n]+$/);
          }
        }
      }),
      { seed: 1, numRuns: 5000 * LONGER },
    );
  });
});

const VERBS = ["count", "merge", "volume", "kernel", "train", "predict", "flatness", "rescale", "complexity", "study"];
const WORDS = [
  ...VERBS,
  ...["queue", "worker", "submit", "status", "collect", "count", "boolean", "help", "--help"],
  ...[
    "--layers",
    "--samples",
    "--seed",
    "--shard",
    "--out",
    "--checkpoint",
    "--resume",
    "--every",
    "--x",
    "--y",
    "--top",
  ],
  ...[
    "--function",
    "--method",
    "--weights",
    "--redis",
    "--json",
    "--workers",
    "--memory",
    "--spill",
    "--depth",
    "--quick",
  ],
  ...["3,4,1", "7,1", "1,1", "0", "1", "2/3", "1e2", "-1", "1e400", "x.npy", "w.safetensors", "t.parquet", "t.csv"],
  ...[
    "",
    "-",
    "--",
    "../x",
    "/proc/x",
    "/dev/full/x.parquet",
    "a\nb",
    "\u0000",
    "ff",
    "é",
    "=",
    "--out=",
    "redis://u:p@[",
    "{}",
  ],
];

describe("any command line", () => {
  it("ends soon, with an exit code that says how, and no trace of the stack", async () => {
    const home = join(scratch, "home");
    fs.mkdirSync(home);
    for (const name of ["x.npy", "w.safetensors", "t.parquet"])
      fs.writeFileSync(join(home, name), "nothing of the kind");
    const outside = fs.readdirSync(scratch);
    const call = (args: string[]) =>
      new Promise<{ code: number | null; err: string }>((resolve) => {
        const child = spawn(process.execPath, [join(process.cwd(), "dist/cli.js"), ...args], {
          cwd: home,
          env: { ...process.env, TMPDIR: home },
          stdio: ["ignore", "ignore", "pipe"],
        });
        let err = "";
        child.stderr.on("data", (text) => {
          err += text;
        });
        const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
        child.on("close", (code) => {
          clearTimeout(timer);
          resolve({ code, err });
        });
      });
    const word = fc.constantFrom(...WORDS.filter((text) => !text.includes("\u0000")));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...VERBS, "queue"), fc.array(word, { maxLength: 7 }), async (verb, rest) => {
        // a study that runs is minutes of work, and the default of --workers all threads
        fc.pre(verb !== "study" || !rest.includes("boolean") || rest.includes("--help"));
        fc.pre(verb !== "study" || !rest.includes("count"));
        const { code, err } = await call([verb, ...rest]);
        expect([0, 1, 2]).toContain(code);
        if (code !== 0) expect(err).toMatch(/^flatvol[^\n]*: [^\n]+\n$/);
        expect(err).not.toMatch(/\n {4}at /);
      }),
      { seed: 2, numRuns: 60 * LONGER },
    );
    expect(fs.readdirSync(scratch)).toEqual(outside);
  }, 600_000);
});
