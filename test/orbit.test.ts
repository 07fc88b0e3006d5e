import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { negate, orbitMembers, permutations, permuteInputs } from "./reference/orbit.ts";
import { bitsOf, tableOf, truthTables, wordsOf } from "./reference/truthTables.ts";

const kernels = await sharedKernels();
const { exports } = kernels;

const MODES = [0, 1, 2] as const;
/** A003180: classes of Boolean functions of n variables under permutations of the variables, n = 1, 2, ... */
const A003180 = [4, 12, 80, 3984, 37333248, 25626412338274304];

/** Bytes that orbitMembers takes as scratch. */
const scratchBytes = (n: number): number => 2048 + 8200 * Math.max(1, 2 ** (n - 5));

/** Calls `body` with a function's address and scratch, and checks that the scratch was enough. */
function withFunction<T>(f: string, body: (row: number, n: number, scratch: number) => T): T {
  return kernels.scoped(() => {
    const n = Math.log2(f.length);
    const row = kernels.put(wordsOf(f));
    const scratch = kernels.allocate(scratchBytes(n));
    const guard = kernels.put(Uint32Array.of(0xabcdef01));
    const result = body(row, n, scratch);
    expect(kernels.u32(guard, 1)[0]).toBe(0xabcdef01);
    expect(bitsOf(kernels.u32(row, Math.ceil(f.length / 32)), f.length)).toBe(f);
    return result;
  });
}

const sizeOf = (f: string, mode: number): number =>
  withFunction(f, (row, n, scratch) => exports.orbitSize(row, n, mode, scratch));

const invariantOf = (f: string, mode: number): bigint =>
  withFunction(f, (row, n) => exports.orbitInvariant(row, n, mode));

function canonicalOf(f: string, mode: number): string {
  return withFunction(f, (row, n, scratch) => {
    const words = Math.ceil(f.length / 32);
    const out = kernels.allocate(4 * words);
    exports.orbitCanonical(row, n, mode, out, scratch);
    return bitsOf(kernels.u32(out, words), f.length);
  });
}

/** The rows of all members. */
function memberWords(f: string, mode: number): Uint32Array {
  return withFunction(f, (row, n, scratch) => {
    const words = Math.ceil(f.length / 32);
    const size = exports.orbitSize(row, n, mode, scratch);
    const out = kernels.allocate(4 * words * size);
    const guard = kernels.put(Uint32Array.of(0xabcdef02));
    expect(exports.orbitMembers(row, n, mode, out, size - 1, scratch)).toBe(size);
    expect(kernels.u32(out, words * size).every((word) => word === 0)).toBe(true);
    expect(exports.orbitMembers(row, n, mode, out, size, scratch)).toBe(size);
    expect(kernels.u32(guard, 1)[0]).toBe(0xabcdef02);
    return kernels.u32(out, words * size).slice();
  });
}

function membersOf(f: string, mode: number): string[] {
  const words = memberWords(f, mode);
  const step = Math.ceil(f.length / 32);
  return Array.from({ length: words.length / step }, (_, i) => bitsOf(words, f.length, i * step));
}

/** The canonical member as orbitCanonical's doc comment defines it. */
function isCandidate(f: string, mode: number): boolean {
  const ones = (test: (i: number) => boolean): number => [...f].filter((bit, i) => bit === "1" && test(i)).length;
  if (mode === 1 && f[0] === "1") return false;
  if (mode === 2 && ones((i) => i > 0) >= f.length / 2) return false;
  const n = Math.log2(f.length);
  const counts = Array.from({ length: n }, (_, j) => ones((i) => ((i >> (n - 1 - j)) & 1) === 1));
  return counts.every((count, j) => j === 0 || count <= counts[j - 1]);
}

const shuffles = (n: number): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray(
    Array.from({ length: n }, (_, j) => j),
    { minLength: n, maxLength: n },
  );

describe("orbit", () => {
  it("size, members, canonical member = reference for n = 1 to 6", () => {
    for (let n = 1; n <= 6; n++) {
      fc.assert(
        fc.property(truthTables(n), fc.constantFrom(...MODES), (f, mode) => {
          const expected = orbitMembers(f, mode);
          expect(sizeOf(f, mode)).toBe(expected.length);
          expect(membersOf(f, mode)).toEqual(expected);
          expect(canonicalOf(f, mode)).toBe(expected.find((g) => isCandidate(g, mode)));
        }),
        { numRuns: n < 6 ? 200 : 40, seed: n },
      );
    }
  });

  it("size, invariant and canonical member are those of every permutation and negation, n = 1 to 10", () => {
    for (let n = 1; n <= 10; n++) {
      fc.assert(
        fc.property(truthTables(n), shuffles(n), fc.constantFrom(...MODES), fc.boolean(), (f, order, mode, negated) => {
          const g = permuteInputs(negated ? negate(f, mode) : f, order);
          expect(sizeOf(g, mode)).toBe(sizeOf(f, mode));
          expect(invariantOf(g, mode)).toBe(invariantOf(f, mode));
          const canonical = canonicalOf(f, mode);
          expect(canonicalOf(g, mode)).toBe(canonical);
          expect(isCandidate(canonical, mode)).toBe(true);
          expect(canonicalOf(canonical, mode)).toBe(canonical);
        }),
        { numRuns: 60, seed: 10 + n },
      );
    }
  });

  it("members of functions of 7 and 8 bits are distinct, ascending, and as many as their size", () => {
    for (const n of [7, 8]) {
      const step = 2 ** (n - 5);
      for (const f of fc.sample(truthTables(n), { numRuns: n === 7 ? 40 : 6, seed: n })) {
        for (const mode of MODES) {
          const words = memberWords(f, mode);
          for (let i = step; i < words.length; i += step) {
            let k = 0;
            while (k < step - 1 && words[i + k] === words[i - step + k]) k++;
            if (words[i + k] <= words[i - step + k]) throw new Error(`member ${i / step} does not ascend`);
          }
          expect(words.length / step).toBe(sizeOf(f, mode));
        }
      }
    }
  });

  it("a function of 7 bits with no symmetry has 2 * 7! = 10,080 members, a constant 2", () => {
    // the path 0 - 1 - ... - 6 as a quadratic form with its end 0 marked: no automorphism is left
    const f = tableOf(7, (x) => x.reduce((z, bit, j) => z ^ (bit & (j < 6 ? x[j + 1] : 0)), x[0]) === 1);
    expect(MODES.map((mode) => sizeOf(f, mode))).toEqual([5040, 10080, 10080]);
    expect(MODES.map((mode) => sizeOf("0".repeat(128), mode))).toEqual([1, 2, 2]);
  });
});

describe("orbit sizes of all functions of n bits, n = 1 to 4", () => {
  it("Burnside's lemma gives the classes of OEIS A003180", () => {
    for (let n = 1; n <= 6; n++) {
      // a permutation fixes 2^c functions, c its cycles on the inputs
      let fixed = 0n;
      const orders = permutations(n);
      for (const order of orders) {
        const image = Array.from({ length: 2 ** n }, (_, i) =>
          order.reduce((from, j) => 2 * from + ((i >> (n - 1 - j)) & 1), 0),
        );
        const seen = new Set<number>();
        let cycles = 0n;
        for (let i = 0; i < image.length; i++) {
          if (seen.has(i)) continue;
          cycles++;
          for (let k = i; !seen.has(k); k = image[k]) seen.add(k);
        }
        fixed += 1n << cycles;
      }
      expect(fixed / BigInt(orders.length)).toBe(BigInt(A003180[n - 1]));
    }
  });

  it("sum of 1 / size is the number of classes: A003180, and half of it with negation", () => {
    // a permutation keeps the first bit, so negating all bits is never a permutation, and pairs the classes up.
    // Negating all but the first bit changes the number of ones, and pairs them up too.
    for (let n = 1; n <= 4; n++) {
      const functions = 2 ** (2 ** n);
      for (const mode of MODES) {
        const classes = kernels.scoped(() => {
          const rows = kernels.put(Uint32Array.from({ length: functions }, (_, f) => f << (32 - 2 ** n)));
          const out = kernels.allocate(8 * functions);
          exports.orbitSizeBatch(rows, 4, functions, n, mode, out, kernels.allocate(2048));
          return kernels.f64(out, functions).reduce((sum, size) => sum + 1 / size, 0);
        });
        expect(classes).toBeCloseTo(A003180[n - 1] / (mode === 0 ? 1 : 2), 6);
      }
    }
  });

  it("the canonical member tells the classes apart", () => {
    for (const mode of MODES) {
      const canonical = new Set<number>();
      kernels.scoped(() => {
        const row = kernels.allocate(4);
        const scratch = kernels.allocate(2048);
        const view = kernels.u32(row, 1);
        for (let f = 0; f < 65536; f++) {
          view[0] = f << 16;
          exports.orbitCanonical(row, 4, mode, row, scratch);
          canonical.add(view[0]);
        }
      });
      expect(canonical.size).toBe(3984 / (mode === 0 ? 1 : 2));
    }
  });
});

describe("orbit sizes of functions of 10 bits with known symmetry groups", () => {
  const size10 = (predicate: (x: number[]) => boolean): number => sizeOf(tableOf(10, predicate), 0);
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const sum = (x: number[]): number => x.reduce((a, b) => a + b, 0);

  it("symmetric functions: 1", () => {
    expect(size10((x) => sum(x) % 2 === 1)).toBe(1);
    expect(size10((x) => sum(x) > 5)).toBe(1);
  });

  it("OR of five ANDs of two: 10! / (2^5 5!), the perfect matchings of 10 points", () => {
    expect(size10((x) => [0, 2, 4, 6, 8].some((j) => x[j] === 1 && x[j + 1] === 1))).toBe(945);
  });

  it("graphs as quadratic forms: 10! / |Aut|, 20 for the 10-cycle and 120 for Petersen's graph", () => {
    const form = (edges: number[][]) => (x: number[]) => edges.reduce((z, [a, b]) => z ^ (x[a] & x[b]), 0) === 1;
    const ring = Array.from({ length: 10 }, (_, k) => [k, (k + 1) % 10]);
    expect(size10(form(ring))).toBe(factorial(10) / 20);
    const petersen = [0, 1, 2, 3, 4].flatMap((k) => [
      [k, (k + 1) % 5],
      [k, k + 5],
      [k + 5, 5 + ((k + 2) % 5)],
    ]);
    expect(size10(form(petersen))).toBe(factorial(10) / 120);
  });

  it("the 30 circles of the inversive plane of order 3, a Steiner system S(3,4,10): 10! / 1440", () => {
    const blocks = new Set(circles());
    expect(blocks.size).toBe(30);
    expect(size10((x) => blocks.has(x.reduce((z, bit) => 2 * z + bit, 0)))).toBe(2520);
  });
});

/** Images of the line GF(3) + infinity in GF(9) + infinity under z -> (az + b) / (cz + d), as sets of points 0..9. */
function circles(): number[] {
  // a + 3b stands for a + bi, i^2 = -1
  const add = (p: number, q: number): number => ((p + q) % 3) + 3 * ((Math.floor(p / 3) + Math.floor(q / 3)) % 3);
  const multiply = (p: number, q: number): number => {
    const [a, b, c, d] = [p % 3, Math.floor(p / 3), q % 3, Math.floor(q / 3)];
    return ((a * c + 2 * b * d) % 3) + 3 * ((a * d + b * c) % 3);
  };
  const divide = (p: number, q: number): number => [0, 1, 2, 3, 4, 5, 6, 7, 8].findIndex((r) => multiply(q, r) === p);
  const field = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const infinity = 9;
  const found: number[] = [];
  for (const a of field)
    for (const b of field)
      for (const c of field)
        for (const d of field) {
          if (add(multiply(a, d), multiply(2, multiply(b, c))) === 0) continue;
          let block = 0;
          for (const z of [0, 1, 2, infinity]) {
            const top = z === infinity ? a : add(multiply(a, z), b);
            const bottom = z === infinity ? c : add(multiply(c, z), d);
            block |= 1 << (bottom === 0 ? infinity : divide(top, bottom));
          }
          found.push(block);
        }
  return found;
}
