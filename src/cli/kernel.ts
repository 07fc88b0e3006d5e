/**
 * `flatvol kernel`.
 *
 * @module
 */
import { readFileWhole, writeFileWhole } from "../data/files.ts";
import { readNpy, writeNpy } from "../data/npy.ts";
import type { Activation } from "../network/network.ts";
import { formatNumber } from "../report/format.ts";
import { empiricalKernel } from "../volume/empiricalKernel.ts";
import { type CovariancePoints, nngpKernel } from "../volume/nngpKernel.ts";
import { UsageError } from "./arguments.ts";
import { checkOut } from "./files.ts";
import { type CommonOptions, checkingInput, type Session } from "./session.ts";

/** Flags of the verb. */
export interface KernelVerbFlags extends CommonOptions {
  readonly depth?: number;
  readonly layers?: number[];
  readonly samples?: number;
  readonly activation: string;
  readonly sigmaW2: number;
  readonly sigmaB2: number;
  readonly x?: string;
  readonly bits?: number;
  readonly seed: bigint;
  readonly out: string;
  readonly errors?: string;
}

export async function kernelVerb(flags: KernelVerbFlags, session: Session): Promise<void> {
  if ((flags.x === undefined) === (flags.bits === undefined)) {
    throw new UsageError("--x: expected either --x or --bits");
  }
  if ((flags.depth === undefined) === (flags.layers === undefined)) {
    throw new UsageError("--depth: expected either --depth, or --layers with --samples");
  }
  checkOut("--out", flags.out, [".npy"]);
  const inputs = flags.x === undefined ? { bits: flags.bits as number } : pointsOf(flags.x);
  if (flags.layers !== undefined) return finite(flags, inputs, session);
  for (const name of ["samples", "errors"] as const) {
    if (flags[name] !== undefined) throw new UsageError(`--${name}: expected --layers beside it`);
  }
  const { depth, sigmaW2, sigmaB2 } = flags;
  const activation = flags.activation as "relu" | "erf";
  const { kernel, points } = await nngpKernel({ depth, activation, sigmaW2, sigmaB2, signal: session.signal }, inputs);
  const shape = [points, points];
  session.signal.throwIfAborted();
  writeFileWhole(flags.out, writeNpy({ shape, data: kernel }));
  if (session.json) session.printJson({ shape, out: flags.out });
  else session.print(`kernel of shape (${shape.join(", ")}) in ${flags.out}`);
}

/** Of a finite network, by Monte Carlo. */
async function finite(flags: KernelVerbFlags, inputs: CovariancePoints, session: Session): Promise<void> {
  const { samples, seed, out, errors, sigmaW2, sigmaB2 } = flags;
  if (samples === undefined) throw new UsageError("--samples: expected the number of bodies to draw beside --layers");
  if (errors !== undefined) checkOut("--errors", errors, [".npy"]);
  const network = { layers: flags.layers as number[], activation: flags.activation as Activation, sigmaW2, sigmaB2 };
  const { kernel, standardError, points } = await empiricalKernel(network, inputs, {
    samples,
    seed,
    signal: session.signal,
  });
  const shape = [points, points];
  const largest = standardError.reduce((a, b) => Math.max(a, b), 0);
  session.signal.throwIfAborted();
  writeFileWhole(out, writeNpy({ shape, data: kernel }));
  if (errors !== undefined) writeFileWhole(errors, writeNpy({ shape, data: standardError }));
  if (session.json) {
    session.printJson({
      shape,
      samples,
      largestStandardError: largest,
      out,
      ...(errors === undefined ? {} : { errors }),
    });
  } else {
    const error = formatNumber(largest, 2);
    session.print(
      `kernel of shape (${shape.join(", ")}) in ${out}, from ${samples} bodies: standard errors up to ${error}`,
    );
  }
}

/** Points of any number of features: pictures and the like are taken as rows. */
function pointsOf(path: string): { data: ArrayLike<number>; points: number } {
  const { shape, data } = checkingInput("--x", () => readNpy(readFileWhole(path)));
  if (shape.length < 2 || shape[0] === 0) {
    throw new UsageError(`--x: expected an array of shape (points, features), got (${shape.join(", ")})`);
  }
  return { data, points: shape[0] };
}
