/**
 * Records as a table: nested objects become columns such as `measures.trace.value`. Node and browser.
 *
 * @module
 */
import { parquetWriteBuffer } from "hyparquet-writer";

type Cell = string | number | boolean | null;

/** Cells of a record by the path of their names; lists of scalars as JSON text. */
function flatten(value: unknown, path: string, row: Map<string, Cell>): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [name, inner] of Object.entries(value)) flatten(inner, path === "" ? name : `${path}.${name}`, row);
  } else if (Array.isArray(value)) row.set(path, JSON.stringify(value));
  else if (value !== undefined) row.set(path, value as Cell);
}

/**
 * Writes records as Parquet: numbers as doubles, texts, booleans; what a record has not is null.
 *
 * @param records plain data.
 * @param about kept in the file's metadata under "flatvol".
 * @throws RangeError if a column holds values of several kinds.
 */
export function recordsToParquet(records: readonly unknown[], about: unknown): Uint8Array {
  const rows = records.map((record) => {
    const row = new Map<string, Cell>();
    flatten(record, "", row);
    return row;
  });
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const columns = names.flatMap((name) => {
    const data = rows.map((row) => row.get(name) ?? null);
    const kinds = [...new Set(data.filter((cell) => cell !== null).map((cell) => typeof cell))];
    // a column of nothing has no kind
    if (kinds.length === 0) return [];
    if (kinds.length > 1)
      throw new RangeError(`records: expected one kind of values in ${name}, got ${kinds.join(", ")}`);
    const type = kinds[0] === "number" ? "DOUBLE" : kinds[0] === "boolean" ? "BOOLEAN" : "STRING";
    return [{ name, data, type, nullable: true } as const];
  });
  const buffer = parquetWriteBuffer({
    columnData: columns,
    kvMetadata: [{ key: "flatvol", value: JSON.stringify(about) }],
  });
  return new Uint8Array(buffer);
}
