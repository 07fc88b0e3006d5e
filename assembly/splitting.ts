/**
 * Markov moves for multilevel splitting: a network's parameters under their Gaussian prior, restricted to `energy <= level`.
 *
 * The energy is 0 exactly where the network's bits `M(x_i) > 0` are the target's, and else the sum over the wrong points of
 * `jump + |z_i| / s_i`, with `s_i` the standard deviation of the output at point i given the hidden layers,
 * `s_i^2 = sigma_b^2 + sigma_w^2 / n sum_u h_u(x_i)^2`: it does not change when a hidden layer is rescaled.
 *
 * A move is a step of elliptical slice sampling [Murray, Adams & MacKay 2010] on a few parameters at a time, all others
 * fixed: those of one hidden unit (the weights into it, its bias, and the weights out of it), or the output layer's. The
 * prior is invariant under `theta cos t + nu sin t` with nu a draw of the same prior, and the angle t is drawn from a bracket
 * around 0 that shrinks [Neal 2003] until the energy is at most the level; so every move is accepted in the end, and none
 * needs a step size. Pre-activations and activations of all points are kept, so that a unit's move costs what depends on it.
 *
 * Points lie in the lanes: rows of `vectors` vectors of four f32. Layers are numbered from 1; parameters of a layer are
 * `[fanOut][fanIn + 1]`, the bias last, layer by layer, the output layer last.
 */
import { TANH } from "./dense";
import { gaussians, xoshiroWords } from "./gaussian";
import { tanhArray } from "./tanh";

// words of the block
const VECTORS: usize = 0;
const HIDDEN: usize = 4;
const ACTIVATION: usize = 8;
/** f32 [features][4 vectors] */
const INPUTS: usize = 12;
/** masks [4 vectors]: all ones where the target's bit is 1 */
const TARGET: usize = 16;
/** masks [4 vectors]: all ones where a point counts */
const COUNTS: usize = 20;
/** f32 [4 vectors]: outputs z, and the sums over units of h^2 */
const OUT: usize = 24;
const SQUARES: usize = 28;
const NEXT_OUT: usize = 32;
const NEXT_SQUARES: usize = 36;
/** f32 rows of scratch, [4 vectors] each: nu . x, the moved unit's pre-activations and activations, output without it */
const TURN: usize = 40;
const UNIT_Z: usize = 44;
const UNIT_H: usize = 48;
const REST: usize = 52;
const REST_SQUARES: usize = 56;
/** f32 draw of nu, and its standard deviations by move */
const NU: usize = 60;
/** generator, 64 bytes */
const STATE: usize = 64;
/** u32 buffer of random words: 64 of them, and how many are used */
const WORDS: usize = 68;
const USED: usize = 72;
/** f32 */
const BIAS_VARIANCE: usize = 76;
const WEIGHT_VARIANCE: usize = 80;
const JUMP: usize = 84;
const LEVEL: usize = 88;
/** the energy of the current state */
const ENERGY: usize = 92;
/** the output layer's parameters, and the standard deviations of a draw of them */
const OUTPUT: usize = 96;
const OUTPUT_SCALES: usize = 100;
const OUTPUT_UNITS: usize = 104;
/** scratch: three f32 for each unit of the widest layer */
const FACTORS: usize = 108;
/** width of the bracket of the output layer's moves; moves, evaluations (u32) and the sum of |t| (f64) since they were reset */
const OUTPUT_STATS: usize = 112;
const HEADER: usize = 144;

// a hidden layer
const FAN_IN: usize = 0;
const UNITS: usize = 4;
const PARAMETERS: usize = 8;
/** f32 [units][4 vectors], now and proposed */
const Z: usize = 12;
const H: usize = 16;
const NEXT_Z: usize = 20;
const NEXT_H: usize = 24;
/** of a draw for one unit: the weights into it, its bias, then the weights out of it */
const SCALES: usize = 28;
const STATS: usize = 32;
const LAYER: usize = 64;

// statistics of a kind of move
const WIDTH: usize = 0;
const MOVES: usize = 8;
const EVALUATIONS: usize = 12;
const ANGLES: usize = 16;

const TWO_PI: f64 = 6.283185307179586;
/** Halvings after which a move is given up: rounding may leave the state itself just above the level. */
const TRIES: i32 = 60;

function word(at: usize, offset: usize): usize {
  return <usize>load<u32>(at + offset);
}

function layerOf(s: usize, l: i32): usize {
  return s + HEADER + <usize>(l - 1) * LAYER;
}

/** Uniform in (0, 1). */
function uniform(s: usize): f64 {
  let used = load<u32>(s, USED);
  const words = word(s, WORDS);
  if (used >= 64) {
    xoshiroWords(words, 16, word(s, STATE));
    used = 0;
  }
  store<u32>(s, used + 1, USED);
  return (<f64>load<u32>(words + ((<usize>used) << 2)) + 0.5) * 2.3283064365386963e-10;
}

let cosine: f32 = 1;
let sine: f32 = 0;

/** Sets `cosine` and `sine` of t, |t| <= 2 pi, to f32. */
function turn(t: f64): void {
  const quarter = nearest(t * 0.6366197723675814);
  const r = t - quarter * 1.5707963267948966;
  const q = r * r;
  const s = r * (1 + q * (-1 / 6.0 + q * (1 / 120.0 + q * (-1 / 5040.0 + q * (1 / 362880.0 - q / 39916800.0)))));
  const c = 1 + q * (-0.5 + q * (1 / 24.0 + q * (-1 / 720.0 + q * (1 / 40320.0 - q / 3628800.0))));
  const k = <i32>quarter & 3;
  cosine = <f32>(k == 0 ? c : k == 1 ? -s : k == 2 ? -c : s);
  sine = <f32>(k == 0 ? s : k == 1 ? c : k == 2 ? -s : -c);
}

/** out = bias + sum_j nu_j x_j over `count` rows of x; nu has the bias last. */
function combine(x: usize, count: i32, nu: usize, out: usize, vectors: i32): void {
  const stride = (<usize>vectors) << 4;
  const last = nu + ((<usize>count) << 2);
  let i: usize = 0;
  for (; i + 64 <= stride; i += 64) {
    let a = v128.load_splat<f32>(last);
    let b = a;
    let c = a;
    let d = a;
    let row = x + i;
    for (let n = nu; n < last; n += 4, row += stride) {
      const w = v128.load_splat<f32>(n);
      a = f32x4.add(a, f32x4.mul(w, v128.load(row, 0)));
      b = f32x4.add(b, f32x4.mul(w, v128.load(row, 16)));
      c = f32x4.add(c, f32x4.mul(w, v128.load(row, 32)));
      d = f32x4.add(d, f32x4.mul(w, v128.load(row, 48)));
    }
    v128.store(out + i, a, 0);
    v128.store(out + i, b, 16);
    v128.store(out + i, c, 32);
    v128.store(out + i, d, 48);
  }
  for (; i < stride; i += 16) {
    let a = v128.load_splat<f32>(last);
    let row = x + i;
    for (let n = nu; n < last; n += 4, row += stride) {
      a = f32x4.add(a, f32x4.mul(v128.load_splat<f32>(n), v128.load(row)));
    }
    v128.store(out + i, a);
  }
}

/** h = phi(z). */
function activate(z: usize, h: usize, vectors: i32, activation: i32): void {
  if (activation == TANH) {
    tanhArray(z, h, vectors);
    return;
  }
  const zero = f32x4.splat(0);
  const end = z + ((<usize>vectors) << 4);
  for (; z < end; z += 16, h += 16) v128.store(h, f32x4.pmax(v128.load(z), zero));
}

/** out = sum over rows of h^2. */
function sumSquares(h: usize, rows: i32, out: usize, vectors: i32): void {
  const stride = (<usize>vectors) << 4;
  for (let i: usize = 0; i < stride; i += 16) {
    let sum = f32x4.splat(0);
    let at = h + i;
    for (let r = 0; r < rows; r++, at += stride) {
      const x = v128.load(at);
      sum = f32x4.add(sum, f32x4.mul(x, x));
    }
    v128.store(out + i, sum);
  }
}

/** The energy of outputs z with sums of squares q. */
function energyOf(s: usize, z: usize, q: usize): f32 {
  const bias = v128.load_splat<f32>(s, BIAS_VARIANCE);
  const weight = v128.load_splat<f32>(s, WEIGHT_VARIANCE);
  const jump = v128.load_splat<f32>(s, JUMP);
  const zero = f32x4.splat(0);
  const tiny = f32x4.splat(1e-30);
  let target = word(s, TARGET);
  let counts = word(s, COUNTS);
  let sum = zero;
  const end = z + ((<usize>load<i32>(s, VECTORS)) << 4);
  for (; z < end; z += 16, q += 16, target += 16, counts += 16) {
    const out = v128.load(z);
    const wrong = v128.and(v128.xor(f32x4.gt(out, zero), v128.load(target)), v128.load(counts));
    const variance = f32x4.add(bias, f32x4.mul(weight, v128.load(q)));
    const far = f32x4.div(f32x4.abs(out), f32x4.sqrt(f32x4.pmax(variance, tiny)));
    sum = f32x4.add(sum, v128.and(wrong, f32x4.add(jump, far)));
  }
  return (
    f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3))
  );
}

/** Hidden layers from `first` up, in the proposed buffers; those below are taken from `below`. */
function forwardFrom(s: usize, first: i32, below: usize): void {
  const vectors = load<i32>(s, VECTORS);
  const stride = (<usize>vectors) << 4;
  const hidden = load<i32>(s, HIDDEN);
  const activation = load<i32>(s, ACTIVATION);
  for (let l = first; l <= hidden; l++) {
    const layer = layerOf(s, l);
    const fanIn = load<i32>(layer, FAN_IN);
    const units = load<i32>(layer, UNITS);
    let parameters = word(layer, PARAMETERS);
    let z = word(layer, NEXT_Z);
    for (let u = 0; u < units; u++, z += stride, parameters += (<usize>fanIn + 1) << 2) {
      combine(below, fanIn, parameters, z, vectors);
    }
    activate(word(layer, NEXT_Z), word(layer, NEXT_H), vectors * units, activation);
    below = word(layer, NEXT_H);
  }
  combine(below, load<i32>(s, OUTPUT_UNITS), word(s, OUTPUT), word(s, NEXT_OUT), vectors);
  if (hidden > 0) sumSquares(below, load<i32>(s, OUTPUT_UNITS), word(s, NEXT_SQUARES), vectors);
}

function swap(at: usize, a: usize, b: usize): void {
  const x = load<u32>(at + a);
  store<u32>(at + a, load<u32>(at + b));
  store<u32>(at + b, x);
}

/** Takes what was proposed from layer `first` up. */
function accept(s: usize, first: i32): void {
  const hidden = load<i32>(s, HIDDEN);
  for (let l = first; l <= hidden; l++) {
    swap(layerOf(s, l), Z, NEXT_Z);
    swap(layerOf(s, l), H, NEXT_H);
  }
  swap(s, OUT, NEXT_OUT);
  if (hidden > 0) swap(s, SQUARES, NEXT_SQUARES);
}

/** Evaluates the network of the block's parameters anew. @returns its energy. */
export function splittingEvaluate(s: usize): f32 {
  forwardFrom(s, 1, word(s, INPUTS));
  accept(s, 1);
  const energy = energyOf(s, word(s, OUT), word(s, SQUARES));
  store<f32>(s, energy, ENERGY);
  return energy;
}

let low: f64 = 0;
let high: f64 = 0;
let angle: f64 = 0;

/** A bracket of the kind's width around 0, and an angle in it. */
function openBracket(s: usize, stats: usize): void {
  const width = load<f64>(stats, WIDTH);
  low = -width * uniform(s);
  high = low + width;
  angle = low + width * uniform(s);
  store<u32>(stats, load<u32>(stats, MOVES) + 1, MOVES);
}

function shrinkBracket(s: usize): void {
  if (angle > 0) high = angle;
  else low = angle;
  angle = low + (high - low) * uniform(s);
}

function evaluated(stats: usize): void {
  store<u32>(stats, load<u32>(stats, EVALUATIONS) + 1, EVALUATIONS);
}

function moved(s: usize, stats: usize, energy: f32): void {
  store<f32>(s, energy, ENERGY);
  store<f64>(stats, load<f64>(stats, ANGLES) + abs(angle), ANGLES);
}

/** theta = theta cos t + nu sin t, for `count` parameters `step` bytes apart. */
function rotate(theta: usize, step: usize, nu: usize, count: i32): void {
  for (let i = 0; i < count; i++, theta += step, nu += 4) {
    store<f32>(theta, cosine * load<f32>(theta) + sine * load<f32>(nu));
  }
}

/** out = c a + s b, rows of `vectors`. */
function blend(a: usize, b: usize, out: usize, vectors: i32): void {
  const c = f32x4.splat(cosine);
  const s = f32x4.splat(sine);
  const end = a + ((<usize>vectors) << 4);
  for (; a < end; a += 16, b += 16, out += 16) {
    v128.store(out, f32x4.add(f32x4.mul(c, v128.load(a)), f32x4.mul(s, v128.load(b))));
  }
}

/** Moves the output layer. */
function moveOutput(s: usize): void {
  const vectors = load<i32>(s, VECTORS);
  const hidden = load<i32>(s, HIDDEN);
  const units = load<i32>(s, OUTPUT_UNITS);
  const nu = word(s, NU);
  gaussians(nu, word(s, OUTPUT_SCALES), (units + 8) >> 3, word(s, STATE));
  const below = hidden > 0 ? word(layerOf(s, hidden), H) : word(s, INPUTS);
  combine(below, units, nu, word(s, TURN), vectors);
  const stats = s + OUTPUT_STATS;
  const level = load<f32>(s, LEVEL);
  openBracket(s, stats);
  for (let i = 0; i < TRIES; i++) {
    turn(angle);
    blend(word(s, OUT), word(s, TURN), word(s, NEXT_OUT), vectors);
    const energy = energyOf(s, word(s, NEXT_OUT), word(s, SQUARES));
    evaluated(stats);
    if (energy <= level) {
      swap(s, OUT, NEXT_OUT);
      rotate(word(s, OUTPUT), 4, nu, units + 1);
      moved(s, stats, energy);
      return;
    }
    shrinkBracket(s);
  }
}

/** out = rest + w h, squares = rest + h^2 for the moved unit of the last hidden layer. */
function addUnit(s: usize, w: f32, h: usize, vectors: i32): void {
  const weight = f32x4.splat(w);
  let rest = word(s, REST);
  let restSquares = word(s, REST_SQUARES);
  let out = word(s, NEXT_OUT);
  let squares = word(s, NEXT_SQUARES);
  const end = h + ((<usize>vectors) << 4);
  for (; h < end; h += 16, rest += 16, restSquares += 16, out += 16, squares += 16) {
    const x = v128.load(h);
    v128.store(out, f32x4.add(v128.load(rest), f32x4.mul(weight, x)));
    v128.store(squares, f32x4.add(v128.load(restSquares), f32x4.mul(x, x)));
  }
}

/** rest = out - w h, and the squares likewise, never below 0. */
function takeUnit(s: usize, w: f32, h: usize, vectors: i32): void {
  const weight = f32x4.splat(w);
  const zero = f32x4.splat(0);
  let rest = word(s, REST);
  let restSquares = word(s, REST_SQUARES);
  let out = word(s, OUT);
  let squares = word(s, SQUARES);
  const end = h + ((<usize>vectors) << 4);
  for (; h < end; h += 16, rest += 16, restSquares += 16, out += 16, squares += 16) {
    const x = v128.load(h);
    v128.store(rest, f32x4.sub(v128.load(out), f32x4.mul(weight, x)));
    v128.store(restSquares, f32x4.pmax(f32x4.sub(v128.load(squares), f32x4.mul(x, x)), zero));
  }
}

/** Draws nu for a unit of layer l and what it makes of the layer below. */
function drawUnit(s: usize, l: i32, out: i32): void {
  const layer = layerOf(s, l);
  const fanIn = load<i32>(layer, FAN_IN);
  gaussians(word(s, NU), word(layer, SCALES), (fanIn + 1 + out + 7) >> 3, word(s, STATE));
  const below = l > 1 ? word(layerOf(s, l - 1), H) : word(s, INPUTS);
  combine(below, fanIn, word(s, NU), word(s, TURN), load<i32>(s, VECTORS));
}

/** Moves unit u of the last hidden layer. */
function moveLast(s: usize, l: i32, u: i32): void {
  const layer = layerOf(s, l);
  const vectors = load<i32>(s, VECTORS);
  const row = (<usize>vectors) << 4;
  const fanIn = load<i32>(layer, FAN_IN);
  const activation = load<i32>(s, ACTIVATION);
  drawUnit(s, l, 1);
  const z = word(layer, Z) + <usize>u * row;
  const h = word(layer, H) + <usize>u * row;
  const nextZ = word(s, UNIT_Z);
  const nextH = word(s, UNIT_H);
  const out = word(s, OUTPUT) + ((<usize>u) << 2);
  const w = load<f32>(out);
  const nuOut = load<f32>(word(s, NU) + ((<usize>fanIn + 1) << 2));
  takeUnit(s, w, h, vectors);
  const stats = layer + STATS;
  const level = load<f32>(s, LEVEL);
  openBracket(s, stats);
  for (let i = 0; i < TRIES; i++) {
    turn(angle);
    blend(z, word(s, TURN), nextZ, vectors);
    activate(nextZ, nextH, vectors, activation);
    const next = cosine * w + sine * nuOut;
    addUnit(s, next, nextH, vectors);
    const energy = energyOf(s, word(s, NEXT_OUT), word(s, NEXT_SQUARES));
    evaluated(stats);
    if (energy <= level) {
      memory.copy(z, nextZ, row);
      memory.copy(h, nextH, row);
      swap(s, OUT, NEXT_OUT);
      swap(s, SQUARES, NEXT_SQUARES);
      rotate(word(layer, PARAMETERS) + <usize>u * ((<usize>fanIn + 1) << 2), 4, word(s, NU), fanIn + 1);
      store<f32>(out, next);
      moved(s, stats, energy);
      return;
    }
    shrinkBracket(s);
  }
}

/**
 * Two vectors of points of the ReLU layer above a moved unit, the last hidden one: z' = z + w' h' - w h for each of its
 * units, and the sums that the output needs. `factors` are (w, w', output weight) of each unit.
 */
function passUpPair(
  z: usize,
  nextZ: usize,
  nextH: usize,
  row: usize,
  factors: usize,
  end: usize,
  h: usize,
  next: usize,
  out: usize,
  squares: usize,
  bias: usize,
): void {
  const zero = f32x4.splat(0);
  const h0 = v128.load(h, 0);
  const h1 = v128.load(h, 16);
  const n0 = v128.load(next, 0);
  const n1 = v128.load(next, 16);
  let o0 = v128.load_splat<f32>(bias);
  let o1 = o0;
  let q0 = zero;
  let q1 = zero;
  for (; factors < end; factors += 12, z += row, nextZ += row, nextH += row) {
    const old = v128.load_splat<f32>(factors, 0);
    const now = v128.load_splat<f32>(factors, 4);
    let a = f32x4.add(v128.load(z, 0), f32x4.sub(f32x4.mul(now, n0), f32x4.mul(old, h0)));
    let b = f32x4.add(v128.load(z, 16), f32x4.sub(f32x4.mul(now, n1), f32x4.mul(old, h1)));
    v128.store(nextZ, a, 0);
    v128.store(nextZ, b, 16);
    a = f32x4.pmax(a, zero);
    b = f32x4.pmax(b, zero);
    v128.store(nextH, a, 0);
    v128.store(nextH, b, 16);
    const w = v128.load_splat<f32>(factors, 8);
    o0 = f32x4.add(o0, f32x4.mul(w, a));
    o1 = f32x4.add(o1, f32x4.mul(w, b));
    q0 = f32x4.add(q0, f32x4.mul(a, a));
    q1 = f32x4.add(q1, f32x4.mul(b, b));
  }
  v128.store(out, o0, 0);
  v128.store(out, o1, 16);
  v128.store(squares, q0, 0);
  v128.store(squares, q1, 16);
}

/** What a moved unit does to the layers above it, in the proposed buffers. */
function passUp(s: usize, l: i32, u: i32): void {
  const layer = layerOf(s, l);
  const above = layerOf(s, l + 1);
  const vectors = load<i32>(s, VECTORS);
  const row = (<usize>vectors) << 4;
  const fanIn = load<i32>(layer, FAN_IN);
  const units = load<i32>(above, UNITS);
  const nu = word(s, NU) + ((<usize>fanIn + 1) << 2);
  const weights = word(above, PARAMETERS) + ((<usize>u) << 2);
  const step = (<usize>load<i32>(above, FAN_IN) + 1) << 2;
  const z = word(above, Z);
  const nextZ = word(above, NEXT_Z);
  const h = word(layer, H) + <usize>u * row;
  const next = word(s, UNIT_H);
  const factors = word(s, FACTORS);
  const output = word(s, OUTPUT);
  const last = l + 1 == load<i32>(s, HIDDEN);
  const fused = last && load<i32>(s, ACTIVATION) != TANH;
  let at = factors;
  for (let k = 0; k < units; k++, at += 12) {
    const w = load<f32>(weights + <usize>k * step);
    store<f32>(at, w);
    store<f32>(at, cosine * w + sine * load<f32>(nu + ((<usize>k) << 2)), 4);
    if (last) store<f32>(at, load<f32>(output + ((<usize>k) << 2)), 8);
  }
  if (fused) {
    const out = word(s, NEXT_OUT);
    const squares = word(s, NEXT_SQUARES);
    const nextH = word(above, NEXT_H);
    const bias = output + ((<usize>units) << 2);
    // an even number of vectors: rows are padded
    for (let i: usize = 0; i < row; i += 32) {
      passUpPair(z + i, nextZ + i, nextH + i, row, factors, at, h + i, next + i, out + i, squares + i, bias);
    }
    return;
  }
  for (let k = 0; k < units; k++) {
    const old = v128.load_splat<f32>(factors + <usize>k * 12, 0);
    const now = v128.load_splat<f32>(factors + <usize>k * 12, 4);
    const from = z + <usize>k * row;
    const to = nextZ + <usize>k * row;
    for (let i: usize = 0; i < row; i += 16) {
      const change = f32x4.sub(f32x4.mul(now, v128.load(next + i)), f32x4.mul(old, v128.load(h + i)));
      v128.store(to + i, f32x4.add(v128.load(from + i), change));
    }
  }
  activate(nextZ, word(above, NEXT_H), vectors * units, load<i32>(s, ACTIVATION));
  forwardFrom(s, l + 2, word(above, NEXT_H));
}

/** Moves unit u of a hidden layer below the last. */
function moveInner(s: usize, l: i32, u: i32): void {
  const layer = layerOf(s, l);
  const above = layerOf(s, l + 1);
  const vectors = load<i32>(s, VECTORS);
  const row = (<usize>vectors) << 4;
  const fanIn = load<i32>(layer, FAN_IN);
  drawUnit(s, l, load<i32>(above, UNITS));
  const z = word(layer, Z) + <usize>u * row;
  const h = word(layer, H) + <usize>u * row;
  const stats = layer + STATS;
  const level = load<f32>(s, LEVEL);
  openBracket(s, stats);
  for (let i = 0; i < TRIES; i++) {
    turn(angle);
    blend(z, word(s, TURN), word(s, UNIT_Z), vectors);
    activate(word(s, UNIT_Z), word(s, UNIT_H), vectors, load<i32>(s, ACTIVATION));
    passUp(s, l, u);
    const energy = energyOf(s, word(s, NEXT_OUT), word(s, NEXT_SQUARES));
    evaluated(stats);
    if (energy <= level) {
      memory.copy(z, word(s, UNIT_Z), row);
      memory.copy(h, word(s, UNIT_H), row);
      accept(s, l + 1);
      const nu = word(s, NU);
      const into = (<usize>fanIn + 1) << 2;
      rotate(word(layer, PARAMETERS) + <usize>u * into, 4, nu, fanIn + 1);
      const step = (<usize>load<i32>(above, FAN_IN) + 1) << 2;
      rotate(word(above, PARAMETERS) + ((<usize>u) << 2), step, nu + into, load<i32>(above, UNITS));
      moved(s, stats, energy);
      return;
    }
    shrinkBracket(s);
  }
}

/** Output moves of a sweep, for each hidden layer. */
const OUTPUT_MOVES: i32 = 4;

/**
 * Sweeps over every unit of every hidden layer, with moves of the output layer between them, at the block's level.
 * The state must have been evaluated. @returns the energy.
 */
export function splittingSweeps(s: usize, sweeps: i32): f32 {
  const hidden = load<i32>(s, HIDDEN);
  for (let i = 0; i < sweeps; i++) {
    if (hidden == 0) {
      for (let k = 0; k < OUTPUT_MOVES; k++) moveOutput(s);
    }
    for (let l = 1; l <= hidden; l++) {
      const units = load<i32>(layerOf(s, l), UNITS);
      const every = max(1, units / OUTPUT_MOVES);
      for (let u = 0; u < units; u++) {
        if (l == hidden) moveLast(s, l, u);
        else moveInner(s, l, u);
        if (u % every == 0) moveOutput(s);
      }
    }
  }
  return load<f32>(s, ENERGY);
}

/** The output bits of the current state: `words` u32, point i in bit 31 - i % 32 of word i / 32. */
export function splittingBits(s: usize, out: usize): void {
  const zero = f32x4.splat(0);
  let z = word(s, OUT);
  const vectors = load<i32>(s, VECTORS);
  let bits: u32 = 0;
  for (let v = 0; v < vectors; v++, z += 16) {
    const four = i32x4.bitmask(f32x4.gt(v128.load(z), zero));
    for (let k = 0; k < 4; k++) bits |= ((<u32>four >> k) & 1) << (31 - ((4 * v + k) & 31));
    if ((v & 7) == 7 || v + 1 == vectors) {
      store<u32>(out, bits);
      out += 4;
      bits = 0;
    }
  }
}
