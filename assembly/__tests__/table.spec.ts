import { tableAddClusters, tableCompact, tableInsert, tableMove } from "../table";

const STRIDE: usize = 2 * 4 + 24;
const rows: usize = memory.data(8 * 32, 16);
const larger: usize = memory.data(16 * 32, 16);
const header: usize = memory.data(16, 16);
const other: usize = memory.data(16, 16);
const key: usize = memory.data(8, 16);
const slots: usize = memory.data(16, 16);
const hashes: usize = memory.data(32, 16);

function reset(): void {
  memory.fill(rows, 0, 8 * STRIDE);
  memory.fill(larger, 0, 16 * STRIDE);
  store<u32>(header, <u32>rows);
  store<u32>(header, 7, 4);
  store<u32>(header, 0, 8);
  store<u32>(header, <u32>STRIDE, 12);
  store<u32>(other, <u32>larger);
  store<u32>(other, 15, 4);
  store<u32>(other, 0, 8);
  store<u32>(other, <u32>STRIDE, 12);
}

function insert(high: u32, low: u32): usize {
  store<u32>(key, high);
  store<u32>(key, low, 4);
  return tableInsert(header, key, 2);
}

describe("table", () => {
  test("equal keys share a row, others do not", () => {
    reset();
    const first = insert(1, 2);
    expect<usize>(insert(2, 1)).not.toBe(first);
    expect<usize>(insert(1, 2)).toBe(first);
    expect<u64>(load<u64>(first + 8)).toBe(2);
    expect<u32>(load<u32>(header, 8)).toBe(2);
  });

  test("cluster sums: c_k squared, and c_k times the draws in its class", () => {
    reset();
    const one = insert(1, 0);
    insert(1, 0);
    const two = insert(2, 0);
    store<u32>(slots, <u32>one, 0);
    store<u32>(slots, <u32>one, 4);
    store<u32>(slots, <u32>two, 8);
    for (let i: usize = 0; i < 3; i++) store<u64>(hashes + 8 * i, 77);
    tableAddClusters(slots, hashes, 3, 2);
    expect<u64>(load<u64>(one + 16)).toBe(4);
    expect<u64>(load<u64>(one + 24)).toBe(6);
    expect<u64>(load<u64>(two + 16)).toBe(1);
    expect<u64>(load<u64>(two + 24)).toBe(3);
  });

  test("moves to a larger table and packs", () => {
    reset();
    for (let i: u32 = 0; i < 7; i++) insert(i, i);
    tableMove(header, other, 2);
    expect<u32>(load<u32>(other, 8)).toBe(7);
    expect<i32>(tableCompact(other, 2)).toBe(7);
    let sum: u32 = 0;
    for (let i: usize = 0; i < 7; i++) {
      expect<u64>(load<u64>(larger + STRIDE * i + 8)).toBe(1);
      sum += load<u32>(larger + STRIDE * i);
    }
    expect<u32>(sum).toBe(21);
  });
});
