/**
 * `flatvol landscape`.
 *
 * @module
 */
import { extname } from "node:path";
import { writeFileWhole } from "../data/files.ts";
import { flatness, landscape } from "../flatness/api.ts";
import type { DirectionScaling } from "../flatness/landscape.ts";
import type { Activation } from "../network/network.ts";
import { formatNumber, formatWhole } from "../report/format.ts";
import { type LandscapeRecords, landscapePicture, landscapeReport } from "../report/landscape.ts";
import { UsageError } from "./arguments.ts";
import { seedOf } from "./count.ts";
import { checkOut, lossOf, readData, readWeights } from "./files.ts";
import type { LossFlags } from "./flags.ts";
import type { CommonOptions, Session } from "./session.ts";
import { factLines } from "./textTable.ts";

/** Flags of the verb. */
export interface LandscapeVerbFlags extends LossFlags, CommonOptions {
  readonly dimensions: number;
  readonly directions: string;
  readonly scaling?: string;
  readonly radius?: number;
  readonly steps?: number;
  readonly out?: string;
}

const PICTURES: Record<string, (records: LandscapeRecords) => string> = {
  ".svg": landscapePicture,
  ".html": landscapeReport,
  ".json": (records) => `${JSON.stringify(records)}\n`,
};

export async function landscapeVerb(flags: LandscapeVerbFlags, session: Session): Promise<void> {
  const { directions: kind, out } = flags;
  if (kind !== "random" && kind !== "eigen") {
    throw new UsageError(`--directions: expected random or eigen, got "${kind}"`);
  }
  if (out === undefined && !session.json) throw new UsageError("--out: expected a file for the picture, or --json");
  if (out !== undefined && !out.endsWith(".json")) {
    if (flags.radius === 0) throw new UsageError("--radius: expected a number above 0 for a picture, got 0");
    if (flags.steps === 1) throw new UsageError("--steps: expected at least 2 for a picture, got 1");
  }
  if (out !== undefined) checkOut("--out", out, Object.keys(PICTURES));
  const { layers, parameters } = readWeights("--weights", flags.weights);
  const loss = lossOf(flags.loss, layers);
  const data = readData({ x: "--x", y: "--y" }, flags, layers, loss);
  const network = { layers, activation: flags.activation as Activation };
  const call = { loss, seed: flags.seed, workers: flags.workers, signal: session.signal };
  const scaling = (flags.scaling ?? (kind === "eigen" ? "none" : "filter")) as DirectionScaling;
  const { dimensions, radius, steps } = flags;
  const options = { ...call, dimensions, scaling, radius, steps: steps ?? (dimensions === 1 ? 101 : 41) };
  // what is wrong with the options shows before the eigenvectors are searched for
  if (kind === "eigen") await landscape(network, parameters, data, { ...options, workers: 0, steps: 1 });
  const eigen = kind === "eigen" ? await eigenDirections() : undefined;
  const result = await landscape(network, parameters, data, { ...options, directions: eigen?.vectors });
  const records: LandscapeRecords = {
    ...result,
    network: { layers, activation: network.activation },
    points: data.points,
    lossName: loss,
    directions: kind,
    scaling,
    seed: seedOf(flags.seed),
    ...(eigen ? { eigenvalues: eigen.values, residuals: eigen.residuals } : {}),
  };
  session.signal.throwIfAborted();
  if (out !== undefined) writeFileWhole(out, PICTURES[extname(out).toLowerCase()](records));
  if (session.json) {
    session.printJson({ ...records, out });
    return;
  }
  const finite = result.losses.filter(Number.isFinite);
  const lines = factLines([
    ["loss at the parameters", formatNumber(result.loss)],
    ["loss over the picture", `${formatNumber(Math.min(...finite))} to ${formatNumber(Math.max(...finite))}`],
    ["evaluations", formatWhole(result.losses.length)],
    ...(eigen ? [["eigenvalues", eigen.values.map((v) => formatNumber(v)).join(", ")] as const] : []),
    ["picture", out ?? ""],
  ]);
  for (const line of lines) session.print(line);

  async function eigenDirections(): Promise<{ vectors: Float32Array[]; values: number[]; residuals: number[] }> {
    const measure = "top-eigenvalues";
    const record = await flatness(network, parameters, data, {
      ...call,
      measures: [measure],
      eigenCount: dimensions,
      eigenNegative: 0,
    });
    const { eigenvalues, residuals, eigenvectors, converged } = record[measure] as unknown as {
      eigenvalues: number[];
      residuals: number[];
      eigenvectors: Float32Array;
      converged: boolean;
    };
    if (eigenvalues.length < dimensions) {
      throw new UsageError(`--dimensions: expected at most ${eigenvalues.length} eigen-directions, got ${dimensions}`);
    }
    if (!converged)
      process.stderr.write("flatvol landscape: the eigenvectors did not converge; residuals say how far\n");
    const n = parameters.length;
    const vectors = Array.from({ length: dimensions }, (_, k) => eigenvectors.slice(k * n, (k + 1) * n));
    return { vectors, values: eigenvalues, residuals };
  }
}
