import { packPoints } from "../dense";
import {
  PLAN_BLOCKS,
  PLAN_DRAWS,
  PLAN_INPUTS,
  PLAN_INPUTS_ENDS,
  PLAN_KEYS,
  PLAN_LAST_MASK,
  PLAN_OUTPUT,
  PLAN_OUTPUT_BIAS,
  PLAN_OUTPUT_GROUPS,
  PLAN_OUTPUT_SCALES,
  PLAN_POINTS,
  PLAN_STATE,
  PLAN_WORDS,
} from "../plan";
import { sampleFunctions } from "../sampler";

// a perceptron on two given points, x = 1 and x = -1, without bias: one of the two bits is always set
const plan: usize = memory.data(256, 16);
const state: usize = memory.data(64, 16);
const output: usize = memory.data(32, 16);
const scales: usize = memory.data(32, 16);
const keys: usize = memory.data(16, 16);
const inputs: usize = memory.data(96, 16);
const ends: usize = memory.data(16, 16);
const points: usize = memory.data(16, 16);
const rows: usize = memory.data(8 * 12, 16);
const table: usize = memory.data(16, 16);

describe("sampleFunctions", () => {
  test("counts every body once, and both functions of a perceptron on 1 and -1", () => {
    store<f32>(points, 1);
    store<f32>(points, -1, 4);
    packPoints(points, 2, 1, output, 4, inputs, 96, ends);
    store<f32>(scales, 1);
    store<u32>(plan, 1, PLAN_BLOCKS);
    store<u32>(plan, 1, PLAN_DRAWS);
    store<u32>(plan, <u32>output, PLAN_OUTPUT);
    store<u32>(plan, 1, PLAN_OUTPUT_GROUPS);
    store<u32>(plan, <u32>scales, PLAN_OUTPUT_SCALES);
    store<u32>(plan, <u32>output + 4, PLAN_OUTPUT_BIAS);
    store<u32>(plan, <u32>inputs, PLAN_INPUTS);
    store<u32>(plan, <u32>ends, PLAN_INPUTS_ENDS);
    store<u32>(plan, <u32>state, PLAN_STATE);
    store<u32>(plan, <u32>keys, PLAN_KEYS);
    store<u32>(plan, 1, PLAN_WORDS);
    store<u32>(plan, 0xc0, PLAN_LAST_MASK);
    store<u32>(plan, 2, PLAN_POINTS);
    store<u32>(table, <u32>rows);
    store<u32>(table, 7, 4);
    store<u32>(table, 0, 8);
    store<u32>(table, 12, 12);
    sampleFunctions(plan, table, 1, 0, 0, 0, 0, 1000);
    expect<u32>(load<u32>(table, 8)).toBe(2);
    let total: u64 = 0;
    for (let i: usize = 0; i < 8; i++) {
      const count = load<u64>(rows + 12 * i, 4);
      if (count == 0) continue;
      const key = load<u32>(rows + 12 * i);
      expect<bool>(key == 0x80000000 || key == 0x40000000).toBe(true);
      // 500 expected, 5 standard deviations of 15.8
      expect<bool>(count > 420 && count < 580).toBe(true);
      total += count;
    }
    expect<u64>(total).toBe(1000);
  });
});
