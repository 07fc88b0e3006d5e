/**
 * f64 work on covariances: Cholesky against OpenBLAS (by SciPy) and ml-matrix, expectation propagation against NumPy. One
 * thread each, runs in turn, medians; a peer that computes something else is an error, not a row.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCase } from "./cases.mjs";
import { bundle } from "./library.mjs";
import { installed, log, median, NOT_INSTALLED, peersFolder, pythonFor, Server, spread } from "./measure.mjs";

const SIZE = 1500;
/** As the default of `expectationPropagation`. */
const TOLERANCE = 1e-5;
const LIKELIHOODS = { heaviside: 0, probit: 1 };

async function findPeers(folder, notes) {
  const files = [join(folder, "kernel"), join(folder, "labels")];
  const peers = [];
  const python = pythonFor(["-c", "import numpy, scipy.linalg, scipy.special; print(1)"]);
  if (python) {
    peers.push({
      name: "OpenBLAS dpotrf, by SciPy",
      library: "numpy",
      server: new Server(python, ["numpy_covariance.py", ...files, SIZE], peersFolder),
    });
  } else
    notes.push("NumPy: left out, no python3 here has numpy and scipy (Debian: python3-scipy, libopenblas0-serial)");
  if (installed) {
    const server = new Server(process.execPath, ["ml-matrix.mjs", files[0], SIZE], peersFolder);
    peers.push({ name: "ml-matrix", library: "ml-matrix", server });
  } else notes.push(NOT_INSTALLED.replace("tfjs, jax-js", "ml-matrix"));
  const checked = [];
  for (const peer of peers) {
    try {
      checked.push({ ...peer, ...(await peer.server.ask("check")) });
    } catch (error) {
      notes.push(`${peer.name}: left out, ${error.message}`);
    }
  }
  return checked;
}

async function benchCholesky(library, kernel, peers, { rounds, quick }) {
  const kernels = await library.Kernels.create(await library.compileModule());
  const factor = library.allocateFactor(kernels, SIZE / 4);
  const packed = library.packSymmetric(kernel, SIZE);
  let logDeterminant = 0;
  const { lower } = await library.cholesky(kernels, kernel, SIZE);
  for (let i = 0; i < SIZE; i++) logDeterminant += 2 * Math.log(lower[i * (SIZE + 1)]);
  for (const peer of peers) {
    if (Math.abs(peer.logDeterminant / logDeterminant - 1) > 1e-9) {
      throw new Error(`${peer.name} has the log determinant ${peer.logDeterminant}, flatvol ${logDeterminant}`);
    }
  }
  const once = async () => {
    kernels.f64(factor.lower, packed.length).set(packed);
    const started = performance.now();
    await library.factorise(kernels, factor, () => {});
    return performance.now() - started;
  };
  const whole = async () => {
    const started = performance.now();
    await library.cholesky(kernels, kernel, SIZE);
    return performance.now() - started;
  };
  for (let i = 0; i < 5; i++) await once();
  const milliseconds = quick ? 60 : 150;
  const own = [];
  const rowMajor = [];
  const times = peers.map(() => ({ its: [], ratios: [] }));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < peers.length; i++) {
      const before = await once();
      const its = (await peers[i].server.ask(`cholesky ${milliseconds}`)).milliseconds;
      const after = await once();
      own.push(before, after);
      times[i].its.push(its);
      times[i].ratios.push((2 * its) / (before + after));
    }
    if (peers.length === 0) own.push(await once());
    rowMajor.push(await whole());
  }
  const ms = median(own);
  return {
    size: SIZE,
    milliseconds: ms,
    spread: spread(own),
    gigaflops: SIZE ** 3 / 3 / ms / 1e6,
    rowMajorMilliseconds: median(rowMajor),
    peers: peers.map(({ name, version }, i) => ({
      name,
      version,
      milliseconds: median(times[i].its),
      spread: spread(times[i].its),
      ratio: median(times[i].ratios),
    })),
  };
}

async function benchPropagation(library, kernel, labels, numpy, { rounds }) {
  const rows = [];
  for (const [likelihood, noise] of Object.entries(LIKELIHOODS)) {
    const runs = { 1: [], 2: [] };
    const theirs = [];
    let result;
    for (let round = 0; round < Math.min(3, rounds); round++) {
      for (const workers of [1, 2]) {
        const pool = library.createPool({ workers });
        // workers are started before the clock is
        await library.expectationPropagation(kernel, labels, { pool, likelihood, maxIterations: 2 });
        const started = performance.now();
        result = await library.expectationPropagation(kernel, labels, { pool, likelihood, tolerance: TOLERANCE });
        runs[workers].push(performance.now() - started);
        pool.close();
      }
      if (numpy) theirs.push(await numpy.server.ask(`ep ${TOLERANCE} ${noise}`));
    }
    const row = {
      likelihood,
      size: SIZE,
      logP: result.logP,
      converged: result.converged,
      iterations: result.iterations,
      milliseconds: median(runs[1]),
      twoWorkers: median(runs[2]),
    };
    if (numpy) {
      const [{ logP, iterations, converged }] = theirs;
      if (converged && Math.abs(logP - result.logP) > 1e-4 * Math.abs(logP)) {
        throw new Error(`NumPy: log P = ${logP}, flatvol ${result.logP}`);
      }
      const milliseconds = median(theirs.map((one) => one.milliseconds));
      row.numpy = { logP, iterations, converged, milliseconds, version: numpy.version };
      row.ratio = milliseconds / row.milliseconds;
      row.iterationRatio = milliseconds / iterations / (row.milliseconds / row.iterations);
    }
    rows.push(row);
  }
  return rows;
}

/** @returns the JSON's `covariance`. */
export async function benchCovariance({ rounds, quick, notes }) {
  const folder = mkdtempSync(join(tmpdir(), "flatvol-bench-"));
  try {
    const library = await bundle();
    const { data } = makeCase({ layers: [784, 40, 40, 1], points: SIZE, inputs: "digits" });
    const { kernel } = await library.nngpKernel({ depth: 2 }, { data: data.inputs, points: SIZE });
    const labels = Float64Array.from(data.targets, (target) => 2 * target - 1);
    writeFileSync(join(folder, "kernel"), kernel);
    writeFileSync(join(folder, "labels"), labels);
    const peers = await findPeers(folder, notes);
    log(`Cholesky of ${SIZE} rows`);
    const cholesky = await benchCholesky(library, kernel, peers, { rounds, quick });
    log(`expectation propagation on ${SIZE} points`);
    const numpy = peers.find(({ library: name }) => name === "numpy");
    const propagation = await benchPropagation(library, kernel, labels, numpy, { rounds });
    for (const { server } of peers) await server.close();
    return { cholesky, propagation };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const digits = (x) => x.toPrecision(3);

export function printCovariance({ cholesky, propagation }) {
  console.log(`\nCholesky, f64, ${cholesky.size} rows, one thread`);
  console.log("       ms   it / flatvol");
  const line = (ms, ratio, label) => console.log(`${ms.toFixed(1).padStart(9)} ${ratio.padStart(14)}  ${label}`);
  line(cholesky.milliseconds, "", `flatvol, ${cholesky.gigaflops.toFixed(1)} GFLOP/s`);
  line(cholesky.rowMajorMilliseconds, "", "flatvol, from a row-major matrix to a row-major factor");
  for (const peer of cholesky.peers) line(peer.milliseconds, digits(peer.ratio), `${peer.name} (${peer.version})`);
  console.log(`\nexpectation propagation, ${propagation[0].size} points, NNGP kernel of two hidden layers`);
  for (const row of propagation) {
    console.log(
      `${row.likelihood}: ${(row.milliseconds / 1000).toFixed(2)} s (one worker), ${(row.twoWorkers / 1000).toFixed(2)} s (two), ` +
        `${row.iterations} iterations, log P = ${row.logP.toFixed(3)}${row.converged ? "" : " (not converged)"}`,
    );
    if (!row.numpy) continue;
    const { milliseconds, iterations, logP, converged, version } = row.numpy;
    console.log(
      `  ${version}: ${(milliseconds / 1000).toFixed(2)} s, ${iterations} iterations, log P = ${logP.toFixed(3)}` +
        `${converged ? "" : " (not converged)"}; it / flatvol ${digits(row.ratio)}, an iteration ${digits(row.iterationRatio)}`,
    );
  }
}
