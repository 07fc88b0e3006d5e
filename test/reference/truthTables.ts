/** Truth tables for property tests: strings of "0" and "1", input 0 first. */
import fc from "fast-check";

/** The u32 words of a bit string, most significant first. */
export function wordsOf(bits: string): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(bits.length / 32));
  for (let i = 0; i < bits.length; i++) if (bits[i] === "1") words[i >> 5] |= 1 << (31 - (i & 31));
  return words;
}

/** The bit string of u32 words. */
export function bitsOf(words: ArrayLike<number>, length: number, offset = 0): string {
  return Array.from({ length }, (_, i) => (words[offset + (i >> 5)] >>> (31 - (i & 31))) & 1).join("");
}

/** The truth table of a predicate of n bits; `x[j]` is bit j, j = 0 the most significant. */
export function tableOf(n: number, predicate: (x: number[]) => boolean): string {
  return Array.from({ length: 2 ** n }, (_, i) =>
    predicate(Array.from({ length: n }, (_, j) => (i >> (n - 1 - j)) & 1)) ? "1" : "0",
  ).join("");
}

/** Bit strings: random, sparse, dense, periodic. */
export function bitStrings(minimum: number, maximum: number): fc.Arbitrary<string> {
  return fc
    .tuple(fc.integer({ min: minimum, max: maximum }), fc.integer({ min: 0, max: 3 }), fc.infiniteStream(fc.nat(15)))
    .map(([length, kind, stream]) => {
      const digits = [...stream.take(kind === 3 ? Math.max(1, length >> 3) : length)];
      const bit = [(d: number) => d & 1, (d: number) => +(d === 0), (d: number) => +(d > 0), (d: number) => d & 1][
        kind
      ];
      return Array.from({ length }, (_, i) => bit(digits[i % digits.length])).join("");
    });
}

/**
 * Functions of n bits, many of them with symmetries: any bits, thresholds of sums with small weights, and quadratic
 * forms of random and of cyclic graphs.
 */
export function truthTables(n: number): fc.Arbitrary<string> {
  const weights = fc.array(fc.integer({ min: -1, max: 2 }), { minLength: n, maxLength: n });
  const edges = fc.array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { maxLength: n });
  return fc.oneof(
    bitStrings(2 ** n, 2 ** n),
    fc
      .tuple(weights, fc.integer({ min: -n, max: n }))
      .map(([w, bias]) => tableOf(n, (x) => x.reduce((sum, bit, j) => sum + bit * w[j], bias) > 0)),
    edges.map((list) => tableOf(n, (x) => list.reduce((sum, [a, b]) => sum ^ (x[a] & x[b]), 0) === 1)),
    fc
      .integer({ min: 1, max: n })
      .map((step) => tableOf(n, (x) => x.reduce((sum, bit, j) => sum ^ (bit & x[(j + step) % n]), 0) === 1)),
  );
}
