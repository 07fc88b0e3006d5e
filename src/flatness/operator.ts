/**
 * Symmetric linear operators, known by their products alone.
 *
 * @module
 */
import { checkInteger, show } from "../engine/checks.ts";
import type { LossSurface } from "../training/surface.ts";

/** A symmetric linear operator on R^size. */
export interface SymmetricOperator {
  readonly size: number;
  /** `out = A v`; both have `size` entries and do not overlap. */
  apply(v: Float64Array, out: Float64Array): Promise<void> | void;
}

/** To be awaited every few milliseconds. */
export type Pause = () => Promise<void> | void;

/** @throws TypeError, RangeError. */
export function checkOperator(operator: SymmetricOperator): void {
  if (typeof operator !== "object" || operator === null || typeof operator.apply !== "function") {
    throw new TypeError(`operator: expected an object with size and apply, got ${show(operator)}`);
  }
  checkInteger("operator.size", operator.size, 1, 2 ** 31);
}

/** One product, whose entries are looked at: nothing is computed from NaN. */
export async function checkedProduct(operator: SymmetricOperator, v: Float64Array, out: Float64Array): Promise<void> {
  await operator.apply(v, out);
  let sum = 0;
  for (let i = 0; i < out.length; i++) sum += out[i] - out[i];
  if (sum !== 0) throw new Error("operator: a product has entries that are not finite");
}

function surfaceOperator(
  size: number,
  product: (v: Float32Array, out: Float32Array) => Promise<void>,
): SymmetricOperator {
  const narrow = new Float32Array(size);
  const result = new Float32Array(size);
  return {
    size,
    async apply(v, out) {
      narrow.set(v);
      await product(narrow, result);
      out.set(result);
    },
  };
}

/** The Hessian of a loss at w; vectors are rounded to f32. One product at a time. */
export function hessianOperator(surface: LossSurface, w: Float32Array): SymmetricOperator {
  return surfaceOperator(surface.size, (v, out) => surface.hessianProduct(w, v, out));
}

/** The Gauss-Newton matrix of a loss at w; vectors are rounded to f32. One product at a time. */
export function gaussNewtonOperator(surface: LossSurface, w: Float32Array): SymmetricOperator {
  return surfaceOperator(surface.size, (v, out) => surface.gaussNewtonProduct(w, v, out));
}
