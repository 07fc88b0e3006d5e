import { orbitInvariant, orbitSize } from "../orbit";
import { orbitCanonical } from "../orbitCanonical";
import { orbitMembers } from "../orbitMembers";

const row: usize = memory.data(128, 16);
const scratch: usize = memory.data(65536, 16);
const out: usize = memory.data(1024, 16);

describe("orbit", () => {
  test("a constant is alone, or with its negation", () => {
    for (let n = 1; n <= 10; n++) {
      memory.fill(row, 0, 128);
      expect<f64>(orbitSize(row, n, 0, scratch)).toBe(1);
      expect<f64>(orbitSize(row, n, 1, scratch)).toBe(2);
      expect<f64>(orbitSize(row, n, 2, scratch)).toBe(2);
    }
  });
  test("parity of 7 bits is symmetric", () => {
    for (let i: u32 = 0; i < 4; i++) {
      store<u32>(row + ((<usize>i) << 2), popcnt<u32>(i) & 1 ? 0x96696996 : 0x69969669);
    }
    expect<f64>(orbitSize(row, 7, 0, scratch)).toBe(1);
    expect<f64>(orbitSize(row, 7, 1, scratch)).toBe(2);
  });
  test("one bit of 10 has an orbit of 10", () => {
    memory.fill(row, 0x55, 128);
    expect<f64>(orbitSize(row, 10, 0, scratch)).toBe(10);
    expect<f64>(orbitSize(row, 10, 1, scratch)).toBe(20);
  });
  test("members of x0 AND NOT x1: ascending, then their negations", () => {
    store<u32>(row, 0x20000000);
    expect<i32>(orbitMembers(row, 2, 1, out, 4, scratch)).toBe(4);
    expect<u32>(load<u32>(out)).toBe(0x20000000);
    expect<u32>(load<u32>(out, 4)).toBe(0x40000000);
    expect<u32>(load<u32>(out, 8)).toBe(0xb0000000);
    expect<u32>(load<u32>(out, 12)).toBe(0xd0000000);
  });
  test("too small a capacity: nothing is written", () => {
    store<u32>(row, 0x20000000);
    store<u32>(out, 7);
    expect<i32>(orbitMembers(row, 2, 1, out, 3, scratch)).toBe(4);
    expect<u32>(load<u32>(out)).toBe(7);
  });
  test("all members have one invariant and one canonical member", () => {
    store<u32>(row, 0x1e5c0000);
    const count = orbitMembers(row, 4, 2, out, 48, scratch);
    const invariant = orbitInvariant(row, 4, 2);
    orbitCanonical(row, 4, 2, row, scratch);
    const canonical = load<u32>(row);
    for (let p = out; p < out + ((<usize>count) << 2); p += 4) {
      expect<u64>(orbitInvariant(p, 4, 2)).toBe(invariant);
      orbitCanonical(p, 4, 2, row, scratch);
      expect<u32>(load<u32>(row)).toBe(canonical);
    }
  });
});
