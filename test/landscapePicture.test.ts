/** Pictures of loss landscapes. */
import { describe, expect, it } from "vitest";
import { type LandscapeRecords, landscapePicture, landscapeReport } from "../src/report/landscape.ts";

const axis = [-1, -0.5, 0, 0.5, 1];
const common = {
  a: axis,
  loss: 1,
  error: 0,
  norms: [1, 1],
  cosine: 0.5,
  network: { layers: [2, 3, 1], activation: "relu" },
  points: 1000,
  lossName: "bce",
  directions: "random",
  scaling: "filter",
  seed: 7,
} as const;
const plane: LandscapeRecords = {
  ...common,
  a: [...axis],
  norms: [1, 1],
  b: [...axis],
  losses: axis.flatMap((x) => axis.map((y) => 1 + 3 * x * x + y * y)),
  errors: axis.flatMap((x) => axis.map((y) => (Math.abs(x) + Math.abs(y)) / 4)),
};
const line: LandscapeRecords = {
  ...plane,
  b: [],
  losses: axis.map((x) => 1 + x * x),
  errors: axis.map(() => 0),
};

describe("landscapePicture", () => {
  it("is one whole SVG, the same bytes for the same records", () => {
    for (const records of [line, plane]) {
      const svg = landscapePicture(records);
      expect(svg).toMatch(
        /^<\?xml version="1.0" encoding="UTF-8"\?>\n<svg xmlns="http:\/\/www.w3.org\/2000\/svg"[\s\S]*<\/svg>\n$/,
      );
      expect(landscapePicture(JSON.parse(JSON.stringify(records)))).toBe(svg);
      expect(svg).toContain("bce loss of a 2-3-1 relu network on 1,000 points");
      expect(svg).not.toMatch(/NaN|undefined/);
    }
    expect(landscapePicture(plane)).toContain("loss 1.00 to 5.00");
  });

  it("draws a contour where the loss passes it", () => {
    // the level 1.5, linear between the points: at |a| = 1/3 (from 1 to 1.75) and |b| = 2/3 (from 1.25 to 2)
    const svg = landscapePicture(plane);
    const paths = [...svg.matchAll(/<path[^>]* d="(M[^"]+Z)"/g)].map(([, d]) => d);
    const rings = paths[2].split("Z").map((ring) => (ring.match(/-?[\d.]+/g) ?? []).map(Number));
    // the first ring is the frame, the second the hole inside the level
    const hole = rings[1];
    const reach = (from: number) => {
      const along = hole.filter((_, i) => i % 2 === from);
      return [Math.min(...along), Math.max(...along)];
    };
    const frame = (from: number) => {
      const along = rings[0].filter((_, i) => i % 2 === from);
      return [Math.min(...along), Math.max(...along)];
    };
    // cells reach half a step beyond the outermost points
    for (const [from, expected] of [
      [0, 1 / 3],
      [1, 2 / 3],
    ]) {
      const [least, most] = frame(from);
      const unit = (most - least) / 2.5;
      expect((reach(from)[1] - reach(from)[0]) / 2 / unit).toBeCloseTo(expected, 2);
      expect((reach(from)[1] + reach(from)[0]) / 2).toBeCloseTo((most + least) / 2, 1);
    }
  });

  it("shows losses only, not how contours are closed outside: the frame ends at the outermost points", () => {
    const svg = landscapePicture(plane);
    const [, height, width, y, x] =
      /<clipPath id="clip-1"><rect height="([\d.]+)" width="([\d.]+)" y="(\d+)" x="(\d+)"/.exec(svg) ?? [];
    expect(svg).toContain('<g clip-path="url(#clip-1)" aria-label="contour">');
    // where -1 and 1 stand on both axes
    const ticks = [...svg.matchAll(/<text transform="translate\(([\d.]+),([\d.]+)\)" y="[\d.]+em">(−?1\.0)</g)];
    const [bottom, top, left, right] = ticks.map(([, tx, ty], i) => Number(i < 2 ? ty : tx));
    expect([left, right]).toEqual([Number(x), Number(x) + Number(width)]);
    expect(top).toBe(Number(y));
    expect(bottom).toBeCloseTo(Number(y) + Number(height), 9);
  });

  it("labels a loss's logarithmic axis with decimal numbers, 1, 2 and 5 of each decade", () => {
    const svg = landscapePicture({ ...line, losses: [2, 0.3, 0.04, 0.5, 1] });
    const labels = [...svg.matchAll(/<text transform="[^"]*" y="0.32em">([^<]*)<\/text>/g)].map(([, text]) => text);
    expect(labels.filter((text) => text !== "")).toEqual(["0.05", "0.1", "0.2", "0.5", "1", "2"]);
  });

  it("goes by the logarithm where the loss spans much, and bears what overflowed", () => {
    const steep = { ...plane, losses: plane.losses.map((v, i) => (i === 0 ? Number.POSITIVE_INFINITY : v ** 8)) };
    const svg = landscapePicture(steep);
    expect(svg).toContain("by its logarithm");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    // as JSON has it
    expect(landscapePicture(JSON.parse(JSON.stringify(steep)))).toBe(svg);
  });

  it("refuses what is no such record", () => {
    expect(() => landscapePicture(null as never)).toThrow(/records: expected records of a landscape, got null/);
    expect(() => landscapePicture({ ...plane, losses: [1] })).toThrow(/records.losses: expected 25 numbers, got 1/);
    expect(() => landscapePicture({ ...line, losses: axis.map(() => Number.NaN) })).toThrow(/a finite loss, got none/);
  });
});

describe("landscapeReport", () => {
  it("says what is shown, and how it was made", () => {
    const html = landscapeReport({
      ...plane,
      directions: "eigen",
      scaling: "none",
      eigenvalues: [6, 2],
      residuals: [1e-4, 1e-4],
    });
    for (const text of [
      "Loss landscape of a 2‑3‑1 network",
      "6.000 ± 1.0e-4",
      "0 to 0.500",
      "along the eigenvector of 6.00",
    ]) {
      expect(html).toContain(text);
    }
    expect(html).not.toMatch(/NaN|undefined|<script/);
    expect(landscapeReport(line)).not.toContain('aria-label="Error"');
  });
});
