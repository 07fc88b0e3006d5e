/**
 * `flatvol kernel`.
 *
 * @module
 */
import { readFileWhole, writeFileWhole } from "../data/files.ts";
import { readNpy, writeNpy } from "../data/npy.ts";
import { nngpKernel } from "../volume/nngpKernel.ts";
import { UsageError } from "./arguments.ts";
import { checkOut } from "./files.ts";
import { type CommonOptions, checkingInput, type Session } from "./session.ts";

/** Flags of the verb. */
export interface KernelVerbFlags extends CommonOptions {
  readonly depth: number;
  readonly activation: string;
  readonly sigmaW2: number;
  readonly sigmaB2: number;
  readonly x?: string;
  readonly bits?: number;
  readonly out: string;
}

export async function kernelVerb(flags: KernelVerbFlags, session: Session): Promise<void> {
  if ((flags.x === undefined) === (flags.bits === undefined)) {
    throw new UsageError("--x: expected either --x or --bits");
  }
  checkOut("--out", flags.out, [".npy"]);
  const { depth, sigmaW2, sigmaB2 } = flags;
  const activation = flags.activation as "relu" | "erf";
  const { kernel, points } = await nngpKernel(
    { depth, activation, sigmaW2, sigmaB2, signal: session.signal },
    flags.x === undefined ? { bits: flags.bits as number } : pointsOf(flags.x),
  );
  const shape = [points, points];
  session.signal.throwIfAborted();
  writeFileWhole(flags.out, writeNpy({ shape, data: kernel }));
  if (session.json) session.printJson({ shape, out: flags.out });
  else session.print(`kernel of shape (${shape.join(", ")}) in ${flags.out}`);
}

/** Points of any number of features: pictures and the like are taken as rows. */
function pointsOf(path: string): { data: ArrayLike<number>; points: number } {
  const { shape, data } = checkingInput("--x", () => readNpy(readFileWhole(path)));
  if (shape.length < 2 || shape[0] === 0) {
    throw new UsageError(`--x: expected an array of shape (points, features), got (${shape.join(", ")})`);
  }
  return { data, points: shape[0] };
}
