import { describe, expect, it } from "vitest";
import type { Images } from "../src/data/images.ts";
import { Pool } from "../src/engine/pool.ts";
import { imageReport } from "../src/report/images.ts";
import { temporalReport } from "../src/report/temporal.ts";
import {
  CARS,
  DIGITS,
  IMAGE_QUICK,
  type ImageRecord,
  type ImageSettings,
  imageSets,
  imageTasks,
  joinSets,
  mnistStudy,
} from "../src/study/images.ts";
import { runTasks } from "../src/study/run.ts";
import { studyRecords } from "../src/study/study.ts";
import { TEMPORAL_SETTINGS, type TemporalSettings, temporalStudy } from "../src/study/temporal.ts";
import { expectationPropagation } from "../src/volume/expectationPropagation.ts";
import { nngpKernel } from "../src/volume/nngpKernel.ts";
import { bitsOf } from "./reference/functions.ts";

/** Pictures of 16 pixels, whose label says in which half they are brighter, with noise. */
function pictures(count: number): Images {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const labels = Uint8Array.from({ length: count }, () => Math.floor(10 * next()));
  const pixels = new Uint8Array(16 * count);
  for (let i = 0; i < 16 * count; i++) {
    const bright = i % 16 < 8 === labels[i >> 4] >= 5;
    pixels[i] = Math.floor(next() * (bright ? 255 : 128));
  }
  return { count, features: 16, pixels, labels };
}

const SMALL: ImageSettings = {
  ...IMAGE_QUICK,
  // for volumes to be those of one call to 1e-7
  volumeTolerance: 1e-5,
  hidden: [12, 8],
  train: 30,
  test: 40,
  attacks: [0, 10, 30],
  auditAttacks: [0, 30],
  exactAttacks: [10],
  repeats: 1,
  trainings: [
    { optimizer: "sgd", learningRate: 0.2, batch: 8, maxEpochs: 1500 },
    { optimizer: "adam", learningRate: 0.01, batch: 8, maxEpochs: 1500 },
  ],
  measures: ["trace", "keskar-protocol"],
};
const images = pictures(200);

describe("the studies on pictures", () => {
  const run = async (settings: ImageSettings, workers: number): Promise<ImageRecord[]> => {
    const pool = new Pool({ workers });
    try {
      return await runTasks(await mnistStudy.tasks(settings, 5n, images), { pool });
    } finally {
      pool.close();
    }
  };
  const networksOf = (records: readonly ImageRecord[]) =>
    records.flatMap((record) => (record.kind === "network" ? [record] : []));

  it("train on S and an attack set, test on E, and find the volumes of the functions on both", async () => {
    const records = await run(SMALL, 0);
    const networks = networksOf(records);
    expect(networks.map(({ optimizer, attack, main }) => [optimizer, attack, main])).toEqual([
      ["sgd", 0, true],
      ["sgd", 10, true],
      ["sgd", 30, true],
      ["adam", 0, false],
      ["adam", 30, false],
    ]);
    const fitting = networks.filter(({ converged }) => converged);
    expect(fitting.length).toBeGreaterThan(3);
    const [data] = records;
    if (data.kind !== "data") throw new Error("expected what the pictures are first");
    const { inS, inE } = await imageSets(DIGITS, { train: 30, test: 40, largest: 30 }, 5n, images);
    expect(data.ones).toBe(inS.targets.filter((target) => target === 1).length);
    const all = joinSets(inS, inE);
    const { kernel } = await nngpKernel({ depth: 2 }, { data: all.inputs, points: 70 });
    for (const record of fitting) {
      expect(record.trainAccuracy).toBe(1);
      // 70 bits are 18 digits
      expect(record.function).toHaveLength(18);
      const labels = Uint8Array.from(bitsOf(record.function!, 70));
      // the bits of S are its labels, whatever the attack set, and those of E are right as often as the accuracy says
      expect([...labels.subarray(0, 30)]).toEqual([...inS.targets]);
      expect([...labels].filter((bit, i) => i >= 30 && bit === inE.targets[i - 30]).length / 40).toBeCloseTo(
        record.accuracy!,
        12,
      );
      expect(labels.filter((bit) => bit === 1).length).toBe(record.ones);
      for (const [method, likelihood] of [
        ["ep", "heaviside"],
        ["ep-probit", "probit"],
      ] as const) {
        // without a neighbour's sites: log P is off by about m times the square of the tolerance, 1e-8
        const { log10P } = await expectationPropagation(kernel, labels, { likelihood, tolerance: 1e-9, workers: 0 });
        const found = record.volumes[method].log10P!;
        expect(Math.abs(found - log10P)).toBeLessThan(1e-7);
        expect(found).toBeLessThan(0);
        // P(f) <= P(S); these differ by factors that EP's bias does not reach
        expect(found).toBeLessThan(data.volumeOfS[method].log10P!);
      }
    }
    // the exact volume, of the attack set that it was asked for, is near: EP's bias is some percent of log P here
    expect(fitting.filter(({ volumes }) => volumes.orthant).map(({ attack, main }) => [attack, main])).toEqual([
      [10, true],
    ]);
    const { volumes } = fitting[1];
    expect(volumes.orthant.standardError!).toBeLessThan(0.1);
    expect(Math.abs(volumes.orthant.log10P! / volumes.ep.log10P! - 1)).toBeLessThan(0.1);
    const clean = networks[0].accuracy!;
    // without an attack set the halves are told apart; with one as large as S they are told apart badly
    expect(clean).toBeGreaterThan(0.8);
    expect(networks[2].accuracy!).toBeLessThan(clean);
    expect(await run(SMALL, 2)).toEqual(records);
  });

  it("say when there are too few pictures", async () => {
    await expect(imageTasks(CARS, SMALL, 0n, images)).rejects.toThrow(
      /^data: expected at least 100 pictures of "car, cat", got \d+$/,
    );
  });

  it("have a report, with volumes and without", async () => {
    for (const volumes of [SMALL.volumes, []]) {
      const settings = { ...SMALL, volumes };
      const records = await run(settings, 0);
      const analysis = await mnistStudy.analyse(records, settings);
      expect(analysis.predictors.filter(({ kind }) => kind === "volume").map(({ name }) => name)).toHaveLength(
        volumes.length,
      );
      // an exact volume of one network predicts nothing, and takes nothing from the others
      expect(analysis.common).toBe(analysis.networks.length);
      expect(analysis.checks.map(({ approximation, exact }) => [approximation, exact])).toEqual(
        volumes.length > 0 ? [["ep", "orthant"]] : [],
      );
      const html = imageReport(studyRecords({ study: "mnist", seed: "5", settings }, records, analysis, {}));
      expect(html).not.toMatch(/NaN|undefined|Infinity|\[object|<script|https?:\/\//);
      expect(html.includes("How good the approximations are")).toBe(volumes.length > 0);
    }
    expect(() => imageReport({ study: "boolean" } as never)).toThrow(TypeError);
  });
});

describe("the temporal study", () => {
  const settings: TemporalSettings = {
    ...TEMPORAL_SETTINGS,
    hidden: [12, 8],
    train: 30,
    test: 40,
    learningRate: 0.2,
    batch: 8,
    every: 5,
    block: 4,
    beyond: 60,
    rescaleAfter: 30,
    measures: ["spectral-norm", "fisher-rao"],
  };

  async function run(workers: number) {
    const pool = new Pool({ workers });
    try {
      const zero = await runTasks(await temporalStudy.tasks(settings, 2n, images), { pool });
      return [...zero, ...(await runTasks(await temporalStudy.followUp!(settings, 2n, images, zero), { pool }))];
    } finally {
      pool.close();
    }
  }

  it("looks at every stretch once, the rescaling twice, and sees only what is not invariant jump", async () => {
    const records = await run(0);
    expect(await run(2)).toEqual(records);
    const analysis = await temporalStudy.analyse(records, settings);
    const { looks, zeroError, rescaledAt, jumps } = analysis;
    expect(rescaledAt).toBe(zeroError! + 30);
    const epochs = looks.map(({ epoch }) => epoch);
    const expected = Array.from({ length: (zeroError! + 60) / 5 }, (_, i) => 5 * (i + 1));
    expected.splice(expected.indexOf(rescaledAt!), 0, rescaledAt!);
    expect(epochs).toEqual(expected);
    const at = looks.findIndex(({ rescaled }) => rescaled);
    expect(looks.slice(at).every(({ rescaled }) => rescaled)).toBe(true);
    // the outputs stay as they are, to rounding
    expect(looks[at].loss).toBeCloseTo(looks[at - 1].loss, 5);
    expect(looks[at].trainError).toBe(looks[at - 1].trainError);
    expect(looks.filter(({ epoch }) => epoch === zeroError).every(({ trainError }) => trainError === 0)).toBe(true);
    const factor = (name: string) => jumps.find((jump) => jump.name === name)!.factor!;
    expect(Math.abs(factor("fisher-rao") - 1)).toBeLessThan(1e-4);
    expect(Math.abs(Math.log(factor("spectral-norm")))).toBeGreaterThan(0.1);
    // the volumes: of functions, so the same before and after, and below that of S
    expect(looks[at].function).toBe(looks[at - 1].function);
    expect(looks[at].volumes).toEqual(looks[at - 1].volumes);
    expect(analysis.volumes.map(({ name, unchanged }) => [name, unchanged])).toEqual([
      ["ep-probit", true],
      ["ep", true],
    ]);
    for (const { function: f, volumes } of looks) {
      expect(f).toHaveLength(18);
      for (const { log10P } of Object.values(volumes)) expect(log10P!).toBeLessThan(0);
    }
    const settled = looks.filter(({ epoch }) => epoch >= zeroError!);
    expect(analysis.functions).toBe(new Set(settled.map(({ function: f }) => f)).size);
    expect(analysis.finding).toMatch(/to the last digit, at the rescaling/);
    const html = temporalReport(studyRecords({ study: "temporal", seed: "2", settings }, records, analysis, {}));
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object|<script|https?:\/\//);
  });
});
