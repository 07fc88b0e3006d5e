import { describe, expect, it } from "vitest";
import type { Images } from "../src/data/images.ts";
import { Pool } from "../src/engine/pool.ts";
import { imageReport } from "../src/report/images.ts";
import { temporalReport } from "../src/report/temporal.ts";
import {
  CARS,
  DIGITS,
  type FunctionsOnPoints,
  IMAGE_QUICK,
  type ImageSettings,
  imageTasks,
  mnistStudy,
} from "../src/study/images.ts";
import { runTasks } from "../src/study/run.ts";
import { studyRecords } from "../src/study/study.ts";
import { TEMPORAL_SETTINGS, type TemporalSettings, temporalStudy } from "../src/study/temporal.ts";

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
  hidden: [12, 8],
  train: 30,
  test: 40,
  attacks: [0, 10, 30],
  repeats: 1,
  trainings: [
    { optimizer: "sgd", learningRate: 0.2, batch: 8, maxEpochs: 1500 },
    { optimizer: "adam", learningRate: 0.01, batch: 8, maxEpochs: 1500 },
  ],
  measures: ["trace", "keskar-protocol"],
};
const images = pictures(200);

describe("imageTasks", () => {
  it("trains on S and an attack set, tests on E, and gives the functions to what finds volumes", async () => {
    const pool = new Pool({ workers: 0 });
    const seen: FunctionsOnPoints[] = [];
    const tasks = await imageTasks(DIGITS, SMALL, 5n, images, async (subject) => {
      seen.push(subject);
      return [{ test: { log10P: -subject.functions[0].length, standardError: null, warnings: [] } }];
    });
    const records = await runTasks(tasks, { pool });
    expect(records.map(({ optimizer, attack, main }) => [optimizer, attack, main])).toEqual([
      ["sgd", 0, true],
      ["sgd", 10, true],
      ["sgd", 30, true],
      ["adam", 0, false],
      ["adam", 10, false],
      ["adam", 30, false],
    ]);
    const fitting = records.filter(({ converged }) => converged);
    expect(fitting.length).toBeGreaterThan(3);
    for (const [i, record] of fitting.entries()) {
      expect(record.trainAccuracy).toBe(1);
      // 70 bits are 18 digits
      expect(record.function).toHaveLength(18);
      expect(record.volumes.test.log10P).toBe(-18);
      const { points, count, features, functions, hiddenLayers } = seen[i];
      expect([count, features, hiddenLayers, points.length]).toEqual([70, 16, 2, 70 * 16]);
      expect(functions).toEqual([record.function]);
      // the bits of S are its labels, whatever the attack set
      expect(record.function!.slice(0, 7)).toBe(fitting[0].function!.slice(0, 7));
    }
    const clean = records[0].accuracy!;
    // without an attack set the halves are told apart; with one as large as S they are told apart badly
    expect(clean).toBeGreaterThan(0.8);
    expect(records[2].accuracy!).toBeLessThan(clean);
    expect(await runTasks(await imageTasks(DIGITS, SMALL, 5n, images), { pool: new Pool({ workers: 0 }) })).toEqual(
      records.map((record) => ({ ...record, volumes: {} })),
    );
    pool.close();
  });

  it("says when there are too few pictures", async () => {
    await expect(imageTasks(CARS, SMALL, 0n, images)).rejects.toThrow(
      /^data: expected at least 100 pictures of "car, cat", got \d+$/,
    );
  });

  it("has a report without volumes", async () => {
    const pool = new Pool({ workers: 0 });
    const records = await runTasks(await mnistStudy.tasks(SMALL, 5n, images), { pool });
    pool.close();
    const analysis = await mnistStudy.analyse(records, SMALL);
    expect(analysis.predictors.map(({ kind }) => kind)).not.toContain("volume");
    const html = imageReport(studyRecords({ study: "mnist", seed: "5", settings: SMALL }, records, analysis, {}));
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object|<script|https?:\/\//);
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
    const html = temporalReport(studyRecords({ study: "temporal", seed: "2", settings }, records, analysis, {}));
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object|<script|https?:\/\//);
  });
});
