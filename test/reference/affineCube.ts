/** Affine functions on all Boolean inputs, in f32 in the kernel's order of additions. */
const f = Math.fround;

/** Bias, then the weights of bit 0 (the most significant), ..., bit n - 1. */
export type Affine = readonly number[];

/** Whether the mean over the cube, bias + half the sum of the weights, is positive. */
export function turnedAround(unit: Affine): boolean {
  let sum = 0;
  for (const w of unit.slice(1)) sum = f(sum + w);
  return f(unit[0] + f(sum * 0.5)) > 0;
}

/** The part of block `s`: the bias, then the weights of bits n-4, n-5, ... that are set in s, in this order. */
export function basePart(unit: Affine, n: number, s: number): number {
  let z = unit[0];
  for (let d = 0; d < n - 3; d++) if ((s >> d) & 1) z = f(z + unit[n - 3 - d]);
  return z;
}

/** The part of place `r` of a block: the weights of bits n-1, n-2, n-3 that are set in r, in this order. */
export function lowPart(unit: Affine, n: number, r: number): number {
  let z = 0;
  for (let d = 0; d < Math.min(n, 3); d++) if ((r >> d) & 1) z = f(z + unit[n - d]);
  return z;
}
