/** `flatvol volume` and `flatvol kernel`, run as a user runs them. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readNpy, writeNpy } from "../../src/data/npy.ts";
import { logVolume, nngpKernel } from "../../src/volume.ts";

const CLI = "dist/cli.js";
let scratch: string;
const at = (name: string): string => join(scratch, name);

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "flatvol-cli-volume-"));
  const save = (name: string, shape: number[], data: number[]): void =>
    writeFileSync(at(name), writeNpy({ shape, data: Float64Array.from(data) }));
  save("x.npy", [4, 2], [0, 0, 0, 1, 1, 0, 1, 1]);
  save("y.npy", [4], [0, 1, 1, 0]);
  save("y3.npy", [4], [0, 1, 2, 0]);
  save("y5.npy", [5], [0, 1, 1, 0, 0]);
  save("twins.npy", [3, 2], [0, 1, 1, 0, 0, 1]);
  save("ytwins.npy", [3], [0, 1, 1]);
  save("skew.npy", [2, 2], [1, 0.5, 0.4, 1]);
  save("indefinite.npy", [3, 3], [1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1]);
  save("flat.npy", [4], [1, 0, 0, 1]);
  save("y2.npy", [2], [0, 1]);
  writeFileSync(at("list.txt"), "1\n6\n");
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs the command; `@name` stands for a file of the scratch directory. */
function run(args: string): { code: number | null; out: string; err: string } {
  const list = args.split(" ").map((arg) => (arg.startsWith("@") ? at(arg.slice(1)) : arg));
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...list], { encoding: "utf8", timeout: 60_000 });
  return { code: status, out: stdout, err: stderr };
}

const json = (args: string) => {
  const { code, out, err } = run(`${args} --json`);
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out);
};

describe("flatvol volume", () => {
  it("gives the library's numbers by every method", async () => {
    const network = { layers: [2, 5, 1] };
    for (const method of ["count", "splitting", "ep", "ep-probit", "orthant", "orthant-probit", "laplace"] as const) {
      const options = "--seed 3 --samples 20000 --repetitions 2 --particles 20 --moves 1";
      const result = json(`volume --layers 2,5,1 --function 6 --method ${method} ${options}`);
      const { logP, standardError } = await logVolume(
        { network, labels: "6" },
        { method, seed: 3, samples: 20000, repetitions: 2, particles: 20, moves: 1, workers: 0 },
      );
      expect([result.method, result.logP, result.log10P]).toEqual([method, logP, (logP as number) / Math.LN10]);
      const approximate = /^(ep|laplace)/.test(method);
      expect("standardError" in result).toBe(!approximate);
      if (!approximate) expect(result.standardError).toBe(standardError);
    }
  });

  it("takes points and labels, or a kernel and labels, from files, and says P(S) of a part", async () => {
    const ofPoints = json("volume --layers 2,5,1 --x @x.npy --labels @y.npy --method orthant");
    expect(ofPoints.logP).toBeCloseTo(json("volume --layers 2,5,1 --function 6 --method orthant").logP, 12);
    const kernel = run("kernel --depth 1 --x @x.npy --out @K.npy");
    expect([kernel.code, kernel.out]).toEqual([0, `kernel of shape (4, 4) in ${at("K.npy")}\n`]);
    expect(json("volume --kernel @K.npy --labels @y.npy --method orthant").logP).toBeCloseTo(ofPoints.logP, 12);
    const part = json("volume --layers 2,5,1 --function 6 --on 8 --method ep");
    expect(part.logP).toBeCloseTo(Math.log(0.5), 9);
  });

  it("prints a line to read, and that an approximation is one", () => {
    const { out } = run("volume --layers 2,5,1 --function 6 --method ep");
    expect(out).toMatch(/^log10 P\(f\) = -\d\.\d{4} by ep \(an approximation, without a standard error\)\n/);
    expect(run("volume --layers 2,5,1 --function 6 --method orthant").out).toMatch(/ \+- .* by orthant\n/);
  });

  it("--compare: a table of all methods that apply, and a page, a picture, the numbers", () => {
    const few = "--samples 20000 --repetitions 2 --particles 20 --moves 1";
    const { code, out, err } = run(`volume --compare --layers 2,5,1 --functions @list.txt ${few} --out @c.html`);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/function\s+count\s+splitting\s+ep\s+ep-probit\s+orthant\s+orthant-probit\s+laplace/);
    const html = readFileSync(at("c.html"), "utf8");
    expect(html).toContain("<svg");
    expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    const { functions } = json(`volume --compare --kernel @K.npy --functions @list.txt --out @c.svg`);
    expect(functions.map((f: { function: string }) => f.function)).toEqual(["1", "6"]);
    expect(functions[0].volumes.map((v: { method: string }) => v.method)).toEqual([
      "ep",
      "ep-probit",
      "orthant",
      "orthant-probit",
      "laplace",
    ]);
    expect(readFileSync(at("c.svg"), "utf8")).toMatch(/^<\?xml/);
  });

  it("P = 0: says so, exactly", () => {
    for (const method of ["splitting", "ep", "orthant"]) {
      const ask = `volume --layers 2,5,1 --x @twins.npy --labels @ytwins.npy --method ${method}`;
      const { logP, probability, reason } = json(ask);
      expect([method, logP, probability]).toEqual([method, null, 0]);
      expect(reason).toMatch(/0/);
      expect(run(ask).out).toMatch(/^P\(f\) = 0 exactly: /);
    }
  });

  it.each([
    ["volume --layers 2,5,1 --function 6", /--method: expected one of count, splitting/],
    ["volume --layers 2,5,1 --function 66 --method ep", /--function: expected 1 hex digits \(4 bits\), got 2/],
    ["volume --layers 2,5,1 --function g --method ep", /--function: expected hex digits, got "g"/],
    ["volume --layers 2,5,1 --method ep", /--function: expected one of --function, --functions, --labels/],
    ["volume --function 6 --method ep", /--layers: expected layer sizes like 7,40,40,1, or --kernel/],
    [
      "volume --layers 2,5,1 --x @x.npy --labels @y3.npy --method ep",
      /--labels\[2\]: expected 0 or 1, or -1 or 1, got 2/,
    ],
    [
      "volume --layers 2,5,1 --x @x.npy --labels @y5.npy --method ep",
      /--labels: expected an array of shape \(4\), got \(5\)/,
    ],
    ["volume --layers 3,5,1 --x @x.npy --labels @y.npy --method ep", /--x: expected an array of shape \(points, 3\)/],
    ["volume --layers 2,5,1 --x @no.npy --labels @y.npy --method ep", /--x: .*no such file/],
    ["volume --kernel @skew.npy --labels @y2.npy --method ep", /--kernel: expected a symmetric matrix/],
    [
      "volume --kernel @indefinite.npy --labels @ytwins.npy --method orthant",
      /--kernel: expected a positive semidefinite/,
    ],
    ["volume --kernel @indefinite.npy --labels @ytwins.npy --method ep", /--kernel: expected a positive semidefinite/],
    [
      "volume --kernel @flat.npy --labels @y.npy --method ep",
      /--kernel: expected an array of shape \(points, points\)/,
    ],
    [
      "volume --kernel @skew.npy --layers 2,5,1 --labels @y2.npy --method ep",
      /--layers: expected none beside --kernel/,
    ],
    ["volume --kernel @K.npy --labels @y.npy --method count", /--method: count needs a network/],
    ["volume --layers 2,5,1 --function 6 --method guess", /--method: expected .*got "guess"/],
    [
      "volume --layers 2,5,1 --activation tanh --function 6 --method ep",
      /--method: ep needs .* splitting and count take tanh/,
    ],
    ["volume --layers 2,5,1 --function 6 --method ep --out @v.html", /--out: expected --compare beside it/],
    ["volume --layers 2,5,1 --function 6 --compare --out @v.txt", /--out: expected a name ending in/],
    ["volume --layers 2,5,1 --function 6 --function 1 --method ep", /--function: expected one, or --compare/],
    ["volume --layers 2,5,1 --function 6 --on 0 --method ep", /--on: expected at least one point that counts/],
    ["kernel --depth 2 --out @k.npy", /--x: expected either --x or --bits/],
    ["kernel --bits 3 --out @k.npy", /--depth: expected either --depth, or --layers/],
    ["kernel --layers 3,4,1 --bits 3 --out @k.npy", /--samples: expected the number of bodies/],
    ["kernel --layers 4,4,1 --bits 3 --samples 10 --out @k.npy", /--bits: expected (layers|--layers)\[0\] = 4, got 3/],
    ["kernel --depth 1 --bits 3 --samples 10 --out @k.npy", /--samples: expected --layers beside it/],
    ["kernel --depth 2 --bits 3 --activation tanh --out @k.npy", /--activation: "tanh" has no closed form/],
    ["kernel --depth -1 --bits 3 --out @k.npy", /--depth: /],
    ["kernel --depth 2 --bits 3 --out @k.bin", /--out: expected a name ending in .npy/],
  ])("%s: one line, exit code 2, no file", (args, message) => {
    const { code, out, err } = run(args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(message);
    expect(err.trim().split("\n")).toHaveLength(1);
    for (const name of ["v.html", "v.txt", "k.npy", "k.bin"]) expect(existsSync(at(name))).toBe(false);
  });
});

describe("flatvol kernel", () => {
  it("writes a finite network's kernel with its errors, which holds the infinite one's diagonal", () => {
    const flags = "--layers 3,6,5,1 --samples 20000 --seed 2 --bits 3 --out @f.npy --errors @e.npy";
    const { shape, samples, largestStandardError } = json(`kernel ${flags}`);
    expect([shape, samples]).toEqual([[8, 8], 20_000]);
    const [found, errors] = ["f.npy", "e.npy"].map((name) => readNpy(readFileSync(at(name))).data);
    expect(Math.max(...errors)).toBe(largestStandardError);
    json("kernel --depth 2 --bits 3 --out @k.npy");
    const limit = readNpy(readFileSync(at("k.npy"))).data;
    // E[relu(z)^2] of a ReLU network does not depend on its width; 8 comparisons: false alarm 0.05 %
    for (let i = 0; i < 8; i++) expect(Math.abs(found[9 * i] - limit[9 * i])).toBeLessThan(4 * errors[9 * i]);
  });

  it("writes the library's kernel in float64", async () => {
    expect(json("kernel --depth 2 --bits 3 --sigma-b2 0.5 --out @k3.npy")).toEqual({
      shape: [8, 8],
      out: at("k3.npy"),
    });
    const { shape, dtype, data } = readNpy(readFileSync(at("k3.npy")));
    expect([shape, dtype]).toEqual([[8, 8], "<f8"]);
    const { kernel } = await nngpKernel({ depth: 2, sigmaB2: 0.5 }, { bits: 3 });
    expect(Array.from(data)).toEqual(Array.from(kernel));
  });
});
