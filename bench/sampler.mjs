/**
 * The counting sampler against native code, against what its users would write otherwise, and against itself (more samples,
 * more workers, several output layers). One thread each unless it says so; medians of interleaved runs of whole processes or
 * calls.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { countFunctions, createPool } from "../dist/index.js";
import {
  compile,
  here,
  installed,
  log,
  median,
  NATIVE,
  NOT_INSTALLED,
  peer,
  peersFolder,
  pythonFor,
  spread,
} from "./measure.mjs";

/** Every peer that can be run here: its name, and `run` for one run. */
function findPeers(quick, notes) {
  const peers = [];
  const samples = quick ? "40000" : "150000";
  for (const [name, flags, label] of NATIVE) {
    const { program, failure } = compile("sample.c", `sample-${name}`, flags);
    if (failure) {
      notes.push(`${label}: left out, ${failure}`);
      continue;
    }
    for (const [options, what] of [
      [["--dense"], "every unit"],
      [["--lanes"], "active units only"],
      [["--lanes", "--flip"], "flatvol's algorithm"],
    ]) {
      peers.push({ name: `${label}, ${what}`, run: () => peer(program, ["--samples", samples, ...options]) });
    }
  }
  // what users would write
  const add = (name, command, args) => peers.push({ name, run: () => peer(command, args, peersFolder) });
  if (!installed) notes.push(NOT_INSTALLED);
  add("plain JavaScript", "node", ["plain.mjs", "--samples", "4000"]);
  if (installed) {
    add("tfjs, Wasm", "node", ["tfjs.mjs", "--samples", "12000"]);
    add("jax-js, Wasm", "node", ["jax-js.mjs", "--samples", "12000"]);
  }
  for (const [name, script] of [
    ["NumPy", "numpy_sample.py"],
    ["PyTorch", "torch_sample.py"],
  ]) {
    const python = pythonFor([script, "--samples", "1000"]);
    if (python) add(name, python, [script, "--samples", "60000"]);
    else {
      notes.push(
        `${name}: left out, no python3 here has it (Debian: python3-numpy, python3-torch, libopenblas0-serial)`,
      );
    }
  }
  return peers;
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

/** The same stages in C (AVX encoding, the same algorithm), nanoseconds a sample: what each is held to. */
function stagesInC(quick) {
  const [name, flags] = NATIVE[1];
  const { program, failure } = compile("sample.c", `sample-${name}`, flags);
  if (failure) return undefined;
  const samples = quick ? "40000" : "150000";
  const { stagesNs, samplesPerSecond } = peer(program, ["--samples", samples, "--lanes", "--flip", "--stages"]);
  return { ...stagesNs, all: 1e9 / samplesPerSecond };
}

/** @returns the JSON's `sampler`, `scaling`, `stages` and `kernels`. */
export async function benchSampler({ rounds, quick, notes }) {
  const peers = findPeers(quick, notes);
  const one = createPool({ workers: 1 });
  const two = createPool({ workers: 2 });
  await own(one, 50_000, 1);
  await own(two, 100_000, 1);
  await own(one, 200_000, 16);

  const rows = new Map();
  const add = (name, value) => rows.set(name, [...(rows.get(name) ?? []), value]);
  let effective = 1;
  const versions = new Map();
  for (let round = 0; round < rounds; round++) {
    log(`round ${round + 1} of ${rounds}`);
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
  const c = stagesInC(quick);

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

  return { sampler, scaling, stages, kernels };
}

/** What a person reads. */
export function printSampler({ sampler, scaling, stages }) {
  const number = (v) => Math.round(v).toLocaleString("en");
  console.log("\nCounting functions of 7-40-40-1\nsamples/s           spread                flatvol / it");
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
}
