/** Functions of a network of any activation on any points, eight points at a time (assembly/dense.ts). */
import { denseBlock, denseBlockSigns, LINEAR, linearBlockSigns, RECORD } from "./dense";
import {
  PLAN_ACTIVATION,
  PLAN_BLOCKS,
  PLAN_DEPTH,
  PLAN_DRAWS,
  PLAN_DRAWS_STRIDE,
  PLAN_INPUTS,
  PLAN_INPUTS_ENDS,
  PLAN_INPUTS_STRIDE,
  PLAN_KEYS,
  PLAN_LAST_MASK,
  PLAN_LAYERS,
  PLAN_OUTPUT,
  PLAN_OUTPUT_BIAS,
  PLAN_SCRATCH0,
  PLAN_SCRATCH1,
  PLAN_WORDS,
} from "./plan";

/** Writes the keys, as `evaluateKeys` says. */
export function blockKeys(plan: usize): void {
  const blocks = load<i32>(plan, PLAN_BLOCKS);
  const depth = load<i32>(plan, PLAN_DEPTH);
  const activation = load<i32>(plan, PLAN_ACTIVATION);
  const draws = load<i32>(plan, PLAN_DRAWS);
  const keys = <usize>load<u32>(plan, PLAN_KEYS);
  const keyBytes = (<usize>load<u32>(plan, PLAN_WORDS)) << 2;
  const output = <usize>load<u32>(plan, PLAN_OUTPUT);
  const outputBias = <usize>load<u32>(plan, PLAN_OUTPUT_BIAS);
  const stride = <usize>load<u32>(plan, PLAN_INPUTS_STRIDE);
  const scratch0 = <usize>load<u32>(plan, PLAN_SCRATCH0);
  const scratch1 = <usize>load<u32>(plan, PLAN_SCRATCH1);
  const mask = load<i32>(plan, PLAN_LAST_MASK);
  // with one draw the last hidden layer and the output are one pass
  const stop = draws == 1 ? depth - 1 : depth;
  let inputs = <usize>load<u32>(plan, PLAN_INPUTS);
  let ends = <usize>load<u32>(plan, PLAN_INPUTS_ENDS);
  for (let s = 0; s < blocks; s++, inputs += stride, ends += 4) {
    let list = inputs;
    let end = <usize>load<u32>(ends);
    let layer = plan + PLAN_LAYERS;
    let out = scratch0;
    for (let l = 0; l < stop; l++, layer += 16) {
      const written = denseBlock(
        list,
        end,
        <usize>load<u32>(layer, 4),
        load<i32>(layer),
        activation,
        out,
        <usize>load<u32>(layer, 8),
        <usize>load<u32>(layer, 12),
      );
      list = out;
      end = written;
      out = out == scratch0 ? scratch1 : scratch0;
    }
    // byte s of the key, big-endian, is byte s ^ 3 of the little-endian words
    const byte = keys + (<usize>s ^ 3);
    const keep = s == blocks - 1 ? mask : 0xff;
    if (draws == 1) {
      const signs =
        depth > 0
          ? denseBlockSigns(list, end, <usize>load<u32>(layer, 4), load<i32>(layer), activation, output, outputBias)
          : linearBlockSigns(list, end, outputBias);
      store<u8>(byte, <u8>(signs & keep));
    } else {
      denseBlock(list, end, outputBias, load<i32>(plan, PLAN_DRAWS_STRIDE), LINEAR, out, 0, 0);
      const zero = f32x4.splat(0);
      let key = byte;
      for (let d = 0; d < draws; d++, key += keyBytes, out += RECORD) {
        const first = i32x4.bitmask(f32x4.gt(v128.load(out, 0), zero));
        const second = i32x4.bitmask(f32x4.gt(v128.load(out, 16), zero));
        store<u8>(key, <u8>((first | (second << 4)) & keep));
      }
    }
  }
}
