/**
 * The flatness measures. A new one is one file, and one line here.
 *
 * @module
 */
import { fisherRao } from "./fisherRao.ts";
import { keskar, keskarProtocol } from "./keskar.ts";
import { llc } from "./llc.ts";
import { localVolume } from "./localVolume.ts";
import type { Measure } from "./measure.ts";
import { pacBayesSigma } from "./pacBayesSigma.ts";
import { relativeFlatness } from "./relativeFlatness.ts";
import { asam, sam } from "./sam.ts";
import { spectralMeasures } from "./spectralMeasures.ts";

export const measures: readonly Measure[] = [
  keskarProtocol,
  keskar,
  sam,
  asam,
  pacBayesSigma,
  fisherRao,
  relativeFlatness,
  localVolume,
  llc,
  ...spectralMeasures,
];
