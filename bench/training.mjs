/**
 * Gradients, Hessian-vector products and one study's training and sharpness: flatvol against native code and against what
 * its users would write otherwise. One thread each; every call of a peer has one of flatvol right beside it, so that a pair
 * sees the same machine; medians over the rounds. A peer that computes something else is an error, not a row.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flatness, train } from "../dist/flatness.js";
import { createPool } from "../dist/index.js";
import { makeCase, operations, writeCase } from "./cases.mjs";
import { bundle } from "./library.mjs";
import {
  compile,
  installed,
  log,
  median,
  NATIVE,
  NOT_INSTALLED,
  peersFolder,
  pythonFor,
  Server,
  spread,
} from "./measure.mjs";

const CASES = [
  { layers: [7, 40, 40, 1], points: 64, inputs: "boolean" },
  { layers: [784, 40, 40, 1], points: 32, inputs: "dense" },
  { layers: [784, 40, 40, 1], points: 32, inputs: "digits" },
  { layers: [784, 40, 40, 1], points: 500, inputs: "dense" },
  { layers: [784, 40, 40, 1], points: 500, inputs: "digits" },
  { layers: [784, 512, 512, 10], points: 1000, inputs: "dense" },
];
const KINDS = { boolean: "Boolean inputs", dense: "dense inputs", digits: "19 % nonzero, as in digits" };
const nameOf = ({ layers, points, inputs }) => `${layers.join("-")} x ${points}, ${KINDS[inputs]}`;
const WORK = { gradient: "gradient", product: "Hessian-vector product" };
/** Relative; of g.v and v.Hv relative to |g| and |Hv|, which is what a random v with entries of about 1 gives. */
const TOLERANCE = 1e-3;

/** A Python that has PyTorch. */
const findTorch = () => pythonFor(["-c", "import numpy, torch; print(1)"]);

/** What can be started here: command and arguments before the case's file. */
function findPeers(notes) {
  const peers = [];
  for (const [name, flags, label] of NATIVE) {
    const { program, failure } = compile("training.c", `training-${name}`, flags);
    if (failure) notes.push(`${label}: left out, ${failure}`);
    else peers.push({ name: label, command: program, args: [], work: Object.keys(WORK) });
  }
  const blas = compile(
    "training.c",
    "training-blas",
    ["-O3", "-march=native", "-DBLAS"],
    ["-l:libopenblas.so.0", "-lm"],
  );
  if (blas.failure) notes.push(`OpenBLAS: left out (Debian: libopenblas0-serial), ${blas.failure}`);
  else peers.push({ name: "OpenBLAS, the same algorithm", command: blas.program, args: [], work: Object.keys(WORK) });
  const python = findTorch();
  if (python) peers.push({ name: "PyTorch", command: python, args: ["torch_training.py"], work: Object.keys(WORK) });
  else notes.push("PyTorch: left out, no python3 here has it (Debian: python3-torch, libopenblas0-serial)");
  if (installed) {
    const node = { command: process.execPath, work: ["gradient"] };
    const tfjs = { ...node, args: ["tfjs-training.mjs"] };
    peers.push({ ...tfjs, name: "tfjs, Wasm" });
    peers.push({ ...tfjs, name: "tfjs, Wasm, transposes by hand", options: ["--transposes"] });
    peers.push({ ...node, name: "jax-js, Wasm", args: ["jax-js-training.mjs"], work: Object.keys(WORK) });
  } else notes.push(NOT_INSTALLED);
  return peers;
}

/** Starts a peer and has it compute the case once; undefined, and a note, if it is missing here. */
async function start(peer, file, own, notes) {
  const server = new Server(peer.command, [...peer.args, file, ...(peer.options ?? [])], peersFolder);
  let answer;
  try {
    answer = await server.ask("check");
  } catch (error) {
    notes.push(`${peer.name}: left out, ${error.message}`);
    return undefined;
  }
  const compare = (what, value, expected, size) => {
    if (Math.abs(value - expected) <= TOLERANCE * size) return;
    throw new Error(`${peer.name} computes another ${what} of ${file}: ${value}, flatvol ${expected}`);
  };
  compare("loss", answer.loss, own.loss, own.loss);
  compare("|g|", answer.gradient, own.gradient, own.gradient);
  compare("g.v", answer.slope, own.slope, own.gradient);
  if (peer.work.includes("product")) {
    compare("|Hv|", answer.product, own.product, own.product);
    compare("v.Hv", answer.curvature, own.curvature, own.product);
  }
  return { ...peer, version: answer.version, server };
}

/** Milliseconds a call, of as many as fit in `milliseconds`, at least one. */
async function time(call, milliseconds) {
  const started = performance.now();
  let calls = 0;
  let elapsed = 0;
  do {
    // a promise only where there is one: a bare kernel is not to wait
    const pending = call();
    if (pending) await pending;
    calls++;
    elapsed = performance.now() - started;
  } while (elapsed < milliseconds);
  return elapsed / calls;
}

/** One case: a row for the gradient, one for the Hessian-vector product. */
async function benchCase(library, definition, peers, { file, rounds, milliseconds, notes }) {
  const subject = makeCase(definition);
  writeCase(file, subject);
  const { parameters: w, direction: v, data } = subject;
  const kernels = await library.Kernels.create(await library.compileModule());
  const network = library.defineNetwork({ layers: subject.layers });
  const surface = new library.LocalSurface(kernels, network, data, subject.loss);
  const { plan } = surface;
  const out = new Float32Array(surface.size);
  const work = {
    gradient: () => surface.gradient(w, out),
    product: () => surface.hessianProduct(w, v, out),
  };
  // the parameters of the last call stay where the kernels find them
  const bare = {
    gradient: () => void kernels.exports.gradientAt(plan.address, 0, 0, data.points),
    product: () => void kernels.exports.hessianAt(plan.address, 0, data.points, data.points),
  };
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  const own = { loss: await work.gradient(), gradient: Math.sqrt(dot(out, out)), slope: dot(out, v) };
  await work.product();
  Object.assign(own, { product: Math.sqrt(dot(out, out)), curvature: dot(out, v) });

  const started = [];
  for (const peer of peers) {
    const one = await start(peer, file, own, notes);
    if (one) started.push(one);
  }
  const rows = [];
  for (const what of Object.keys(WORK)) {
    const able = started.filter((peer) => peer.work.includes(what));
    // V8's and the peers' compilers, caches and pools: what runs long enough is at its best
    for (const { server } of able) await server.ask(`${what} 1000`);
    await time(work[what], 1000);
    const times = able.map(() => ({ its: [], own: [] }));
    const kernel = [];
    const share = [];
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < able.length; i++) {
        // first one, then the other
        const ours = async () => times[i].own.push(await time(work[what], milliseconds));
        if (round % 2) await ours();
        times[i].its.push((await able[i].server.ask(`${what} ${milliseconds}`)).milliseconds);
        if (!(round % 2)) await ours();
      }
      kernel.push(await time(bare[what], milliseconds));
      share.push(kernel[round] / (await time(work[what], milliseconds)));
    }
    const flops = operations(subject)[what];
    const gigaflops = (ms) => flops / ms / 1e6;
    const all = times.flatMap(({ own }) => own);
    const ms = median(all);
    rows.push({
      name: nameOf(definition),
      work: WORK[what],
      inputs: definition.inputs,
      sparse: plan.sparse,
      operations: flops,
      milliseconds: ms,
      spread: spread(all),
      gigaflops: gigaflops(ms),
      // the kernel without the conversion of the parameters' layout
      kernelMilliseconds: median(kernel),
      kernelShare: median(share),
      peers: able.map(({ name, version }, i) => {
        const milliseconds = median(times[i].its);
        const ratio = median(times[i].its.map((t, k) => t / times[i].own[k]));
        return {
          name,
          version,
          milliseconds,
          spread: spread(times[i].its),
          gigaflops: gigaflops(milliseconds),
          ratio,
        };
      }),
    });
  }
  for (const { server } of started) await server.close();
  return rows;
}

/** SGD of 784-40-40-1 on 500 points to zero error, then the study's sharpness protocol: both as a user calls them. */
async function benchStudy(library, { folder, rounds }) {
  const subject = makeCase({ layers: [784, 40, 40, 1], points: 500, inputs: "digits" });
  const { data, parameters, layers } = subject;
  const SEED = 1n;
  const ASCENT = 100;
  const CAP = 2000;
  const pool = createPool({ workers: 1 });
  try {
    const ours = async () => {
      const began = performance.now();
      const trained = await train({ layers }, data, {
        loss: "bce",
        optimizer: "sgd",
        learningRate: 0.01,
        batch: 32,
        maxEpochs: CAP,
        parameters,
        seed: SEED,
        pool,
      });
      if (!trained.converged) throw new Error(`the training did not converge in ${CAP} epochs`);
      const between = performance.now();
      const { "keskar-protocol": sharpness } = await flatness({ layers }, trained.parameters, data, {
        loss: "bce",
        measures: ["keskar-protocol"],
        keskarEpochs: ASCENT,
        seed: SEED,
        pool,
      });
      const ended = performance.now();
      return {
        trainingSeconds: (between - began) / 1000,
        epochs: trained.epochs,
        steps: trained.epochs * Math.ceil(data.points / 32),
        sharpnessSeconds: (ended - between) / 1000,
        sharpnessSteps: sharpness.steps,
        loss: sharpness.startLoss,
        maximalLoss: sharpness.maximalLoss,
      };
    };
    const first = await ours();

    // the same points in the same order for the peer
    const kernels = await library.Kernels.create(await library.compileModule());
    const orders = [Uint32Array.of(first.epochs + 10, ASCENT, data.points)];
    for (const [epochs, stream] of [
      [first.epochs + 10, library.SHUFFLE_STREAM],
      [ASCENT, library.KESKAR_SHUFFLE_STREAM],
    ]) {
      for (let epoch = 0; epoch < epochs; epoch++) {
        orders.push(library.shuffledPoints(kernels, SEED, epoch, stream, data.points));
      }
    }
    const file = join(folder, "study.case");
    const orderFile = join(folder, "orders");
    writeCase(file, subject);
    writeFileSync(orderFile, Buffer.concat(orders.map((part) => Buffer.from(part.buffer))));
    const python = findTorch();
    const server = python && new Server(python, ["torch_study.py", file, orderFile], peersFolder);
    const theirs = await server?.ask("study");
    const runs = { flatvol: [], pytorch: [] };
    if (theirs) {
      const rise = ({ loss, maximalLoss }) => maximalLoss - loss;
      const off = (a, b) => Math.abs(a / b - 1);
      if (
        Math.abs(theirs.epochs - first.epochs) > 1 ||
        (theirs.epochs === first.epochs && off(theirs.loss, first.loss) > TOLERANCE) ||
        off(rise(theirs), rise(first)) > 0.05
      ) {
        throw new Error(`PyTorch trains another network: ${JSON.stringify(theirs)}, flatvol ${JSON.stringify(first)}`);
      }
    }
    for (let round = 0; round < rounds; round++) {
      if (theirs) runs.pytorch.push(await server.ask("study"));
      runs.flatvol.push(await ours());
    }
    await server?.close();
    const row = (list) => ({
      trainingSeconds: median(list.map((run) => run.trainingSeconds)),
      millisecondsPerStep: median(list.map((run) => (1000 * run.trainingSeconds) / run.steps)),
      sharpnessSeconds: median(list.map((run) => run.sharpnessSeconds)),
      millisecondsPerSharpnessStep: median(list.map((run) => (1000 * run.sharpnessSeconds) / run.sharpnessSteps)),
      seconds: median(list.map((run) => run.trainingSeconds + run.sharpnessSeconds)),
      epochs: list[0].epochs,
      steps: list[0].steps,
      sharpnessSteps: list[0].sharpnessSteps,
      loss: list[0].loss,
      maximalLoss: list[0].maximalLoss,
      version: list[0].version,
    });
    const ratio = (part) => median(runs.pytorch.map((run, i) => part(run) / part(runs.flatvol[i])));
    return {
      flatvol: row(runs.flatvol),
      ...(theirs && {
        pytorch: row(runs.pytorch),
        ratio: {
          training: ratio((run) => run.trainingSeconds / run.steps),
          sharpness: ratio((run) => run.sharpnessSeconds / run.sharpnessSteps),
          total: ratio((run) => run.trainingSeconds + run.sharpnessSeconds),
        },
      }),
    };
  } finally {
    pool.close();
  }
}

/** What is asked of flatvol: ratios "its time / flatvol's" of rows and a peer. */
const GOALS = [
  {
    name: "OpenBLAS, dense inputs",
    asked: 0.4,
    peer: "OpenBLAS, the same algorithm",
    rows: (row) => row.inputs === "dense",
  },
  {
    name: "PyTorch, 784-40-40-1 x 500, mostly zeros",
    asked: 1,
    peer: "PyTorch",
    rows: (row) => row.inputs === "digits" && row.name.includes("x 500"),
  },
  { name: "PyTorch, 7-40-40-1 x 64", asked: 3, peer: "PyTorch", rows: (row) => row.inputs === "boolean" },
  { name: "jax-js, HVP", asked: 15, peer: "jax-js, Wasm", rows: (row) => row.work === WORK.product },
  { name: "tfjs, gradient", asked: 10, peer: "tfjs, Wasm", rows: (row) => row.work === WORK.gradient },
];

function judge(rows, study) {
  const goals = GOALS.flatMap(({ name, asked, peer, rows: wanted }) =>
    rows
      .filter(wanted)
      .flatMap((row) =>
        row.peers
          .filter((one) => one.name === peer)
          .map(({ ratio }) => ({ goal: name, of: `${row.name}: ${row.work}`, asked, ratio, met: ratio >= asked })),
      ),
  );
  if (study.ratio) {
    const ratio = study.ratio.total;
    goals.push({ goal: "PyTorch, training and sharpness", of: "784-40-40-1 x 500", asked: 2, ratio, met: ratio >= 2 });
  }
  return goals;
}

/** @returns the JSON's `training`. */
export async function benchTraining({ rounds, quick, notes }) {
  const folder = mkdtempSync(join(tmpdir(), "flatvol-bench-"));
  try {
    const library = await bundle();
    const peers = findPeers(notes);
    const rows = [];
    for (const definition of CASES) {
      log(nameOf(definition));
      const own = [];
      const options = { file: join(folder, "case"), rounds, milliseconds: quick ? 60 : 150, notes: own };
      rows.push(...(await benchCase(library, definition, peers, options)));
      for (const note of own) if (!notes.includes(note)) notes.push(note);
    }
    log("training and sharpness");
    const study = await benchStudy(library, { folder, rounds });
    return { rows, study, goals: judge(rows, study) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const digits = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** What a person reads. */
export function printTraining({ rows, study, goals }) {
  for (const row of rows) {
    const { name, work, milliseconds, gigaflops, kernelShare, kernelMilliseconds, sparse } = row;
    console.log(`\n${name}: ${work}`);
    console.log("       ms   GFLOP/s   it / flatvol");
    const line = (ms, speed, ratio, label) =>
      console.log(`${digits(ms).padStart(9)} ${speed.toFixed(1).padStart(9)} ${ratio.padStart(14)}  ${label}`);
    line(milliseconds, gigaflops, "", `flatvol${sparse ? " (zeros skipped, but counted)" : ""}`);
    if (kernelShare < 0.95) {
      line(
        kernelMilliseconds,
        row.operations / kernelMilliseconds / 1e6,
        kernelShare.toFixed(2),
        "flatvol's kernel, without the conversion of the parameters",
      );
    }
    for (const peer of row.peers) {
      line(
        peer.milliseconds,
        peer.gigaflops,
        digits(peer.ratio),
        `${peer.name}${peer.version ? ` (${peer.version})` : ""}`,
      );
    }
  }
  console.log("\n784-40-40-1 on 500 points of 19 % nonzero: SGD to zero error, then the study's sharpness protocol");
  console.log(" ms a step   ms a sharpness step   seconds in all   epochs");
  const line = (run, label) =>
    console.log(
      `${digits(run.millisecondsPerStep).padStart(10)} ${digits(run.millisecondsPerSharpnessStep).padStart(21)} ` +
        `${digits(run.seconds).padStart(16)} ${String(run.epochs).padStart(8)}  ${label}`,
    );
  line(study.flatvol, "flatvol, one worker");
  if (study.pytorch) {
    line(study.pytorch, `PyTorch, one thread (${study.pytorch.version})`);
    const { training, sharpness, total } = study.ratio;
    console.log(
      `${digits(training).padStart(10)} ${digits(sharpness).padStart(21)} ${digits(total).padStart(16)}  PyTorch / flatvol`,
    );
  }
  console.log("\nits time / flatvol's: reached, asked");
  for (const { goal, of, asked, ratio, met } of goals) {
    const verdict = met ? "" : `  missed by ${((1 - ratio / asked) * 100).toFixed(0)} %`;
    console.log(`${digits(ratio).padStart(7)} ${String(asked).padStart(5)}  ${goal} (${of})${verdict}`);
  }
}
