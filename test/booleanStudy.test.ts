import { describe, expect, it } from "vitest";
import { parseFunction } from "../src/data/functions.ts";
import { Pool } from "../src/engine/pool.ts";
import { booleanReport } from "../src/report/boolean.ts";
import {
  BOOLEAN_QUICK,
  type BooleanRecord,
  type BooleanSettings,
  booleanStudy,
  booleanTargets,
} from "../src/study/boolean.ts";
import { runTasks } from "../src/study/run.ts";
import { studyRecords } from "../src/study/study.ts";

/** A study that takes seconds: 32 inputs, half of them to learn from. */
const SMALL: BooleanSettings = {
  ...BOOLEAN_QUICK,
  layers: [5, 16, 16, 1],
  train: 16,
  complexities: [12, 20],
  candidates: 2000,
  attacks: [0, 2, 6, 16],
  repeats: 1,
  learningRate: 0.1,
  batch: 8,
  maxEpochs: 2000,
  variants: [{ learningRate: 0.3, batch: 8 }],
  repetitions: 4,
  particles: 60,
  measures: ["trace", "fisher-rao"],
};

async function run(settings: BooleanSettings, workers: number, seed = 3n): Promise<BooleanRecord[]> {
  const pool = new Pool({ workers });
  try {
    return await runTasks(await booleanStudy.tasks(settings, seed, undefined), { pool });
  } finally {
    pool.close();
  }
}

const bitsOf = (f: string, points: number): number[] => {
  const words = parseFunction("f", f, points);
  return Array.from({ length: points }, (_, i) => (words[i >> 5] >>> (31 - (i & 31))) & 1);
};

describe("booleanTargets", () => {
  it("splits the inputs, and chooses balanced functions near the complexities", async () => {
    const targets = await booleanTargets(BOOLEAN_QUICK, 0n);
    for (const { bits, onS, training, test, majority, complexity } of targets) {
      const ones = bits.reduce((sum, bit) => sum + bit, 0);
      expect(ones).toBeGreaterThanOrEqual(0.4 * 128);
      expect(ones).toBeLessThanOrEqual(0.6 * 128);
      expect(Math.abs(complexity - 60)).toBeLessThan(10);
      const on = bitsOf(onS, 128);
      expect(on.reduce((sum, bit) => sum + bit, 0)).toBe(64);
      expect([training.points, test.points]).toEqual([64, 64]);
      // every input once, with its own bit
      const seen = new Set<number>();
      for (const [set, inS] of [
        [training, 1],
        [test, 0],
      ] as const) {
        for (let i = 0; i < 64; i++) {
          const input = set.inputs.subarray(7 * i, 7 * i + 7).reduce((value, bit) => 2 * value + bit, 0);
          seen.add(input);
          expect(on[input]).toBe(inS);
          expect(set.targets[i]).toBe(bits[input]);
        }
      }
      expect(seen.size).toBe(128);
      expect(majority).toBeGreaterThan(0.2);
    }
    expect(await booleanTargets(BOOLEAN_QUICK, 0n)).toEqual(targets);
    expect((await booleanTargets(BOOLEAN_QUICK, 1n))[0].onS).not.toBe(targets[0].onS);
  });
});

describe("the Boolean study", () => {
  it("keeps the theory's invariants: f fits S, P(f) <= P(S), posteriors of different functions sum to at most 1", async () => {
    const records = await run(SMALL, 0);
    const targets = records.flatMap((record) => (record.kind === "target" ? [record] : []));
    const networks = records.flatMap((record) => (record.kind === "network" ? [record] : []));
    expect(targets).toHaveLength(2);
    expect(networks).toHaveLength(12);
    const choices = await booleanTargets(SMALL, 3n);
    let weighed = 0;
    for (const [t, { name, volumeOfS, function: target }] of targets.entries()) {
      const on = bitsOf(choices[t].onS, 32);
      const right = bitsOf(target, 32);
      const posteriors = new Map<string, number>();
      let square = 0;
      for (const network of networks.filter(({ task }) => task === name)) {
        if (!network.converged) continue;
        const bits = bitsOf(network.function!, 32);
        expect(on.every((one, i) => one === 0 || bits[i] === right[i])).toBe(true);
        expect(network.trainAccuracy).toBe(1);
        const inE = on.flatMap((one, i) => (one === 0 ? [i] : []));
        expect(network.accuracy).toBe(inE.filter((i) => bits[i] === right[i]).length / 16);
        // an attack set that is all of E leaves nothing right
        if (network.attack === 16) expect(network.accuracy).toBe(0);
        expect(network.ones).toBe(bits.reduce((sum, bit) => sum + bit, 0));
        const { log10P, standardError } = network.volumes.splitting;
        if (log10P === null) continue;
        weighed++;
        const error = Math.hypot(standardError!, volumeOfS.standardError!);
        // 12 comparisons by t with 3 degrees of freedom, of which most are far from equality
        expect(log10P).toBeLessThan(volumeOfS.log10P! + 5 * error);
        const posterior = 10 ** (log10P - volumeOfS.log10P!);
        if (!posteriors.has(network.function!)) square += (posterior * Math.LN10 * error) ** 2;
        posteriors.set(network.function!, posterior);
      }
      const sum = [...posteriors.values()].reduce((total, p) => total + p, 0);
      expect(sum).toBeLessThan(1 + 5 * Math.sqrt(square));
    }
    expect(weighed).toBeGreaterThan(6);
  });

  it("is the same to the bit with 0 and 2 workers, in Node and Chromium, and for a seed alone", async () => {
    const short = { ...SMALL, attacks: [0, 6], variants: [], particles: 10, repetitions: 2 };
    const here = await run(short, 0);
    expect(await run(short, 2)).toEqual(here);
    expect(await run(short, 0, 4n)).not.toEqual(here);
    const numbers = here.map((record) =>
      record.kind === "target"
        ? record.volumeOfS.log10P
        : [record.volumes.splitting?.log10P, record.measures.trace?.value, record.trainLoss],
    );
    expect(numbers).toMatchInlineSnapshot(`
      [
        -3.697826193202761,
        -3.6291547517274334,
        [
          -5.550986719819838,
          13.821209362560701,
          0.37826582197463476,
        ],
        [
          -9.019593214612891,
          11.032600780272467,
          0.1559668348952343,
        ],
        [
          -3.3360948769679353,
          9.943190317363548,
          0.36929473441165767,
        ],
        [
          -10.345362378606529,
          10.39708715381853,
          0.1651957841132326,
        ],
      ]
    `);
  });

  it("has a report: one page, nothing fetched, the same bytes for the same records", async () => {
    const records = await run({ ...SMALL, particles: 10, repetitions: 2 }, 0);
    const analysis = await booleanStudy.analyse(records, SMALL);
    const identity = { study: "boolean", seed: "3", settings: SMALL };
    const whole = studyRecords(identity, records, analysis, { command: "flatvol study boolean <&>", seconds: 3 });
    const html = booleanReport(whole);
    expect(booleanReport(JSON.parse(JSON.stringify(whole)))).toBe(html);
    expect(html).toContain("flatvol study boolean &lt;&amp;&gt;");
    expect(html).toContain(analysis.finding.slice(0, 40));
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(html).not.toMatch(/<script|<link|<iframe|<img|url\(|https?:\/\//);
    expect(html.match(/href="[^"]*"/g)).toEqual(['href="records.json"', 'href="records.parquet"']);
    expect(() => booleanReport({ study: "count" } as never)).toThrow(TypeError);
  });
});
