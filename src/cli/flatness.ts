/**
 * `flatvol flatness`.
 *
 * @module
 */
import { flatness } from "../flatness/api.ts";
import type { AllMeasureOptions, MeasureRecord } from "../flatness/flatness.ts";
import type { Activation } from "../network/network.ts";
import { formatNumber, formatWhole } from "../report/format.ts";
import { lossOf, readData, readWeights } from "./files.ts";
import type { LossFlags } from "./flags.ts";
import { measureNames, measureOptionsOf } from "./measureFlags.ts";
import type { CommonOptions, Session } from "./session.ts";
import { factLines, textTable } from "./textTable.ts";

/** Flags of the verb, beside those of the measures. */
export interface FlatnessVerbFlags extends LossFlags, CommonOptions {
  readonly measures: string;
  readonly sigmaW2: number;
  readonly sigmaB2: number;
  readonly vectors?: boolean;
}

export async function flatnessVerb(flags: FlatnessVerbFlags, session: Session): Promise<void> {
  const names = measureNames(flags.measures);
  const { layers, parameters } = readWeights("--weights", flags.weights);
  const loss = lossOf(flags.loss, layers);
  const data = readData({ x: "--x", y: "--y" }, flags, layers, loss);
  const { sigmaW2, sigmaB2 } = flags;
  const network = { layers, activation: flags.activation as Activation, sigmaW2, sigmaB2 };
  const record = await flatness(network, parameters, data, {
    ...(measureOptionsOf(flags) as AllMeasureOptions),
    loss,
    measures: names,
    seed: flags.seed,
    workers: flags.workers,
    signal: session.signal,
    onProgress: ({ done, total }) => session.progress.show("measures", done, total),
  });
  session.progress.clear();
  if (session.json) {
    const records = names.map((name) => [name, flags.vectors ? record[name] : withoutVectors(record[name])]);
    session.printJson({ loss: record.loss, error: record.error, ...Object.fromEntries(records) });
    return;
  }
  const lines = [
    `${layers.join("-")} ${flags.activation}, ${formatWhole(data.points)} points, loss ${loss}`,
    "",
    ...textTable(
      [
        { title: "measure", align: "left" },
        { title: "value" },
        { title: "+-" },
        { title: "invariant", align: "left" },
        { title: "", align: "left" },
      ],
      names.map((name) => {
        const { value, standardError, invariant } = record[name];
        return [
          name,
          formatNumber(value),
          standardError === undefined ? "" : formatNumber(standardError, 2),
          invariant ? "yes" : "no",
          remarks(record[name]).join(", "),
        ];
      }),
    ),
    "",
    ...factLines([
      ["loss", formatNumber(record.loss)],
      ["error", formatNumber(record.error)],
    ]),
  ];
  for (const line of lines) session.print(line);
}

/** As many numbers as there are parameters help no reader of a terminal. */
function withoutVectors(record: MeasureRecord): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => !ArrayBuffer.isView(value)));
}

/** What a reader must know before believing a value. */
function remarks(record: MeasureRecord): string[] {
  const { log10, converged, reliable, diverged, rHat, spread } = record as Record<string, unknown>;
  const texts: string[] = [];
  if (typeof log10 === "number") texts.push(`log10 ${formatNumber(log10)}`);
  if (converged === false) texts.push("not converged");
  if (diverged === true) texts.push("diverged");
  if (reliable === false) texts.push("too few effective draws for the error to be believed");
  if (typeof rHat === "number" && rHat > 1.1) texts.push(`R-hat ${formatNumber(rHat, 3)}: the chains do not agree`);
  if (spread !== undefined) {
    const { least, most } = spread as { least: number; most: number };
    texts.push(`over starts ${formatNumber(least)} to ${formatNumber(most)}`);
  }
  return texts;
}
