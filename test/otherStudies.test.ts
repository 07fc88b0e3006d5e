import { describe, expect, it } from "vitest";
import { Pool } from "../src/engine/pool.ts";
import { countFunctions } from "../src/index.ts";
import { biasReport } from "../src/report/bias.ts";
import { posteriorReport } from "../src/report/posterior.ts";
import { rescalingReport } from "../src/report/rescaling.ts";
import { widthReport } from "../src/report/width.ts";
import { BIAS_SETTINGS, biasStudy } from "../src/study/bias.ts";
import { booleanTargets } from "../src/study/boolean.ts";
import {
  POSTERIOR_SETTINGS,
  type PosteriorRecord,
  type PosteriorSettings,
  posteriorStudy,
} from "../src/study/posterior.ts";
import { RESCALING_SETTINGS, type RescalingSettings, rescalingStudy } from "../src/study/rescaling.ts";
import { runTasks } from "../src/study/run.ts";
import { studyRecords } from "../src/study/study.ts";
import { WIDTH_SETTINGS, widthStudy } from "../src/study/width.ts";

const plain = (html: string): void => {
  expect(html).not.toMatch(/NaN|undefined|Infinity|\[object|<script|<link|<iframe|<img|url\(|https?:\/\//);
};

describe("the rescaling study", () => {
  const settings: RescalingSettings = {
    ...RESCALING_SETTINGS,
    layers: [5, 16, 16, 1],
    train: 16,
    complexities: [15],
    candidates: 2000,
    learningRate: 0.1,
    batch: 8,
    alphas: [1, 6, 2, 1 / 2, 1 / 6],
    measures: ["spectral-norm", "trace", "fisher-rao", "relative-flatness", "asam"],
  };

  it("log P is the same to the last digit for every alpha, and flat are those that say so", async () => {
    const pool = new Pool({ workers: 0 });
    const records = await runTasks(await rescalingStudy.tasks(settings, 1n, undefined), { pool });
    pool.close();
    expect(records.every(({ converged }) => converged)).toBe(true);
    expect(new Set(records.map(({ volume }) => volume.log10P)).size).toBe(1);
    expect(records[0].volume.log10P).toBeLessThan(0);
    expect(new Set(records.map((record) => record.function)).size).toBe(1);
    for (const { alpha, outputChange } of records) {
      // exact for powers of two
      if ([1, 2, 0.5].includes(alpha)) expect(outputChange).toBe(0);
      else expect(outputChange).toBeLessThan(1e-5);
    }
    const analysis = await rescalingStudy.analyse(records, settings);
    expect(analysis.volumeUnchanged).toBe(true);
    for (const { name, flat, invariant } of analysis.lines) expect([name, flat]).toEqual([name, invariant]);
    expect(analysis.finding).toMatch(/stay the same to the last digit; .* fisher-rao.* stayed within 0\.1 %/);
    const whole = studyRecords({ study: "rescaling", seed: "1", settings }, records, analysis, {});
    plain(rescalingReport(whole));
    expect(rescalingReport(JSON.parse(JSON.stringify(whole)))).toBe(rescalingReport(whole));
  });

  it("says so when the volume changes", async () => {
    const record = { alpha: 1, function: "00", volume: { log10P: -1 }, measures: {} };
    const other = { ...record, alpha: 2, volume: { log10P: -1.0000000000000002 } };
    const { volumeUnchanged, finding } = await rescalingStudy.analyse([record, other] as never, settings);
    expect(volumeUnchanged).toBe(false);
    expect(finding).toContain("which the theory forbids");
  });
});

describe("the bias study", () => {
  it("counts what countFunctions counts, with probabilities that sum to 1", async () => {
    const settings = {
      ...BIAS_SETTINGS,
      samples: 16_000,
      networks: [
        { layers: [4, 10, 1], sigmaW2: 2, sigmaB2: 1 },
        { layers: [4, 10, 10, 1], sigmaW2: 1, sigmaB2: 0 },
      ],
    };
    const pool = new Pool({ workers: 0 });
    const records = await runTasks(await biasStudy.tasks(settings, 7n, undefined), { pool });
    pool.close();
    for (const [i, record] of records.entries()) {
      const table = await countFunctions(settings.networks[i], {
        samples: 16_000,
        outputDraws: 16,
        seed: 7,
        workers: 0,
      });
      expect(record.digest).toBe(await table.digest());
      expect(record.distinct).toBe(table.distinct);
      const all = table.top(table.distinct);
      for (const { rank, probability } of record.rankFrequency) expect(probability).toBe(all[rank - 1].probability);
      expect(record.rankFrequency.at(-1)!.rank).toBe(table.distinct);
      expect(record.constants).toBeCloseTo(
        table.probability("0000").probability + table.probability("ffff").probability,
        14,
      );
      expect(record.totalProbability).toBe(1);
      table.close();
    }
    const analysis = await biasStudy.analyse(records, settings);
    expect(analysis.finding).toMatch(/^For 2 of 2 priors simple functions are the frequent ones/);
    plain(biasReport(studyRecords({ study: "bias", seed: "7", settings }, records, analysis, {})));
  });
});

describe("the width study", () => {
  const settings = {
    ...WIDTH_SETTINGS,
    bits: 3,
    widths: [4, 100],
    functions: [
      { name: "majority", function: "17" },
      { name: "one of one", function: "40" },
    ],
    repetitions: 10,
    particles: 100,
    samples: 2 ** 14,
  };

  it("is counting at a finite width, and near the orthant at a large one", async () => {
    const pool = new Pool({ workers: 0 });
    const records = await runTasks(await widthStudy.tasks(settings, 1n, undefined), { pool });
    pool.close();
    const analysis = await widthStudy.analyse(records, settings);
    const samples = 400_000;
    for (const { function: f, limit, widths } of analysis.lines) {
      const [narrow, wide] = widths;
      const table = await countFunctions({ layers: [3, 4, 4, 1] }, { samples, seed: 5, workers: 0 });
      const { count } = table.probability(f);
      table.close();
      expect(count).toBeGreaterThan(100);
      const error = Math.hypot(narrow.standardError!, 1 / Math.sqrt(count) / Math.LN10);
      // 4 comparisons by t with 9 degrees of freedom: false alarm 0.3 %; the seeds are fixed
      expect(Math.abs(narrow.log10P! - Math.log10(count / samples))).toBeLessThan(5 * error);
      // corrections of finite width go as 1 / width
      expect(Math.abs(wide.difference!)).toBeLessThan(5 * wide.differenceError! + 0.05);
      expect(wide.difference).toBe(wide.log10P! - limit);
    }
    expect(analysis.finding).toMatch(
      /^From the limit of infinite width log₁₀ P\(f\) differs by .* at width 4 and .* 2 of 2 functions agree/,
    );
    const whole = studyRecords({ study: "width", seed: "1", settings }, records, analysis, {});
    plain(widthReport(whole));
    expect(widthReport(JSON.parse(JSON.stringify(whole)))).toBe(widthReport(whole));
  });
});

describe("the posterior study", () => {
  const settings: PosteriorSettings = {
    ...POSTERIOR_SETTINGS,
    layers: [4, 12, 12, 1],
    train: 10,
    complexities: [8],
    candidates: 1000,
    optimizers: [
      { optimizer: "sgd", learningRate: 0.2, batch: 5 },
      { optimizer: "adam", learningRate: 0.01, batch: 5 },
    ],
    trainings: 400,
    functions: 12,
    particles: 100,
    repetitions: 8,
  };

  async function run(workers: number): Promise<PosteriorRecord[]> {
    const pool = new Pool({ workers });
    try {
      const first = await runTasks(await posteriorStudy.tasks(settings, 2n, undefined), { pool });
      return [...first, ...(await runTasks(await posteriorStudy.followUp!(settings, 2n, undefined, first), { pool }))];
    } finally {
      pool.close();
    }
  }

  it("has the posterior of counting, sums to at most 1, and is the same for any workers", async () => {
    const records = await run(0);
    const analysis = await posteriorStudy.analyse(records, settings);
    // independent: draws of the prior that fit S, by counting
    const [target] = await booleanTargets(settings, 2n);
    const on = Number.parseInt(target.onS, 16);
    const wanted = Number.parseInt(target.function, 16) & on;
    const samples = 2_000_000;
    const table = await countFunctions({ layers: settings.layers }, { samples, seed: 11, workers: 0 });
    let fit = 0;
    for (const { function: f, count } of table.top(65536)) if ((Number.parseInt(f, 16) & on) === wanted) fit += count;
    expect(fit).toBeGreaterThan(500);
    const errorOfS = Math.hypot(analysis.standardErrorOfS!, 1 / Math.sqrt(fit) / Math.LN10);
    // 1 + up to 12 comparisons by t with 7 degrees of freedom: false alarm 2 %; the seeds are fixed
    expect(Math.abs(analysis.log10PofS! - Math.log10(fit / samples))).toBeLessThan(5 * errorOfS);
    let compared = 0;
    for (const { function: f, log10Posterior, standardError, found } of analysis.functions) {
      expect(found.every(({ probability, ci95 }) => ci95[0] <= probability && probability <= ci95[1])).toBe(true);
      // every function fits S
      expect(Number.parseInt(f, 16) & on).toBe(wanted);
      const { count } = table.probability(f);
      if (count < 60 || log10Posterior === null) continue;
      compared++;
      const error = Math.hypot(standardError!, 1 / Math.sqrt(count) / Math.LN10, 1 / Math.sqrt(fit) / Math.LN10);
      expect(Math.abs(log10Posterior - Math.log10(count / fit))).toBeLessThan(5 * error);
    }
    table.close();
    expect(compared).toBeGreaterThan(2);
    expect(analysis.totalPosterior).toBeLessThan(1 + 5 * analysis.totalStandardError);
    for (const { trainings, converged } of analysis.optimizers) {
      expect(trainings).toBe(400);
      expect(converged).toBeGreaterThan(300);
    }
    expect(await run(2)).toEqual(records);
    const whole = studyRecords({ study: "posterior", seed: "2", settings }, records, analysis, {});
    plain(posteriorReport(whole));
    expect(posteriorReport(JSON.parse(JSON.stringify(whole)))).toBe(posteriorReport(whole));
  });
});
