/** Sorting by the language's own sort. */
import { compareKeys, type Row } from "./table.ts";

export function sortRows(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => compareKeys(a.key, b.key));
}
