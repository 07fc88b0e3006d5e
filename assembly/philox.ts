/**
 * Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), four counters at a time.
 */

/**
 * Runs ten rounds on four independent counters.
 *
 * @param counters 64 bytes: word 0 of the four counters, then word 1, word 2, word 3 (one u32x4 each).
 * @param key0 low word of the key, the same for all four.
 * @param key1 high word of the key.
 * @param out 64 bytes in the same layout; may be `counters`.
 */
export function philox4x32(counters: usize, key0: u32, key1: u32, out: usize): void {
  let c0 = v128.load(counters, 0);
  let c1 = v128.load(counters, 16);
  let c2 = v128.load(counters, 32);
  let c3 = v128.load(counters, 48);
  const m0 = i32x4.splat(<i32>0xd2511f53);
  const m1 = i32x4.splat(<i32>0xcd9e8d57);
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const p0low = i64x2.extmul_low_i32x4_u(c0, m0);
    const p0high = i64x2.extmul_high_i32x4_u(c0, m0);
    const p1low = i64x2.extmul_low_i32x4_u(c2, m1);
    const p1high = i64x2.extmul_high_i32x4_u(c2, m1);
    const low0 = v128.shuffle<i32>(p0low, p0high, 0, 2, 4, 6);
    const high0 = v128.shuffle<i32>(p0low, p0high, 1, 3, 5, 7);
    const low1 = v128.shuffle<i32>(p1low, p1high, 0, 2, 4, 6);
    const high1 = v128.shuffle<i32>(p1low, p1high, 1, 3, 5, 7);
    c0 = v128.xor(v128.xor(high1, c1), i32x4.splat(k0));
    c1 = low1;
    c2 = v128.xor(v128.xor(high0, c3), i32x4.splat(k1));
    c3 = low0;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  v128.store(out, c0, 0);
  v128.store(out, c1, 16);
  v128.store(out, c2, 32);
  v128.store(out, c3, 48);
}

/**
 * Seeds four lanes of xoshiro128++ for one draw: lane `l` gets the Philox block with
 * key = seed and counter = (index low, index high, l, stream). Its state depends on (seed, stream, index) alone.
 *
 * @param state 64 bytes, 16-byte aligned: s0 of the four lanes, then s1, s2, s3.
 */
export function seedLanes(state: usize, seedLow: u32, seedHigh: u32, indexLow: u32, indexHigh: u32, stream: u32): void {
  v128.store(state, i32x4.splat(indexLow), 0);
  v128.store(state, i32x4.splat(indexHigh), 16);
  v128.store(state, i32x4(0, 1, 2, 3), 32);
  v128.store(state, i32x4.splat(stream), 48);
  philox4x32(state, seedLow, seedHigh, state);
}
