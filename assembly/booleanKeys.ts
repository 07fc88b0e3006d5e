/**
 * Functions of a ReLU network on all 2^n Boolean inputs: the first layer by additions (assembly/affineCube.ts), the others
 * point by point on their active units (assembly/sparseRow.ts).
 */
import { chooseSigns, spreadAffine } from "./affineCube";
import {
  PLAN_BASE,
  PLAN_BITS,
  PLAN_BLOCKS,
  PLAN_DEPTH,
  PLAN_DRAWS,
  PLAN_DRAWS_STRIDE,
  PLAN_FEATURES,
  PLAN_FOLDED,
  PLAN_HIDDEN,
  PLAN_KEYS,
  PLAN_LAST_MASK,
  PLAN_LAYERS,
  PLAN_LOW,
  PLAN_MASK_BYTES,
  PLAN_MASKS,
  PLAN_NEXT_BASE,
  PLAN_NEXT_LOW,
  PLAN_NEXT_ROW_BYTES,
  PLAN_NEXT_SIGNS,
  PLAN_OUTPUT,
  PLAN_OUTPUT_BIAS,
  PLAN_POINTS,
  PLAN_ROW_BYTES,
  PLAN_SCRATCH_BYTES,
  PLAN_SCRATCH0,
  PLAN_SCRATCH1,
  PLAN_SIGNS,
  PLAN_SUM_BYTES,
  PLAN_SUMS,
  PLAN_TURN,
  PLAN_TURNED,
  PLAN_WORDS,
  PLAN_ZEROS,
} from "./plan";
import { rowDot, sparseDense, sparseTile40, sumRow, sumSigns } from "./sparseRow";

/** Prepares the first hidden layer, and of the second the part of the units that are turned around. */
export function booleanFirstLayer(plan: usize): void {
  const n = load<i32>(plan, PLAN_FEATURES);
  const parameters = <usize>load<u32>(plan, PLAN_HIDDEN);
  const units4 = load<i32>(plan, PLAN_LAYERS);
  const signs = <usize>load<u32>(plan, PLAN_SIGNS);
  const turned = <usize>load<u32>(plan, PLAN_TURNED);
  const turn = load<i32>(plan, PLAN_TURN);
  chooseSigns(n, parameters, units4, turn, signs, turned);
  spreadAffine(
    n,
    parameters,
    units4,
    signs,
    <usize>load<u32>(plan, PLAN_BASE),
    <usize>load<u32>(plan, PLAN_LOW),
    <usize>load<u32>(plan, PLAN_ROW_BYTES),
  );
  if (turn == 0) return;
  // Coefficient by coefficient, the affine functions of the turned units are a row like that of a point.
  const next = plan + PLAN_LAYERS + 16;
  const fanOut4 = load<i32>(next);
  const bytes = (<usize>fanOut4) << 2;
  const weights = <usize>load<u32>(plan, PLAN_LAYERS + 8);
  const rowStride = <usize>load<u32>(plan, PLAN_LAYERS + 12);
  const bias = <usize>load<u32>(next, 4);
  const zeros = <usize>load<u32>(plan, PLAN_ZEROS);
  const folded = <usize>load<u32>(plan, PLAN_FOLDED);
  const minusBias = folded + <usize>(n + 1) * bytes;
  for (let k: usize = 0; k < bytes; k += 16) v128.store(minusBias + k, f32x4.neg(v128.load(bias + k)));
  const chunks = (units4 + 63) >> 6;
  for (let c: usize = 0; c <= <usize>n; c++) {
    const row = parameters + c * ((<usize>units4) << 2);
    const a = c == 0 ? minusBias : zeros;
    sparseDense(row, turned, chunks, weights, rowStride, a, zeros, fanOut4, zeros, folded + c * bytes, 0);
  }
  spreadAffine(
    n,
    folded,
    fanOut4,
    <usize>load<u32>(plan, PLAN_NEXT_SIGNS),
    <usize>load<u32>(plan, PLAN_NEXT_BASE),
    <usize>load<u32>(plan, PLAN_NEXT_LOW),
    <usize>load<u32>(plan, PLAN_NEXT_ROW_BYTES),
  );
}

function pad16(units: i32): i32 {
  return (units + 15) & ~15;
}

/** Writes the keys, as `evaluateKeys` says; `booleanFirstLayer` has run. */
export function booleanKeys(plan: usize): void {
  const blocks = load<i32>(plan, PLAN_BLOCKS);
  const points = load<i32>(plan, PLAN_POINTS);
  const depth = load<i32>(plan, PLAN_DEPTH);
  const draws = load<i32>(plan, PLAN_DRAWS);
  const drawsStride = load<i32>(plan, PLAN_DRAWS_STRIDE);
  const keys = <usize>load<u32>(plan, PLAN_KEYS);
  const keyBytes = (<usize>load<u32>(plan, PLAN_WORDS)) << 2;
  const output = <usize>load<u32>(plan, PLAN_OUTPUT);
  const outputBias = <usize>load<u32>(plan, PLAN_OUTPUT_BIAS);
  const mask = load<i32>(plan, PLAN_LAST_MASK);
  const units4 = load<i32>(plan, PLAN_LAYERS);
  const units16 = pad16(units4);
  const rowBytes = <usize>load<u32>(plan, PLAN_ROW_BYTES);
  const low = <usize>load<u32>(plan, PLAN_LOW);
  const masks = <usize>load<u32>(plan, PLAN_MASKS);
  const sums = <usize>load<u32>(plan, PLAN_SUMS);
  const sumBytes = <usize>load<u32>(plan, PLAN_SUM_BYTES);
  const bits = <usize>load<u32>(plan, PLAN_BITS);
  const zeros = <usize>load<u32>(plan, PLAN_ZEROS);
  const turn = load<i32>(plan, PLAN_TURN);
  const nextLow = <usize>load<u32>(plan, PLAN_NEXT_LOW);
  const nextBytes = <usize>load<u32>(plan, PLAN_NEXT_ROW_BYTES);
  const place = <usize>load<u32>(plan, PLAN_SCRATCH_BYTES);
  const maskBytes = <usize>load<u32>(plan, PLAN_MASK_BYTES);
  let base = <usize>load<u32>(plan, PLAN_BASE);
  let nextBase = <usize>load<u32>(plan, PLAN_NEXT_BASE);
  for (let s = 0; s < blocks; s++, base += rowBytes, nextBase += nextBytes) {
    // Eight points at a time, layer by layer: a mispredicted end of one point's list then hides no work of the next.
    const count: usize = min(8, points - (s << 3));
    let rows = <usize>load<u32>(plan, PLAN_SCRATCH0);
    let others = <usize>load<u32>(plan, PLAN_SCRATCH1);
    let width = units4;
    for (let r: usize = 0; r < count; r++) {
      sumRow(base, low + r * rowBytes, rows + r * place, units16, masks + r * maskBytes);
    }
    let layer = plan + PLAN_LAYERS;
    for (let l = 1; l < depth; l++) {
      const weights = <usize>load<u32>(layer, 8);
      const rowStride = <usize>load<u32>(layer, 12);
      const chunks = (width + 63) >> 6;
      layer += 16;
      width = load<i32>(layer);
      const turned = turn != 0 && l == 1;
      const a = turned ? nextBase : <usize>load<u32>(layer, 4);
      const fused = draws == 1 && l == depth - 1;
      // the study's width, without the detour over tiles and chunks (6 ns a point)
      const direct = chunks == 1 && width == 40;
      for (let r: usize = 0; r < count; r++) {
        const b = turned ? nextLow + r * nextBytes : zeros;
        const row = rows + r * place;
        if (direct) {
          const mask = load<u64>(masks + r * maskBytes);
          if (fused) sparseTile40(row, mask, weights, rowStride, a, b, sums + r * sumBytes, output);
          else sparseTile40(row, mask, weights, rowStride, a, b, others + r * place, 0);
          continue;
        }
        const out = fused ? sums + r * sumBytes : others + r * place;
        sparseDense(
          row,
          masks + r * maskBytes,
          chunks,
          weights,
          rowStride,
          a,
          b,
          width,
          zeros,
          out,
          fused ? output : 0,
        );
      }
      if (fused) break;
      const width16 = pad16(width);
      for (let r: usize = 0; r < count; r++) {
        const row = others + r * place;
        // what a wider layer left behind this one's units
        for (let i = <usize>width; i < <usize>width16; i += 4) v128.store(row + (i << 2), f32x4.splat(0));
        sumRow(row, 0, row, width16, masks + r * maskBytes);
      }
      const swap = rows;
      rows = others;
      others = swap;
    }
    if (draws == 1) {
      if (depth == 1)
        for (let r: usize = 0; r < count; r++) rowDot(rows + r * place, width, output, sums + r * sumBytes);
    } else {
      const chunks = (width + 63) >> 6;
      for (let r: usize = 0; r < count; r++) {
        const out = others + r * place;
        sparseDense(
          rows + r * place,
          masks + r * maskBytes,
          chunks,
          output,
          (<usize>drawsStride) << 2,
          outputBias,
          zeros,
          drawsStride,
          zeros,
          out,
          0,
        );
        // the first point of a block goes to the highest bit
        let to = bits + ((7 - r) << 1);
        for (let d = 0; d < drawsStride; d += 16, to += 16) {
          let signs = 0;
          const last = min(16, drawsStride - d);
          for (let e = 0; e < last; e += 4) {
            signs |= i32x4.bitmask(f32x4.gt(v128.load(out + ((<usize>(d + e)) << 2)), f32x4.splat(0))) << e;
          }
          store<u16>(to, <u16>signs);
        }
      }
    }
    // byte s of the key, big-endian, is byte s ^ 3 of the little-endian words
    let key = keys + (<usize>s ^ 3);
    const keep = s == blocks - 1 ? mask : 0xff;
    if (draws == 1) {
      store<u8>(key, <u8>(sumSigns(sums, sumBytes, load<f32>(outputBias)) & keep));
      continue;
    }
    for (let d = 0; d < draws; d += 16) {
      // 8 points x 16 draws of bits, turned to 16 draws x 8 points
      let turned = v128.load(bits + <usize>d);
      const last = min(16, draws - d);
      turned = i16x8.shl(turned, 16 - last);
      key += keyBytes * <usize>last;
      for (let e = 0; e < last; e++) {
        key -= keyBytes;
        store<u8>(key, <u8>(i16x8.bitmask(turned) & keep));
        turned = i16x8.shl(turned, 1);
      }
      key += keyBytes * <usize>last;
    }
  }
}
