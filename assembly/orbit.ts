/**
 * The orbit of a Boolean function under permutations of its input bits and, by mode, negation of its output:
 * mode 0 no negation; 1 all bits; 2 all bits but that of input 0 (without biases a network gives 0 there, whatever its signs).
 *
 * A permutation keeps input 0, hence the function's first bit, so in mode 1 no function is a permutation of its negation.
 * Nor in mode 2: there 2^n - 1 bits, an odd number, are negated, and the number of ones changes.
 * So with negation an orbit is twice that under permutations.
 */
import { loadTable, loadWord, tableWords } from "./bitTable";
import { stabiliserChain } from "./orbitStabiliser";

/** Bits of a table's first word that a function of n bits uses. */
export function usedBits(n: i32): u64 {
  return n < 6 ? ~(~(<u64>0) >> <u64>(1 << n)) : ~(<u64>0);
}

/** What to XOR to the first word of a table (`usedBits` cleared of input 0 in mode 2) to negate the function. */
export function negationMask(n: i32, negation: i32): u64 {
  return negation == 2 ? usedBits(n) & 0x7fffffffffffffff : usedBits(n);
}

function firstWord(row: usize, n: i32): u64 {
  return n < 6 ? (<u64>load<u32>(row)) << 32 : loadWord(row, 0);
}

/** Whether f gives place to its negation where one of the two is to be taken: if f is 1 on input 0 (mode 1), or has more ones than zeros past it (mode 2). */
export function negatesToCanonical(row: usize, n: i32, negation: i32): bool {
  if (negation == 0) return false;
  const first = firstWord(row, n);
  if (negation == 1) return <i64>first < 0;
  const words = tableWords(1 << n);
  let ones = popcnt<u64>(first & 0x7fffffffffffffff);
  for (let i = 1; i < words; i++) ones += popcnt<u64>(loadWord(row, i));
  return <i32>ones >= 1 << (n - 1);
}

function mix(h: u64): u64 {
  h *= 0x9e3779b97f4a7c15;
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93;
  return h ^ (h >> 29);
}

/**
 * A hash of the number of ones and, as a multiset, the numbers of ones with x_j = 1: the same for all members of an orbit.
 * Different orbits may share it (those that permuting and these counts cannot tell apart).
 *
 * @param row the function, max(2^n / 32, 1) u32, most significant word first.
 * @param n number of input bits, 1 to 10.
 * @param negation 0, 1 or 2 as above.
 */
export function orbitInvariant(row: usize, n: i32, negation: i32): u64 {
  const words = tableWords(1 << n);
  const first = firstWord(row, n);
  const negate = negatesToCanonical(row, n, negation);
  const rest: u64 = negate ? ~(<u64>0) : 0;
  let w = negate ? first ^ negationMask(n, negation) : first;
  const bit0 = w >> 63;
  let ones: u64 = 0;
  let c0: u64 = 0;
  let c1: u64 = 0;
  let c2: u64 = 0;
  let c3: u64 = 0;
  let c4: u64 = 0;
  let c5: u64 = 0;
  // places from 6 on: the ones in words whose number has that bit, 16 bits each
  let high: u64 = 0;
  for (let i = 0; ; ) {
    const here = popcnt<u64>(w);
    ones += here;
    c0 += popcnt<u64>(w & 0x5555555555555555);
    c1 += popcnt<u64>(w & 0x3333333333333333);
    c2 += popcnt<u64>(w & 0x0f0f0f0f0f0f0f0f);
    c3 += popcnt<u64>(w & 0x00ff00ff00ff00ff);
    c4 += popcnt<u64>(w & 0x0000ffff0000ffff);
    c5 += popcnt<u64>(w & 0x00000000ffffffff);
    // word number i spread: bit p of i to bit 16 p
    high += here * ((i & 1) | ((i & 2) << 15) | ((<u64>(i & 4)) << 30) | ((<u64>(i & 8)) << 45));
    if (++i == words) break;
    w = loadWord(row, i) ^ rest;
  }
  let sum = mix(c0 + 1);
  if (n > 1) sum += mix(c1 + 1);
  if (n > 2) sum += mix(c2 + 1);
  if (n > 3) sum += mix(c3 + 1);
  if (n > 4) sum += mix(c4 + 1);
  if (n > 5) sum += mix(c5 + 1);
  for (let p = 6; p < n; p++, high >>= 16) sum += mix((high & 0xffff) + 1);
  return mix(sum + (ones << 1) + bit0);
}

/**
 * The number of functions in the orbit, at most 2 n!.
 *
 * @param row, n, negation as in `orbitInvariant`.
 * @param scratch `CHAIN_BYTES` bytes (2048 are enough), 8-byte aligned.
 */
export function orbitSize(row: usize, n: i32, negation: i32, scratch: usize): f64 {
  loadTable(row, 1 << n, scratch);
  const size = factorial(n) / stabiliserChain(n, scratch);
  return negation == 0 ? size : 2 * size;
}

/** `orbitSize` of `count` rows, `stride` bytes apart, to f64 at `out`. */
export function orbitSizeBatch(
  rows: usize,
  stride: usize,
  count: i32,
  n: i32,
  negation: i32,
  out: usize,
  scratch: usize,
): void {
  for (let end = out + ((<usize>count) << 3); out < end; out += 8, rows += stride) {
    store<f64>(out, orbitSize(rows, n, negation, scratch));
  }
}

function factorial(n: i32): f64 {
  let product: f64 = 1;
  for (let i = 2; i <= n; i++) product *= i;
  return product;
}
