/**
 * The permutations of the input bits that leave a Boolean function as it is (its stabiliser), as a chain [Sims 1970]: for
 * each place `i` the places to which stabiliser elements that fix all places below `i` can move it (its orbit).
 * The orbits' sizes multiply to the stabiliser's order, and a permutation is the least of its coset if and only if it puts
 * `i` before every other place of the orbit of `i`. So orbits are counted and enumerated without a list of seen members.
 *
 * Places whose transposition leaves the function as it is form classes [Shannon 1938: symmetric variables]. All
 * permutations within a class are in the stabiliser, and every other element of it moves classes as a whole: one search
 * for each pair of classes decides the chain. The search fills places from 0 up and stops as soon as the sub-cube of the
 * filled places (the others all 0, or all 1) differs from the function's.
 *
 * Scratch, `CHAIN_BYTES` bytes, 8-byte aligned: tables for each depth of a search (that of depth 0 is the function's),
 * then what the constants below name.
 */
import { cofactorOnes, derivativeWord, isSymmetric, swapPlaces } from "./bitTable";

/** Bytes of a table of 2^10 bits. */
export const TABLE_BYTES: usize = 128;
/** u32 a place: its orbit in the chain, bit `p` for place `p`. */
const ORBIT: usize = 11 * TABLE_BYTES;
/** u32 a place: the places that must come before it in the least permutation of a coset. */
export const BEFORE: usize = ORBIT + 64;
/** u32 a place: the place of the original function that a search has put there. */
export const ARRANGED: usize = BEFORE + 64;
/** u32 a place: least place of its class. */
const CLASS: usize = ARRANGED + 64;
/** u32 a place: what all permutations in the stabiliser keep; in the low bits its number of ones. */
const SIGNATURE: usize = CLASS + 64;
const ONES: u32 = 0xfff;
/** Bytes of scratch that a chain takes. */
export const CHAIN_BYTES: usize = SIGNATURE + 64;

function get(base: usize, i: i32): u32 {
  return load<u32>(base + ((<usize>i) << 2));
}

function put(base: usize, i: i32, value: u32): void {
  store<u32>(base + ((<usize>i) << 2), value);
}

/** Exchanges what stands at two places of the arrangement. */
export function exchange(arranged: usize, a: i32, b: i32): void {
  const x = get(arranged, a);
  put(arranged, a, get(arranged, b));
  put(arranged, b, x);
}

/**
 * Computes the chain of the function whose table stands at `scratch`.
 *
 * @param n number of input bits, 1 to 10.
 * @param scratch its first table is read and kept; the orbits of the least places of classes are left in it.
 * @returns the order of the stabiliser, at most 10!.
 */
export function stabiliserChain(n: i32, scratch: usize): f64 {
  const words = 1 << n > 64 ? 1 << (n - 6) : 1;
  const signature = scratch + SIGNATURE;
  const classes = scratch + CLASS;
  const orbit = scratch + ORBIT;
  for (let p = 0; p < n; p++) {
    put(signature, p, <u32>cofactorOnes(scratch, words, p));
    put(classes, p, <u32>p);
    put(orbit, p, (<u32>1) << p);
  }
  let order: f64 = 1;
  let ties = false;
  for (let p = 1; p < n; p++) {
    for (let q = 0; q < p; q++) {
      if (get(signature, q) != get(signature, p) || get(classes, q) != <u32>q) continue;
      if (isSymmetric(scratch, words, q, p)) {
        put(classes, p, <u32>q);
        const members = get(orbit, q) | ((<u32>1) << p);
        put(orbit, q, members);
        order *= <f64>popcnt<u32>(members);
        break;
      }
      ties = true;
    }
  }
  return ties ? order * moveClasses(n, words, scratch) : order;
}

function classMembers(n: i32, classes: usize, least: i32): u32 {
  let members: u32 = 0;
  for (let p = least; p < n; p++) if (get(classes, p) == <u32>least) members |= (<u32>1) << p;
  return members;
}

/** Finds to which other classes each class can move with all places below its least one fixed. @returns the factor to the order. */
function moveClasses(n: i32, words: i32, scratch: usize): f64 {
  const signature = scratch + SIGNATURE;
  const classes = scratch + CLASS;
  const orbit = scratch + ORBIT;
  // a sharper signature: the size of the class, and the number of inputs where the place matters
  const bytes = (<usize>words) << 3;
  for (let p = 0; p < n; p++) {
    const least = <i32>get(classes, p);
    if (least != p) {
      put(signature, p, get(signature, least));
      continue;
    }
    let influence: u64 = 0;
    for (let q: usize = 0; q < bytes; q += 8) influence += popcnt<u64>(derivativeWord(scratch, q, p));
    const size = popcnt<u32>(classMembers(n, classes, p));
    put(signature, p, get(signature, p) | ((<u32>influence) << 12) | (size << 24));
  }
  let factor: f64 = 1;
  for (let i = 0; i < n; i++) {
    if (get(classes, i) != <u32>i) continue;
    let reached: u32 = 1;
    for (let x = i + 1; x < n; x++) {
      if (get(classes, x) != <u32>x || get(signature, x) != get(signature, i)) continue;
      if (!moves(n, words, i, x, scratch)) continue;
      put(orbit, i, get(orbit, i) | classMembers(n, classes, x));
      reached++;
    }
    factor *= <f64>reached;
  }
  return factor;
}

/** Whether an element of the stabiliser fixes the places below `i` and moves `i` to `x`, both least of their class. */
function moves(n: i32, words: i32, i: i32, x: i32, scratch: usize): bool {
  const arranged = scratch + ARRANGED;
  const classes = scratch + CLASS;
  let used: u32 = (<u32>1) << x;
  for (let p = 0; p < n; p++) put(arranged, p, <u32>p);
  for (let p = 0; p < i; p++) used |= (<u32>1) << get(classes, p);
  const next = scratch + <usize>(i + 1) * TABLE_BYTES;
  swapPlaces(scratch, next, words, i, x);
  if (!sameEnds(next, scratch, words, i + 1)) return false;
  exchange(arranged, i, x);
  return completes(n, words, i + 1, next, used, scratch);
}

/**
 * Whether the places from `k` on can be filled such that `table`, whose places below `k` are filled, becomes the function.
 *
 * @param used classes, by their least place, that stand somewhere below `k`.
 */
function completes(n: i32, words: i32, k: i32, table: usize, used: u32, scratch: usize): bool {
  if (k == n) return true;
  const arranged = scratch + ARRANGED;
  const classes = scratch + CLASS;
  const signature = scratch + SIGNATURE;
  const next = scratch + <usize>(k + 1) * TABLE_BYTES;
  const least = <i32>get(classes, k);
  // a class moves as a whole: its first place chooses where to, the others follow
  const wanted = least == k ? <u32>n : get(classes, <i32>get(arranged, least));
  let tried = used;
  for (let e = k; e < n; e++) {
    const place = <i32>get(arranged, e);
    const from = get(classes, place);
    const bit = (<u32>1) << from;
    if (least == k) {
      if (tried & bit || get(signature, place) != get(signature, k)) continue;
      tried |= bit;
    } else if (from != wanted) continue;
    let filled = table;
    if (e != k) {
      swapPlaces(table, next, words, k, e);
      filled = next;
    }
    if (sameEnds(filled, scratch, words, k + 1)) {
      exchange(arranged, k, e);
      if (completes(n, words, k + 1, filled, used | bit, scratch)) return true;
      exchange(arranged, k, e);
    }
    if (least != k) return false;
  }
  return false;
}

/** Whether two tables agree on the first and (with 64 bits or more) the last 2^places bits. */
function sameEnds(a: usize, b: usize, words: i32, places: i32): bool {
  const last = (<usize>(words - 1)) << 3;
  if (places < 6) {
    const bits = <u64>(1 << places);
    if ((load<u64>(a) ^ load<u64>(b)) >> (64 - bits)) return false;
    return words == 1 || (load<u64>(a + last) ^ load<u64>(b + last)) << (64 - bits) == 0;
  }
  const end = (<usize>8) << (places - 6);
  for (let i: usize = 0; i < end; i += 8) {
    if (load<u64>(a + i) != load<u64>(b + i) || load<u64>(a + last - i) != load<u64>(b + last - i)) return false;
  }
  return true;
}

/** Turns the orbits of the chain into the order that the least permutations of the cosets keep, at `BEFORE`. */
export function leastOfCosets(n: i32, scratch: usize): void {
  const orbit = scratch + ORBIT;
  const before = scratch + BEFORE;
  const classes = scratch + CLASS;
  // within a class a place can move to every later one
  for (let p = 1; p < n; p++) {
    const least = <i32>get(classes, p);
    if (least != p) put(orbit, p, classMembers(n, classes, least) & ~(((<u32>1) << p) - 1));
  }
  for (let p = 0; p < n; p++) {
    let earlier: u32 = 0;
    for (let i = 0; i < n; i++) if (i != p && (get(orbit, i) >> <u32>p) & 1) earlier |= (<u32>1) << i;
    put(before, p, earlier);
    put(scratch + ARRANGED, p, <u32>p);
  }
}

/** Whether place `p` of the function may be filled in next, once the places of the set `placed` are. */
export function mayFollow(scratch: usize, p: i32, placed: u32): bool {
  return (get(scratch + BEFORE, p) & ~placed) == 0;
}

/** The place of the function that stands at place `k` of the arrangement. */
export function arrangedAt(scratch: usize, k: i32): i32 {
  return <i32>get(scratch + ARRANGED, k);
}

/** Ones of the function where the place that stands at place `k` of the arrangement is 1. */
export function onesAt(scratch: usize, k: i32): u32 {
  return get(scratch + SIGNATURE, arrangedAt(scratch, k)) & ONES;
}
