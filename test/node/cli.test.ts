import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { complexity, countFunctions, version } from "../../src/index.ts";

/** The built command: `node scripts/build.mjs` has run before. */
const CLI = "dist/cli.js";

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "flatvol-cli-test-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(args: string): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args.split(" ").filter(Boolean)], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, out: stdout, err: stderr };
}

const SMALL = "count --layers 4,8,1 --samples 5_000 --workers 1";

describe("flatvol count", () => {
  it("prints one JSON object with --json and nothing else, the library's numbers", async () => {
    const { code, out, err } = run(`${SMALL} --seed 3 --top 4 --json`);
    expect([code, err]).toEqual([0, ""]);
    const result = JSON.parse(out);
    const table = await countFunctions({ layers: [4, 8, 1] }, { samples: 5000, seed: 3, workers: 0 });
    expect(result.samples).toBe(5000);
    expect(result.distinct).toBe(table.distinct);
    expect(result.digest).toBe(await table.digest());
    expect(result.samplesPerSecond).toBeGreaterThan(0);
    expect(result.top).toHaveLength(4);
    expect(result.top).toMatchObject(
      table
        .top(4)
        .map((f) => ({ function: f.function, count: f.count, probability: f.probability, ci95: [...f.ci95] })),
    );
    const measured = await complexity(result.top.map((f: { function: string }) => f.function));
    expect(result.top.map((f: { complexity: number }) => f.complexity)).toEqual(measured.map((m) => m.lempelZiv));
  });

  it("prints an aligned table and totals", async () => {
    const { code, out, err } = run(`${SMALL} --top 3 --orbits`);
    expect([code, err]).toEqual([0, ""]);
    const lines = out.split("\n");
    expect(lines[0]).toBe("4-8-1 relu, sigma_w^2 = 2, sigma_b^2 = 1, all 16 inputs of 4 bits");
    expect(lines[2]).toMatch(/^rank {2}function {2}.*count.*P\(f\).*95 % interval.*by orbit.*orbit {2}complexity$/);
    expect(new Set(lines.slice(2, 6).map((line) => line.length)).size).toBe(1);
    expect(out).toMatch(/^samples +5,000 in .* a second\)$/m);
    for (const name of ["distinct functions", "seen once", "unseen mass", "entropy", "digest"]) {
      expect(out).toMatch(new RegExp(`^${name} +\\S`, "m"));
    }
    expect(out).not.toContain("design effect");
    expect(run(`${SMALL} --output-draws 8`).out).toMatch(/^design effect +[\d.]+ mean/m);
  });

  it("takes a number in every way that it is written, exactly", () => {
    const digest = (samples: string) =>
      JSON.parse(run(`count --layers 2,3,1 --workers 0 --json --samples ${samples}`).out).samples;
    for (const samples of ["2500", "2_500", "2.5e3", "25e2", "2500.0"]) expect(digest(samples)).toBe(2500);
  });

  it("reads points from a .npy file", async () => {
    const path = join(scratch, "x.npy");
    const data = [0.5, -1, 2, 0.25, 1, 1];
    writeFileSync(path, npy("<f4", "(3, 2)", new Uint8Array(Float32Array.from(data).buffer)));
    const result = JSON.parse(run(`count --layers 2,5,1 --samples 1000 --workers 0 --json --x ${path}`).out);
    const table = await countFunctions(
      { layers: [2, 5, 1] },
      { samples: 1000, workers: 0, inputs: { data, points: 3 } },
    );
    expect(result.digest).toBe(await table.digest());
  });

  it("spills to disk past --memory, with the same result and nothing left", () => {
    const spill = join(scratch, "spill");
    mkdirSync(spill);
    const args = "count --layers 7,20,1 --samples 20000 --workers 1 --json";
    const whole = JSON.parse(run(args).out);
    const spilled = JSON.parse(run(`${args} --memory 10K --spill ${spill}`).out);
    expect(spilled.digest).toBe(whole.digest);
    expect(spilled.top).toEqual(whole.top);
    expect(readdirSync(spill)).toEqual([]);
  });

  it("writes the table, replacing an older one, and leaves nothing else", () => {
    const directory = mkdtempSync(join(scratch, "out-"));
    const csv = join(directory, "t.csv");
    writeFileSync(csv, "older");
    expect(run(`${SMALL} --out ${csv} --quiet`).code).toBe(0);
    const lines = readFileSync(csv, "utf8").trimEnd().split("\n");
    expect(lines[0]).toBe("function,count,probability,ci95_low,ci95_high,orbit_size,complexity");
    expect(lines.slice(1).reduce((sum, line) => sum + Number(line.split(",")[1]), 0)).toBe(5000);
    const parquet = join(directory, "t.parquet");
    expect(run(`${SMALL} --out ${parquet}`).code).toBe(0);
    expect(readFileSync(parquet).subarray(0, 4).toString()).toBe("PAR1");
    expect(readdirSync(directory).sort()).toEqual(["t.csv", "t.parquet"]);
  });
});

describe("flatvol complexity", () => {
  it("prints the library's measures", async () => {
    const functions = ["7fffffffffffffffffffffffffffffff", "6", "00"];
    const { code, out } = run(`complexity --json ${functions.join(" ")}`);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(await complexity(functions));
    const text = run(`complexity ${functions.join(" ")}`)
      .out.trimEnd()
      .split("\n");
    expect(text).toHaveLength(4);
    expect(text[1]).toMatch(/^7f+ +17\.50 /);
  });
});

describe("flatvol study count", () => {
  it("writes report, table and records", () => {
    const directory = join(scratch, "new", "report");
    const { code, out, err } = run(`study count --layers 5,10,1 --samples 20000 --workers 1 --out ${directory}`);
    expect([code, err]).toEqual([0, ""]);
    expect(readdirSync(directory).sort()).toEqual(["functions.parquet", "records.json", "report.html"]);
    const records = JSON.parse(readFileSync(join(directory, "records.json"), "utf8"));
    expect(records.samples).toBe(20000);
    expect(records.run.command).toBe(
      `flatvol study count --layers 5,10,1 --samples 20000 --workers 1 --out ${directory}`,
    );
    expect(records.correlations[0].spearman.value).toBeLessThan(0);
    expect(out).toContain(records.digest);
    expect(out).toContain(join(directory, "report.html"));
    expect(readFileSync(join(directory, "report.html"), "utf8")).toContain(records.digest);
  });

  it("prints its records with --json", () => {
    const directory = join(scratch, "json-report");
    const { code, out } = run(`study count --layers 3,4,1 --samples 2000 --workers 0 --json --out ${directory}`);
    expect(code).toBe(0);
    const result = JSON.parse(out);
    expect(result.study).toBe("count");
    expect(result.correlations).toHaveLength(1);
    expect(existsSync(result.files.report)).toBe(true);
  });
});

describe("help and version", () => {
  it("is on stdout, with exit code 0, for every verb", () => {
    expect(run("--version")).toEqual({ code: 0, out: `${version}\n`, err: "" });
    for (const verb of ["", "count", "complexity", "bench", "study", "study count"]) {
      const { code, out, err } = run(`${verb} --help`);
      expect([verb, code, err]).toEqual([verb, 0, ""]);
      expect(out).toContain(`Usage: flatvol${verb && ` ${verb}`}`);
    }
    expect(run("help count").out).toContain("Usage: flatvol count");
  });
});

describe("bad usage and bad input: exit code 2, one line on stderr that names the argument, nothing on stdout", () => {
  const long = "0".repeat(33);
  const cases: ReadonlyArray<readonly [string, string]> = [
    ["", "verb"],
    ["cuont", '"cuont"'],
    ["study", "verb"],
    ["study nothing", '"nothing"'],
    ["count", "--layers"],
    ["count --layers 3,4,1", "--samples"],
    ["count --samples 10 --layers 3,4,x", "--layers"],
    ["count --samples 10 --layers 3", "--layers"],
    ["count --samples 10 --layers 3,0,1", "--layers[1]"],
    ["count --samples 10 --layers 3,-4,1", "--layers"],
    ["count --samples 10 --layers 11,4,1", "--layers[0]"],
    ["count --samples 10 --layers 3,4,2", "--layers[2]"],
    ["count --samples 10 --layers 3,100000,1", "--layers[1]"],
    ["count --layers 3,4,1 --samples 0", "--samples"],
    ["count --layers 3,4,1 --samples -5", "--samples"],
    ["count --layers 3,4,1 --samples 1.5", "--samples"],
    ["count --layers 3,4,1 --samples NaN", "--samples"],
    ["count --layers 3,4,1 --samples Infinity", "--samples"],
    ["count --layers 3,4,1 --samples 1e300", "--samples"],
    ["count --layers 3,4,1 --samples 10 --output-draws 3", "--samples"],
    ["count --layers 3,4,1 --samples 1000 --output-draws 1000", "--output-draws"],
    ["count --layers 3,4,1 --samples 10 --seed -1", "--seed"],
    ["count --layers 3,4,1 --samples 10 --seed 18446744073709551616", "--seed"],
    ["count --layers 3,4,1 --samples 10 --first-sample 0.5", "--first-sample"],
    ["count --layers 3,4,1 --samples 10 --sigma-w2 -1", "--sigma-w2"],
    ["count --layers 3,4,1 --samples 10 --sigma-w2 NaN", "--sigma-w2"],
    ["count --layers 3,4,1 --samples 10 --sigma-b2 1e400", "--sigma-b2"],
    ["count --layers 3,4,1 --samples 10 --activation gelu", "--activation"],
    ["count --layers 3,4,1 --samples 10 --workers -1", "--workers"],
    ["count --layers 3,4,1 --samples 10 --workers 100000", "--workers"],
    ["count --layers 3,4,1 --samples 10 --top 1e9", "--top"],
    ["count --layers 3,4,1 --samples 10 --memory much", "--memory"],
    ["count --layers 3,4,1 --samples 10 --spill /no/such/directory", "--spill"],
    ["count --layers 3,4,1 --samples 10 --x /no/such/file.npy", "--x"],
    ["count --layers 3,4,1 --samples 10 --x package.json", "--x"],
    ["count --layers 3,4,1 --samples 10 --out /no/such/directory/t.csv", "--out"],
    ["count --layers 3,4,1 --samples 10 --out t.txt", "--out"],
    ["count --layers 3,4,1 --samples 10 --out package.json/t.csv", "--out"],
    ["count --layers 3,4,1 --samples 10 --out", "--out"],
    ["count --layers 3,4,1 --samples 10 --smaples 10", "--smaples"],
    ["count --layers 3,4,1 --samples 10 more", "count"],
    ["complexity", "HEX"],
    ["complexity 7ffg", "HEX[0]"],
    ["complexity 6 123", "HEX[1]"],
    [`complexity ${long}`, "HEX[0]"],
    ["complexity 6 --bits 11", "--bits"],
    ["study count --out package.json", "--out"],
    ["study count --out /proc/flatvol", "--out"],
    ["study count --quick --samples 10", "--quick"],
    ["bench --fast", "--fast"],
  ];
  it.for(cases)("flatvol %s", { timeout: 20_000 }, ([args, name]) => {
    const { code, out, err } = run(args);
    expect(err).toMatch(/^flatvol[^\n]*\n$/);
    expect(err).toContain(name);
    expect([code, out]).toEqual([2, ""]);
  });

  it("finds an unwritable output before the work starts", () => {
    // this many samples would take hours
    const { code, err } = run("count --layers 7,40,40,1 --samples 1e10 --out /no/such/directory/t.csv");
    expect([code, err]).toEqual([
      2,
      'flatvol count: --out: cannot write "/no/such/directory/t.csv" (no such directory)\n',
    ]);
    const closed = join(scratch, "closed");
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    // root may write anywhere
    if (process.getuid?.() !== 0) {
      expect(run(`count --layers 7,40,40,1 --samples 1e10 --out ${closed}/t.csv`).code).toBe(2);
    }
  });
});

describe("interruption", () => {
  it.for([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends it with %i and leaves no file", { timeout: 30_000 }, async ([signal, expected]) => {
    const directory = mkdtempSync(join(scratch, "stop-"));
    const out = join(directory, "made", "report");
    const child = spawn(process.execPath, [CLI, "study", "count", "--samples", "1e9", "--workers", "1", "--out", out]);
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
    });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    while (!existsSync(out)) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill(signal);
    expect(await ended).toBe(expected);
    expect(output).toBe("");
    expect(readdirSync(directory)).toEqual([]);
  });

  it("a reader that goes away is no failure", { timeout: 30_000 }, async () => {
    const child = spawn(process.execPath, [CLI, ..."count --layers 7,20,1 --samples 2e4 --top 20000".split(" ")]);
    let err = "";
    child.stderr.on("data", (data) => {
      err += data;
    });
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on("exit", resolve));
    expect([code, err]).toEqual([0, ""]);
  });
});

/** A .npy file, version 1. */
function npy(dtype: string, shape: string, data: Uint8Array): Uint8Array {
  const header = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117).concat("\n");
  const bytes = new Uint8Array(10 + header.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(data, 10 + header.length);
  return bytes;
}
