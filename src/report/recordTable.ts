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

/** Records as rows, and the names of all their columns in the order in which they are met. */
function tableOf(records: readonly unknown[]): { names: string[]; rows: Array<Map<string, Cell>> } {
  const rows = records.map((record) => {
    const row = new Map<string, Cell>();
    flatten(record, "", row);
    return row;
  });
  return { names: [...new Set(rows.flatMap((row) => [...row.keys()]))], rows };
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * Writes records as CSV (RFC 4180): a line of names, then one a record; what a record has not is empty.
 *
 * @param records plain data.
 * @example
 * recordsToCsv([{ alpha: 1, volume: { log10P: -14 } }]); // "alpha,volume.log10P\r\n1,-14\r\n"
 */
export function recordsToCsv(records: readonly unknown[]): string {
  const { names, rows } = tableOf(records);
  const lines = rows.map((row) => names.map((name) => quoted(String(row.get(name) ?? ""))).join(","));
  return [names.map(quoted).join(","), ...lines, ""].join("\r\n");
}

/**
 * Writes records as Parquet: numbers as doubles, texts, booleans; what a record has not is null.
 *
 * @param records plain data.
 * @param about kept in the file's metadata under "flatvol".
 * @throws RangeError if a column holds values of several kinds.
 * @example
 * const bytes = recordsToParquet([{ alpha: 1, volume: { log10P: -14 } }], { study: "mine" });
 */
export function recordsToParquet(records: readonly unknown[], about: unknown): Uint8Array {
  const { names, rows } = tableOf(records);
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
