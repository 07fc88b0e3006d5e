/** The kernels of assembly/dense.ts: eight points in the lanes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { RECORD } from "../src/network/plan.ts";
import { type Activation, activate, type DenseLayer, denseLayer } from "./reference/dense.ts";

const kernels = await sharedKernels();
const pad4 = (n: number): number => Math.ceil(n / 4) * 4;
const CODE = { relu: 0, tanh: 1, linear: 2 };

// sparse and dense values, and the cancellations of equal ones
const value = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(0, -0, 1, -1, 0.5) },
  { weight: 3, arbitrary: fc.double({ min: -4, max: 4, noNaN: true }).map(Math.fround) },
);

interface Layer {
  readonly layer: DenseLayer;
  /** eight points' inputs `[8][fanIn]` */
  readonly points: number[][];
}

const layerOf: fc.Arbitrary<Layer> = fc
  .record({ fanIn: fc.integer({ min: 0, max: 21 }), fanOut: fc.integer({ min: 1, max: 22 }) })
  .chain(({ fanIn, fanOut }) =>
    fc.record({
      layer: fc.record({
        fanIn: fc.constant(fanIn),
        fanOut: fc.constant(fanOut),
        weights: fc.array(value, { minLength: fanIn * fanOut, maxLength: fanIn * fanOut }),
        biases: fc.array(value, { minLength: fanOut, maxLength: fanOut }),
      }),
      points: fc.array(fc.array(value, { minLength: fanIn, maxLength: fanIn }), { minLength: 8, maxLength: 8 }),
    }),
  );

/** Puts a layer's weights `[fanIn][fanOut4]` and biases into memory, and packs the points as its inputs. */
function place({ layer, points }: Layer, count = 8) {
  const { fanIn, fanOut } = layer;
  const stride = pad4(fanOut);
  const rows = new Float32Array(fanIn * stride);
  for (let j = 0; j < fanIn; j++) for (let k = 0; k < fanOut; k++) rows[j * stride + k] = layer.weights[k * fanIn + j];
  const biases = new Float32Array(stride);
  biases.set(Array.from(layer.biases));
  const weightsAt = kernels.put(rows);
  const bias = kernels.put(biases);
  const x = kernels.put(Float32Array.from(points.slice(0, count).flat()));
  const list = kernels.allocate((fanIn + 1) * RECORD);
  const ends = kernels.allocate(4);
  kernels.exports.packPoints(x, count, fanIn, weightsAt, 4 * stride, list, (fanIn + 1) * RECORD, ends);
  return { list, end: kernels.u32(ends, 1)[0], bias, stride, weightsAt };
}

/** Records between two addresses: values of points 0..7, and the address of the row. */
function records(from: number, to: number): Array<{ values: number[]; row: number }> {
  const out = [];
  for (let p = from; p < to; p += RECORD) {
    out.push({ values: [...kernels.f32(p, 8)].reverse(), row: kernels.u32(p + 32, 1)[0] });
  }
  return out;
}

// a zero's sign is of no consequence
const plain = (v: number): number => v + 0;

describe("packPoints", () => {
  it("lists the features that are nonzero on the block, first point in the highest lane, absent points zero", () => {
    fc.assert(
      fc.property(layerOf, fc.integer({ min: 1, max: 8 }), (setting, count) => {
        kernels.scoped(() => {
          const { list, end, stride, weightsAt } = place(setting, count);
          const expected = [];
          for (let j = 0; j < setting.layer.fanIn; j++) {
            const values = setting.points.map((point, i) => (i < count ? plain(point[j]) : 0));
            if (setting.points.slice(0, count).some((point) => !Object.is(point[j], 0))) {
              expected.push({ values, row: weightsAt + 4 * stride * j });
            }
          }
          expect(records(list, end).map(({ values, row }) => ({ values: values.map(plain), row }))).toEqual(expected);
        });
      }),
    );
  });
});

describe("denseBlock = reference to the bit", () => {
  for (const activation of ["relu", "tanh", "linear"] as const) {
    it(`${activation}: values, and only the units that are nonzero somewhere${activation === "linear" ? " (linear: all)" : ""}`, () => {
      fc.assert(
        fc.property(layerOf, (setting) => {
          kernels.scoped(() => {
            const { list, end, bias, stride } = place(setting);
            const out = kernels.allocate((stride + 1) * RECORD);
            const last = kernels.exports.denseBlock(list, end, bias, stride, CODE[activation], out, 1000, 24);
            const z = setting.points.map((point) => denseLayer(setting.layer, point));
            const expected = [];
            for (let k = 0; k < stride; k++) {
              const values = z.map((own) =>
                k >= setting.layer.fanOut ? 0 : activation === "linear" ? own[k] : activate(own[k], activation),
              );
              if (activation === "linear" || values.some((v) => v !== 0)) {
                expected.push({ values: values.map(plain), row: 1000 + 24 * k });
              }
            }
            // a unit that is -0 everywhere may be listed: it adds nothing
            const got = records(out, last)
              .map(({ values, row }) => ({ values: values.map(plain), row }))
              .filter(({ values }) => activation === "linear" || values.some((v) => v !== 0));
            expect(got).toEqual(expected);
          });
        }),
      );
    });
  }

  it("keeps NaN and infinity: nothing turns into a plain number", () => {
    kernels.scoped(() => {
      const layer = {
        fanIn: 1,
        fanOut: 4,
        weights: [1, Number.POSITIVE_INFINITY, Number.NaN, 1],
        biases: [0, 0, 0, 0],
      };
      const points = Array.from({ length: 8 }, () => [3e38]);
      for (const activation of [0, 1]) {
        const { list, end, bias } = place({ layer, points });
        const out = kernels.allocate(5 * RECORD);
        const last = kernels.exports.denseBlock(list, end, bias, 4, activation, out, 0, 0);
        const values = records(out, last).map((r) => r.values[0]);
        expect(values[1]).toBe(activation === 0 ? Number.POSITIVE_INFINITY : 1);
        expect(values[2]).toBeNaN();
      }
    });
  });
});

describe("denseBlockSigns and linearBlockSigns = reference", () => {
  it("signs of the output on eight points, any hidden layer and output weights", () => {
    fc.assert(
      fc.property(
        layerOf,
        fc.constantFrom<Activation>("relu", "tanh"),
        fc.array(value, { minLength: 24, maxLength: 24 }),
        value,
        (setting, activation, output, outputBias) => {
          kernels.scoped(() => {
            const { list, end, bias, stride } = place(setting);
            const outputAt = kernels.put(Float32Array.from(output));
            const outputBiasAt = kernels.put(Float32Array.of(outputBias));
            const signs = kernels.exports.denseBlockSigns(
              list,
              end,
              bias,
              stride,
              CODE[activation],
              outputAt,
              outputBiasAt,
            );
            const last: DenseLayer = { fanIn: setting.layer.fanOut, fanOut: 1, weights: output, biases: [outputBias] };
            const bits = setting.points.map((point) =>
              Number(
                denseLayer(
                  last,
                  denseLayer(setting.layer, point).map((z) => activate(z, activation)),
                )[0] > 0,
              ),
            );
            expect(signs).toBe(Number.parseInt(bits.join(""), 2));
          });
        },
      ),
    );
  });

  it("signs of a single linear unit", () => {
    fc.assert(
      fc.property(layerOf, ({ layer, points }) => {
        kernels.scoped(() => {
          const one: DenseLayer = { ...layer, fanOut: 1, weights: Array.from(layer.weights).slice(0, layer.fanIn) };
          const { fanIn } = one;
          // rows of one f32 each
          const weightsAt = kernels.put(Float32Array.from(one.weights as number[]));
          const bias = kernels.put(Float32Array.of(one.biases[0]));
          const x = kernels.put(Float32Array.from(points.flat()));
          const list = kernels.allocate((fanIn + 1) * RECORD);
          const ends = kernels.allocate(4);
          kernels.exports.packPoints(x, 8, fanIn, weightsAt, 4, list, (fanIn + 1) * RECORD, ends);
          const bits = points.map((point) => Number(denseLayer(one, point)[0] > 0));
          expect(kernels.exports.linearBlockSigns(list, kernels.u32(ends, 1)[0], bias)).toBe(
            Number.parseInt(bits.join(""), 2),
          );
        });
      }),
    );
  });
});
