/**
 * A function on the hypercube: a corner for each input, seen along its long diagonal (the Petrie projection), so that every
 * direction of an edge is a bit.
 *
 * @module
 */

/** How a corner looks beyond its answer. */
export interface Corner {
  /** Drawn with a ring: an input of the training set. */
  readonly ring?: boolean;
  /** Drawn in the colour of mistakes. */
  readonly wrong?: boolean;
}

const SIZE = 320;

/** Places of the corners, in a square of `SIZE`. */
function corners(bits: number): Array<[number, number]> {
  const raw = Array.from({ length: 2 ** bits }, (_, i): [number, number] => {
    let [x, y] = [0, 0];
    for (let j = 0; j < bits; j++) {
      if (!((i >> (bits - 1 - j)) & 1)) continue;
      // upwards, spread over half a turn; unequal lengths keep corners apart that would fall on each other
      const angle = (Math.PI * (j + 0.5)) / bits;
      const length = 1 + 0.13 * ((j * 0.618) % 1);
      x += length * Math.cos(angle);
      y -= length * Math.sin(angle);
    }
    return [x, y];
  });
  const xs = raw.map(([x]) => x);
  const ys = raw.map(([, y]) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = (SIZE - 24) / Math.max(right - left, bottom - top);
  return raw.map(([x, y]) => [
    SIZE / 2 + (x - (left + right) / 2) * scale,
    SIZE / 2 + (y - (top + bottom) / 2) * scale,
  ]);
}

/**
 * SVG text of a function.
 *
 * @param answers 0 or 1 an input.
 * @param label what it shows, for those who cannot see it.
 */
export function hypercube(
  answers: readonly number[],
  label: string,
  look: (input: number) => Corner = () => ({}),
): string {
  const bits = Math.round(Math.log2(answers.length));
  const at = corners(bits);
  let same = "";
  let changing = "";
  for (let i = 0; i < answers.length; i++) {
    for (let j = 0; j < bits; j++) {
      const k = i | (1 << j);
      if (k === i) continue;
      const edge = `M${at[i][0].toFixed(1)} ${at[i][1].toFixed(1)}L${at[k][0].toFixed(1)} ${at[k][1].toFixed(1)}`;
      if (answers[i] === answers[k]) same += edge;
      else changing += edge;
    }
  }
  const radius = bits > 5 ? 4.2 : 7;
  const dots = answers.map((answer, i) => {
    const { ring, wrong } = look(i);
    const [x, y] = at[i];
    const name = i.toString(2).padStart(bits, "0");
    const classes = `${answer ? "one" : "zero"}${wrong ? " wrong" : ""}`;
    const around = ring ? `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius + 3}" class="ring"/>` : "";
    return `${around}<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius}" class="${classes}"><title>${name} → ${answer}</title></circle>`;
  });
  return `<svg class="cube" viewBox="0 0 ${SIZE} ${SIZE}" role="img" aria-label="${label}"><path d="${same}" class="edge"/><path d="${changing}" class="edge changing"/>${dots.join("")}</svg>`;
}
