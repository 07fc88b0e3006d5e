/**
 * One instance of the WebAssembly module: its kernels, typed views on its memory, and the arena that owns the memory.
 * The only file that instantiates.
 *
 * @module
 */
import { instantiate } from "@assemblyscript/loader";

/** The module's exports. Addresses and sizes are bytes unless a kernel's own contract (assembly/) says otherwise. */
export interface KernelExports {
  heapBase(): number;
  philox4x32(counters: number, key0: number, key1: number, out: number): void;
  seedLanes(
    state: number,
    seedLow: number,
    seedHigh: number,
    indexLow: number,
    indexHigh: number,
    stream: number,
  ): void;
  xoshiroWords(out: number, vectors: number, state: number): void;
  gaussians(out: number, scale: number, groups: number, state: number): void;
  tanhArray(x: number, out: number, vectors: number): void;
  denseBlock(
    list: number,
    end: number,
    bias: number,
    fanOut4: number,
    activation: number,
    out: number,
    rows: number,
    rowStride: number,
  ): number;
  denseBlockSigns(
    list: number,
    end: number,
    bias: number,
    fanOut4: number,
    activation: number,
    output: number,
    outputBias: number,
  ): number;
  linearBlockSigns(list: number, end: number, bias: number): number;
  packPoints(
    x: number,
    points: number,
    features: number,
    rows: number,
    rowStride: number,
    out: number,
    blockStride: number,
    ends: number,
  ): void;
  chooseSigns(n: number, parameters: number, units4: number, turn: number, signs: number, masks: number): void;
  spreadAffine(
    n: number,
    parameters: number,
    units4: number,
    signs: number,
    base: number,
    low: number,
    rowBytes: number,
  ): void;
  sumRow(a: number, b: number, out: number, units16: number, masks: number): void;
  sparseDense(
    row: number,
    masks: number,
    chunks: number,
    weights: number,
    rowStride: number,
    a: number,
    b: number,
    fanOut4: number,
    zeros: number,
    out: number,
    output: number,
  ): void;
  rowDot(row: number, units4: number, output: number, out: number): void;
  sumSigns(sums: number, stride: number, bias: number): number;
  drawHidden(
    plan: number,
    seedLow: number,
    seedHigh: number,
    indexLow: number,
    indexHigh: number,
    stream: number,
  ): void;
  drawOutput(plan: number): void;
  firstLayer(plan: number): void;
  evaluateKeys(plan: number): void;
  sampleFunctions(
    plan: number,
    table: number,
    seedLow: number,
    seedHigh: number,
    indexLow: number,
    indexHigh: number,
    stream: number,
    bodies: number,
  ): void;
  tableInsert(table: number, key: number, words: number): number;
  tableMove(from: number, to: number, words: number): void;
  tableCompact(table: number, words: number): number;
  sortRows(rows: number, count: number, stride: number, words: number, scratch: number): void;
  mergeRows(cursors: number, count: number, heap: number, state: number, words: number, stride: number): number;
  classHash(key: number, words: number, points: number, bits: number, negation: number, scratch: number): bigint;
  naturalLog(x: number): number;
  logOnePlus(x: number): number;
  expMinusOne(x: number): number;
  orbitInvariant(row: number, n: number, negation: number): bigint;
  orbitSize(row: number, n: number, negation: number, scratch: number): number;
  orbitMembers(row: number, n: number, negation: number, out: number, capacity: number, scratch: number): number;
  orbitCanonical(row: number, n: number, negation: number, out: number, scratch: number): void;
  orbitSizeBatch(
    rows: number,
    stride: number,
    count: number,
    n: number,
    negation: number,
    out: number,
    scratch: number,
  ): void;
  lempelZivWords(row: number, bits: number, scratch: number): number;
  lempelZivWordsReversed(row: number, bits: number, scratch: number): number;
  lempelZivBatch(rows: number, stride: number, count: number, bits: number, out: number, scratch: number): void;
  entropyBatch(rows: number, stride: number, count: number, bits: number, out: number): void;
  sensitivityBatch(rows: number, stride: number, count: number, n: number, out: number, scratch: number): void;
  sgdStep(w: number, g: number, vectors: number, rate: number, lambda: number): void;
  momentumStep(
    w: number,
    g: number,
    m: number,
    vectors: number,
    rate: number,
    lambda: number,
    mu: number,
    nesterov: number,
  ): void;
  adamStep(
    w: number,
    g: number,
    m: number,
    v: number,
    vectors: number,
    lambda: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    scale: number,
    root: number,
  ): void;
  adagradStep(w: number, g: number, v: number, vectors: number, rate: number, lambda: number, epsilon: number): void;
  rmspropStep(
    w: number,
    g: number,
    v: number,
    vectors: number,
    rate: number,
    lambda: number,
    alpha: number,
    epsilon: number,
  ): void;
  langevinStep(
    y: number,
    g: number,
    x: number,
    mean: number,
    noise: number,
    vectors: number,
    rate: number,
    lambda: number,
    gamma: number,
    alpha: number,
  ): void;
  matmul(
    a: number,
    ars: number,
    aks: number,
    b: number,
    bks: number,
    bcs: number,
    c: number,
    cs: number,
    m: number,
    n: number,
    depth: number,
    add: number,
    packA: number,
    packB: number,
  ): void;
  packBytes(n: number): number;
  packRowsBytes(): number;
  lossBlock(
    kind: number,
    z: number,
    stride: number,
    outputs: number,
    targets: number,
    indices: number,
    count: number,
    scale: number,
    d: number,
    p: number,
  ): number;
  lossCurvature(
    kind: number,
    p: number,
    r: number,
    stride: number,
    outputs: number,
    count: number,
    scale: number,
    out: number,
  ): void;
  lossAt(plan: number, first: number, indices: number, count: number, outputs: number): number;
  wrongPredictions(): number;
  gradientAt(plan: number, first: number, indices: number, count: number): number;
  partialGradientAt(plan: number, first: number, count: number, all: number): number;
  signMargins(outputs: number, targets: number, count: number, out: number): void;
  signLoss(margins: number, count: number, beta: number): number;
  wrongSigns(outputs: number, targets: number, count: number): number;
  signLossGradient(plan: number, count: number, beta: number, outputs: number, slopes: number): number;
  hamiltonianEvaluate(chain: number): number;
  hamiltonianMove(chain: number, steps: number): number;
  fromFlat(plan: number, flat: number, out: number): void;
  toFlat(plan: number, from: number, flat: number): void;
  transposeMatrix(x: number, stride: number, rows: number, columns: number, out: number, outStride: number): void;
  ascentSteps(
    plan: number,
    low: number,
    high: number,
    best: number,
    indices: number,
    count: number,
    batch: number,
    all: number,
    rate: number,
    result: number,
  ): void;
  hessianAt(plan: number, first: number, count: number, all: number): void;
  gaussNewtonAt(plan: number, first: number, count: number, all: number): void;
  gaussNewtonTraceAt(plan: number, first: number, count: number): number;
  sparsePoint(x: number, features: number, rowBytes: number, out: number): number;
  optimiserBytes(): number;
  trainSteps(plan: number, optimiser: number, indices: number, count: number, batch: number, rate: number): number;
  difference(a: number, b: number, out: number, vectors: number): void;
  offset(x: number, d: number, c: number, out: number, vectors: number): void;
  sumOfSquares(x: number, vectors: number): number;
  criticalSampleRatioBatch(rows: number, stride: number, count: number, n: number, out: number, scratch: number): void;
  rowDots64(rows: number, count: number, stride: number, v: number, bytes: number, out: number): void;
  addRows64(v: number, rows: number, count: number, stride: number, c: number, bytes: number): void;
  tridiagonalRow(a: number, i: number, v: number, q: number, x: number, p: number, d: number, e: number): number;
  tridiagonalTile(a: number, i: number, tile: number, v: number, q: number, x: number, p: number): void;
  tridiagonalVectors(i: number, half: number, v: number, q: number, x: number, p: number): void;
  normalDensity(z: number): number;
  normalCdf(z: number): number;
  logNormalCdf(z: number): number;
  inverseMills(z: number): number;
  normalExcess(x: number): number;
  tailVariance(x: number): number;
  panelProducts(out: number, a: number, b: number, stride: number, depth: number, from: number, to: number): void;
  panelUpdate(target: number, first: number, last: number, lower: number, from: number, to: number): void;
  panelSolve(target: number, first: number, lower: number, inverses: number, from: number, to: number): void;
  panelFactor(lower: number, inverses: number, i: number, first: number): number;
  panelNorms(target: number, first: number, last: number, out: number): void;
  forwardSolve(lower: number, inverses: number, panels: number, y: number): void;
  backwardSolve(lower: number, inverses: number, panels: number, y: number): void;
  symmetricProduct(a: number, panels: number, x: number, y: number): void;
  scaledPlusIdentity(a: number, root: number, out: number, from: number, to: number): void;
  scaledRow(a: number, panels: number, root: number, row: number, lane: number, out: number): void;
  layerKernel(
    a: number,
    diagonal: number,
    from: number,
    to: number,
    activation: number,
    weightVariance: number,
    biasVariance: number,
  ): void;
  affineKernel(a: number, from: number, to: number, weightVariance: number, biasVariance: number): void;
  siteMoments(
    count: number,
    noise: number,
    labels: number,
    share: number,
    variance: number,
    mean: number,
    weight: number,
    precision: number,
    shift: number,
    sums: number,
  ): void;
  probitDerivatives(count: number, labels: number, f: number, slope: number, curvature: number): number;
  sumOfLogs(x: number, count: number): number;
  upperQuantile(q: number): number;
  exponential(x: number): number;
  orthantCoefficients(columns: number, stride: number, k: number, p: number, out: number): void;
  orthantPivot(n: number, column: number, p: number, mean: number, variance: number, done: number): void;
  orthantNext(n: number, mean: number, variance: number, done: number, tolerance: number): number;
  orthantHazards(t: number, n: number, h: number, slope: number): number;
  orthantWorkBytes(n: number): number;
  orthantBlocks(plan: number, first: number, blocks: number, out: number): void;
  weightSums(logs: number, n: number, out: number): void;
}

const PAGE = 65536;
/** An instance that has grown beyond this is not kept for later. */
const SPARE_BYTES = 2 ** 26;
/** 32-bit addresses: no instance can have more. */
const MAXIMUM_PAGES = 65536;

/** Waits between attempts to reserve a memory, in milliseconds. */
const RESERVE_WAITS = [0, 30, 100, 300, 1000, 3000];

async function reserveMemory(): Promise<WebAssembly.Memory> {
  for (const wait of RESERVE_WAITS) {
    try {
      return new WebAssembly.Memory({ initial: 2, maximum: MAXIMUM_PAGES });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  return new WebAssembly.Memory({ initial: 2, maximum: MAXIMUM_PAGES });
}

/** One instance with its own memory. Not shared between threads. */
export class Kernels {
  readonly exports: KernelExports;
  readonly memory: WebAssembly.Memory;
  readonly #module: WebAssembly.Module;
  readonly #spare: Kernels[] = [];
  #next: number;

  private constructor(exports: KernelExports, memory: WebAssembly.Memory, module: WebAssembly.Module) {
    this.exports = exports;
    this.memory = memory;
    this.#module = module;
    this.#next = exports.heapBase();
  }

  /**
   * Instantiates the compiled module.
   *
   * @throws RangeError if there is no room for its memory, after some seconds of trying: browsers reserve gigabytes of
   * addresses for each, and free those of workers and pages that have gone late.
   */
  static async create(module: WebAssembly.Module): Promise<Kernels> {
    const memory = await reserveMemory();
    const instance = await instantiate(module, { env: { memory } });
    return new Kernels(instance.exports as unknown as KernelExports, memory, module);
  }

  /** Whether its memory has grown so that it had better not be kept for others to use. */
  get large(): boolean {
    return this.memory.buffer.byteLength > SPARE_BYTES;
  }

  /** Whether it may be kept for others to use: it holds nothing, and has not grown large. */
  get reusable(): boolean {
    return this.#next === this.exports.heapBase() && !this.large;
  }

  /**
   * Runs `body` with another instance, which has a memory of its own: for work that holds memory while others use this one.
   * Instances are used again: a browser reserves gigabytes of addresses for each, and frees them late.
   */
  async another<T>(body: (own: Kernels) => Promise<T>): Promise<T> {
    const own = this.#spare.pop() ?? (await Kernels.create(this.#module));
    const mark = own.mark();
    try {
      return await body(own);
    } finally {
      own.release(mark);
      if (own.reusable) this.#spare.push(own);
    }
  }

  /** The arena's present end; give it to `release` to free all that was allocated since. */
  mark(): number {
    return this.#next;
  }

  /** Frees everything allocated since `mark`. Views on it must not be used any more. */
  release(mark: number): void {
    this.#next = mark;
  }

  /**
   * Allocates zeroed memory. May grow the memory, which detaches earlier views.
   *
   * @param bytes size.
   * @param align power of two.
   * @returns its address.
   * @throws RangeError if 32-bit memory does not reach that far or the machine has no more.
   */
  allocate(bytes: number, align = 16): number {
    const address = Math.ceil(this.#next / align) * align;
    const end = address + bytes;
    const missing = Math.ceil(end / PAGE) - this.memory.buffer.byteLength / PAGE;
    if (missing > 0) {
      // grow first: the arena only advances once the memory is there
      try {
        this.memory.grow(missing);
      } catch {
        throw new RangeError(`memory: a kernel needs ${end} bytes, more than WebAssembly memory can grow to here`);
      }
    }
    this.#next = end;
    new Uint8Array(this.memory.buffer, address, bytes).fill(0);
    return address;
  }

  /** A view of `length` f32 at `address`, valid until the next `allocate`. */
  f32(address: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.memory.buffer as ArrayBuffer, address, length);
  }

  /** A view of `length` f64, valid until the next `allocate`. */
  f64(address: number, length: number): Float64Array<ArrayBuffer> {
    return new Float64Array(this.memory.buffer as ArrayBuffer, address, length);
  }

  /** A view of `length` u32, valid until the next `allocate`. */
  u32(address: number, length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.memory.buffer as ArrayBuffer, address, length);
  }

  /** A view of `length` i32, valid until the next `allocate`. */
  i32(address: number, length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.memory.buffer as ArrayBuffer, address, length);
  }

  /** Allocates and copies in. @returns the address. */
  put(data: Float32Array | Float64Array | Uint32Array | Int32Array): number {
    const address = this.allocate(data.byteLength);
    new Uint8Array(this.memory.buffer, address, data.byteLength).set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    );
    return address;
  }

  /** Runs `body` and frees what it allocated. */
  scoped<T>(body: () => T): T {
    const mark = this.mark();
    try {
      return body();
    } finally {
      this.release(mark);
    }
  }
}
