/** ReLU layers on one point, on negated pre-activations, in f32 in the kernel's order. */
const f = Math.fround;

/** Units whose negated pre-activation has its sign bit set. */
export function activeUnits(row: ArrayLike<number>): number[] {
  return Array.from(row).flatMap((v, u) => (v < 0 || Object.is(v, -0) ? [u] : []));
}

/** `z_k = (a_k + b_k) - sum over the active units u, ascending, of w_uk row_u`. */
export function sparseDense(
  row: ArrayLike<number>,
  active: readonly number[],
  weights: (unit: number, k: number) => number,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  fanOut: number,
): number[] {
  return Array.from({ length: fanOut }, (_, k) => {
    let z = f(a[k] + b[k]);
    for (const u of active) z = f(z - f(weights(u, k) * row[u]));
    return z;
  });
}

/** Four partial sums of `sum_k output_k relu(z_k)`: lane k % 4, tile by tile of 40, 16 or 4 units, tiles added up in order. */
export function tileSums(z: readonly number[], output: ArrayLike<number>): number[] {
  const sums = [0, 0, 0, 0];
  for (let at = 0; at < z.length; ) {
    const left = z.length - at;
    const units = left >= 40 ? 40 : left >= 16 ? 16 : 4;
    for (let lane = 0; lane < 4; lane++) {
      let y = f(Math.max(z[at + lane], 0) * output[at + lane]);
      for (let k = at + lane + 4; k < at + units; k += 4) y = f(y + f(Math.max(z[k], 0) * output[k]));
      sums[lane] = f(sums[lane] + y);
    }
    at += units;
  }
  return sums;
}

/** Whether `((s0 + s1) + (s2 + s3)) + bias > 0`. */
export function sumSign(sums: ArrayLike<number>, bias: number): boolean {
  return f(f(f(sums[0] + sums[1]) + f(sums[2] + sums[3])) + bias) > 0;
}
