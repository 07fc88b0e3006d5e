/**
 * The studies that the command line knows: one entry each.
 *
 * @module
 */

import { imagesDigest, loadCifar, loadDigits, loadPictures } from "../data/imageFiles.ts";
import { biasReport } from "../report/bias.ts";
import { booleanReport } from "../report/boolean.ts";
import { formatWhole } from "../report/format.ts";
import { imageReport } from "../report/images.ts";
import { posteriorReport } from "../report/posterior.ts";
import { signed } from "../report/prediction.ts";
import { rescalingReport } from "../report/rescaling.ts";
import { temporalReport } from "../report/temporal.ts";
import { widthReport } from "../report/width.ts";
import { biasStudy } from "../study/bias.ts";
import { booleanStudy } from "../study/boolean.ts";
import { cifarStudy, mnistStudy, optimizersStudy } from "../study/images.ts";
import { type PosteriorAnalysis, posteriorStudy } from "../study/posterior.ts";
import type { PredictionAnalysis } from "../study/prediction.ts";
import { rescalingStudy } from "../study/rescaling.ts";
import { temporalStudy } from "../study/temporal.ts";
import { widthStudy } from "../study/width.ts";
import type { Session } from "./session.ts";
import { runStudy, type StudyFlags, type StudyVerb } from "./study.ts";

const nothing = async (): Promise<undefined> => undefined;

/** What the studies of prediction print. */
const prediction = {
  lines: ({ finding, predictors, counts }: PredictionAnalysis): Array<readonly [string, string]> => [
    ["found", finding],
    ["networks", `${formatWhole(counts.converged)} of ${formatWhole(counts.trained)} converged`],
    ...predictors.map(({ label, correlations: { spearman }, invariant, networks }): readonly [string, string] => [
      label,
      `Spearman ${spearman.value === null ? "–" : signed(spearman.value)}${
        spearman.ci95 ? ` (${signed(spearman.ci95[0])} to ${signed(spearman.ci95[1])})` : ""
      }, ${networks} networks, ${invariant ? "invariant" : "not invariant"}`,
    ]),
  ],
  json: ({ predictors, finding }: PredictionAnalysis): Record<string, unknown> => ({
    finding,
    correlations: predictors.map(({ name, kind, invariant, networks, correlations, granulated }) => ({
      x: name,
      y: "accuracy",
      kind,
      invariant,
      networks,
      ...correlations,
      granulated: granulated.value,
    })),
  }),
};

/** Correlations of P_opt with P_B, one an optimiser. */
const posteriorJson = ({ optimizers }: PosteriorAnalysis): Record<string, unknown> => ({
  correlations: optimizers.map(({ optimizer, functions, correlations }) => ({
    x: "log10Posterior",
    y: `log10 P_opt, ${optimizer}`,
    functions,
    ...correlations,
  })),
});

/** A study of any kind: its types agree with each other, and nobody else asks. */
type AnyVerb = StudyVerb<never, never, never, never>;

function entry<S extends object, R, A, D>(verb: StudyVerb<S, R, A, D>): AnyVerb {
  return verb as unknown as AnyVerb;
}

/** What the other studies print and tell: their finding. */
const finding = {
  lines: ({ finding }: { readonly finding: string }): Array<readonly [string, string]> => [["found", finding]],
  json: (): Record<string, unknown> => ({}),
};

const STUDIES: Readonly<Record<string, AnyVerb>> = {
  boolean: entry({ study: booleanStudy, report: booleanReport, load: nothing, ...prediction }),
  rescaling: entry({ study: rescalingStudy, report: rescalingReport, load: nothing, ...finding }),
  bias: entry({ study: biasStudy, report: biasReport, load: nothing, ...finding }),
  mnist: entry({ study: mnistStudy, report: imageReport, load: loadDigits, digest: imagesDigest, ...prediction }),
  cifar: entry({ study: cifarStudy, report: imageReport, load: loadCifar, digest: imagesDigest, ...prediction }),
  optimizers: entry({
    study: optimizersStudy,
    report: imageReport,
    load: loadPictures,
    digest: imagesDigest,
    ...prediction,
  }),
  temporal: entry({ study: temporalStudy, report: temporalReport, load: loadDigits, digest: imagesDigest, ...finding }),
  width: entry({ study: widthStudy, report: widthReport, load: nothing, ...finding }),
  posterior: entry({ study: posteriorStudy, report: posteriorReport, load: nothing, ...finding, json: posteriorJson }),
};

/** Runs a study by its name. */
export function studyVerb(name: string, flags: StudyFlags, session: Session, command: string): Promise<void> {
  return runStudy(STUDIES[name], flags, session, command);
}
