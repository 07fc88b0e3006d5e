/** Steps of a call: as long as some milliseconds, never none, and the results do not depend on them. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { CallSize } from "../src/engine/callSize.ts";
import { train } from "../src/flatness/api.ts";
import { keskarProtocol } from "../src/flatness/keskar.ts";
import { createPool } from "../src/index.ts";
import { contextOf, randomSurface } from "./randomSurface.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A clock on which so many looks are fast, and all after them far apart. */
function clock(fast: number): void {
  let now = 0;
  let looks = 0;
  vi.spyOn(performance, "now").mockImplementation(() => {
    now += looks++ < fast ? 0.001 : 50;
    return now;
  });
}

describe("the steps of a call", () => {
  it("double while calls are short, halve while they are long, and are never none", () => {
    const size = new CallSize();
    for (let i = 0; i < 5; i++) size.took(size.steps, 1);
    expect(size.steps).toBe(32);
    size.took(32, 6);
    expect(size.steps).toBe(32);
    size.took(32, 9);
    expect(size.steps).toBe(16);
    for (let i = 0; i < 10; i++) size.took(size.steps, 100);
    expect(size.steps).toBe(1);
  });

  it("do not grow where the data ended first: however many short calls, the next long one leaves some", () => {
    const size = new CallSize();
    for (let i = 0; i < 5000; i++) size.took(Math.min(size.steps, 2), 0.1);
    expect(size.steps).toBe(4);
    size.took(2, 100);
    expect(size.steps).toBe(2);
  });
});

describe("results are the same on a fast machine and on one that stalls", () => {
  it("Keskar's protocol", async () => {
    const { surface, w } = randomSurface({ layers: [4, 6, 1], loss: "bce", points: 40, seed: 5 });
    const options = { keskarEpochs: 60, keskarBatch: 16 };
    const expected = await keskarProtocol.run(contextOf(surface, w, options));
    clock(120);
    const { value, step, steps, maximiser } = await keskarProtocol.run(contextOf(surface, w, options));
    expect([value, step, steps]).toEqual([expected.value, expected.step, expected.steps]);
    expect(maximiser).toEqual(expected.maximiser);
  });

  it.each([
    { optimizer: "adam" },
    { optimizer: "entropy-sgd", innerSteps: 3, momentum: 0.9 },
    { optimizer: "sam" },
  ] as const)("training by $optimizer", async (optimizer) => {
    const { surface } = randomSurface({ layers: [4, 6, 1], loss: "bce", points: 41, seed: 5 });
    const pool = createPool({ workers: 0 });
    const run = () =>
      train({ layers: [4, 6, 1] }, surface.data, {
        ...optimizer,
        loss: "bce",
        batch: 4,
        maxEpochs: 12,
        targetLoss: 1e-9,
        pool,
      });
    const expected = await run();
    clock(60);
    const { parameters, trainLoss } = await run();
    expect(trainLoss).toBe(expected.trainLoss);
    expect(parameters).toEqual(expected.parameters);
    pool.close();
  });
});
