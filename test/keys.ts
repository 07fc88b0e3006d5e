/** Keys for property tests: many equal, many with equal prefixes, ends of the range. */
import fc from "fast-check";

const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 0x80000000, 0xffffffff) },
  { weight: 1, arbitrary: fc.nat(0xffffffff) },
  { weight: 1, arbitrary: fc.nat(255).map((b) => b * 0x01000000) },
);

/** One key: a prefix of equal words, then anything. */
export function keyOf(words: number): fc.Arbitrary<Uint32Array> {
  return fc
    .tuple(fc.constantFrom(0, 0xffffffff), fc.nat(words), fc.array(word, { minLength: words, maxLength: words }))
    .map(([fill, prefix, rest]) => Uint32Array.from(rest, (w, i) => (i < prefix ? fill : w)));
}

/** Up to `maximum` keys, with repetitions. */
export function keysOf(words: number, maximum: number): fc.Arbitrary<Uint32Array[]> {
  return fc.array(keyOf(words), { maxLength: maximum, size: "max" });
}
