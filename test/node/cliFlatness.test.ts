/** The verbs over training and flatness, run as a user runs them. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readNpy, writeNpy } from "../../src/data/npy.ts";
import { readSafetensors, writeSafetensors } from "../../src/data/safetensors.ts";
import { measures } from "../../src/flatness/index.ts";
import { flatness, rescale, tensorsFromWeights, train, weightsFromTensors } from "../../src/flatness.ts";
import { evaluate } from "../../src/index.ts";

const CLI = "dist/cli.js";
let scratch: string;
const at = (name: string): string => join(scratch, name);
const network = { layers: [4, 8, 8, 1] };
/** All 16 inputs of four bits, and whether two or more are 1. */
const inputs = Float32Array.from({ length: 64 }, (_, k) => ((k >> 2) >> (3 - (k % 4))) & 1);
const targets = Float32Array.from({ length: 16 }, (_, i) =>
  Number([0, 1, 2, 3].filter((j) => (i >> j) & 1).length > 1),
);
const data = { points: 16, features: 4, inputs, targets };

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "flatvol-cli-flatness-"));
  writeFileSync(at("x.npy"), writeNpy({ shape: [16, 4], data: inputs }));
  writeFileSync(at("y.npy"), writeNpy({ shape: [16], data: targets }));
  writeFileSync(at("images.npy"), writeNpy({ shape: [16, 2, 2], data: inputs }));
  writeFileSync(at("y3.npy"), writeNpy({ shape: [16], data: targets.map((t, i) => (i === 5 ? 3 : t)) }));
  writeFileSync(at("y15.npy"), writeNpy({ shape: [15], data: targets.slice(1) }));
  writeFileSync(at("xnan.npy"), writeNpy({ shape: [16, 4], data: inputs.map((x, i) => (i === 7 ? Number.NaN : x)) }));
  writeFileSync(at("empty.npy"), writeNpy({ shape: [0, 4], data: new Float32Array(0) }));
  writeFileSync(at("none.npy"), writeNpy({ shape: [0], data: new Float32Array(0) }));
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

const TRAIN = "train --layers 4,8,8,1 --x @x.npy --y @y.npy --optimizer adam --lr 0.01 --seed 3";
const ON = "--weights @w.safetensors --x @x.npy --y @y.npy";

describe("from training to flatness", () => {
  it("train: the library's numbers and weights", async () => {
    const result = json(`${TRAIN} --x-test @x.npy --y-test @y.npy --history-every 50 --out @w.safetensors`);
    const expected = await train(network, data, {
      loss: "bce",
      optimizer: "adam",
      learningRate: 0.01,
      seed: 3,
      test: data,
      historyEvery: 50,
      workers: 0,
    });
    const { converged, epochs, trainError, trainLoss, testAccuracy, history } = expected;
    expect(converged).toBe(true);
    expect(result).toMatchObject({ converged, epochs, trainError, trainLoss, testAccuracy });
    expect(result.history).toHaveLength(history.length);
    const { layers, parameters } = weightsFromTensors(readSafetensors(readFileSync(at("w.safetensors"))));
    expect(layers).toEqual(network.layers);
    expect(parameters).toEqual(expected.parameters);
    expect(readdirSync(scratch).filter((name) => name.includes("tmp"))).toEqual([]);
  });

  it("train: an honest `converged: false`, in words and in JSON", () => {
    expect(json(`${TRAIN} --max-epochs 1 --out @short.safetensors`)).toMatchObject({ converged: false, epochs: 1 });
    const { code, out } = run(`${TRAIN} --max-epochs 1 --out @short.safetensors`);
    expect(code).toBe(0);
    expect(out).toMatch(/^converged +no$/m);
  });

  it("train: goes on from weights with --init, and keeps their names", () => {
    const { parameters } = weightsFromTensors(readSafetensors(readFileSync(at("w.safetensors"))));
    const names = ["net.0", "net.2", "net.4"];
    const tensors = tensorsFromWeights({ layers: network.layers, parameters, names });
    writeFileSync(at("named.safetensors"), writeSafetensors(tensors));
    expect(json(`${TRAIN} --init @named.safetensors --out @again.safetensors`)).toMatchObject({ epochs: 0 });
    expect(readSafetensors(readFileSync(at("again.safetensors")))).toEqual(tensors);
  });

  it("train: a diverged training fails and leaves no file", () => {
    const args = "train --layers 4,8,1 --x @x.npy --y @y.npy --loss mse --target-loss 0 --lr 1e20";
    const { code, out, err } = run(`${args} --out @diverged.safetensors`);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^flatvol train: train: it diverged in epoch \d+: .*--lr 100000000000000000000\)\n$/);
    expect(existsSync(at("diverged.safetensors"))).toBe(false);
  });

  it("predict: the library's logits, also of pictures taken as rows", async () => {
    expect(json("predict --weights @w.safetensors --x @x.npy --out @z.npy").shape).toEqual([16, 1]);
    const { parameters } = weightsFromTensors(readSafetensors(readFileSync(at("w.safetensors"))));
    const { shape, data: logits } = readNpy(readFileSync(at("z.npy")));
    expect(shape).toEqual([16, 1]);
    expect(logits).toEqual(await evaluate(network, parameters, inputs, 16));
    expect([...logits].map((z) => Number(z > 0))).toEqual([...targets]);
    run("predict --weights @w.safetensors --x @images.npy --out @z2.npy");
    expect(readFileSync(at("z2.npy"))).toEqual(readFileSync(at("z.npy")));
  });

  it("flatness: loss, error and one key a measure; options as flags; all of them at once", async () => {
    const { parameters } = weightsFromTensors(readSafetensors(readFileSync(at("w.safetensors"))));
    const result = json(
      `flatness ${ON} --measures keskar-protocol,trace --keskar-epsilon 1e-3 --trace-method hutchinson`,
    );
    const expected = await flatness(network, parameters, data, {
      loss: "bce",
      measures: ["keskar-protocol", "trace"],
      keskarEpsilon: 1e-3,
      traceMethod: "hutchinson",
      workers: 0,
    });
    expect(Object.keys(result)).toEqual(["loss", "error", "keskar-protocol", "trace"]);
    expect(result.loss).toBe(expected.loss);
    expect(result.error).toBe(0);
    const { maximiser: _, ...protocol } = expected["keskar-protocol"];
    expect(result["keskar-protocol"]).toEqual(protocol);
    expect(result.trace).toEqual(expected.trace);
    expect(json(`flatness ${ON} --measures keskar-protocol --vectors`)["keskar-protocol"].maximiser).toHaveLength(
      parameters.length,
    );
    const { code, out, err } = run(`flatness ${ON} --measures all --llc-draws 100 --llc-burn-in 100`);
    expect([code, err]).toEqual([0, ""]);
    for (const { name, invariant } of measures) {
      expect(out).toMatch(new RegExp(`^${name} .* ${invariant ? "yes" : "no"}( |$)`, "m"));
    }
  }, 60_000);

  it("rescale: other weights, the same outputs; prints the largest change", () => {
    const result = json("rescale --weights @w.safetensors --layer 1 --alpha 5.9 --x @x.npy --out @v.safetensors");
    expect(result).toMatchObject({ alpha: 5.9, points: 16 });
    // f32 rounding of sums of terms below 10
    expect(result.maxOutputChange).toBeLessThan(1e-5);
    const before = weightsFromTensors(readSafetensors(readFileSync(at("w.safetensors"))));
    const after = weightsFromTensors(readSafetensors(readFileSync(at("v.safetensors"))));
    expect(after.parameters).toEqual(rescale(network, before.parameters, { layer: 1, alpha: 5.9 }));
    run("predict --weights @v.safetensors --x @x.npy --out @zv.npy");
    const [z, zv] = ["z.npy", "zv.npy"].map((name) => readNpy(readFileSync(at(name))).data);
    expect(Math.max(...z.map((v, i) => Math.abs(v - zv[i])))).toBe(result.maxOutputChange);
    // a power of two changes no bit
    expect(json("rescale --weights @w.safetensors --layer 2 --alpha 4 --unit 1 --out @u.safetensors")).toMatchObject({
      maxOutputChange: 0,
      points: 1000,
    });
    expect(run("rescale --weights @w.safetensors --layer 1 --alpha 3 --out @u.safetensors").out).toMatch(
      /^largest change of an output +\S+, over 1,000 standard Gaussian points$/m,
    );
  });

  it("landscape: pictures of lines and planes, along random and eigen-directions", () => {
    const line = json(`landscape ${ON} --dimensions 1 --steps 11 --radius 0.5 --out @line.svg`);
    expect(line.a).toHaveLength(11);
    expect(line.losses[5]).toBe(line.loss);
    expect(readFileSync(at("line.svg"), "utf8")).toMatch(/^<\?xml.*\n<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    const plane = json(`landscape ${ON} --directions eigen --steps 9 --out @plane.html`);
    expect(plane.losses).toHaveLength(81);
    expect(plane.eigenvalues).toHaveLength(2);
    // along unit eigenvectors the loss rises by half the eigenvalue times the square
    const rise = (plane.losses[9 * 3 + 4] + plane.losses[9 * 5 + 4] - 2 * plane.loss) / plane.a[5] ** 2;
    expect(rise / plane.eigenvalues[0]).toBeGreaterThan(0.3);
    expect(rise / plane.eigenvalues[0]).toBeLessThan(3);
    const html = readFileSync(at("plane.html"), "utf8");
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    json(`landscape ${ON} --directions eigen --steps 9 --out @plane.json`);
    expect(JSON.parse(readFileSync(at("plane.json"), "utf8")).losses).toEqual(plane.losses);
  });
});

describe("bad input: exit code 2, one line on stderr that names the argument, no output file", () => {
  const cut = (name: string, from: string, bytes: number): void =>
    writeFileSync(at(name), readFileSync(at(from)).subarray(0, bytes));
  beforeAll(() => {
    cut("cut.safetensors", "w.safetensors", 300);
    cut("cut.npy", "x.npy", 200);
    const t = (shape: number[], fill = 1) => ({
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill),
    });
    const file = (name: string, tensors: Record<string, ReturnType<typeof t>>): void =>
      writeFileSync(at(name), writeSafetensors(new Map(Object.entries(tensors))));
    file("unchained.safetensors", { "0.weight": t([3, 4]), "0.bias": t([3]), "1.weight": t([1, 2]), "1.bias": t([1]) });
    file("nan.safetensors", { "0.weight": t([1, 4], Number.NaN), "0.bias": t([1]) });
    file("linear.safetensors", { "0.weight": t([1, 4]), "0.bias": t([1]) });
  });
  const cases: ReadonlyArray<readonly [string, string]> = [
    ["train --layers 4,8,1 --x @x.npy --y @y.npy", "--out"],
    ["train --layers 4,8,1 --x @x.npy --out @o.safetensors", "--y"],
    ["train --layers 5,8,1 --x @x.npy --y @y.npy --out @o.safetensors", "--x: expected an array of shape (points, 5)"],
    ["train --layers 4,8,1 --x @x.npy --y @y15.npy --out @o.safetensors", "--y: expected an array of shape (16)"],
    ["train --layers 4,8,1 --x @x.npy --y @y3.npy --out @o.safetensors", "--y[5]: expected 0 or 1, got 3"],
    ["train --layers 4,8,3 --x @x.npy --y @y3.npy --out @o.safetensors", "--y[5]: expected an integer from 0 to 2"],
    ["train --layers 4,8,1 --x @xnan.npy --y @y.npy --out @o.safetensors", "--x[7]: expected a finite number"],
    ["train --layers 4,8,1 --x @empty.npy --y @none.npy --out @o.safetensors", "--x: expected at least one point"],
    ["train --layers 4,8,1 --x @cut.npy --y @y.npy --out @o.safetensors", "--x: "],
    ["train --layers 4,8,1 --x @w.safetensors --y @y.npy --out @o.safetensors", "--x: expected a .npy file"],
    ["train --layers 4,8,1 --x @none --y @y.npy --out @o.safetensors", "no such file"],
    ["train --layers 4,8,1 --x @x.npy --y @y.npy --out @o.npy", "--out: expected a name ending in .safetensors"],
    ["train --layers 4,8,1 --x @none --y @none --out /no/such/o.safetensors", "--out: cannot write"],
    [`${TRAIN} --out @o.safetensors --loss ce`, "--loss"],
    [`${TRAIN} --out @o.safetensors --loss mse`, "--target-loss"],
    [`${TRAIN} --out @o.safetensors --optimizer sdg`, "--optimizer"],
    [`${TRAIN} --out @o.safetensors --schedule step`, "--schedule"],
    [`${TRAIN} --out @o.safetensors --lr -1`, "--lr: expected a number from 0"],
    [`${TRAIN} --out @o.safetensors --batch 0`, "--batch"],
    [`${TRAIN} --out @o.safetensors --genuine 17`, "--genuine"],
    [`${TRAIN} --out @o.safetensors --x-test @x.npy`, "--y-test"],
    [`${TRAIN} --out @o.safetensors --x-test @xnan.npy --y-test @y.npy`, "--x-test[7]"],
    [`${TRAIN} --out @o.safetensors --init @linear.safetensors`, "--init: expected layers 4,8,8,1, got 4,1"],
    ["predict --weights @unchained.safetensors --x @x.npy --out @o.npy", "--weights: 1.weight: expected 3 inputs"],
    ["predict --weights @nan.safetensors --x @x.npy --out @o.npy", "--weights: 0.weight[0]: expected a finite number"],
    ["predict --weights @cut.safetensors --x @x.npy --out @o.npy", "--weights: "],
    ["predict --weights @x.npy --x @x.npy --out @o.npy", "--weights: "],
    ["predict --weights @w.safetensors --x @empty.npy --out @o.npy", "--x: expected at least one point"],
    ["predict --weights @w.safetensors --x @y.npy --out @o.npy", "--x"],
    ["predict --weights @w.safetensors --x @x.npy --out @o.npy --activation elu", "--activation"],
    [`flatness ${ON} --measures trase`, "--measures[0]"],
    [`flatness ${ON} --measures trace,trace`, "--measures[1]"],
    [`flatness ${ON} --measures trace,`, "--measures"],
    [`flatness ${ON} --measures trace --trace-products 1`, "--trace-products"],
    [`flatness ${ON} --measures keskar --keskar-epsilon -1`, "--keskar-epsilon"],
    [`flatness ${ON} --measures relative-flatness --relative-flatness-layer 9`, "--relative-flatness-layer"],
    [`flatness ${ON} --measures trace --loss ce`, "--loss"],
    ["flatness --weights @w.safetensors --x @x.npy --y @y3.npy --measures trace", "--y[5]"],
    ["rescale --weights @w.safetensors --layer 3 --alpha 2 --out @o.safetensors", "--layer"],
    ["rescale --weights @w.safetensors --layer 1 --alpha 0 --out @o.safetensors", "--alpha"],
    ["rescale --weights @w.safetensors --layer 1 --alpha 2 --unit 8 --out @o.safetensors", "--unit"],
    [
      "rescale --weights @linear.safetensors --layer 1 --alpha 2 --out @o.safetensors",
      "--layer: expected a network with hidden",
    ],
    ["rescale --weights @w.safetensors --activation tanh --layer 1 --alpha 2 --out @o.safetensors", "--activation"],
    [`landscape ${ON}`, "--out"],
    [`landscape ${ON} --out @o.png`, "--out: expected a name ending in .svg or .html or .json"],
    [`landscape ${ON} --out @o.svg --dimensions 3`, "--dimensions"],
    [`landscape ${ON} --out @o.svg --steps 0`, "--steps"],
    [`landscape ${ON} --out @o.svg --radius 0`, "--radius"],
    [`landscape ${ON} --out @o.svg --scaling rows`, "--scaling"],
    [`landscape ${ON} --out @o.svg --directions up`, "--directions"],
  ];
  it.for(cases)("flatvol %s", { timeout: 20_000 }, ([args, name]) => {
    const { code, out, err } = run(args);
    expect(err).toMatch(/^flatvol[^\n]*\n$/);
    expect(err).toContain(name);
    expect([code, out]).toEqual([2, ""]);
    expect(readdirSync(scratch).filter((file) => file.startsWith("o.") || file.includes("tmp"))).toEqual([]);
  });
});

describe("interruption", () => {
  it("of a training ends it with 130 and leaves no file", { timeout: 30_000 }, async () => {
    const args = "train --layers 4,64,64,1 --lr 0 --max-epochs 1000000000";
    const files = ["--x", at("x.npy"), "--y", at("y.npy"), "--out", at("stopped.safetensors")];
    const child = spawn(process.execPath, [CLI, ...args.split(" "), ...files]);
    const ended = new Promise((resolve) => child.on("exit", resolve));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(readdirSync(scratch).filter((name) => name.includes("stopped"))).toEqual([]);
  });
});
