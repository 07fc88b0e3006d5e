/**
 * A hash table of functions, open addressing with linear probing. Keys are stored whole: no two functions are merged.
 *
 * A row is `words` u32 of key (most significant word first), then the count (u64), then, in a clustered table, two more
 * u64: the sum over bodies of c_k^2, and of c_k C_k (C_k: the body's draws in the function's symmetry class). A row whose count is 0 is empty.
 * Header: +0 address of the rows, +4 capacity - 1 (capacity a power of two), +8 rows in use, +12 bytes a row.
 */

const ROWS: usize = 0;
const MASK: usize = 4;
const USED: usize = 8;
const STRIDE: usize = 12;

/** Multiply-xorshift over the words of a key. */
export function keyHash(key: usize, words: i32): u64 {
  let h: u64 = 0x243f6a8885a308d3;
  let i = 0;
  for (; i + 2 <= words; i += 2, key += 8) {
    h = (h ^ load<u64>(key)) * 0x9e3779b97f4a7c15;
    h ^= h >> 32;
  }
  if (i < words) {
    h = (h ^ <u64>load<u32>(key)) * 0x9e3779b97f4a7c15;
    h ^= h >> 32;
  }
  h *= 0xd6e8feb86659fd93;
  return h ^ (h >> 32);
}

function sameKey(a: usize, b: usize, words: i32): bool {
  for (; words >= 2; words -= 2, a += 8, b += 8) if (load<u64>(a) != load<u64>(b)) return false;
  return words == 0 || load<u32>(a) == load<u32>(b);
}

/** Address of the row of `key`, or of the empty row where it belongs. */
function findRow(table: usize, key: usize, words: i32): usize {
  const rows = <usize>load<u32>(table, ROWS);
  const mask = load<u32>(table, MASK);
  const stride = <usize>load<u32>(table, STRIDE);
  const keyBytes = (<usize>words) << 2;
  let slot = <u32>keyHash(key, words) & mask;
  while (true) {
    const row = rows + <usize>slot * stride;
    if (load<u64>(row + keyBytes) == 0 || sameKey(row, key, words)) return row;
    slot = (slot + 1) & mask;
  }
}

/**
 * Counts one occurrence of `key`. The caller keeps at least one row empty.
 *
 * @returns address of its row.
 */
export function tableInsert(table: usize, key: usize, words: i32): usize {
  const row = findRow(table, key, words);
  const keyBytes = (<usize>words) << 2;
  const count = load<u64>(row + keyBytes);
  if (count == 0) {
    for (let i: usize = 0; i < keyBytes; i += 4) store<u32>(row + i, load<u32>(key + i));
    store<u32>(table, load<u32>(table, USED) + 1, USED);
  }
  store<u64>(row + keyBytes, count + 1);
  return row;
}

/**
 * Adds one body's draws to the cluster sums of their rows.
 *
 * @param slots u32 address of each draw's row; `hashes` u64 hash of each draw's symmetry class.
 */
export function tableAddClusters(slots: usize, hashes: usize, draws: i32, words: i32): void {
  const sums = ((<usize>words) << 2) + 8;
  const slotsEnd = slots + ((<usize>draws) << 2);
  for (let s = slots, h = hashes; s < slotsEnd; s += 4, h += 8) {
    const slot = load<u32>(s);
    const hash = load<u64>(h);
    let same: u64 = 0;
    let sameClass: u64 = 0;
    for (let t = slots, g = hashes; t < slotsEnd; t += 4, g += 8) {
      same += u64(load<u32>(t) == slot);
      sameClass += u64(load<u64>(g) == hash);
    }
    const row = <usize>slot + sums;
    store<u64>(row, load<u64>(row) + same);
    store<u64>(row, load<u64>(row, 8) + sameClass, 8);
  }
}

/** Moves every row of `from` into the empty table `to` (larger, same row layout, rows zeroed). */
export function tableMove(from: usize, to: usize, words: i32): void {
  const stride = <usize>load<u32>(from, STRIDE);
  const keyBytes = (<usize>words) << 2;
  const capacity = <usize>load<u32>(from, MASK) + 1;
  let row = <usize>load<u32>(from, ROWS);
  const end = row + capacity * stride;
  for (; row < end; row += stride) {
    if (load<u64>(row + keyBytes) == 0) continue;
    copyRow(findRow(to, row, words), row, stride);
  }
  store<u32>(to, load<u32>(from, USED), USED);
}

/** Packs the rows in use at the front of the table's memory, which is then a plain array. @returns their number. */
export function tableCompact(table: usize, words: i32): i32 {
  const stride = <usize>load<u32>(table, STRIDE);
  const keyBytes = (<usize>words) << 2;
  const capacity = <usize>load<u32>(table, MASK) + 1;
  const first = <usize>load<u32>(table, ROWS);
  const end = first + capacity * stride;
  let out = first;
  for (let row = first; row < end; row += stride) {
    if (load<u64>(row + keyBytes) == 0) continue;
    if (out != row) copyRow(out, row, stride);
    out += stride;
  }
  return <i32>((out - first) / stride);
}

/** Copies a row; `bytes` is a multiple of 4. (memory.copy of a few bytes is a slow call in V8.) */
export function copyRow(to: usize, from: usize, bytes: usize): void {
  let i: usize = 0;
  for (; i + 8 <= bytes; i += 8) store<u64>(to + i, load<u64>(from + i));
  if (i < bytes) store<u32>(to + i, load<u32>(from + i));
}
