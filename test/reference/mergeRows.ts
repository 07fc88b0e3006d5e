/** Merging by collecting everything in a Map, sums in BigInt modulo 2^64. */
import { sortRows } from "./sortRows.ts";
import { keyText, type Row } from "./table.ts";

export function mergeRows(runs: ReadonlyArray<readonly Row[]>): Row[] {
  const merged = new Map<string, Row>();
  for (const row of runs.flat()) {
    const text = keyText(row.key);
    const before = merged.get(text);
    merged.set(text, {
      key: row.key,
      sums: before ? before.sums.map((s, i) => BigInt.asUintN(64, s + row.sums[i])) : row.sums,
    });
  }
  return sortRows([...merged.values()]);
}
