import { compareKeys, sortRows } from "../sortRows";

const COUNT = 100;
const rows: usize = memory.data(100 * 12, 16);
const scratch: usize = memory.data(16 + 8192, 16);

describe("sortRows", () => {
  test("ascending by the whole word, sums move along", () => {
    for (let i: usize = 0; i < <usize>COUNT; i++) {
      // 61 is prime to 100: each key once, spread over the high and the low byte
      const k = <u32>((i * 61) % 100);
      store<u32>(rows + 12 * i, (k << 24) | (k >> 1));
      store<u64>(rows + 12 * i, k, 4);
    }
    sortRows(rows, COUNT, 12, 1, scratch);
    for (let i: usize = 0; i < <usize>COUNT; i++) expect<u64>(load<u64>(rows + 12 * i, 4)).toBe(<u64>i);
  });

  test("compareKeys is unsigned, most significant word first", () => {
    store<u32>(rows, 0x80000000);
    store<u32>(rows, 0, 4);
    store<u32>(rows, 1, 8);
    store<u32>(rows, 0xffffffff, 12);
    expect<bool>(compareKeys(rows, rows + 8, 2, 0) > 0).toBe(true);
    expect<bool>(compareKeys(rows, rows + 8, 2, 1) < 0).toBe(true);
    expect<i32>(compareKeys(rows, rows, 2, 0)).toBe(0);
  });
});
