/** The facade of the flatness measures, over the plain surface, in the calling thread. */
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { Pool } from "../src/engine/pool.ts";
import { type FlatnessOptions, flatnessOn, type LandscapeOptions, landscapeOn } from "../src/flatness/flatness.ts";
import { measures } from "../src/flatness/index.ts";
import { lossLandscape, randomDirection, scaleDirection } from "../src/flatness/landscape.ts";
import { makeSurfaceTasks } from "../src/flatness/measureTask.ts";
import { contextOf, randomSurface } from "./randomSurface.ts";
import { PlainSurface } from "./reference/plainSurface.ts";

const kernels = await sharedKernels();
const tasks = makeSurfaceTasks((_, network, data, lossName) => new PlainSurface(network, data, lossName));
const { surface, w } = randomSurface({ layers: [3, 4, 1], loss: "bce", points: 12, seed: 1 });
const { network, data } = surface;
for (let i = 0; i < 12; i++) data.targets[i] = Number(surface.output(w, i)[0] > 0);

const quick = {
  loss: "bce",
  workers: 0,
  keskarEpochs: 2,
  pacBayesDraws: 10,
  localVolumeDirections: 10,
  llcBurnIn: 10,
  llcDraws: 20,
} as const;

describe("flatness", () => {
  it("gives loss, error and a record a measure, each as the measure gives it", async () => {
    const names = measures.map(({ name }) => name);
    const seen: string[] = [];
    const record = await flatnessOn(tasks, network, w, data, {
      ...quick,
      measures: names,
      seed: 5,
      onProgress: ({ measure, total }) => {
        seen.push(measure);
        expect(total).toBe(names.length);
      },
    });
    const { loss, error } = await surface.evaluate(w);
    expect(Object.keys(record)).toEqual(["loss", "error", ...names]);
    expect([record.loss, record.error]).toEqual([loss, error]);
    expect(seen.sort()).toEqual([...names].sort());
    const { loss: _loss, workers: _workers, ...options } = quick;
    for (const measure of measures) {
      const alone = await measure.run(contextOf(surface, w, options, 5n));
      expect(record[measure.name]).toEqual({ invariant: measure.invariant, source: measure.source, ...alone });
      expect(Number.isFinite(record[measure.name].value), measure.name).toBe(true);
    }
  });

  it("names are unique, options too, and each measure has a source", () => {
    const names = measures.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { source } of measures) expect(source).toMatch(/\d{4}/);
  });

  it("names what is wrong before any work", async () => {
    const many = { layers: [3, 4, 2] };
    const good = { points: 1, features: 3, inputs: new Float32Array(3), targets: new Float32Array(1) };
    const known = measures.map(({ name }) => name).join(", ");
    const cases: Array<[object, ErrorConstructor, string, object?, object?, Float32Array?]> = [
      [{ measures: ["keska"] }, RangeError, `measures[0]: expected one of ${known}, got "keska"`],
      [{ measures: [3] }, TypeError, "measures[0]: expected one of"],
      [{ measures: "keskar" }, TypeError, 'measures: expected an array of names, got "keskar"'],
      [{ measures: ["sam", "sam"] }, RangeError, 'measures[1]: expected each name once, got "sam"'],
      [{ measures: [], keskarEpsilo: 1 }, TypeError, "options.keskarEpsilo: no such option; known: keskarEpsilon,"],
      [{ measures: [], keskarEpsilon: -1 }, RangeError, "keskarEpsilon: expected a number from 0 to 1000000, got -1"],
      [{ measures: [], llcChains: 1.5 }, RangeError, "llcChains: expected an integer from 1 to 10000, got 1.5"],
      [
        { measures: [], localVolumeCriterion: "area" },
        RangeError,
        'localVolumeCriterion: expected one of loss, kl, function, got "area"',
      ],
      [{ measures: ["relative-flatness"], relativeFlatnessLayer: 3 }, RangeError, "relativeFlatnessLayer: expected"],
      [{ measures: ["local-volume"], localVolumeCutoff: 0 }, RangeError, "localVolumeCutoff: expected a positive"],
      [{ measures: ["llc"] }, RangeError, "llcBeta: expected a number, as 1 / ln n", good],
      [{ measures: [], loss: "hinge" }, RangeError, 'loss: expected one of bce, ce, mse, got "hinge"'],
      [{ measures: [], loss: "ce" }, RangeError, 'loss: expected "bce" or "mse" for one output, got "ce"'],
      [
        { measures: [] },
        RangeError,
        'loss: expected "ce" or "mse" for 2 outputs, got "bce"',
        good,
        many,
        new Float32Array(26),
      ],
      [
        { measures: ["pac-bayes-sigma"], loss: "mse" },
        RangeError,
        'measures[0]: "pac-bayes-sigma" needs the loss bce or ce',
      ],
      [
        { measures: [] },
        RangeError,
        "data.targets[0]: expected 0 or 1, got 2",
        { ...good, targets: Float32Array.of(2) },
      ],
      [
        { measures: [], loss: "ce" },
        RangeError,
        "data.targets[0]: expected an integer from 0 to 1, got -1",
        { ...good, targets: Float32Array.of(-1) },
        many,
        new Float32Array(26),
      ],
      [{ measures: [] }, RangeError, "data.points: expected an integer from 1", { ...good, points: 0 }],
      [
        { measures: [] },
        RangeError,
        "data.features: expected 3, the network's inputs, got 2",
        { ...good, features: 2 },
      ],
      [{ measures: [] }, RangeError, "data.inputs: expected 6 numbers, got 3", { ...good, points: 2 }],
      [
        { measures: [] },
        RangeError,
        "data.inputs[1]: expected a finite number, got NaN",
        { ...good, inputs: Float32Array.of(0, Number.NaN, 0) },
      ],
      [
        { measures: [] },
        TypeError,
        "data.inputs: expected a Float32Array, got [1,2,3]",
        { ...good, inputs: [1, 2, 3] },
      ],
      [
        { measures: [] },
        RangeError,
        "parameters[0]: expected a finite number, got NaN",
        good,
        network,
        new Float32Array(21).fill(Number.NaN),
      ],
      [{ measures: [] }, RangeError, "parameters: expected 21 numbers, got 3", good, network, new Float32Array(3)],
      [{ measures: [], seed: -1 }, RangeError, "seed: expected an integer"],
      [{ measures: [], signal: 1 }, TypeError, "signal: expected an AbortSignal, got 1"],
      [{ measures: [], pool: {} }, TypeError, "pool: expected a Pool"],
      [{ measures: [], onProgress: 1 }, TypeError, "onProgress: expected a function, got 1"],
    ];
    for (const [options, kind, message, points = data, net = network, parameters = w] of cases) {
      const call = flatnessOn(
        tasks,
        net as never,
        parameters,
        points as never,
        {
          loss: "bce",
          workers: 0,
          ...options,
        } as FlatnessOptions,
      );
      await expect(call, message).rejects.toThrow(message);
      await expect(call, message).rejects.toBeInstanceOf(kind);
    }
  });

  it("stops at a signal, and leaves a given pool open", async () => {
    const stop = new AbortController();
    const pool = new Pool({ workers: 0 });
    const { workers: _workers, ...options } = quick;
    const call = flatnessOn(tasks, network, w, data, {
      ...options,
      measures: ["keskar-protocol"],
      keskarEpochs: 1e6,
      pool,
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(new Error("enough")), 30);
    await expect(call).rejects.toThrow("enough");
    const record = await flatnessOn(tasks, network, w, data, { ...options, measures: ["fisher-rao"], pool });
    expect(record["fisher-rao"].value).toBeGreaterThan(0);
    pool.close();
  });
});

describe("landscape", () => {
  it("is the same in pieces as in one", async () => {
    const options: LandscapeOptions = { loss: "bce", workers: 0, dimensions: 2, steps: 9, radius: 0.5, seed: 3 };
    const result = await landscapeOn(tasks, network, w, data, options);
    const directions = [0, 1].map((i) =>
      scaleDirection(network, w, randomDirection(kernels, w.length, 3n, i), "filter"),
    );
    expect(result).toEqual(await lossLandscape(surface, w, directions, 0.5, 9, () => {}));
    const line = await landscapeOn(tasks, network, w, data, {
      loss: "bce",
      workers: 0,
      directions: [w],
      scaling: "none",
      steps: 101,
    });
    expect(line.losses).toHaveLength(101);
    // w - w: nothing but ln 2
    expect(line.losses[0]).toBeCloseTo(Math.LN2, 6);
    expect(line.losses[50]).toBe(line.loss);
  });

  it("names what is wrong", async () => {
    const cases: Array<[object, string]> = [
      [{ dimensions: 3 }, "dimensions: expected an integer from 1 to 2, got 3"],
      [{ directions: [w], dimensions: 2 }, "dimensions: expected 1, the number of directions, got 2"],
      [{ directions: [w, w, w] }, "directions.length: expected an integer from 1 to 2, got 3"],
      [{ directions: [[1]] }, "directions[0]: expected a Float32Array, got [1]"],
      [{ directions: [new Float32Array(2)] }, `directions[0]: expected ${w.length} finite numbers`],
      [{ scaling: "unit" }, 'scaling: expected one of filter, layer, none, got "unit"'],
      [{ radius: -1 }, "radius: expected a number from 0"],
      [{ steps: 0 }, "steps: expected an integer from 1"],
      [{ step: 3 }, "options.step: no such option"],
    ];
    for (const [options, message] of cases) {
      const call = landscapeOn(tasks, network, w, data, { loss: "bce", workers: 0, ...options } as LandscapeOptions);
      await expect(call).rejects.toThrow(message);
    }
  });
});
