/** `rows_j . v` in plain f64. */
export function rowDots(rows: readonly Float64Array[], v: Float64Array): number[] {
  return rows.map((row) => row.reduce((sum, x, i) => sum + x * v[i], 0));
}

/** `v + sum_j c_j rows_j` in plain f64. */
export function addRows(v: Float64Array, rows: readonly Float64Array[], c: readonly number[]): Float64Array {
  return v.map((x, i) => rows.reduce((sum, row, j) => sum + c[j] * row[i], x));
}
