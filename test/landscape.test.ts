import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { coordinates, lossLandscape, randomDirection, scaleDirection } from "../src/flatness/landscape.ts";
import { gaussianVector, randomSurface } from "./randomSurface.ts";
import { rescaled } from "./reference/plainSurface.ts";
import { QuadraticSurface } from "./reference/quadraticSurface.ts";

const kernels = await sharedKernels();
const norm = (x: ArrayLike<number>) => Math.sqrt(Array.from(x).reduce((sum, v) => sum + v * v, 0));

describe("directions", () => {
  const { surface, w } = randomSurface({ layers: [3, 4, 2], loss: "ce", points: 5, seed: 1 });
  const { network } = surface;

  it("filter normalisation: each row has w's norm and its own direction, biases are 0", () => {
    const direction = gaussianVector(w.length, 2);
    const scaled = scaleDirection(network, w, direction, "filter");
    for (const [at, length] of [0, 3, 6, 9].map((p) => [p, 3]).concat([16, 20].map((p) => [p, 4]))) {
      const row = scaled.subarray(at, at + length);
      expect(norm(row)).toBeCloseTo(norm(w.subarray(at, at + length)), 5);
      const ratio = row[0] / direction[at];
      expect(ratio).toBeGreaterThan(0);
      row.forEach((v, j) => {
        expect(v).toBeCloseTo(ratio * direction[at + j], 5);
      });
    }
    for (const [at, length] of [
      [12, 4],
      [24, 2],
    ]) {
      expect([...scaled.subarray(at, at + length)]).toEqual(Array(length).fill(0));
    }
    const byLayer = scaleDirection(network, w, direction, "layer");
    expect(norm(byLayer.subarray(0, 12))).toBeCloseTo(norm(w.subarray(0, 12)), 5);
    expect(byLayer[3] / direction[3]).toBeCloseTo(byLayer[11] / direction[11], 5);
    expect(scaleDirection(network, w, direction, "none")).toEqual(direction);
    const zeros = scaleDirection(network, w, new Float32Array(w.length), "filter");
    expect(zeros).toEqual(new Float32Array(w.length));
  });

  it("random directions depend on seed and index alone", () => {
    expect(randomDirection(kernels, 9, 1n, 0)).toEqual(randomDirection(kernels, 9, 1n, 0));
    expect(randomDirection(kernels, 9, 1n, 0)).not.toEqual(randomDirection(kernels, 9, 1n, 1));
  });
});

describe("landscapes", () => {
  const pause = () => {};

  it("of a quadratic: offset + (a^2 d1' A d1 + 2 a b d1' A d2 + b^2 d2' A d2) / 2 [closed form]", async () => {
    const diagonal = Float64Array.of(1, 2, 3);
    const w = gaussianVector(3, 3);
    const [u, v] = [gaussianVector(3, 4), gaussianVector(3, 5)];
    const surface = new QuadraticSurface(diagonal, w, 7);
    const form = (x: Float32Array, y: Float32Array) => diagonal.reduce((sum, d, i) => sum + d * x[i] * y[i], 0);
    const plane = await lossLandscape(surface, w, [u, v], 2, 5, pause);
    expect(plane.a).toEqual([-2, -1, 0, 1, 2]);
    expect(plane.b).toEqual(plane.a);
    expect(plane.losses).toHaveLength(25);
    plane.a.forEach((a, i) => {
      plane.b.forEach((b, j) => {
        const expected = 7 + (a * a * form(u, u) + 2 * a * b * form(u, v) + b * b * form(v, v)) / 2;
        expect(plane.losses[5 * i + j]).toBeCloseTo(expected, 4);
      });
    });
    expect(plane.losses[12]).toBe(plane.loss);
    expect(plane.norms[1]).toBeCloseTo(norm(v), 6);
    const cosine = u.reduce((sum, x, i) => sum + x * v[i], 0) / (norm(u) * norm(v));
    expect(plane.cosine).toBeCloseTo(cosine, 6);
    const line = await lossLandscape(surface, w, [u], 2, 5, pause);
    expect(line.b).toEqual([]);
    expect(line.losses).toEqual(plane.a.map((_, i) => plane.losses[5 * i + 2]));
  });

  it("with filter normalisation does not depend on a rescaling of layers, and without it does", async () => {
    const { surface, w } = randomSurface({ layers: [4, 6, 1], loss: "bce", points: 20, seed: 6 });
    const v = rescaled(surface.network, w, 1, 8);
    const direction = randomDirection(kernels, w.length, 1n, 0);
    const lines = (scaling: "filter" | "none") =>
      Promise.all(
        [w, v].map((x) =>
          lossLandscape(surface, x, [scaleDirection(surface.network, x, direction, scaling)], 1, 7, pause),
        ),
      );
    const [before, after] = await lines("filter");
    before.losses.forEach((loss, i) => {
      expect(after.losses[i]).toBeCloseTo(loss, 5);
    });
    expect(after.errors).toEqual(before.errors);
    const [plain, other] = await lines("none");
    expect(Math.abs(plain.losses[6] - other.losses[6])).toBeGreaterThan(0.01);
  });

  it("coordinates are symmetric, 0 in the middle", () => {
    expect(coordinates(1, 1)).toEqual([0]);
    expect(coordinates(1, 4)).toEqual([-1, -1 / 3, 1 / 3, 1]);
    expect(coordinates(0.3, 51)[25]).toBe(0);
  });
});
