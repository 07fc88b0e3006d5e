/**
 * Philox4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011), one counter at a time, by its definition in integers.
 */
const M0 = 0xd2511f53n;
const M1 = 0xcd9e8d57n;
const WEYL0 = 0x9e3779b9;
const WEYL1 = 0xbb67ae85;

/** A counter or a block: four u32. */
export type Block = readonly [number, number, number, number];

export function philox4x32(counter: Block, key0: number, key1: number): Block {
  let [c0, c1, c2, c3] = counter;
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const p0 = M0 * BigInt(c0);
    const p1 = M1 * BigInt(c2);
    c0 = (Number(p1 >> 32n) ^ c1 ^ k0) >>> 0;
    c1 = Number(p1 & 0xffffffffn);
    c2 = (Number(p0 >> 32n) ^ c3 ^ k1) >>> 0;
    c3 = Number(p0 & 0xffffffffn);
    k0 = (k0 + WEYL0) >>> 0;
    k1 = (k1 + WEYL1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The states of the four lanes that `seedLanes` makes: lane l from counter (index low, index high, l, stream). */
export function seedLanes(seed: bigint, index: bigint, stream: number): Block[] {
  const low = (x: bigint): number => Number(x & 0xffffffffn);
  return [0, 1, 2, 3].map((lane) =>
    philox4x32([low(index), low(index >> 32n), lane, stream], low(seed), low(seed >> 32n)),
  );
}
