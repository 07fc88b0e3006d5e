/** One question, every method: they agree where two of them apply, and say which can where one cannot. */
import { describe, expect, it } from "vitest";
import { logVolume, nngpKernel, type VolumeMethod, type VolumeOptions, type VolumeQuestion } from "../src/volume.ts";

const ask = (question: VolumeQuestion, method: VolumeMethod, options: Partial<VolumeOptions> = {}) =>
  logVolume(question, { method, seed: 1, workers: 0, ...options });

describe("logVolume", () => {
  it("count and splitting agree on a finite network, on all points and on a training set", async () => {
    const network = { layers: [3, 6, 5, 1] };
    for (const on of [undefined, "b6"]) {
      const question = { network, labels: "12", ...(on ? { on } : {}) };
      const count = await ask(question, "count", { samples: 400_000 });
      const splitting = await ask(question, "splitting", { repetitions: 12, particles: 400 });
      const error = Math.hypot(count.standardError as number, splitting.standardError as number);
      // t with 11 degrees of freedom
      expect(Math.abs((count.logP as number) - (splitting.logP as number))).toBeLessThan(5 * error);
      expect(error).toBeLessThan(0.2);
      expect(count.details.orbitCount).toBeGreaterThan(100);
    }
  });

  it("EP has a bias and no standard error: all-zeros at n = 7 is -1.77 where the exact orthant is -1.42", async () => {
    const question = { network: { layers: [7, 40, 40, 1] }, labels: "0".repeat(32) };
    const ep = await ask(question, "ep");
    const orthant = await ask(question, "orthant", { samples: 2 ** 14 });
    expect(ep.logP).toBeCloseTo(-1.77, 2);
    expect(orthant.logP).toBeCloseTo(-1.42, 2);
    expect("standardError" in ep).toBe(false);
    expect([ep.approximation, orthant.approximation]).toEqual([true, false]);
    expect(orthant.standardError).toBeLessThan(0.01);
  });

  it("functions of one orbit have the same volume by every method: input bits permuted, output negated", async () => {
    const network = { layers: [3, 8, 1] };
    // x0 AND (x1 OR x2), then x2 AND (x0 OR x1), then the first one negated
    const orbit = ["07", "15", "f8"];
    for (const method of ["count", "splitting", "ep", "ep-probit", "orthant", "orthant-probit", "laplace"] as const) {
      const records = [];
      for (const labels of orbit) {
        records.push(await ask({ network, labels }, method, { samples: 100_000, repetitions: 8, particles: 200 }));
      }
      for (const { logP, standardError = 0 } of records.slice(1)) {
        // t with 7 degrees of freedom where there is an error; EP's fixed point to its tolerance
        const error = 6 * Math.hypot(standardError, records[0].standardError ?? 0) + 1e-6;
        expect(Math.abs((logP as number) - (records[0].logP as number)), method).toBeLessThan(error);
      }
    }
  });

  it("a kernel in place of the network gives the same number, and a part of it that of a part of the points", async () => {
    const network = { layers: [3, 9, 9, 1], sigmaB2: 0.5 };
    const { kernel } = await nngpKernel({ depth: 2, sigmaB2: 0.5 }, { bits: 3 });
    for (const method of ["ep", "ep-probit", "laplace", "orthant"] as const) {
      for (const on of [undefined, "93"]) {
        const part = { labels: "2c", ...(on ? { on } : {}) };
        const direct = await ask({ network, ...part }, method, { samples: 4096 });
        const given = await ask({ kernel, ...part }, method, { samples: 4096 });
        expect(given.logP).toBeCloseTo(direct.logP as number, 9);
      }
    }
  });

  it("labels of any two values are the function in hex", async () => {
    const network = { layers: [2, 5, 1] };
    const hex = await ask({ network, labels: "6" }, "splitting", { repetitions: 2 });
    for (const labels of [
      [0, 1, 1, 0],
      [-1, 1, 1, -1],
      [false, true, true, false],
    ]) {
      expect((await ask({ network, labels }, "splitting", { repetitions: 2 })).logP).toBe(hex.logP);
    }
  });

  it("P = 0 exactly, with the reason, where a point stands twice with different labels", async () => {
    const inputs = { data: [0, 1, 1, 0, 0, 1], points: 3 };
    for (const method of ["splitting", "ep", "orthant"] as const) {
      const record = await ask({ network: { layers: [2, 4, 1] }, inputs, labels: [0, 1, 1] }, method);
      expect([method, record.logP]).toEqual([method, -Infinity]);
      expect(record.reason).toMatch(/0 and 2|2 and 0/);
    }
  });

  it("no sample: a bound and no number", async () => {
    const record = await ask({ network: { layers: [5, 6, 1] }, labels: "69969669" }, "count", { samples: 1600 });
    expect([record.logP, record.log10P, record.standardError]).toEqual([undefined, undefined, undefined]);
    expect(record.logPUpperBound).toBeLessThan(-5);
    expect(record.warnings[0]).toMatch(/splitting and orthant reach it/);
  });

  const network = { layers: [3, 4, 1] };
  it.each([
    [{ network, labels: "0" }, "ep", /^labels: expected 2 hex digits/],
    [{ network, labels: [0, 1] }, "orthant", /^labels: expected 8, one for each point, got 2/],
    [{ network, labels: [0, 1, 2, 0, 0, 0, 0, 0] }, "ep", /^labels\[2\]: expected 0 or 1, or -1 or 1, got 2/],
    [{ network, labels: "00", on: "0" }, "ep", /^on: expected 2 hex digits/],
    [{ network, labels: "00", on: "00" }, "ep", /^on: expected at least one point that counts, got none/],
    [
      { kernel: [1, 0, 0, 1], labels: [0, 1] },
      "splitting",
      /^method: splitting needs a network; a kernel goes with ep/,
    ],
    [{ kernel: [1, 0, 1], labels: [0, 1] }, "ep", /^kernel: expected a square matrix, got 3 numbers/],
    [{ kernel: [1, 0.5, 0.4, 1], labels: [0, 1] }, "ep", /^kernel: expected a symmetric matrix/],
    [{ kernel: [1, 2, 2, 1], labels: [0, 1] }, "orthant", /^kernel: expected a positive semidefinite matrix/],
    [
      { network: { ...network, activation: "tanh" }, labels: "00" },
      "ep",
      /^method: ep needs .* splitting and count take tanh/,
    ],
    [{ network, kernel: [1], labels: "0" }, "ep", /^kernel: expected either network or kernel/],
    [{ network, labels: "00" }, "guess", /^method: expected .*count.*got "guess"/],
    [
      { network, labels: new Array(1100).fill(0), inputs: { data: new Array(3300).fill(0), points: 1100 } },
      "splitting",
      /^method: splitting takes at most 1024 points, got 1100; ep and orthant take 2000/,
    ],
    [
      { network, labels: new Array(2001).fill(0), inputs: { data: new Array(6003).fill(0), points: 2001 } },
      "ep",
      /^inputs.points: expected an integer from 1 to 2000, got 2001/,
    ],
  ])("refuses by name, case %#", async (question, method, message) => {
    await expect(logVolume(question as VolumeQuestion, { method: method as VolumeMethod })).rejects.toThrow(message);
  });
});
