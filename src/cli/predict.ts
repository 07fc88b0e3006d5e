/**
 * `flatvol predict`.
 *
 * @module
 */
import { writeFileWhole } from "../data/files.ts";
import { writeNpy } from "../data/npy.ts";
import { evaluate } from "../network/evaluate.ts";
import type { Activation } from "../network/network.ts";
import { checkOut, readPoints, readWeights } from "./files.ts";
import type { CommonOptions, Session } from "./session.ts";

/** Flags of the verb. */
export interface PredictVerbFlags extends CommonOptions {
  readonly weights: string;
  readonly activation: string;
  readonly x: string;
  readonly out: string;
}

export async function predict(flags: PredictVerbFlags, session: Session): Promise<void> {
  checkOut("--out", flags.out, [".npy"]);
  const { layers, parameters } = readWeights("--weights", flags.weights);
  const { shape, data } = readPoints("--x", flags.x, layers);
  const network = { layers, activation: flags.activation as Activation };
  const logits = await evaluate(network, parameters, data, shape[0]);
  const result = { shape: [shape[0], layers[layers.length - 1]], out: flags.out };
  session.signal.throwIfAborted();
  writeFileWhole(flags.out, writeNpy({ shape: result.shape, data: logits }));
  if (session.json) session.printJson(result);
  else session.print(`logits of shape (${result.shape.join(", ")}) in ${flags.out}`);
}
