/**
 * `flatvol rescale`.
 *
 * @module
 */
import { writeFileWhole } from "../data/files.ts";
import { writeSafetensors } from "../data/safetensors.ts";
import { sharedKernels } from "../engine/module.ts";
import { RandomStream } from "../engine/random.ts";
import { evaluate } from "../network/evaluate.ts";
import type { Activation } from "../network/network.ts";
import { rescale } from "../network/rescale.ts";
import { tensorsFromWeights } from "../network/weights.ts";
import { formatNumber, formatWhole } from "../report/format.ts";
import { checkOut, readPoints, readWeights } from "./files.ts";
import type { CommonOptions, Session } from "./session.ts";
import { factLines } from "./textTable.ts";

/** Flags of the verb. */
export interface RescaleVerbFlags extends CommonOptions {
  readonly weights: string;
  readonly activation: string;
  readonly layer: number;
  readonly alpha: number;
  readonly unit?: number;
  readonly x?: string;
  readonly seed: bigint;
  readonly out: string;
}

/** Gaussian points on which outputs are compared where none are given. */
const POINTS = 1000;
const STREAM = 0x110;

export async function rescaleVerb(flags: RescaleVerbFlags, session: Session): Promise<void> {
  checkOut("--out", flags.out, [".safetensors"]);
  const { layers, parameters, names } = readWeights("--weights", flags.weights);
  const { layer, alpha, unit } = flags;
  const network = { layers, activation: flags.activation as Activation };
  const rescaled = rescale(network, parameters, { layer, alpha, unit });
  const points = await pointsOf(flags, layers);
  const count = points.length / layers[0];
  const before = await evaluate(network, parameters, points, count);
  const after = await evaluate(network, rescaled, points, count);
  let maxOutputChange = 0;
  let maxOutput = 0;
  before.forEach((z, i) => {
    maxOutputChange = Math.max(maxOutputChange, Math.abs(after[i] - z));
    maxOutput = Math.max(maxOutput, Math.abs(z));
  });
  session.signal.throwIfAborted();
  writeFileWhole(flags.out, writeSafetensors(tensorsFromWeights({ layers, parameters: rescaled, names })));
  const on = flags.x === undefined ? "standard Gaussian points" : "given points";
  if (session.json) {
    session.printJson({ alpha, layer, unit, maxOutputChange, maxOutput, points: count, on, out: flags.out });
    return;
  }
  const lines = factLines([
    ["largest change of an output", `${formatNumber(maxOutputChange, 3)}, over ${formatWhole(count)} ${on}`],
    ["largest output", formatNumber(maxOutput)],
    ["weights", flags.out],
  ]);
  for (const line of lines) session.print(line);
}

async function pointsOf({ x, seed }: RescaleVerbFlags, layers: readonly number[]): Promise<Float32Array> {
  if (x !== undefined) return Float32Array.from(readPoints("--x", x, layers).data);
  const points = new Float32Array(POINTS * layers[0]);
  new RandomStream(await sharedKernels(), seed, 0, STREAM).gaussians(points);
  return points;
}
