/**
 * Text in columns.
 *
 * @module
 */

/** A column: its title, and which side its cells keep to. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Lines of an aligned table, two spaces between columns. */
export function textTable(columns: readonly Column[], rows: ReadonlyArray<readonly string[]>): string[] {
  const widths = columns.map(({ title }, c) => Math.max(title.length, ...rows.map((row) => row[c].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, c) => (columns[c].align === "left" ? cell.padEnd(widths[c]) : cell.padStart(widths[c])))
      .join("  ")
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map(line)];
}

/** Lines of names and values. */
export function factLines(facts: ReadonlyArray<readonly [string, string]>): string[] {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
