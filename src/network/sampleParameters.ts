/**
 * The parameters of any network of a run.
 *
 * @module
 */
import { booleanPoints, type Points } from "../data/points.ts";
import { checkInteger, checkOptions, checkSeed, show } from "../engine/checks.ts";
import { coreBuild } from "../engine/core.ts";
import { defineNetwork, type NetworkOptions } from "./network.ts";
import { MAXIMUM_DRAWS, parametersOfPlan, singleOutput } from "./parameters.ts";
import { makePlan } from "./plan.ts";

/** Which network of a run `sampleParameters` returns. */
export interface SampleParametersOptions {
  /** Default 0. */
  readonly seed?: number | bigint;
  /** Index of the sample, from 0. With several output draws, sample `i` is draw `i % outputDraws` of body `i / outputDraws`. */
  readonly sample?: number;
  /** Output layers for each body, as given to `countFunctions`. Default 1. */
  readonly outputDraws?: number;
  /** The run was over all Boolean inputs (default: yes if there are at most 10 features). It decides the order in which parameters were drawn. */
  readonly boolean?: boolean;
}

/**
 * The parameters of one sampled network: those of `countFunctions` with the same seed, to the bit.
 *
 * @returns f32 parameters, the library's flat layout.
 * @throws TypeError, RangeError naming the option.
 * @example
 * const parameters = await sampleParameters({ layers: [7, 40, 40, 1] }, { seed: 1, sample: 12_345 });
 * parameters.length; // 2001
 */
export async function sampleParameters(
  network: NetworkOptions,
  options: SampleParametersOptions = {},
): Promise<Float32Array<ArrayBuffer>> {
  checkOptions("options", options, ["seed", "sample", "outputDraws", "boolean"]);
  const net = singleOutput(defineNetwork(network));
  const seed = checkSeed("seed", options.seed ?? 0);
  const sample = checkInteger("sample", options.sample ?? 0, 0, Number.MAX_SAFE_INTEGER);
  const draws = checkInteger("outputDraws", options.outputDraws ?? 1, 1, MAXIMUM_DRAWS);
  const features = net.layers[0];
  if (options.boolean !== undefined && typeof options.boolean !== "boolean") {
    throw new TypeError(`boolean: expected true or false, got ${show(options.boolean)}`);
  }
  const boolean = options.boolean ?? features <= 10;
  if (boolean && features > 10) {
    throw new RangeError(`boolean: expected false for more than 10 features, got ${features}`);
  }
  // the points themselves do not matter here, only whether they are the Boolean ones
  const points: Points = boolean
    ? booleanPoints(features)
    : { kind: "points", count: 1, features, values: () => new Float32Array(features) };
  const kernels = await coreBuild.kernels();
  return kernels.scoped(() => {
    const plan = makePlan(kernels, net, points, draws, { bits: 0, negation: 0 });
    const body = BigInt(Math.floor(sample / draws));
    const { exports } = kernels;
    exports.drawHidden(plan.address, seed.low, seed.high, Number(body & 0xffffffffn), Number(body >> 32n), 0);
    exports.drawOutput(plan.address);
    return parametersOfPlan(kernels, net, plan, sample % draws);
  });
}
