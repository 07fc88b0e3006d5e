/**
 * `npm run bench [-- --json] [--quick]`: the counting sampler against native code, against what its users would write
 * otherwise, and against itself (more samples, more workers, several output layers). One thread each unless it says so;
 * medians of interleaved runs of whole processes or calls.
 *
 * What a machine lacks (gcc, PyTorch, the peers' packages) is left out with a line that says so.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { countFunctions, createPool } from "../dist/index.js";

const here = dirname(fileURLToPath(import.meta.url));
const json = process.argv.includes("--json");
const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 3 : 7;
const notes = [];
const log = (text) => process.stderr.write(`${text}\n`);

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const spread = (values) => [Math.min(...values), Math.max(...values)];

/** Runs a peer once; undefined if it is missing. */
function peer(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1" },
  });
  if (status !== 0) return { failure: (stderr ?? "").trim().split("\n").pop() || `${command} is missing` };
  return JSON.parse(stdout.trim().split("\n").pop());
}

const peers = [];

// native code
const build = join(here, "native", "build");
const compilers = [
  ["sse", ["-O3", "-msse4.2", "-mno-avx", "-ffp-contract=off"], "C, SSE4.2 encoding"],
  ["avx", ["-O3", "-mavx", "-mno-fma", "-ffp-contract=off"], "C, AVX encoding of 128 bits"],
];
for (const [name, flags, label] of compilers) {
  const program = join(build, `sample-${name}`);
  try {
    mkdirSync(build, { recursive: true });
    execFileSync("gcc", [...flags, "-o", program, join(here, "native", "sample.c"), "-lm"], { stdio: "pipe" });
  } catch (error) {
    notes.push(`${label}: left out, ${String(error.message).split("\n")[0]}`);
    continue;
  }
  const samples = quick ? "40000" : "150000";
  for (const [options, what] of [
    [["--dense"], "every unit"],
    [["--lanes"], "active units only"],
    [["--lanes", "--flip"], "flatvol's algorithm"],
  ]) {
    peers.push({
      name: `${label}, ${what}`,
      native: true,
      run: () => peer(program, ["--samples", samples, ...options]),
    });
  }
}
// what users would write
const folder = join(here, "peers");
const installed = existsSync(join(folder, "node_modules"));
if (!installed) notes.push("tfjs, jax-js: left out; run `npm ci --ignore-scripts` in bench/peers");
peers.push({ name: "plain JavaScript", run: () => peer("node", ["plain.mjs", "--samples", "4000"], folder) });
if (installed) {
  peers.push({ name: "tfjs, Wasm", run: () => peer("node", ["tfjs.mjs", "--samples", "12000"], folder) });
  peers.push({ name: "jax-js, Wasm", run: () => peer("node", ["jax-js.mjs", "--samples", "12000"], folder) });
}
for (const [name, script] of [
  ["NumPy", "numpy_sample.py"],
  ["PyTorch", "torch_sample.py"],
]) {
  const python = ["/usr/bin/python3", "python3"].find(
    (p) => peer(p, [script, "--samples", "1000"], folder).failure === undefined,
  );
  if (python) peers.push({ name, run: () => peer(python, [script, "--samples", "60000"], folder) });
  else
    notes.push(`${name}: left out, no python3 here has it (Debian: python3-numpy, python3-torch, libopenblas0-serial)`);
}

const network = { layers: [7, 40, 40, 1] };
/** Samples a second of one call. */
async function own(pool, samples, outputDraws) {
  const started = performance.now();
  const table = await countFunctions(network, { samples, outputDraws, pool, seed: 1 });
  const rate = samples / ((performance.now() - started) / 1000);
  const effective = table.designEffect().effectiveSamples / samples;
  table.close();
  return { rate, effective };
}

const one = createPool({ workers: 1 });
const two = createPool({ workers: 2 });
await own(one, 50_000, 1);
await own(two, 100_000, 1);
await own(one, 200_000, 16);

const rows = new Map();
const add = (name, value) => rows.set(name, [...(rows.get(name) ?? []), value]);
let effective = 1;
const versions = new Map();
for (let round = 0; round < ROUNDS; round++) {
  log(`round ${round + 1} of ${ROUNDS}`);
  for (const { name, run } of peers) {
    const result = run();
    if (result.failure) {
      if (round === 0) notes.push(`${name}: left out, ${result.failure}`);
      continue;
    }
    versions.set(name, result.version);
    add(name, result.samplesPerSecond);
    // the flatvol call right after each peer: a pair sees the same machine
    add(`flatvol beside ${name}`, (await own(one, quick ? 40_000 : 100_000, 1)).rate);
  }
  add("flatvol", (await own(one, quick ? 40_000 : 200_000, 1)).rate);
  add("flatvol, 4 times the samples", (await own(one, quick ? 160_000 : 800_000, 1)).rate);
  add("flatvol, 2 workers", (await own(two, quick ? 80_000 : 400_000, 1)).rate);
  const many = await own(one, quick ? 400_000 : 1_600_000, 16);
  effective = many.effective;
  add("flatvol, 16 output draws", many.rate);
}
one.close();
two.close();

const sampler = [];
for (const [name, values] of rows) {
  if (name.startsWith("flatvol beside")) continue;
  const beside = rows.get(`flatvol beside ${name}`);
  sampler.push({
    name,
    version: versions.get(name),
    samplesPerSecond: median(values),
    spread: spread(values),
    // flatvol against this peer, pair by pair
    ratio: beside ? median(beside.map((v, i) => v / values[i])) : undefined,
  });
}
const rate = (name) => rows.get(name);
const scaling = [
  {
    name: "time for 4 times the samples / 4 (1: linear)",
    value: median(rate("flatvol").map((v, i) => v / rate("flatvol, 4 times the samples")[i])),
  },
  { name: "2 workers / 1", value: median(rate("flatvol, 2 workers").map((v, i) => v / rate("flatvol")[i])) },
  {
    name: "effective samples a second, 16 output draws / 1",
    value: median(rate("flatvol, 16 output draws").map((v, i) => (v * effective) / rate("flatvol")[i])),
  },
];
log("kernels");
const kernels = JSON.parse(
  execFileSync("node", [join(here, "..", "dist", "cli.js"), "bench", "--json", "--quiet"], { encoding: "utf8" }),
).kernels;
const c = stagesInC();

/** The same stages in C (AVX encoding, the same algorithm), nanoseconds a sample: what each is held to. */
function stagesInC() {
  const program = join(build, "sample-avx");
  if (!existsSync(program)) return undefined;
  const { stagesNs, samplesPerSecond } = peer(program, [
    "--samples",
    quick ? "40000" : "150000",
    "--lanes",
    "--flip",
    "--stages",
  ]);
  return { ...stagesNs, all: 1e9 / samplesPerSecond };
}

const kernel = (name) => kernels.find((k) => k.name === name);
const ns = (name) => kernel(name).nanosecondsPerUnit;
const copying = ns("copying parameters (subtract it from the next two)");
// each Gaussian takes one word
const generator = ns("generator alone") * kernel("generator alone").perSample;
const stages = [
  { name: "generator", nanoseconds: generator },
  { name: "generator and Gaussians", nanoseconds: ns("generator and Gaussians"), bound: c?.generator },
  { name: "first layer (and folding turned units)", nanoseconds: ns("first layer") - copying, bound: c?.firstLayer },
  {
    name: "second and output layer, bits",
    nanoseconds: ns("first, second and output layer, bits") - ns("first layer"),
    bound: c?.secondLayer,
  },
  { name: "table", nanoseconds: ns("table"), bound: c?.rest },
  { name: "all", nanoseconds: ns("sampler"), bound: c?.all },
];

const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
const result = { machine, rounds: ROUNDS, sampler, scaling, stages, kernels, notes };
if (json) console.log(JSON.stringify(result));
else print(result);

function print({ sampler, scaling, stages }) {
  const number = (v) => Math.round(v).toLocaleString("en");
  console.log(
    `\n${machine.cpu}, ${machine.cores} threads, Node ${machine.node}; 7-40-40-1, medians of ${ROUNDS} interleaved runs\n`,
  );
  console.log("samples/s           spread                flatvol / it");
  for (const row of sampler) {
    const range = row.spread.map(number).join(" to ");
    const ratio = row.ratio === undefined ? "" : row.ratio.toFixed(2);
    const note = row.version ? ` (${row.version})` : "";
    console.log(
      `${number(row.samplesPerSecond).padStart(9)}  ${range.padStart(28)}  ${ratio.padStart(8)}  ${row.name}${note}`,
    );
  }
  console.log("");
  for (const { name, value } of scaling) console.log(`${value.toFixed(3).padStart(9)}  ${name}`);
  console.log("\nns a sample, one output draw: flatvol, the same stage in C (AVX encoding), C / flatvol");
  for (const { name, nanoseconds, bound } of stages) {
    const against =
      bound === undefined ? "" : `${number(bound).padStart(7)} ${(bound / nanoseconds).toFixed(2).padStart(6)}`;
    console.log(`${number(nanoseconds).padStart(9)} ${against.padStart(14)}  ${name}`);
  }
  for (const note of notes) console.log(note);
}
