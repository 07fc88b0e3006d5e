/**
 * A dense layer on a block of eight points, points in the lanes.
 *
 * A block holds only the units that are nonzero on at least one of its points, as records of 48 bytes:
 * the unit's eight values (f32), then the address (u32) of its row of outgoing weights, then 12 bytes unused.
 * Weights are stored by input unit, `[fanIn][fanOut4]`, `fanOut4` = fanOut rounded up to a multiple of 4, the rest zero.
 * Skipping a unit that is zero on the block leaves every f32 sum as it is, so the result is that of the plain loop
 * `z = b; for j: z += w_j a_j`, to the bit.
 */
import { tanh4 } from "./tanh";

/** Bytes of a unit's record in a block. */
export const RECORD: usize = 48;

export const RELU: i32 = 0;
export const TANH: i32 = 1;
/** No activation; `denseBlock` then keeps every unit, zero or not. */
export const LINEAR: i32 = 2;

function activate(x: v128, activation: i32, zero: v128): v128 {
  // pmax(x, 0) keeps NaN; an f32x4.max costs 8 instructions in V8, this one
  return activation == RELU ? f32x4.pmax(x, zero) : tanh4(x);
}

/**
 * One layer: reads a block's records, appends those of the layer's units that are nonzero (all of them if LINEAR).
 *
 * @param list first record of the incoming units; `end` one past the last.
 * @param bias fanOut4 f32.
 * @param fanOut4 units of this layer, a multiple of 4.
 * @param out where the records go, room for fanOut4 + 1 of them; may not overlap the list.
 * @param rows address of the first unit's row of outgoing weights, `rowStride` bytes from one to the next.
 * @returns one past the last record written.
 */
export function denseBlock(
  list: usize,
  end: usize,
  bias: usize,
  fanOut4: i32,
  activation: i32,
  out: usize,
  rows: usize,
  rowStride: usize,
): usize {
  const zero = f32x4.splat(0);
  const width = (<usize>fanOut4) << 2;
  const keep = i32(activation == LINEAR);
  for (let k: usize = 0; k < width; k += 16) {
    let a00 = v128.load_splat<f32>(bias + k, 0);
    let a10 = v128.load_splat<f32>(bias + k, 4);
    let a20 = v128.load_splat<f32>(bias + k, 8);
    let a30 = v128.load_splat<f32>(bias + k, 12);
    let a01 = a00;
    let a11 = a10;
    let a21 = a20;
    let a31 = a30;
    for (let p = list; p < end; p += RECORD) {
      const row = <usize>load<u32>(p, 32) + k;
      const x0 = v128.load(p, 0);
      const x1 = v128.load(p, 16);
      let w = v128.load_splat<f32>(row, 0);
      a00 = f32x4.add(a00, f32x4.mul(w, x0));
      a01 = f32x4.add(a01, f32x4.mul(w, x1));
      w = v128.load_splat<f32>(row, 4);
      a10 = f32x4.add(a10, f32x4.mul(w, x0));
      a11 = f32x4.add(a11, f32x4.mul(w, x1));
      w = v128.load_splat<f32>(row, 8);
      a20 = f32x4.add(a20, f32x4.mul(w, x0));
      a21 = f32x4.add(a21, f32x4.mul(w, x1));
      w = v128.load_splat<f32>(row, 12);
      a30 = f32x4.add(a30, f32x4.mul(w, x0));
      a31 = f32x4.add(a31, f32x4.mul(w, x1));
    }
    if (activation == RELU) {
      a00 = f32x4.pmax(a00, zero);
      a01 = f32x4.pmax(a01, zero);
      a10 = f32x4.pmax(a10, zero);
      a11 = f32x4.pmax(a11, zero);
      a20 = f32x4.pmax(a20, zero);
      a21 = f32x4.pmax(a21, zero);
      a30 = f32x4.pmax(a30, zero);
      a31 = f32x4.pmax(a31, zero);
    } else if (activation == TANH) {
      a00 = tanh4(a00);
      a01 = tanh4(a01);
      a10 = tanh4(a10);
      a11 = tanh4(a11);
      a20 = tanh4(a20);
      a21 = tanh4(a21);
      a30 = tanh4(a30);
      a31 = tanh4(a31);
    }
    // always store, advance only past a unit that is nonzero: no branch to mispredict
    v128.store(out, a00, 0);
    v128.store(out, a01, 16);
    store<u32>(out, <u32>rows, 32);
    out += select<usize>(RECORD, 0, i32(v128.any_true(v128.or(a00, a01))) | keep);
    rows += rowStride;
    v128.store(out, a10, 0);
    v128.store(out, a11, 16);
    store<u32>(out, <u32>rows, 32);
    out += select<usize>(RECORD, 0, i32(v128.any_true(v128.or(a10, a11))) | keep);
    rows += rowStride;
    v128.store(out, a20, 0);
    v128.store(out, a21, 16);
    store<u32>(out, <u32>rows, 32);
    out += select<usize>(RECORD, 0, i32(v128.any_true(v128.or(a20, a21))) | keep);
    rows += rowStride;
    v128.store(out, a30, 0);
    v128.store(out, a31, 16);
    store<u32>(out, <u32>rows, 32);
    out += select<usize>(RECORD, 0, i32(v128.any_true(v128.or(a30, a31))) | keep);
    rows += rowStride;
  }
  return out;
}

/**
 * The last hidden layer and one output unit in one pass, so that the hidden values never leave the registers.
 *
 * @param list, end, bias, fanOut4, activation as in `denseBlock`.
 * @param output weights of the output unit, fanOut4 f32 (those past fanOut are met by zeros), and
 *   its bias at `outputBias`.
 * @returns the eight signs: bit `l` is set if the output at lane `l` is > 0.
 */
export function denseBlockSigns(
  list: usize,
  end: usize,
  bias: usize,
  fanOut4: i32,
  activation: i32,
  output: usize,
  outputBias: usize,
): i32 {
  const zero = f32x4.splat(0);
  const width = (<usize>fanOut4) << 2;
  let y0 = v128.load_splat<f32>(outputBias);
  let y1 = y0;
  for (let k: usize = 0; k < width; k += 16) {
    let a00 = v128.load_splat<f32>(bias + k, 0);
    let a10 = v128.load_splat<f32>(bias + k, 4);
    let a20 = v128.load_splat<f32>(bias + k, 8);
    let a30 = v128.load_splat<f32>(bias + k, 12);
    let a01 = a00;
    let a11 = a10;
    let a21 = a20;
    let a31 = a30;
    for (let p = list; p < end; p += RECORD) {
      const row = <usize>load<u32>(p, 32) + k;
      const x0 = v128.load(p, 0);
      const x1 = v128.load(p, 16);
      let w = v128.load_splat<f32>(row, 0);
      a00 = f32x4.add(a00, f32x4.mul(w, x0));
      a01 = f32x4.add(a01, f32x4.mul(w, x1));
      w = v128.load_splat<f32>(row, 4);
      a10 = f32x4.add(a10, f32x4.mul(w, x0));
      a11 = f32x4.add(a11, f32x4.mul(w, x1));
      w = v128.load_splat<f32>(row, 8);
      a20 = f32x4.add(a20, f32x4.mul(w, x0));
      a21 = f32x4.add(a21, f32x4.mul(w, x1));
      w = v128.load_splat<f32>(row, 12);
      a30 = f32x4.add(a30, f32x4.mul(w, x0));
      a31 = f32x4.add(a31, f32x4.mul(w, x1));
    }
    let w = v128.load_splat<f32>(output + k, 0);
    y0 = f32x4.add(y0, f32x4.mul(w, activate(a00, activation, zero)));
    y1 = f32x4.add(y1, f32x4.mul(w, activate(a01, activation, zero)));
    w = v128.load_splat<f32>(output + k, 4);
    y0 = f32x4.add(y0, f32x4.mul(w, activate(a10, activation, zero)));
    y1 = f32x4.add(y1, f32x4.mul(w, activate(a11, activation, zero)));
    w = v128.load_splat<f32>(output + k, 8);
    y0 = f32x4.add(y0, f32x4.mul(w, activate(a20, activation, zero)));
    y1 = f32x4.add(y1, f32x4.mul(w, activate(a21, activation, zero)));
    w = v128.load_splat<f32>(output + k, 12);
    y0 = f32x4.add(y0, f32x4.mul(w, activate(a30, activation, zero)));
    y1 = f32x4.add(y1, f32x4.mul(w, activate(a31, activation, zero)));
  }
  return i32x4.bitmask(f32x4.gt(y0, zero)) | (i32x4.bitmask(f32x4.gt(y1, zero)) << 4);
}

/**
 * The signs of a single linear output on a block, for weights that lie close together (row = one f32).
 *
 * @returns eight bits as in `denseBlockSigns`.
 */
export function linearBlockSigns(list: usize, end: usize, bias: usize): i32 {
  const zero = f32x4.splat(0);
  let y0 = v128.load_splat<f32>(bias);
  let y1 = y0;
  for (let p = list; p < end; p += RECORD) {
    const w = v128.load_splat<f32>(<usize>load<u32>(p, 32));
    y0 = f32x4.add(y0, f32x4.mul(w, v128.load(p, 0)));
    y1 = f32x4.add(y1, f32x4.mul(w, v128.load(p, 16)));
  }
  return i32x4.bitmask(f32x4.gt(y0, zero)) | (i32x4.bitmask(f32x4.gt(y1, zero)) << 4);
}

/**
 * Packs points into blocks of records, once for many networks: a block lists its nonzero features only.
 *
 * @param x f32 `[points][features]`, row-major.
 * @param out ceil(points / 8) blocks, `blockStride` bytes apart; block `s` holds points 8s..8s+7, point 8s + 7 - l in
 *   lane `l`, so that `bitmask` gives the first point the highest bit; absent points are zero.
 *   The records' addresses are `rows + feature * rowStride`.
 * @param ends u32 per block: address one past the block's last record.
 */
export function packPoints(
  x: usize,
  points: i32,
  features: i32,
  rows: usize,
  rowStride: usize,
  out: usize,
  blockStride: usize,
  ends: usize,
): void {
  const zero = f32x4.splat(0);
  for (let first = 0; first < points; first += 8, out += blockStride, ends += 4) {
    let p = out;
    for (let j = 0; j < features; j++) {
      v128.store(p, zero, 0);
      v128.store(p, zero, 16);
      const last = min(8, points - first);
      for (let i = 0; i < last; i++) {
        store<f32>(p + ((<usize>(7 - i)) << 2), load<f32>(x + ((<usize>(first + i) * features + j) << 2)));
      }
      store<u32>(p, <u32>(rows + <usize>j * rowStride), 32);
      if (v128.any_true(v128.or(v128.load(p, 0), v128.load(p, 16)))) p += RECORD;
    }
    store<u32>(ends, <u32>p);
  }
}
