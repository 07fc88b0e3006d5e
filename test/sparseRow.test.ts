/** The kernels of assembly/sparseRow.ts: one point, units in the lanes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { activeUnits, sparseDense, sumSign, tileSums } from "./reference/sparseRow.ts";

const kernels = await sharedKernels();
const value = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 1, -1) },
  { weight: 4, arbitrary: fc.double({ min: -4, max: 4, noNaN: true }).map(Math.fround) },
);
const values = (length: number): fc.Arbitrary<number[]> => fc.array(value, { minLength: length, maxLength: length });

/** Bits set in u64 masks of `units` units. */
function maskOf(at: number, units: number): number[] {
  const words = kernels.u32(at, 2 * Math.ceil(units / 64));
  return Array.from({ length: units }, (_, u) => u).filter((u) => (words[u >> 5] >>> (u & 31)) & 1);
}

describe("sumRow", () => {
  it("adds two rows, or negates one so that zeros stay inactive, and finds the negative lanes", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }).chain((n) => fc.tuple(values(16 * n), values(16 * n))),
        fc.boolean(),
        ([a, b], negate) => {
          kernels.scoped(() => {
            const units = a.length;
            const from = kernels.put(Float32Array.from(a));
            const add = negate ? 0 : kernels.put(Float32Array.from(b));
            const out = negate ? from : kernels.allocate(4 * units);
            const masks = kernels.allocate(8 * Math.ceil(units / 64));
            kernels.exports.sumRow(from, add, out, units, masks);
            const expected = a.map((v, u) => (negate ? 0 - v : Math.fround(v + b[u])));
            expect([...kernels.f32(out, units)]).toEqual(expected);
            expect(maskOf(masks, units)).toEqual(activeUnits(expected));
          });
        },
      ),
    );
  });
});

const layer = fc
  .record({ fanIn: fc.integer({ min: 1, max: 150 }), fanOut: fc.integer({ min: 1, max: 30 }).map((k) => 4 * k) })
  .chain(({ fanIn, fanOut }) =>
    fc.record({
      fanIn: fc.constant(fanIn),
      fanOut: fc.constant(fanOut),
      row: values(fanIn),
      // weights by a small generator: large arrays of arbitraries are slow
      seed: fc.nat(2 ** 30),
      a: values(fanOut),
      b: values(fanOut),
      output: values(fanOut),
    }),
  );

describe("sparseDense = reference to the bit", () => {
  it("for any number of incoming units (1 to 3 masks) and tiles, with and without an output unit", () => {
    fc.assert(
      fc.property(layer, ({ fanIn, fanOut, row, seed, a, b, output }) => {
        kernels.scoped(() => {
          let state = seed;
          const weights = Float32Array.from({ length: fanIn * fanOut }, () => {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
            return state / 2 ** 30 - 2;
          });
          const units16 = Math.ceil(fanIn / 16) * 16;
          const padded = Float32Array.from({ length: units16 }, (_, u) => row[u] ?? 0);
          const rowAt = kernels.put(padded);
          const masks = kernels.allocate(8 * Math.ceil(units16 / 64));
          kernels.exports.sumRow(rowAt, kernels.allocate(4 * units16), rowAt, units16, masks);
          const summed = kernels.f32(rowAt, units16).slice();
          const active = maskOf(masks, units16);
          const weightsAt = kernels.put(weights);
          const aAt = kernels.put(Float32Array.from(a));
          const bAt = kernels.put(Float32Array.from(b));
          const outputAt = kernels.put(Float32Array.from(output));
          const zeros = kernels.allocate(4 * Math.max(40, fanOut));
          const out = kernels.allocate(4 * fanOut + 16);
          const chunks = Math.ceil(fanIn / 64);
          const z = sparseDense(summed, active, (u, k) => weights[u * fanOut + k], a, b, fanOut);
          kernels.exports.sparseDense(rowAt, masks, chunks, weightsAt, 4 * fanOut, aAt, bAt, fanOut, zeros, out, 0);
          expect([...kernels.f32(out, fanOut)].map((v) => v + 0)).toEqual(z.map((v) => v + 0));
          kernels.exports.sparseDense(
            rowAt,
            masks,
            chunks,
            weightsAt,
            4 * fanOut,
            aAt,
            bAt,
            fanOut,
            zeros,
            out,
            outputAt,
          );
          expect([...kernels.f32(out, 4)].map((v) => v + 0)).toEqual(tileSums(z, output).map((v) => v + 0));
        });
      }),
      { numRuns: 200 },
    );
  });

  it("is the dense layer on relu(z): f64 agrees but for rounding", () => {
    fc.assert(
      fc.property(layer, ({ fanIn, fanOut, row, a, b }) => {
        const active = activeUnits(row);
        const w = (u: number, k: number): number => Math.fround(Math.sin(u * 31 + k * 7));
        sparseDense(row, active, w, a, b, fanOut).forEach((z, k) => {
          let exact = a[k] + b[k];
          for (let u = 0; u < fanIn; u++) exact += w(u, k) * Math.max(-row[u], 0);
          expect(Math.abs(z - exact)).toBeLessThan(1e-3);
        });
      }),
      { numRuns: 50 },
    );
  });
});

describe("rowDot and sumSigns", () => {
  it("rowDot: four partial sums of output relu(z) from a row of -z", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }).chain((k) => fc.tuple(values(4 * k), values(4 * k))),
        ([row, output]) => {
          kernels.scoped(() => {
            const out = kernels.allocate(16);
            kernels.exports.rowDot(
              kernels.put(Float32Array.from(row)),
              row.length,
              kernels.put(Float32Array.from(output)),
              out,
            );
            const sums = [0, 0, 0, 0];
            row.forEach((v, k) => {
              sums[k % 4] = Math.fround(sums[k % 4] + Math.fround(Math.max(-v, 0) * output[k]));
            });
            expect([...kernels.f32(out, 4)].map((v) => v + 0)).toEqual(sums.map((v) => v + 0));
          });
        },
      ),
    );
  });

  it("sumSigns: the first row to the highest bit, 0 is not positive", () => {
    fc.assert(
      fc.property(values(32), value, fc.constantFrom(16, 48), (sums, bias, stride) => {
        kernels.scoped(() => {
          const at = kernels.allocate(8 * stride);
          for (let i = 0; i < 8; i++) kernels.f32(at + i * stride, 4).set(sums.slice(4 * i, 4 * i + 4));
          const bits = Array.from({ length: 8 }, (_, i) => Number(sumSign(sums.slice(4 * i, 4 * i + 4), bias)));
          expect(kernels.exports.sumSigns(at, stride, bias)).toBe(Number.parseInt(bits.join(""), 2));
        });
      }),
    );
  });
});
