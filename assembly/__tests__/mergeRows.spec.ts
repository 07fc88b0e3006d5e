import { DONE, mergeRows, OUTPUT_FULL } from "../mergeRows";

const STRIDE: usize = 12;
const left: usize = memory.data(24, 16);
const right: usize = memory.data(24, 16);
const cursors: usize = memory.data(16, 16);
const heap: usize = memory.data(16, 16);
const state: usize = memory.data(16, 16);
const out: usize = memory.data(48, 16);

function run(at: usize, key0: u32, key1: u32, sum: u64): void {
  store<u32>(at, key0);
  store<u64>(at, sum, 4);
  store<u32>(at + STRIDE, key1);
  store<u64>(at + STRIDE, sum, 4);
}

function start(room: usize): void {
  run(left, 1, 3, 0xffffffff);
  run(right, 2, 3, 1);
  store<u32>(cursors, <u32>left, 0);
  store<u32>(cursors, <u32>(left + 24), 4);
  store<u32>(cursors, <u32>right, 8);
  store<u32>(cursors, <u32>(right + 24), 12);
  store<u32>(state, <u32>out, 0);
  store<u32>(state, <u32>out, 4);
  store<u32>(state, <u32>(out + room * STRIDE), 8);
}

describe("mergeRows", () => {
  test("merges, adds the sums of equal keys with carry, and tells which run is used up", () => {
    start(4);
    const first = mergeRows(cursors, 2, heap, state, 1, STRIDE);
    expect<bool>(first == 0 || first == 1).toBe(true);
    expect<i32>(mergeRows(cursors, 2, heap, state, 1, STRIDE)).toBe(1 - first);
    expect<i32>(mergeRows(cursors, 2, heap, state, 1, STRIDE)).toBe(DONE);
    expect<u32>(load<u32>(state) - <u32>out).toBe(36);
    expect<u32>(load<u32>(out)).toBe(1);
    expect<u32>(load<u32>(out, 12)).toBe(2);
    expect<u32>(load<u32>(out, 24)).toBe(3);
    expect<u64>(load<u64>(out, 28)).toBe(0x100000000);
  });

  test("stops when the output is full", () => {
    start(1);
    expect<i32>(mergeRows(cursors, 2, heap, state, 1, STRIDE)).toBe(OUTPUT_FULL);
    expect<u32>(load<u32>(state)).toBe(<u32>(out + STRIDE));
  });
});
