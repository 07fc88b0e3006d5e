import { describe, expect, it } from "vitest";
import { kendall, pearson, spearman } from "../src/statistics/correlation.ts";
import type { NetworkRecord } from "../src/study/networks.ts";
import { analysePrediction } from "../src/study/prediction.ts";
import { plantedRecord, plantedVolume } from "./plantedRecords.ts";

const trace = (value: number) => ({ trace: { value, standardError: value / 100, invariant: false, source: "s" } });
const norm = (value: number) => ({ "fisher-rao": { value, standardError: null, invariant: true, source: "s" } });

/** Twelve networks: volume in order with the accuracy, the trace in no order. */
const records: NetworkRecord[] = Array.from({ length: 12 }, (_, i) =>
  plantedRecord(i, {
    accuracy: 0.3 + 0.05 * i,
    ones: 64 - i,
    attack: 10 - (i >> 1),
    volumes: plantedVolume(-40 + 2 * i + (i % 3)),
    measures: { ...trace(10 ** ((i * 5) % 12)), ...norm(1 / (1 + i)) },
  }),
);

describe("analysePrediction", () => {
  it("finds the coefficients of log10 P and log10 of the measures, strongest first", async () => {
    const { predictors, counts, networks } = await analysePrediction(records, "networks", undefined, 100);
    expect(networks).toHaveLength(12);
    expect(counts).toEqual({
      trained: 12,
      converged: 12,
      diverged: 0,
      withoutVolume: { splitting: 0 },
      doubtfulVolume: { splitting: 0 },
    });
    const strengths = predictors.map(({ correlations }) => Math.abs(correlations.spearman.value ?? 0));
    expect(strengths).toEqual(strengths.slice().sort((a, b) => b - a));
    const of = (name: string) => predictors.find((p) => p.name === name)!;
    const accuracy = records.map((record) => record.accuracy!);
    const logs = records.map((_, i) => (i * 5) % 12);
    expect(of("trace").correlations.pearson.value).toBeCloseTo(pearson(logs, accuracy), 10);
    expect(of("trace").standardErrors[3]).toBeCloseTo(0.01 / Math.LN10, 12);
    expect(of("trace").invariant).toBe(false);
    expect(of("fisher-rao")).toMatchObject({ invariant: true, correlations: { spearman: { value: -1, ci95: null } } });
    const volumes = records.map((record) => record.volumes.splitting.log10P!);
    expect(of("splitting").correlations.spearman.value).toBe(spearman(volumes, accuracy));
    expect(of("splitting").correlations.kendall.value).toBe(kendall(volumes, accuracy));
    // 1 of the functions with 64 ones, each number of ones equally likely
    let choose = 1n;
    for (let k = 1n; k <= 64n; k++) choose = (choose * (64n + k)) / k;
    expect(of("ones").values[0]).toBeCloseTo(-Math.log10(Number(choose * 129n)), 10);
    // pairs of one attack set are repetitions: 12 * 11 / 2 - 6 pairs, all concordant
    expect(of("fisher-rao").granulated.value).toBe(-1);
    expect(of("fisher-rao").granulated.axes.find(({ name }) => name === "attack set")).toMatchObject({ groups: 1 });
  });

  it("tells what is left among networks that differ in their random start alone, and keeps spot checks apart", async () => {
    // three attack sets of three starts: the volume follows the attack set, and within one the accuracy only twice in three times
    const within = [
      [0, 1, 2],
      [0, 1, 2],
      [2, 1, 0],
    ];
    const planted = within.flatMap((order, attack) =>
      order.map((rank, repeat) =>
        plantedRecord(3 * attack + repeat, {
          attack: 10 * attack,
          repeat,
          accuracy: 0.9 - 0.2 * attack + 0.01 * rank,
          volumes: {
            ep: { log10P: -10 - 20 * attack + repeat, standardError: null, warnings: [] },
            ...(repeat === 0 ? { orthant: { log10P: -9 - 20 * attack, standardError: 0.1, warnings: [] } } : {}),
          },
        }),
      ),
    );
    const { predictors, common, checks } = await analysePrediction(planted, "networks", undefined, 100);
    const ep = predictors.find(({ name }) => name === "ep")!;
    // (1 + 1 - 1) / 3 within; between, 27 pairs agree, and within 9 pairs 6 agree and 3 do not
    expect(ep.randomStarts).toEqual({ value: expect.closeTo(1 / 3, 12), groups: 3 });
    expect(ep.correlations.kendall.value).toBeCloseTo((27 + 6 - 3) / 36, 12);
    expect(predictors.map(({ name }) => name)).not.toContain("orthant");
    expect(common).toBe(9);
    expect(checks.map(({ attack, approximation, exact }) => [attack, approximation, exact])).toEqual([
      [0, "ep", "orthant"],
      [10, "ep", "orthant"],
      [20, "ep", "orthant"],
    ]);
    // two that do not differ in their start are no pair
    const lone = await analysePrediction(records.slice(0, 2), "networks", undefined, 100);
    expect(lone.predictors.every(({ randomStarts }) => randomStarts.value === null)).toBe(true);
  });

  it("leaves out what did not converge and what belongs to the audit, and counts", async () => {
    const more = [
      ...records,
      plantedRecord(20, { converged: false, accuracy: 0.9 }),
      plantedRecord(21, { converged: false, accuracy: null, failure: "train: it diverged" }),
      ...[22, 23, 24].map((i) =>
        plantedRecord(i, {
          main: false,
          learningRate: 0.01,
          accuracy: i / 50,
          volumes: plantedVolume(i),
          measures: { ...trace(i), ...norm(i) },
        }),
      ),
      plantedRecord(25, { volumes: plantedVolume(null), accuracy: 0.2, measures: { ...trace(1), ...norm(2) } }),
      plantedRecord(26, { volumes: plantedVolume(-9, ["?"]), accuracy: 0.8, measures: { ...trace(1), ...norm(2) } }),
    ];
    const { counts, networks, predictors, settings } = await analysePrediction(more, "networks", undefined, 50);
    expect(networks).toHaveLength(14);
    expect(counts).toMatchObject({ trained: 19, converged: 17, diverged: 1 });
    expect(counts.withoutVolume).toEqual({ splitting: 1 });
    expect(counts.doubtfulVolume).toEqual({ splitting: 1 });
    expect(predictors.find(({ name }) => name === "splitting")!.networks).toBe(13);
    expect(settings.map(({ learningRate, networks: n }) => [learningRate, n])).toEqual([
      [0.05, 14],
      [0.01, 3],
    ]);
    const at = predictors.findIndex(({ name }) => name === "splitting");
    expect(settings[1].spearman[at]).toBeCloseTo(1, 14);
  });

  it("says in its sentence what the numbers say, also against the paper", async () => {
    const wave = (i: number): number => ((i * 7) % 30) / 30;
    const made = (volume: (i: number) => number, flat: (i: number) => number): NetworkRecord[] =>
      Array.from({ length: 30 }, (_, i) =>
        plantedRecord(i, { accuracy: i / 30, volumes: plantedVolume(volume(i)), measures: trace(flat(i)) }),
      );
    const near = (i: number): number => i + 3 * wave(i);
    const find = async (list: NetworkRecord[]) => (await analysePrediction(list, "networks", undefined, 200)).finding;
    expect(await find(made(near, (i) => 1 + wave(i)))).toMatch(/volume predicts better, as the paper claims\.$/);
    expect(await find(made(wave, (i) => 1 + near(i)))).toMatch(
      /flatness predicts better, against the paper's claim\.$/,
    );
    expect(await find(made(near, (i) => 1 + near(i)))).toMatch(/do not tell which of the two predicts better\.$/);
    expect(
      await find(
        made(
          (i) => -near(i),
          (i) => 1 + wave(i),
        ),
      ),
    ).toMatch(/of the wrong sign/);
    expect(await find([plantedRecord(0, {})])).toMatch(/^Over 1 networks/);
  });
});
