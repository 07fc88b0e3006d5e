/** Bad input: the error's class, and the argument and value in its text. */
import { afterAll, describe, expect, it } from "vitest";
import { readNpy } from "../src/data/npy.ts";
import {
  type Dataset,
  flatness,
  landscape,
  readSafetensors,
  rescale,
  train,
  weightsFromTensors,
} from "../src/flatness.ts";
import { countFunctions, createPool, defineNetwork, mergeTables, sampleParameters } from "../src/index.ts";

const pool = createPool({ workers: 0 });
afterAll(() => pool.close());
const good = { layers: [3, 4, 1] };
// wrong on purpose, past the types
const loose = (value: unknown): never => value as never;

type Wrong = readonly [what: string, call: () => unknown, kind: ErrorConstructor, message: RegExp];

async function failure(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("no error was thrown");
}

function each(cases: readonly Wrong[]): void {
  it.each(cases.map((c) => [...c] as [string, () => unknown, typeof TypeError, RegExp]))(
    "%s",
    async (_, call, kind, message) => {
      const error = await failure(call);
      expect(error.message).toMatch(message);
      expect(error.constructor).toBe(kind);
      expect(error.message).not.toMatch(/\n/);
    },
  );
}

const network = (options: object) => () => defineNetwork(loose(options));

describe("network", () => {
  each([
    ["nothing", () => defineNetwork(loose(undefined)), TypeError, /^network: .*undefined/],
    ["null", () => defineNetwork(loose(null)), TypeError, /^network: .*null/],
    ["an array", () => defineNetwork(loose([7, 1])), TypeError, /^network: .*\[7,1\]/],
    ["no layers", network({}), TypeError, /^layers: .*undefined/],
    ["layers as text", network({ layers: "7,40,1" }), TypeError, /^layers: .*"7,40,1"/],
    ["no layer", network({ layers: [] }), RangeError, /^layers: .*\[\]/],
    ["one layer", network({ layers: [7] }), RangeError, /^layers: .*\[7\]/],
    ["a negative layer", network({ layers: [7, -3, 1] }), RangeError, /^layers\[1\]: .*got -3$/],
    ["an empty layer", network({ layers: [7, 0, 1] }), RangeError, /^layers\[1\]: .*got 0$/],
    ["a fraction", network({ layers: [7, 2.5, 1] }), RangeError, /^layers\[1\]: .*got 2\.5$/],
    ["NaN", network({ layers: [Number.NaN, 1] }), RangeError, /^layers\[0\]: .*got NaN$/],
    ["infinite", network({ layers: [7, Number.POSITIVE_INFINITY, 1] }), RangeError, /^layers\[1\]: .*got Infinity$/],
    ["a layer as text", network({ layers: [7, "40", 1] }), TypeError, /^layers\[1\]: .*got "40"$/],
    ["too wide", network({ layers: [7, 1e6, 1] }), RangeError, /^layers\[1\]: .*got 1000000$/],
    ["too many parameters", network({ layers: [60_000, 60_000, 1] }), RangeError, /^layers: .*parameters/],
    ["a hole", network({ layers: [7, undefined, 1] }), TypeError, /^layers\[1\]: .*undefined/],
    [
      "an unknown activation",
      network({ ...good, activation: "gelu" }),
      RangeError,
      /^activation: .*relu, tanh.*"gelu"/,
    ],
    ["an activation of the wrong kind", network({ ...good, activation: 1 }), TypeError, /^activation: .*got 1$/],
    ["a negative variance", network({ ...good, sigmaW2: -1 }), RangeError, /^sigmaW2: .*got -1$/],
    ["a NaN variance", network({ ...good, sigmaB2: Number.NaN }), RangeError, /^sigmaB2: .*got NaN$/],
    [
      "an infinite variance",
      network({ ...good, sigmaB2: Number.POSITIVE_INFINITY }),
      RangeError,
      /^sigmaB2: .*Infinity$/,
    ],
    ["a variance as text", network({ ...good, sigmaW2: "2" }), TypeError, /^sigmaW2: .*"2"$/],
    ["a variance as bigint", network({ ...good, sigmaW2: 2n }), TypeError, /^sigmaW2: .*2n$/],
    ["variances beyond f32", network({ layers: [3, 4, 4, 4, 4, 4, 1], sigmaW2: 1e12 }), RangeError, /^sigmaW2: .*f32/],
    ["variances below f32", network({ ...good, sigmaW2: 1e-70, sigmaB2: 0 }), RangeError, /^sigmaW2: .*f32/],
    ["a bias variance that f32 rounds to 0", network({ ...good, sigmaB2: 1e-100 }), RangeError, /^sigmaB2: .*1e-100/],
    ["a misspelt option", network({ ...good, sigmaw2: 2 }), TypeError, /^network\.sigmaw2: .*sigmaW2/],
  ]);
});

const count =
  (options: object, net: object = good) =>
  () =>
    countFunctions(loose(net), loose({ samples: 10, pool, ...options }));

describe("countFunctions", () => {
  each([
    ["no options", () => countFunctions(good, loose(undefined)), TypeError, /^options: .*undefined/],
    ["two outputs", count({}, { layers: [3, 4, 2] }), RangeError, /^layers\[2\]: .*one output.*got 2$/],
    ["too many Boolean inputs", count({}, { layers: [11, 4, 1] }), RangeError, /^layers\[0\]: .*10.*11/],
    ["no samples given", () => countFunctions(good, loose({ pool })), TypeError, /^samples: .*undefined/],
    ["0 samples", count({ samples: 0 }), RangeError, /^samples: .*got 0$/],
    ["negative samples", count({ samples: -5 }), RangeError, /^samples: .*got -5$/],
    ["samples as text", count({ samples: "1e6" }), TypeError, /^samples: .*"1e6"$/],
    ["samples as bigint", count({ samples: 10n }), TypeError, /^samples: .*10n$/],
    ["a fraction of a sample", count({ samples: 1.5 }), RangeError, /^samples: .*got 1\.5$/],
    ["NaN samples", count({ samples: Number.NaN }), RangeError, /^samples: .*got NaN$/],
    ["infinite samples", count({ samples: Number.POSITIVE_INFINITY }), RangeError, /^samples: .*Infinity$/],
    ["too many samples", count({ samples: 2 ** 53 }), RangeError, /^samples: .*9007199254740992$/],
    [
      "samples that cut a body",
      count({ samples: 10, outputDraws: 4 }),
      RangeError,
      /^samples: .*multiple of outputDraws = 4, got 10$/,
    ],
    [
      "a firstSample that cuts a body",
      count({ samples: 8, outputDraws: 4, firstSample: 2 }),
      RangeError,
      /^firstSample: .*got 2$/,
    ],
    ["a negative firstSample", count({ firstSample: -1 }), RangeError, /^firstSample: .*got -1$/],
    ["0 output draws", count({ outputDraws: 0 }), RangeError, /^outputDraws: .*got 0$/],
    ["too many output draws", count({ samples: 512, outputDraws: 512 }), RangeError, /^outputDraws: .*got 512$/],
    ["a negative seed", count({ seed: -1 }), RangeError, /^seed: .*got -1$/],
    ["a fraction as seed", count({ seed: 0.5 }), RangeError, /^seed: .*got 0\.5$/],
    ["NaN as seed", count({ seed: Number.NaN }), RangeError, /^seed: .*got NaN$/],
    ["an unsafe seed", count({ seed: 2 ** 53 }), RangeError, /^seed: .*bigint.*9007199254740992$/],
    ["a seed of 65 bits", count({ seed: 2n ** 64n }), RangeError, /^seed: .*18446744073709551616n$/],
    ["a negative bigint seed", count({ seed: -1n }), RangeError, /^seed: .*-1n$/],
    ["a seed as text", count({ seed: "1" }), TypeError, /^seed: .*"1"$/],
    ["negative workers", count({ workers: -1, pool: undefined }), RangeError, /^workers: .*got -1$/],
    ["workers as text", count({ workers: "2", pool: undefined }), TypeError, /^workers: .*"2"$/],
    ["a thousand workers", count({ workers: 1000, pool: undefined }), RangeError, /^workers: .*got 1000$/],
    ["workers beside a pool", count({ workers: 2 }), TypeError, /^workers: .*pool/],
    ["something else as pool", count({ pool: {} }), TypeError, /^pool: .*an object Object/],
    ["a negative memoryLimit", count({ memoryLimit: -1 }), RangeError, /^memoryLimit: .*got -1$/],
    ["chunks of nothing", count({ chunkSize: 0 }), RangeError, /^chunkSize: .*got 0$/],
    ["a misspelt option", count({ sample: 10 }), TypeError, /^options\.sample: .*samples/],
    ["a signal of the wrong kind", count({ signal: {} }), TypeError, /^signal: /],
    ["onProgress of the wrong kind", count({ onProgress: 3 }), TypeError, /^onProgress: .*got 3/],
    ["a spill store of the wrong kind", count({ spill: "/tmp" }), TypeError, /^spill: .*"\/tmp"/],
  ]);
});

describe("inputs", () => {
  const inputs = (data: unknown, points: unknown) => count({ inputs: { data, points } });
  each([
    ["an array", count({ inputs: [1, 2, 3] }), TypeError, /^inputs: .*\[1,2,3\]/],
    ["null", count({ inputs: null }), TypeError, /^inputs: .*null/],
    ["no data", inputs(undefined, 1), TypeError, /^inputs\.data: .*undefined/],
    ["data as text", inputs("123", 1), TypeError, /^inputs\.data: .*"123"/],
    ["no points", inputs([1, 2, 3], undefined), TypeError, /^inputs\.points: .*undefined/],
    ["0 points", inputs([], 0), RangeError, /^inputs\.points: .*got 0$/],
    ["too many points", inputs(new Float32Array(3 * 1025), 1025), RangeError, /^inputs\.points: .*got 1025$/],
    ["too little data", inputs([1, 2, 3, 4, 5], 2), RangeError, /^inputs\.data: .*2 points x 3 features = 6.*got 5$/],
    ["too much data", inputs([1, 2, 3, 4], 1), RangeError, /^inputs\.data: .*got 4$/],
    ["NaN", inputs([1, Number.NaN, 3], 1), RangeError, /^inputs\.data\[1\]: .*got NaN$/],
    ["infinite", inputs([1, 2, Number.NEGATIVE_INFINITY], 1), RangeError, /^inputs\.data\[2\]: .*got -Infinity$/],
    ["beyond f32", inputs([1e39, 2, 3], 1), RangeError, /^inputs\.data\[0\]: .*got 1e\+39$/],
    ["text inside", inputs([1, "x", 3], 1), RangeError, /^inputs\.data\[1\]: .*got "x"$/],
    ["values that overflow f32 inside the network", inputs([3e38, 3e38, 3e38], 1), RangeError, /^inputs\.data/],
  ]);
});

describe("FunctionTable", () => {
  const table = (call: (t: Awaited<ReturnType<typeof countFunctions>>) => unknown) => async () =>
    call(await countFunctions(good, { samples: 10, pool }));
  each([
    ["no function", table((t) => t.count(loose(undefined))), TypeError, /^function: .*undefined/],
    ["a number as function", table((t) => t.count(loose(12))), TypeError, /^function: .*got 12/],
    ["a short function", table((t) => t.count("a")), RangeError, /^function: .*2 hex digits.*got 1: "a"/],
    ["a long function", table((t) => t.probability("abc")), RangeError, /^function: .*got 3: "abc"/],
    ["an empty function", table((t) => t.orbit("")), RangeError, /^function: .*got 0: ""/],
    ["no hex", table((t) => t.count("0x")), RangeError, /^function: .*"x" at position 1/],
    ["a sign", table((t) => t.count("-1")), RangeError, /^function: .*"-" at position 0/],
    ["a negative k", table((t) => t.top(-1)), RangeError, /^k: .*got -1$/],
    ["a fraction as k", table((t) => t.top(1.5)), RangeError, /^k: .*got 1\.5$/],
    ["an infinite k", table((t) => t.top(Number.POSITIVE_INFINITY)), RangeError, /^k: .*Infinity$/],
    ["no k", table((t) => t.top(loose(undefined))), TypeError, /^k: .*undefined/],
    ["merging nothing", () => mergeTables([]), TypeError, /^tables: /],
    ["merging something else", () => mergeTables(loose([{}])), TypeError, /^tables: /],
    ["merging no array", () => mergeTables(loose(undefined)), TypeError, /^tables: /],
  ]);
});

describe("sampleParameters and createPool", () => {
  const sample = (options: object) => () => sampleParameters(good, loose(options));
  each([
    ["a negative sample", sample({ sample: -1 }), RangeError, /^sample: .*got -1$/],
    ["a sample as text", sample({ sample: "0" }), TypeError, /^sample: .*"0"$/],
    ["a bad seed", sample({ seed: 1.5 }), RangeError, /^seed: .*1\.5$/],
    ["0 output draws", sample({ outputDraws: 0 }), RangeError, /^outputDraws: .*got 0$/],
    ["more output draws than a count takes", sample({ outputDraws: 257 }), RangeError, /^outputDraws: .*got 257$/],
    ["boolean of the wrong kind", sample({ boolean: "yes" }), TypeError, /^boolean: .*"yes"/],
    [
      "too many features for Boolean inputs",
      () => sampleParameters({ layers: [11, 1] }, { boolean: true }),
      RangeError,
      /^boolean: .*11/,
    ],
    ["a misspelt option", sample({ samples: 0 }), TypeError, /^options\.samples: /],
    ["two outputs", () => sampleParameters({ layers: [3, 2] }), RangeError, /^layers\[1\]: .*got 2/],
    ["pool options of the wrong kind", () => createPool(loose(4)), TypeError, /^pool: .*got 4/],
    ["a fraction of a worker", () => createPool({ workers: 1.5 }), RangeError, /^workers: .*1\.5$/],
    [
      "a worker factory of the wrong kind",
      () => createPool({ worker: loose("worker.js") }),
      TypeError,
      /^worker: .*"worker\.js"/,
    ],
    ["a misspelt pool option", () => createPool(loose({ threads: 4 })), TypeError, /^pool\.threads: /],
  ]);
});

describe("sets of points, for train, flatness and landscape alike", () => {
  const two = { layers: [3, 4, 2] };
  const set = (change: object = {}): Dataset => ({
    points: 2,
    features: 3,
    inputs: Float32Array.of(1, 0, 1, 0, 1, 0),
    targets: Float32Array.of(0, 1),
    ...change,
  });
  const at = (index: number, value: number) => set().inputs.map((x, i) => (i === index ? value : x));
  const cases: ReadonlyArray<readonly [string, unknown, object, typeof TypeError, RegExp]> = [
    ["nothing", undefined, {}, TypeError, /^data: expected an object, got undefined$/],
    ["an array", [1, 2], {}, TypeError, /^data: expected an object, got \[1,2\]$/],
    ["a misspelt field", set({ target: 1 }), {}, TypeError, /^data\.target: no such option; known: points, /],
    ["no points", set({ points: 0 }), {}, RangeError, /^data\.points: expected an integer from 1 .* got 0$/],
    [
      "an empty set",
      { points: 0, features: 3, inputs: new Float32Array(0), targets: new Float32Array(0) },
      {},
      RangeError,
      /^data\.points: .* got 0$/,
    ],
    [
      "other features",
      set({ features: 2 }),
      {},
      RangeError,
      /^data\.features: expected 3, the network's inputs, got 2$/,
    ],
    [
      "too few inputs",
      set({ inputs: new Float32Array(5) }),
      {},
      RangeError,
      /^data\.inputs: expected 6 numbers, got 5$/,
    ],
    [
      "too many targets",
      set({ targets: new Float32Array(3) }),
      {},
      RangeError,
      /^data\.targets: expected 2 numbers, got 3$/,
    ],
    [
      "inputs as an array",
      set({ inputs: [1, 2] }),
      {},
      TypeError,
      /^data\.inputs: expected a Float32Array, got \[1,2\]$/,
    ],
    ["doubles", set({ inputs: new Float64Array(6) }), {}, TypeError, /^data\.inputs: .* got a Float64Array$/],
    [
      "a NaN input",
      set({ inputs: at(4, Number.NaN) }),
      {},
      RangeError,
      /^data\.inputs\[4\]: expected a finite number, got NaN$/,
    ],
    [
      "an infinite input",
      set({ inputs: at(0, Number.NEGATIVE_INFINITY) }),
      {},
      RangeError,
      /^data\.inputs\[0\]: expected a finite number, got -Infinity$/,
    ],
    [
      "the label 2 of 2",
      set({ targets: Float32Array.of(0, 2) }),
      {},
      RangeError,
      /^data\.targets\[1\]: expected 0 or 1, got 2$/,
    ],
    [
      "a negative label",
      set({ targets: Float32Array.of(-1, 0) }),
      {},
      RangeError,
      /^data\.targets\[0\]: expected 0 or 1, got -1$/,
    ],
    ["half a label", set({ targets: Float32Array.of(0.5, 0) }), {}, RangeError, /^data\.targets\[0\]: .* got 0\.5$/],
    [
      "a NaN label",
      set({ targets: Float32Array.of(0, Number.NaN) }),
      {},
      RangeError,
      /^data\.targets\[1\]: .* got NaN$/,
    ],
    [
      "a class beyond the outputs",
      set({ targets: Float32Array.of(0, 2) }),
      { net: two, loss: "ce" },
      RangeError,
      /^data\.targets\[1\]: expected an integer from 0 to 1, got 2$/,
    ],
    [
      "one target for two outputs",
      set(),
      { net: two, loss: "mse" },
      RangeError,
      /^data\.targets: expected 4 numbers, got 2$/,
    ],
    [
      "an infinite target",
      set({ targets: Float32Array.of(0, Number.POSITIVE_INFINITY) }),
      { loss: "mse" },
      RangeError,
      /^data\.targets\[1\]: expected a finite number, got Infinity$/,
    ],
    ["no loss", set(), { loss: undefined }, TypeError, /^loss: expected one of bce, ce, mse, got undefined$/],
    ["no such loss", set(), { loss: "hinge" }, RangeError, /^loss: expected one of bce, ce, mse, got "hinge"$/],
    ["the wrong loss", set(), { loss: "ce" }, RangeError, /^loss: expected "bce" or "mse" for one output, got "ce"$/],
    ["NaN parameters", set(), { w: Number.NaN }, RangeError, /^parameters\[20\]: expected a finite number, got NaN$/],
    [
      "infinite parameters",
      set(),
      { w: Infinity },
      RangeError,
      /^parameters\[20\]: expected a finite number, got Infinity$/,
    ],
    ["too few parameters", set(), { short: true }, RangeError, /^parameters: expected 21 numbers, got 20$/],
    ["parameters as an array", set(), { array: true }, TypeError, /^parameters: expected a Float32Array, got \[\]$/],
  ];
  const calls: ReadonlyArray<readonly [string, (net: never, w: never, data: never, loss: never) => Promise<unknown>]> =
    [
      ["train", (net, parameters, data, loss) => train(net, data, { loss, targetLoss: 0, parameters, pool })],
      ["flatness", (net, parameters, data, loss) => flatness(net, parameters, data, { loss, measures: [], pool })],
      ["landscape", (net, parameters, data, loss) => landscape(net, parameters, data, { loss, steps: 1, pool })],
    ];
  for (const [verb, call] of calls) {
    each(
      cases.map(([what, data, changes, kind, message]) => {
        const { net = good, loss, w, short, array } = { loss: "bce", ...changes } as Record<string, unknown>;
        const parameters = new Float32Array(defineNetwork(loose(net)).parameterCount - (short ? 1 : 0));
        if (w !== undefined) parameters[20] = w as number;
        return [
          `${verb}: ${what}`,
          () => call(loose(net), loose(array ? [] : parameters), loose(data), loose(loss)),
          kind,
          message,
        ];
      }),
    );
  }
  each([
    [
      "a test set with a label out of range",
      () => train(good, set(), { loss: "bce", test: set({ targets: Float32Array.of(0, 3) }), pool }),
      RangeError,
      /^test\.targets\[1\]: expected 0 or 1, got 3$/,
    ],
    [
      "an empty test set",
      () => train(good, set(), { loss: "bce", test: set({ points: 0 }), pool }),
      RangeError,
      /^test\.points: .* got 0$/,
    ],
  ]);
});

describe("weights and files", () => {
  const tensor = (shape: number[], ...values: number[]) => ({ shape, data: Float32Array.from(values) });
  const weights = (tensors: object) => () => weightsFromTensors(new Map(Object.entries(loose(tensors))));
  each([
    [
      "shapes that do not chain",
      weights({
        "0.weight": tensor([2, 1], 1, 1),
        "0.bias": tensor([2], 0, 0),
        "2.weight": tensor([1, 3], 1, 1, 1),
        "2.bias": tensor([1], 0),
      }),
      RangeError,
      /^weights: 2\.weight: expected 2 inputs, the layer before has as many outputs, got 3$/,
    ],
    [
      "NaN weights",
      weights({ "0.weight": tensor([1, 2], 1, Number.NaN), "0.bias": tensor([1], 0) }),
      RangeError,
      /^weights: 0\.weight\[1\]: expected a finite number, got NaN$/,
    ],
    [
      "an infinite bias",
      weights({ "0.weight": tensor([1, 1], 1), "0.bias": tensor([1], Number.POSITIVE_INFINITY) }),
      RangeError,
      /^weights: 0\.bias\[0\]: expected a finite number, got Infinity$/,
    ],
    [
      "an empty layer",
      weights({ "0.weight": tensor([0, 1]), "0.bias": tensor([0]) }),
      RangeError,
      /^weights: 0\.weight: .* \(0, 1\)$/,
    ],
    ["no tensors", weights({}), RangeError, /^weights: expected at least one layer, got no tensors$/],
    ["no .npy file", () => readNpy(new Uint8Array(3)), RangeError, /^npy: expected a \.npy file, got other bytes$/],
    ["no .safetensors file", () => readSafetensors(new Uint8Array(3)), RangeError, /^safetensors: .* got 3$/],
    [
      "NaN parameters to rescale",
      () => rescale(good, new Float32Array(21).fill(Number.NaN), { layer: 1, alpha: 2 }),
      RangeError,
      /^parameters\[0\]: expected a finite number, got NaN$/,
    ],
  ]);
});

describe("what leaves f32 on the way", () => {
  const point = (x: number): Dataset => ({
    points: 1,
    features: 1,
    inputs: Float32Array.of(x),
    targets: Float32Array.of(0),
  });
  const net = { layers: [1, 1, 1] };
  const huge = Float32Array.of(1e30, 0, 1e30, 0);
  each([
    [
      "a training whose loss overflows",
      () =>
        train(net, point(1), {
          loss: "mse",
          targetLoss: 0.1,
          learningRate: 1e30,
          parameters: Float32Array.of(1, 1, 1, 1),
          pool,
        }),
      Error,
      /^train: it diverged in epoch \d+: the loss became (NaN|Infinity) \(learningRate 1e\+30\)$/,
    ],
    // the first weight becomes -Infinity, which turns its unit off, and the bias alone puts the point right
    [
      "a training of no error whose weights are infinite",
      () =>
        train(net, point(1e20), { loss: "bce", learningRate: 1e30, parameters: Float32Array.of(1e-20, 0, 1, 0), pool }),
      Error,
      /^train: it diverged in epoch 1: parameters\[0\] became -Infinity \(learningRate 1e\+30\)$/,
    ],
    [
      "a history of a training that diverges",
      () => train(net, point(1), { loss: "bce", historyEvery: 1, parameters: huge, pool }),
      Error,
      /^train: it diverged in epoch 0: the loss became (NaN|Infinity) /,
    ],
    [
      "a start whose outputs overflow",
      () => train(net, point(1), { loss: "bce", parameters: huge, pool }),
      Error,
      /^train: it diverged in epoch 1: the loss became (NaN|Infinity) /,
    ],
    [
      "finite parameters of an infinite loss",
      () =>
        flatness(net, huge, point(1), { loss: "bce", measures: ["keskar", "spectral-norm", "llc"], llcBeta: 1, pool }),
      Error,
      /^parameters: expected a finite loss there, got (NaN|Infinity)$/,
    ],
    [
      "and no measure",
      () => flatness(net, huge, point(1), { loss: "mse", measures: [], pool }),
      Error,
      /^parameters: expected a finite loss there, got (NaN|Infinity)$/,
    ],
    [
      "a landscape around them",
      () => landscape(net, huge, point(1), { loss: "bce", steps: 3, pool }),
      Error,
      /^parameters: expected a finite loss there, got (NaN|Infinity)$/,
    ],
  ]);
});
