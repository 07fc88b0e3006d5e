import { chooseSigns, spreadAffine } from "../affineCube";

const parameters: usize = memory.data(5 * 16, 16);
const signs: usize = memory.data(16, 16);
const masks: usize = memory.data(16, 16);
const base: usize = memory.data(2 * 64, 16);
const low: usize = memory.data(8 * 64, 16);

// n = 4: unit u = u - 2 + 8 x_0 + 4 x_1 + 2 x_2 + x_3, but unit 3 is negated
function fill(): void {
  for (let u: usize = 0; u < 4; u++) {
    const sign: f32 = u == 3 ? -1 : 1;
    store<f32>(parameters + 4 * u, sign * (<f32>u - 2));
    for (let j: usize = 0; j < 4; j++) store<f32>(parameters + 16 * (j + 1) + 4 * u, sign * <f32>(8 >> <i32>j));
  }
}

describe("affineCube", () => {
  test("chooseSigns turns around units of positive mean, if allowed", () => {
    fill();
    chooseSigns(4, parameters, 4, 1, signs, masks);
    expect<u64>(load<u64>(masks)).toBe(0b0111);
    expect<u32>(load<u32>(signs)).toBe(0);
    expect<u32>(load<u32>(signs, 12)).toBe(0x80000000);
    chooseSigns(4, parameters, 4, 0, signs, masks);
    expect<u64>(load<u64>(masks)).toBe(0);
    expect<u32>(load<u32>(signs)).toBe(0x80000000);
  });

  test("spreadAffine: base + low is the function at each input, under the sign", () => {
    fill();
    chooseSigns(4, parameters, 4, 1, signs, masks);
    spreadAffine(4, parameters, 4, signs, base, low, 64);
    for (let i: usize = 0; i < 16; i++) {
      const sum = load<f32>(base + 64 * (i >> 3) + 4) + load<f32>(low + 64 * (i & 7) + 4);
      expect<f32>(sum).toBe(<f32>i - 1);
      // negative mean: the row holds -z
      const other = load<f32>(base + 64 * (i >> 3) + 12) + load<f32>(low + 64 * (i & 7) + 12);
      expect<f32>(other).toBe(<f32>i + 1);
    }
  });
});
