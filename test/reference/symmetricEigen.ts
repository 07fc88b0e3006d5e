/**
 * Householder tridiagonalisation from the last row upwards, on the full matrix, one explicit reflection
 * `P = I - 2 u u' / u'u` at a time: `A <- P A P`.
 *
 * @returns the diagonal, and `e[i]`, which couples i - 1 and i (`e[0]` = 0).
 */
export function tridiagonalise(matrix: readonly (readonly number[])[]): { d: number[]; e: number[] } {
  let a = matrix.map((row) => [...row]);
  const n = a.length;
  for (let i = n - 1; i > 1; i--) {
    const x = a[i].slice(0, i);
    if (x.slice(0, -1).every((y) => y === 0)) continue;
    const norm = Math.sqrt(x.reduce((sum, y) => sum + y * y, 0));
    const u = a.map((_, j) => (j < i ? x[j] : 0));
    u[i - 1] += x[i - 1] >= 0 ? norm : -norm;
    const square = u.reduce((sum, y) => sum + y * y, 0);
    const p = u.map((y, j) => u.map((z, k) => Number(j === k) - (2 * y * z) / square));
    const product = (b: number[][], c: number[][]): number[][] =>
      b.map((row) => c[0].map((_, k) => row.reduce((sum, y, j) => sum + y * c[j][k], 0)));
    a = product(p, product(a, p));
  }
  return { d: a.map((row, i) => row[i]), e: a.map((row, i) => (i > 0 ? row[i - 1] : 0)) };
}
