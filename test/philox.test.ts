import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { type Block, philox4x32, seedLanes } from "./reference/philox.ts";
import { Xoshiro128PlusPlus } from "./reference/xoshiro.ts";

const kernels = await sharedKernels();
const u32 = fc.nat(0xffffffff);
const block = fc.tuple(u32, u32, u32, u32);

/** Four counters through the kernel. */
function run(counters: readonly Block[], key0: number, key1: number, inPlace = false): Block[] {
  return kernels.scoped(() => {
    const input = kernels.allocate(64);
    const out = inPlace ? input : kernels.allocate(64);
    kernels.u32(input, 16).set([0, 1, 2, 3].flatMap((word) => counters.map((counter) => counter[word])));
    kernels.exports.philox4x32(input, key0, key1, out);
    const words = kernels.u32(out, 16);
    return [0, 1, 2, 3].map((lane): Block => [words[lane], words[4 + lane], words[8 + lane], words[12 + lane]]);
  });
}

// Random123 1.14, examples/kat_vectors, "philox4x32 10": counter, key, block
const KNOWN: ReadonlyArray<readonly [Block, readonly [number, number], Block]> = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

describe("philox4x32", () => {
  it("gives the known answers of Random123, in every lane and in the reference", () => {
    for (const [counter, [key0, key1], expected] of KNOWN) {
      expect(philox4x32(counter, key0, key1)).toEqual(expected);
      expect(run([counter, counter, counter, counter], key0, key1)).toEqual([expected, expected, expected, expected]);
    }
  });

  it("equals the reference on any counters and key, lane by lane", () => {
    fc.assert(
      fc.property(fc.tuple(block, block, block, block), u32, u32, (counters, key0, key1) => {
        expect(run(counters, key0, key1)).toEqual(counters.map((counter) => philox4x32(counter, key0, key1)));
      }),
    );
  });

  it("may write over its input", () => {
    const counters: Block[] = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], KNOWN[2][0]];
    expect(run(counters, 7, 8, true)).toEqual(run(counters, 7, 8));
  });

  it("keeps lanes apart: changing one counter changes that lane only", () => {
    const counters: Block[] = [0, 1, 2, 3].map((lane) => [lane, 0, 0, 0]);
    const before = run(counters, 1, 2);
    for (let lane = 0; lane < 4; lane++) {
      const changed = counters.map((counter, l): Block => (l === lane ? [counter[0], 0, 1, 0] : counter));
      const after = run(changed, 1, 2);
      after.forEach((out, l) => {
        if (l === lane) expect(out).not.toEqual(before[l]);
        else expect(out).toEqual(before[l]);
      });
    }
  });
});

function kernelLanes(seed: bigint, index: bigint, stream: number): Block[] {
  return kernels.scoped(() => {
    const state = kernels.allocate(64);
    const half = (x: bigint, shift: bigint): number => Number((x >> shift) & 0xffffffffn);
    kernels.exports.seedLanes(state, half(seed, 0n), half(seed, 32n), half(index, 0n), half(index, 32n), stream);
    const words = kernels.u32(state, 16);
    return [0, 1, 2, 3].map((lane): Block => [words[lane], words[4 + lane], words[8 + lane], words[12 + lane]]);
  });
}

describe("seedLanes", () => {
  it("gives lane l the block of counter (index low, index high, l, stream) under key seed", () => {
    const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
    fc.assert(
      fc.property(u64, u64, u32, (seed, index, stream) => {
        expect(kernelLanes(seed, index, stream)).toEqual(seedLanes(seed, index, stream));
      }),
    );
  });

  it("gives different states whenever seed, stream or index differ in one bit", () => {
    const base = kernelLanes(0n, 0n, 0).flat().join();
    const states = new Set([base]);
    for (let bit = 0n; bit < 64n; bit++) {
      states.add(
        kernelLanes(1n << bit, 0n, 0)
          .flat()
          .join(),
      );
      states.add(
        kernelLanes(0n, 1n << bit, 0)
          .flat()
          .join(),
      );
      if (bit < 32n)
        states.add(
          kernelLanes(0n, 0n, Number(1n << bit))
            .flat()
            .join(),
        );
    }
    expect(states.size).toBe(1 + 64 + 64 + 32);
  });
});

function words(states: readonly Block[], steps: number, calls = 1): number[][] {
  return kernels.scoped(() => {
    const state = kernels.allocate(64);
    const out = kernels.allocate(16 * steps);
    kernels.u32(state, 16).set([0, 1, 2, 3].flatMap((word) => states.map((s) => s[word])));
    const lanes: number[][] = [[], [], [], []];
    for (let c = 0; c < calls; c++) {
      kernels.exports.xoshiroWords(out, steps, state);
      kernels.u32(out, 4 * steps).forEach((word, i) => {
        lanes[i % 4].push(word);
      });
    }
    return lanes;
  });
}

describe("xoshiroWords", () => {
  it("gives the known answer for state 1, 2, 3, 4 (rand_xoshiro 0.6, from the authors' C)", () => {
    const expected = [
      641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011, 621204420,
    ];
    const state: Block = [1, 2, 3, 4];
    const generator = new Xoshiro128PlusPlus(state);
    expect(expected.map(() => generator.next())).toEqual(expected);
    expect(words([state, state, state, state], 10)).toEqual([expected, expected, expected, expected]);
  });

  it("equals the reference on any states, however the steps are cut into calls", () => {
    fc.assert(
      fc.property(fc.tuple(block, block, block, block), (states) => {
        const expected = states.map((state) => {
          const generator = new Xoshiro128PlusPlus(state);
          return Array.from({ length: 12 }, () => generator.next());
        });
        expect(words(states, 12)).toEqual(expected);
        expect(words(states, 3, 4)).toEqual(expected);
      }),
    );
  });

  it("writes nothing for 0 steps", () => {
    expect(words([KNOWN[0][2], KNOWN[1][2], KNOWN[2][2], [1, 2, 3, 4]], 0)).toEqual([[], [], [], []]);
  });
});
