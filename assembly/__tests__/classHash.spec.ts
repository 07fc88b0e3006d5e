import { classHash } from "../classHash";

const key: usize = memory.data(8, 16);
const scratch: usize = memory.data(8, 16);

function hash(high: u32, low: u32, points: i32, negation: i32): u64 {
  store<u32>(key, high);
  store<u32>(key, low, 4);
  return classHash(key, 2, points, 0, negation, scratch);
}

describe("classHash", () => {
  test("a function and its negation share a hash, on 40 of 64 bits", () => {
    const f = hash(0x12345678, 0x9a000000, 40, 1);
    expect<u64>(hash(0xedcba987, 0x65000000, 40, 1)).toBe(f);
    expect<u64>(hash(0xedcba987, 0x64000000, 40, 1)).not.toBe(f);
  });

  test("all points but the first are negated in mode 2, none in mode 0", () => {
    const f = hash(0x12345678, 0x9a000000, 40, 2);
    expect<u64>(hash(0x6dcba987, 0x65000000, 40, 2)).toBe(f);
    expect<u64>(hash(0xedcba987, 0x65000000, 40, 2)).not.toBe(f);
    expect<u64>(hash(0xedcba987, 0x65000000, 40, 0)).not.toBe(hash(0x12345678, 0x9a000000, 40, 0));
  });
});
