import { philox4x32 } from "../philox";

const counters: usize = memory.data(64, 16);
const out: usize = memory.data(64, 16);

describe("philox4x32", () => {
  test("Random123 known answer: zero counter, zero key", () => {
    memory.fill(counters, 0, 64);
    philox4x32(counters, 0, 0, out);
    expect<u32>(load<u32>(out)).toBe(0x6627e8d5);
    expect<u32>(load<u32>(out, 16)).toBe(0xe169c58d);
    expect<u32>(load<u32>(out, 32)).toBe(0xbc57ac4c);
    expect<u32>(load<u32>(out, 48)).toBe(0x9b00dbd8);
  });
});
