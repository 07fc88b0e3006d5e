import { denseBlock, denseBlockSigns, LINEAR, linearBlockSigns, packPoints, RECORD, RELU } from "../dense";

const x: usize = memory.data(64, 16);
const weights: usize = memory.data(64, 16);
const bias: usize = memory.data(32, 16);
const list: usize = memory.data(256, 16);
const out: usize = memory.data(512, 16);
const ends: usize = memory.data(16, 16);
const output: usize = memory.data(32, 16);

// points 0..7 with features (i, 0); unit k: z = k - 1 + (k + 1) x_0, four units
function layer(): usize {
  for (let i: usize = 0; i < 8; i++) {
    store<f32>(x + 8 * i, <f32>i);
    store<f32>(x + 8 * i + 4, 0);
  }
  for (let k: usize = 0; k < 4; k++) {
    store<f32>(weights + 4 * k, <f32>k + 1);
    store<f32>(bias + 4 * k, <f32>k - 1);
  }
  packPoints(x, 8, 2, weights, 16, list, 0, ends);
  return <usize>load<u32>(ends);
}

describe("packPoints", () => {
  test("lists the nonzero feature only, point 0 in lane 7", () => {
    const end = layer();
    expect<usize>(end).toBe(list + RECORD);
    expect<f32>(load<f32>(list, 28)).toBe(0);
    expect<f32>(load<f32>(list, 0)).toBe(7);
    expect<u32>(load<u32>(list, 32)).toBe(<u32>weights);
  });
});

describe("denseBlock", () => {
  test("relu(b + W x), records in order", () => {
    const end = layer();
    const last = denseBlock(list, end, bias, 4, RELU, out, 96, 8);
    expect<usize>(last).toBe(out + 4 * RECORD);
    // unit 0 at point 0: relu(-1) = 0; unit 3 at point 2: 2 + 4 * 2
    expect<f32>(load<f32>(out, 28)).toBe(0);
    expect<f32>(load<f32>(out + 3 * RECORD, 20)).toBe(10);
    expect<u32>(load<u32>(out + 3 * RECORD, 32)).toBe(96 + 24);
  });

  test("leaves out units that are zero everywhere, unless linear", () => {
    const end = layer();
    store<f32>(bias, -100);
    expect<usize>(denseBlock(list, end, bias, 4, RELU, out, 96, 8)).toBe(out + 3 * RECORD);
    expect<u32>(load<u32>(out, 32)).toBe(104);
    expect<usize>(denseBlock(list, end, bias, 4, LINEAR, out, 96, 8)).toBe(out + 4 * RECORD);
    expect<f32>(load<f32>(out)).toBe(-93);
  });
});

describe("signs", () => {
  test("the first point is the highest bit; 0 is not positive", () => {
    const end = layer();
    for (let k: usize = 0; k < 4; k++) store<f32>(output + 4 * k, k == 0 ? 1 : 0);
    // y = relu(x - 1) - 2: positive from x = 4 on
    store<f32>(output, -2, 16);
    expect<i32>(denseBlockSigns(list, end, bias, 4, RELU, output, output + 16)).toBe(0b00001111);
    // y = x - 2
    expect<i32>(linearBlockSigns(list, end, output + 16)).toBe(0b00011111);
  });
});
