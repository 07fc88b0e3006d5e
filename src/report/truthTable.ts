/**
 * A small picture of a function: a square for each input, filled where the output is 1.
 *
 * @module
 */

/** Columns of the picture: the later half of the bits, rounded up. */
function columnsOf(points: number): number {
  const bits = Math.log2(points);
  return Number.isInteger(bits) ? 2 ** Math.ceil(bits / 2) : Math.ceil(Math.sqrt(points));
}

/**
 * @param hex the function's digits, input 0 first.
 * @param points number of inputs; input 0 is the upper left square, rows are read from left to right.
 * @returns SVG text.
 */
export function truthTable(hex: string, points: number): string {
  const columns = columnsOf(points);
  const rows = Math.ceil(points / columns);
  const bit = (i: number): boolean => ((Number.parseInt(hex[i >> 2], 16) >> (3 - (i & 3))) & 1) === 1;
  let path = "";
  for (let row = 0; row < rows; row++) {
    const end = Math.min(points, (row + 1) * columns);
    for (let i = row * columns; i < end; ) {
      let to = i;
      while (to < end && bit(to)) to++;
      if (to > i) path += `M${i - row * columns} ${row}h${to - i}v1h-${to - i}z`;
      i = Math.max(to, i + 1);
    }
  }
  return (
    `<svg class="picture" viewBox="0 0 ${columns} ${rows}" role="img" aria-label="truth table" ` +
    `shape-rendering="crispEdges"><path d="${path}" fill="var(--mark)"/></svg>`
  );
}
