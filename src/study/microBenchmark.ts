/**
 * Micro-benchmarks of the kernels: plain records, medians of interleaved runs.
 *
 * @module
 */
import { booleanPoints } from "../data/points.ts";
import { Kernels } from "../engine/kernels.ts";
import { compileModule } from "../engine/module.ts";
import { breathe } from "../engine/platform.ts";
import { RandomStream } from "../engine/random.ts";
import { defineNetwork } from "../network/network.ts";
import { makePlan } from "../network/plan.ts";
import { makeTrainingPlan, putParameters } from "../training/plan.ts";
import { PARAMETER_STREAM } from "../volume/countChunk.ts";
import { CovarianceMember } from "../volume/covarianceMember.ts";
import { richtmyerSteps } from "../volume/lattice.ts";
import { orthantPlanTask } from "../volume/orthantPlan.ts";
import { BLOCK, putSampler } from "../volume/orthantSampler.ts";
import { factorise, packSymmetric } from "../volume/panels.ts";
import { rowShape } from "../volume/rows.ts";

/** One kernel's speed. */
export interface KernelRecord {
  readonly name: string;
  /** What is counted. */
  readonly unit: string;
  /** Median over the runs. */
  readonly unitsPerSecond: number;
  readonly nanosecondsPerUnit: number;
  /** Fastest and slowest run, nanoseconds a unit. */
  readonly spread: readonly [number, number];
  /** Units in a sample of the network, where a unit is not a sample. */
  readonly perSample?: number;
}

/** What `benchmarkKernels` takes. */
export interface BenchmarkOptions {
  /** Interleaved runs of each kernel. Default 15. */
  readonly runs?: number;
  /** Milliseconds a run. Default 40. */
  readonly milliseconds?: number;
}

interface Case {
  readonly name: string;
  readonly unit: string;
  readonly units: number;
  readonly perSample?: number;
  run(): void | Promise<void>;
}

/** Some runs one after the other; a bare kernel is not to wait. */
async function runs(c: Case, count: number): Promise<void> {
  for (let k = 0; k < count; k++) {
    const pending = c.run();
    if (pending) await pending;
  }
}

/** Times every kernel of the counting sampler at 7-40-40-1, those of training, those of covariances, and the sampler of orthants, one thread. */
export async function benchmarkKernels(options: BenchmarkOptions = {}): Promise<KernelRecord[]> {
  const rounds = options.runs ?? 15;
  const milliseconds = options.milliseconds ?? 40;
  const kernels = await Kernels.create(await compileModule());
  const cases = [
    ...samplerCases(kernels),
    ...trainingCases(kernels),
    ...covarianceCases(kernels),
    ...(await orthantCases(kernels)),
  ];
  const times = cases.map((): number[] => []);
  const repeats: number[] = [];
  for (const c of cases) repeats.push(await calibrate(c, milliseconds));
  for (let r = 0; r < rounds; r++) {
    // a fixed rotation, so that no kernel always follows the same neighbour
    for (let i = 0; i < cases.length; i++) {
      const at = (i + r) % cases.length;
      const started = performance.now();
      await runs(cases[at], repeats[at]);
      times[at].push(((performance.now() - started) * 1e6) / (repeats[at] * cases[at].units));
    }
    await breathe();
  }
  return cases.map((c, i) => {
    const sorted = times[i].sort((a, b) => a - b);
    const median = sorted[sorted.length >> 1];
    return {
      name: c.name,
      unit: c.unit,
      unitsPerSecond: 1e9 / median,
      nanosecondsPerUnit: median,
      spread: [sorted[0], sorted[sorted.length - 1]] as const,
      ...(c.perSample === undefined ? {} : { perSample: c.perSample }),
    };
  });
}

/** Runs a case until V8 has optimised it, and finds how often it fits in a run. */
async function calibrate(c: Case, milliseconds: number): Promise<number> {
  let repeats = 1;
  while (true) {
    const started = performance.now();
    await runs(c, repeats);
    const elapsed = performance.now() - started;
    if (elapsed >= milliseconds / 2) return Math.max(1, Math.round((repeats * milliseconds) / elapsed));
    repeats *= 2;
  }
}

function samplerCases(kernels: Kernels): Case[] {
  const { exports } = kernels;
  const network = defineNetwork({ layers: [7, 40, 40, 1] });
  const points = booleanPoints(7);
  const cases: Case[] = [];
  for (const draws of [1, 16]) {
    const plan = makePlan(kernels, network, points, draws, { bits: 7, negation: 1 });
    const suffix = draws === 1 ? "" : `, ${draws} output draws`;
    const { words, stride } = rowShape(points.count, draws > 1);
    const capacity = 2 ** 18;
    const rows = kernels.allocate(4 * stride * capacity);
    const header = kernels.allocate(16);
    const clear = (): void => {
      kernels.u32(rows, stride * capacity).fill(0);
      kernels.u32(header, 4).set([rows, capacity - 1, 0, 4 * stride]);
    };
    clear();
    let index = 0;
    const bodies = 1024 / draws;
    const sample = (): void => {
      if (kernels.u32(header, 4)[2] > capacity / 2) clear();
      exports.sampleFunctions(plan.address, header, 1, 0, index, 0, PARAMETER_STREAM, bodies);
      index += bodies;
    };
    cases.push({ name: `sampler${suffix}`, unit: "samples", units: 1024, run: sample });
    if (draws === 1) {
      const count = plan.layout.hiddenFloats;
      cases.push({
        name: "generator and Gaussians",
        unit: "samples",
        units: 1,
        run: () => {
          exports.drawHidden(plan.address, 1, 0, index++, 0, PARAMETER_STREAM);
          exports.drawOutput(plan.address);
        },
      });
      const words32 = kernels.allocate(4 * count);
      const state = kernels.allocate(64);
      exports.seedLanes(state, 1, 0, 0, 0, 0);
      cases.push({
        name: "generator alone",
        unit: "32-bit words",
        units: count,
        perSample: count,
        run: () => exports.xoshiroWords(words32, count / 4, state),
      });
      // many networks in turn: the same one over and over would be learned by the branch predictor
      const bank = 64;
      const hidden = Array.from({ length: bank }, (_, i) => {
        exports.drawHidden(plan.address, 2, 0, i, 0, PARAMETER_STREAM);
        return kernels.f32(plan.hidden, count).slice();
      });
      let turn = 0;
      const next = (): void => {
        kernels.f32(plan.hidden, count).set(hidden[turn]);
        turn = (turn + 1) % bank;
      };
      cases.push({ name: "copying parameters (subtract it from the next two)", unit: "samples", units: 1, run: next });
      cases.push({
        name: "first layer",
        unit: "samples",
        units: 1,
        run: () => {
          next();
          exports.firstLayer(plan.address);
        },
      });
      cases.push({
        name: "first, second and output layer, bits",
        unit: "samples",
        units: 1,
        run: () => {
          next();
          exports.firstLayer(plan.address);
          exports.evaluateKeys(plan.address);
        },
      });
      const keys = kernels.put(Uint32Array.from({ length: 4 * 4096 }, (_, i) => Math.imul(i + 1, 0x9e3779b1)));
      let key = 0;
      cases.push({
        name: "table",
        unit: "insertions",
        units: 1,
        run: () => {
          exports.tableInsert(header, keys + 16 * key, words);
          key = (key + 1) % 4096;
        },
      });
    }
  }
  return cases;
}

/** Derivatives of the mean binary cross-entropy over all points, at random parameters. */
function trainingCases(kernels: Kernels): Case[] {
  const { exports } = kernels;
  const random = new RandomStream(kernels, 1n, 0, PARAMETER_STREAM);
  const cases: Case[] = [];
  for (const { layers, points, nonzero, inputs } of [
    { layers: [7, 40, 40, 1], points: 64, nonzero: 1, inputs: "dense" },
    { layers: [784, 40, 40, 1], points: 500, nonzero: 1, inputs: "dense" },
    { layers: [784, 40, 40, 1], points: 500, nonzero: 0.19, inputs: "19 % nonzero" },
  ]) {
    const network = defineNetwork({ layers });
    const features = layers[0];
    const uniforms = new Float64Array(points * features);
    random.uniforms(uniforms);
    const data = {
      points,
      features,
      inputs: Float32Array.from(uniforms, (u) => (u < nonzero ? u / nonzero : 0)),
      targets: Float32Array.from({ length: points }, (_, i) => i % 2),
    };
    const plan = makeTrainingPlan(kernels, network, data, "bce");
    for (const vector of [plan.w, plan.direction]) {
      const values = new Float32Array(network.parameterCount);
      random.gaussians(values);
      // small enough for the logits to stay off the ends of the loss
      for (let i = 0; i < values.length; i++) values[i] *= 0.1;
      putParameters(kernels, plan, values, vector);
    }
    const add = (name: string, run: () => void): void => {
      cases.push({ name: `${name}, ${layers.join("-")} x ${points}, ${inputs}`, unit: "points", units: points, run });
    };
    add("gradient", () => exports.gradientAt(plan.address, 0, 0, points));
    add("Hessian-vector product", () => exports.hessianAt(plan.address, 0, points, points));
    add("Gauss-Newton product", () => exports.gaussNewtonAt(plan.address, 0, points, points));
  }
  return cases;
}

/** Points of the covariance: its factor, 1 MB, stays in no first-level cache. */
const COVARIANCE_POINTS = 512;

/** A Cholesky factor, and what an iteration of expectation propagation takes. */
function covarianceCases(kernels: Kernels): Case[] {
  const n = COVARIANCE_POINTS;
  const covariance = packSymmetric(
    Float64Array.from({ length: n * n }, (_, at) => 1 / (1 + Math.abs(Math.floor(at / n) - (at % n)))),
    n,
  );
  const member = new CovarianceMember(kernels, covariance.slice(), n, () => {});
  const precision = new Float64Array(n).fill(2);
  return [
    {
      name: `Cholesky, ${n} rows`,
      unit: "floating-point operations",
      units: n ** 3 / 3,
      run: async () => {
        kernels.f64(member.factor.lower, covariance.length).set(covariance);
        await factorise(kernels, member.factor, () => {});
      },
    },
    {
      name: `expectation propagation, ${n} points`,
      unit: "iterations",
      units: 1,
      run: async () => {
        await member.prepare(precision);
        await member.marginals(precision, { first: 0, last: member.panels });
      },
    },
  ];
}

/** Samples of an orthant of 128 points of correlation 1/2, tilted alone, and with Gaussian sites: the values hardly matter. */
async function orthantCases(kernels: Kernels): Promise<Case[]> {
  const size = 128;
  const correlations = Float64Array.from({ length: size * size }, (_, at) => (at % (size + 1) === 0 ? 1 : 0.5));
  const cases: Case[] = [];
  for (const sites of [0, 1]) {
    const mark = kernels.mark();
    const context = { kernels, pause: () => {} };
    const { rows } = await orthantPlanTask.run(context, { correlations, size, tilting: true, sites, seed: 0n });
    kernels.release(mark);
    const draw = { steps: richtmyerSteps(rows.n), seed: 0n, randomisation: 0, stream: PARAMETER_STREAM };
    const plan = putSampler(kernels, rows, draw);
    const out = kernels.allocate(8 * BLOCK);
    let block = 0;
    const run = (): void => kernels.exports.orthantBlocks(plan, block++, 1, out);
    const name = `orthant sampler, ${size} points, ${sites === 0 ? "tilted" : "tilted and with sites"}`;
    // multiplications and additions of the products alone
    const work = size * (size - 1) * (sites === 0 ? 1 : 2);
    cases.push({ name, unit: "samples", units: BLOCK, run });
    cases.push({ name: `${name}: its products`, unit: "flop", units: BLOCK * work, perSample: work, run });
  }
  return cases;
}
