/** The kernels of assembly/affineCube.ts: affine functions on all Boolean inputs. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { type Affine, basePart, lowPart, turnedAround } from "./reference/affineCube.ts";

const kernels = await sharedKernels();
const value = fc.oneof(fc.constantFrom(0, 1, -1, 0.5), fc.double({ min: -4, max: 4, noNaN: true }).map(Math.fround));

const cube = fc.tuple(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 33 })).chain(([n, quads]) =>
  fc.record({
    n: fc.constant(n),
    units: fc.array(fc.array(value, { minLength: n + 1, maxLength: n + 1 }), {
      minLength: 4 * Math.ceil(quads / 2),
      maxLength: 4 * Math.ceil(quads / 2),
    }),
  }),
);

/** Parameters `[n + 1][units]`. */
function put(n: number, units: readonly Affine[]): number {
  const data = new Float32Array((n + 1) * units.length);
  units.forEach((unit, u) => {
    for (let i = 0; i <= n; i++) data[i * units.length + u] = unit[i];
  });
  return kernels.put(data);
}

describe("chooseSigns", () => {
  it("turns around the units whose mean over the cube is positive; none without leave", () => {
    fc.assert(
      fc.property(cube, fc.boolean(), ({ n, units }, turn) => {
        kernels.scoped(() => {
          const signs = kernels.allocate(4 * units.length);
          const masks = kernels.allocate(8 * Math.ceil(units.length / 64) + 8);
          kernels.exports.chooseSigns(n, put(n, units), units.length, Number(turn), signs, masks);
          const turned = units.map((unit) => turn && turnedAround(unit));
          expect([...kernels.u32(signs, units.length)]).toEqual(turned.map((t) => (t ? 0 : 0x80000000)));
          const bits = kernels.u32(masks, 2 * Math.ceil(units.length / 64) + 2);
          turned.forEach((t, u) => {
            expect((bits[u >> 5] >>> (u & 31)) & 1).toBe(Number(t));
          });
          expect([...bits.slice(-2)]).toEqual([0, 0]);
        });
      }),
    );
  });
});

describe("spreadAffine = reference to the bit", () => {
  it("for any n from 1 to 10, units and signs; base + low is the affine function; padding stays", () => {
    fc.assert(
      fc.property(cube, fc.nat(0xffffffff), ({ n, units }, pattern) => {
        kernels.scoped(() => {
          const count = units.length;
          const row = Math.ceil(count / 16) * 16;
          const blocks = Math.max(1, 2 ** (n - 3));
          const places = Math.min(8, 2 ** n);
          const signs = kernels.put(Uint32Array.from(units, (_, u) => ((pattern >> (u & 31)) & 1 ? 0x80000000 : 0)));
          const base = kernels.allocate(4 * row * blocks);
          const low = kernels.allocate(4 * row * places);
          kernels.exports.spreadAffine(n, put(n, units), count, signs, base, low, 4 * row);
          units.forEach((unit, u) => {
            const sign = (pattern >> (u & 31)) & 1 ? -1 : 1;
            for (let s = 0; s < blocks; s++)
              expect(kernels.f32(base, row * blocks)[s * row + u] + 0).toBe(sign * basePart(unit, n, s) + 0);
            for (let r = 0; r < places; r++)
              expect(kernels.f32(low, row * places)[r * row + u] + 0).toBe(sign * lowPart(unit, n, r) + 0);
            for (let x = 0; x < 2 ** n; x += 5) {
              let exact = unit[0];
              for (let j = 0; j < n; j++) exact += ((x >> (n - 1 - j)) & 1) * unit[j + 1];
              expect(Math.abs(basePart(unit, n, x >> 3) + lowPart(unit, n, x & 7) - exact)).toBeLessThan(1e-5);
            }
          });
          for (let u = count; u < row; u++) expect(kernels.f32(base, row)[u]).toBe(0);
        });
      }),
      { numRuns: 60 },
    );
  });
});
