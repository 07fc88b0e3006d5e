/**
 * Flags of the flatness measures' options, made from their rules: `--keskar-epsilon` for keskarEpsilon.
 *
 * @module
 */
import type { Option } from "commander";
import type { AllMeasureOptions } from "../flatness/flatness.ts";
import { measures } from "../flatness/index.ts";
import type { MeasureOptions, OptionRules } from "../flatness/measure.ts";
import { flagOf, parseInteger, parseNumber, UsageError } from "./arguments.ts";
import { flag } from "./flags.ts";

const DESCRIPTIONS: Record<keyof AllMeasureOptions, string> = {
  keskarEpsilon: "half-width of the box, relative to |w| + 1",
  keskarLearningRate: "learning rate of the study's protocol",
  keskarBatch: "points of a minibatch of the protocol",
  keskarEpochs: "epochs of the protocol",
  keskarStarts: "random starts of the audited maximiser",
  keskarIterations: "iterations of one ascent at the most",
  samRho: "radius of SAM's ball",
  samStarts: "random starts",
  samIterations: "iterations of one ascent at the most",
  asamRho: "radius of ASAM's ball",
  asamEta: "added to |w|; the value is invariant at 0 only",
  asamStarts: "random starts",
  asamIterations: "iterations of one ascent at the most",
  pacBayesError: "mean training error that is borne",
  pacBayesDraws: "draws of the noise",
  pacBayesTolerance: "relative width at which the bisection stops",
  pacBayesEpsilon: "standard deviation that the magnitude-aware form adds",
  fisherRaoEmpirical: "whether the empirical form is computed too",
  relativeFlatnessLayer: "the layer, 1 the first (default: the last)",
  relativeFlatnessProducts: "most products for an exact value",
  relativeFlatnessProbes: "probes of Hutchinson's estimate",
  localVolumeCriterion: "what may change by less than the cutoff",
  localVolumeCutoff: "the cutoff",
  localVolumeDirections: "directions drawn",
  localVolumePreconditioner: "shape of the directions",
  localVolumeDamping: "added to the curvature, in units of the prior (default: from the cutoff)",
  localVolumeProducts: "curvature products for the diagonal",
  localVolumeTolerance: "precision of the logarithm of one ray's mass",
  llcChains: "independent chains",
  llcBurnIn: "steps of a chain that do not count",
  llcDraws: "steps of a chain that count",
  llcStep: "step of the Langevin dynamics (default: from the largest curvature)",
  llcLocalisation: "gamma, the pull towards the parameters",
  llcBatch: "points of a minibatch (default: all)",
  llcBeta: "inverse temperature (default: 1 / ln n)",
  eigenCount: "eigenvalues from the largest down",
  eigenNegative: "most negative eigenvalues",
  eigenTolerance: "residual asked for, as a share of the spectral norm",
  eigenProducts: "products at the most",
  traceProducts: "products in all, of an estimator of the trace",
  traceMethod: "how the trace is found",
  frobeniusProducts: "products in all",
  densityProbes: "random vectors",
  densitySteps: "products a vector",
  densityPoints: "points of the grid",
  densityWidth: "smoothing, as a share of the spectrum's width",
  densityThreshold: "share of the largest magnitude above which an eigenvalue counts as large",
};

/** All measures' rules. */
function allRules(): OptionRules {
  return Object.assign({}, ...measures.map(({ options }) => options ?? {}));
}

/** A flag for each option of each measure. */
export function measureFlags(): Option[] {
  return Object.entries(allRules()).map(([name, rule]) => {
    const text = DESCRIPTIONS[name as keyof AllMeasureOptions];
    const shown = rule.default === undefined ? "" : ` (default: ${rule.default})`;
    if (rule.kind === "choice") {
      return flag(`${flagOf(name)} <name>`, `${text}: ${rule.choices.join(", ")}${shown}`, (_flag, value) => value);
    }
    const parse = rule.kind === "integer" ? parseInteger : parseNumber;
    return flag(`${flagOf(name)} <${rule.kind === "integer" ? "n" : "v"}>`, text + shown, parse);
  });
}

/** The options among the flags. */
export function measureOptionsOf(flags: object): MeasureOptions {
  const names = new Set(Object.keys(allRules()));
  return Object.fromEntries(Object.entries(flags).filter(([name, value]) => names.has(name) && value !== undefined));
}

/** Names of measures, from a list with commas or `all`. */
export function measureNames(text: string): string[] {
  const names = text === "all" ? measures.map(({ name }) => name) : text.split(",").map((name) => name.trim());
  if (names.includes("")) throw new UsageError(`--measures: expected names like keskar,trace or all, got "${text}"`);
  return names;
}
