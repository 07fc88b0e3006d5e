/** The tanh kernel on arrays, and its error, for the quick tests and test/slow. */
import type { Kernels } from "../src/engine/kernels.ts";

export function tanhOf(kernels: Kernels, x: Float32Array, inPlace = false): Float32Array {
  return kernels.scoped(() => {
    const padded = new Float32Array(Math.ceil(x.length / 4) * 4);
    padded.set(x);
    const input = kernels.put(padded);
    const out = inPlace ? input : kernels.allocate(padded.byteLength);
    kernels.exports.tanhArray(input, out, padded.length / 4);
    return kernels.f32(out, x.length).slice();
  });
}

/** Units in the last place of an f32 of this size. */
function ulpOf(x: number): number {
  return 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23);
}

export interface TanhErrors {
  /** largest |error| in units in the last place of the exact value */
  ulp: number;
  /** where it is */
  at: number;
  /** largest |error| */
  absolute: number;
  /** largest |tanh| met */
  largest: number;
  /** how many neighbours (in the scan) where the kernel falls while x grows, and by how much at most, in ulp */
  falls: number;
  deepest: number;
}

/** Against Math.tanh in f64, on every `step`-th f32 of [from, to], from > 0. */
export function tanhErrors(kernels: Kernels, from: number, to: number, step: number): TanhErrors {
  const bits = new Uint32Array(2);
  const floats = new Float32Array(bits.buffer);
  floats.set([from, to]);
  const [first, last] = bits;
  const errors: TanhErrors = { ulp: 0, at: 0, absolute: 0, largest: 0, falls: 0, deepest: 0 };
  const piece = 2 ** 16;
  const pattern = new Uint32Array(piece);
  const x = new Float32Array(pattern.buffer);
  let before = 0;
  for (let at = first; at <= last; at += piece * step) {
    for (let i = 0; i < piece; i++) pattern[i] = Math.min(last, at + i * step);
    const got = tanhOf(kernels, x);
    for (let i = 0; i < piece; i++) {
      const exact = Math.tanh(x[i]);
      const error = Math.abs(got[i] - exact);
      if (error > errors.absolute) errors.absolute = error;
      const ulp = error / ulpOf(exact);
      if (ulp > errors.ulp) {
        errors.ulp = ulp;
        errors.at = x[i];
      }
      if (got[i] > errors.largest) errors.largest = got[i];
      if (got[i] < before) {
        errors.falls++;
        errors.deepest = Math.max(errors.deepest, (before - got[i]) / ulpOf(got[i]));
      }
      before = got[i];
    }
  }
  return errors;
}
