/** Bad input: the error's class, and the argument and value in its text. */
import { afterAll, describe, expect, it } from "vitest";
import { countFunctions, createPool, defineNetwork, mergeTables, sampleParameters } from "../src/index.ts";

const pool = createPool({ workers: 0 });
afterAll(() => pool.close());
const good = { layers: [3, 4, 1] };
// wrong on purpose, past the types
const loose = (value: unknown): never => value as never;

type Wrong = readonly [what: string, call: () => unknown, kind: typeof TypeError | typeof RangeError, message: RegExp];

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
