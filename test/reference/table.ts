/** A table of functions as a Map from the key as text; and rows as arrays, sorted and merged the plain way. */

/** A row: key words (most significant first) and u64 sums. */
export interface Row {
  readonly key: readonly number[];
  readonly sums: readonly bigint[];
}

export function keyText(key: ArrayLike<number>): string {
  let text = "";
  for (let i = 0; i < key.length; i++) text += key[i].toString(16).padStart(8, "0");
  return text;
}

export function countKeys(keys: Iterable<ArrayLike<number>>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(keyText(key), (counts.get(keyText(key)) ?? 0) + 1);
  return counts;
}

export function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}

/** Rows as they lie in memory: u32 words of the key, then each sum low word first. */
export function packRows(rows: readonly Row[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    rows.flatMap(({ key, sums }) => [...key, ...sums.flatMap((s) => [Number(s & 0xffffffffn), Number(s >> 32n)])]),
  );
}

export function unpackRows(memory: Uint32Array, words: number, stride: number): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < memory.length; at += stride) {
    const sums: bigint[] = [];
    for (let i = at + words; i < at + stride; i += 2) sums.push(BigInt(memory[i]) | (BigInt(memory[i + 1]) << 32n));
    rows.push({ key: Array.from(memory.subarray(at, at + words)), sums });
  }
  return rows;
}
