/**
 * Draws random networks and counts the functions that they compute: one call does many networks.
 *
 * A body (the hidden layers) is drawn once for each index, and `draws` output layers on top of it. Parameters of body `i`
 * depend on (seed, stream, i) alone. Order of the Gaussians: the hidden parameters as they lie in memory (assembly/plan.ts),
 * then the output layers.
 */
import { blockKeys } from "./blockKeys";
import { booleanFirstLayer, booleanKeys } from "./booleanKeys";
import { classHash } from "./classHash";
import { gaussians } from "./gaussian";
import { seedLanes } from "./philox";
import {
  PLAN_BOOLEAN,
  PLAN_CLASS_BITS,
  PLAN_CLASS_SCRATCH,
  PLAN_DRAWS,
  PLAN_HASHES,
  PLAN_HIDDEN,
  PLAN_HIDDEN_GROUPS,
  PLAN_HIDDEN_SCALES,
  PLAN_KEYS,
  PLAN_NEGATION,
  PLAN_OUTPUT,
  PLAN_OUTPUT_GROUPS,
  PLAN_OUTPUT_SCALES,
  PLAN_POINTS,
  PLAN_SLOTS,
  PLAN_STATE,
  PLAN_WORDS,
} from "./plan";
import { tableAddClusters, tableInsert } from "./table";

/** Draws the hidden parameters of one body. */
export function drawHidden(plan: usize, seedLow: u32, seedHigh: u32, indexLow: u32, indexHigh: u32, stream: u32): void {
  const state = <usize>load<u32>(plan, PLAN_STATE);
  seedLanes(state, seedLow, seedHigh, indexLow, indexHigh, stream);
  gaussians(
    <usize>load<u32>(plan, PLAN_HIDDEN),
    <usize>load<u32>(plan, PLAN_HIDDEN_SCALES),
    load<i32>(plan, PLAN_HIDDEN_GROUPS),
    state,
  );
}

/** Draws the output layers of the body whose hidden parameters were drawn last. */
export function drawOutput(plan: usize): void {
  gaussians(
    <usize>load<u32>(plan, PLAN_OUTPUT),
    <usize>load<u32>(plan, PLAN_OUTPUT_SCALES),
    load<i32>(plan, PLAN_OUTPUT_GROUPS),
    <usize>load<u32>(plan, PLAN_STATE),
  );
}

/** Does what a Boolean plan can do once for all points. */
export function firstLayer(plan: usize): void {
  if (load<i32>(plan, PLAN_BOOLEAN)) booleanFirstLayer(plan);
}

/**
 * Evaluates the parameters that lie in the plan and writes the keys: of each draw, `words` u32, the most significant
 * first; point `i` is bit 31 - i % 32 of word i / 32. `firstLayer` has run.
 */
export function evaluateKeys(plan: usize): void {
  if (load<i32>(plan, PLAN_BOOLEAN)) booleanKeys(plan);
  else blockKeys(plan);
}

/**
 * Draws `bodies` networks from body `index` on and counts their functions.
 *
 * @param table as in `tableInsert`; the caller has made room for bodies * draws more rows.
 */
export function sampleFunctions(
  plan: usize,
  table: usize,
  seedLow: u32,
  seedHigh: u32,
  indexLow: u32,
  indexHigh: u32,
  stream: u32,
  bodies: i32,
): void {
  const draws = load<i32>(plan, PLAN_DRAWS);
  const keys = <usize>load<u32>(plan, PLAN_KEYS);
  const words = load<i32>(plan, PLAN_WORDS);
  const keyBytes = (<usize>words) << 2;
  const slots = <usize>load<u32>(plan, PLAN_SLOTS);
  const hashes = <usize>load<u32>(plan, PLAN_HASHES);
  const negation = load<i32>(plan, PLAN_NEGATION);
  const bits = load<i32>(plan, PLAN_CLASS_BITS);
  const scratch = <usize>load<u32>(plan, PLAN_CLASS_SCRATCH);
  const points = load<i32>(plan, PLAN_POINTS);
  let index = ((<u64>indexHigh) << 32) | <u64>indexLow;
  for (let i = 0; i < bodies; i++, index++) {
    drawHidden(plan, seedLow, seedHigh, <u32>index, <u32>(index >> 32), stream);
    drawOutput(plan);
    firstLayer(plan);
    evaluateKeys(plan);
    if (draws == 1) {
      tableInsert(table, keys, words);
      continue;
    }
    let key = keys;
    for (let d = 0; d < draws; d++, key += keyBytes) {
      store<u32>(slots + ((<usize>d) << 2), <u32>tableInsert(table, key, words));
      store<u64>(hashes + ((<usize>d) << 3), classHash(key, words, points, bits, negation, scratch));
    }
    tableAddClusters(slots, hashes, draws, words);
  }
}
