/**
 * The width study: the volume of a function as the hidden layers widen, by splitting, against the exact orthant of the kernel
 * that the outputs have at infinite width. Two methods that share no code, and must meet. [Lee et al. 2018; Matthews et al. 2018]
 *
 * @module
 */
import { fullBuild } from "../engine/module.ts";
import { derivedSeed } from "../engine/random.ts";
import { nngpKernel } from "../volume/nngpKernel.ts";
import { orthantProbability } from "../volume/orthant.ts";
import { type SplittingVolume, splittingVolume } from "../volume/splitting.ts";
import type { StudyTask } from "./run.ts";
import type { Study } from "./study.ts";

/** A Boolean function and what to call it. */
export interface NamedFunction {
  readonly name: string;
  /** In hex, input 0 first. */
  readonly function: string;
}

/** What the study depends on, beside its seed. */
export interface WidthSettings {
  readonly bits: number;
  /** Hidden layers. */
  readonly depth: number;
  readonly widths: readonly number[];
  readonly functions: readonly NamedFunction[];
  /** Of splitting: repetitions, networks in each, moves of a chain at a level and their steps, the share that a level keeps. */
  readonly repetitions: number;
  readonly particles: number;
  readonly moves: number;
  readonly steps: number;
  readonly keep: number;
  /** Of the orthant. */
  readonly samples: number;
}

/** The volume of a function at one width. */
export interface WidthRecord {
  /** Index of the function. */
  readonly function: number;
  /** null: infinite. */
  readonly width: number | null;
  /** null if splitting stalled. */
  readonly log10P: number | null;
  readonly standardError: number | null;
  readonly warnings: readonly string[];
}

/** A function's volumes. */
export interface WidthLine extends NamedFunction {
  /** At infinite width. */
  readonly limit: number;
  readonly limitError: number;
  readonly widths: ReadonlyArray<{
    readonly width: number;
    readonly log10P: number | null;
    readonly standardError: number | null;
    /** log10 P minus the limit's, and the error of that; null if it stalled. */
    readonly difference: number | null;
    readonly differenceError: number | null;
  }>;
}

export interface WidthAnalysis {
  readonly lines: readonly WidthLine[];
  readonly finding: string;
}

/** Streams of seeds: splitting's, and the orthant's. */
const SPLITTING_STREAM = 0x1230;
const ORTHANT_STREAM = 0x1231;

export const WIDTH_SETTINGS: WidthSettings = {
  bits: 7,
  depth: 2,
  widths: [10, 40, 160, 640],
  functions: [
    { name: "false on 0000000 alone", function: "7fffffffffffffffffffffffffffffff" },
    { name: "majority of the bits", function: "000101170117177f0117177f177f7fff" },
  ],
  repetitions: 4,
  particles: 40,
  moves: 10,
  steps: 20,
  keep: 0.5,
  samples: 2 ** 16,
};

/** An estimate as a record has it. */
function inDecades(found: Pick<SplittingVolume, "log10P" | "standardError" | "warnings">) {
  const { log10P = null, standardError, warnings } = found;
  return { log10P, standardError: standardError === undefined ? null : standardError / Math.LN10, warnings };
}

async function widthTasks(settings: WidthSettings, seed: bigint): Promise<Array<StudyTask<WidthRecord>>> {
  const { bits, depth, widths, functions, repetitions, particles, moves, steps, keep, samples } = settings;
  const kernels = await fullBuild.kernels();
  const { kernel } = await nngpKernel({ depth }, { bits });
  const limits = functions.map(
    ({ name, function: f }, index): StudyTask<WidthRecord> => ({
      key: `${name}, infinite`,
      stage: "infinite width",
      async run({ pool, signal }) {
        const found = await orthantProbability(kernel, f, {
          samples,
          seed: derivedSeed(kernels, seed, index, ORTHANT_STREAM),
          pool,
          signal,
        });
        return { function: index, width: null, ...inDecades(found) };
      },
    }),
  );
  const finite = functions.flatMap(({ name, function: f }, index) =>
    widths.map(
      (width, w): StudyTask<WidthRecord> => ({
        key: `${name}, ${width}`,
        stage: "finite widths",
        async run({ pool, signal }) {
          const found = await splittingVolume(
            { layers: [bits, ...Array<number>(depth).fill(width), 1] },
            {
              function: f,
              repetitions,
              particles,
              moves,
              steps,
              keep,
              seed: derivedSeed(kernels, seed, index * widths.length + w, SPLITTING_STREAM),
              pool,
              signal,
            },
          );
          return { function: index, width, ...inDecades(found) };
        },
      }),
    ),
  );
  // the widest take longest: they start first
  return [...limits, ...finite.reverse()];
}

async function analyse(records: readonly WidthRecord[], settings: WidthSettings): Promise<WidthAnalysis> {
  const lines = settings.functions.map(({ name, function: f }, index): WidthLine => {
    const own = records.filter((record) => record.function === index);
    const limit = own.find(({ width }) => width === null) as WidthRecord;
    const [limitP, limitError] = [limit.log10P ?? Number.NaN, limit.standardError ?? 0];
    const widths = own.flatMap(({ width, log10P, standardError }) =>
      width === null
        ? []
        : [
            {
              width,
              log10P,
              standardError,
              difference: log10P === null ? null : log10P - limitP,
              differenceError: log10P === null ? null : Math.sqrt((standardError ?? 0) ** 2 + limitError ** 2),
            },
          ],
    );
    widths.sort((a, b) => a.width - b.width);
    return { name, function: f, limit: limitP, limitError, widths };
  });
  return { lines, finding: findingOf(lines) };
}

/** Standard errors that a difference may have: splitting's come from few repetitions. */
const CLOSE = 3;

function findingOf(lines: readonly WidthLine[]): string {
  const ends = lines.flatMap((line) => {
    const found = line.widths.filter(({ difference }) => difference !== null);
    const [first, last] = [found[0], found[found.length - 1]];
    return found.length < 2 ? [] : [{ name: line.name, first, last }];
  });
  if (ends.length === 0) return "Splitting found too few volumes for a comparison.";
  const say = (x: number): string => x.toFixed(2).replace("-", "−");
  const parts = ends.map(
    ({ name, first, last }) =>
      `${say(first.difference as number)} at width ${first.width} and ${say(last.difference as number)} ± ${say(last.differenceError as number)} at ${last.width} (${name})`,
  );
  const met = ends.filter(
    ({ last }) => Math.abs(last.difference as number) <= CLOSE * (last.differenceError as number),
  ).length;
  return `From the limit of infinite width log₁₀ P(f) differs by ${parts.join("; ")}. At the largest width ${met} of ${ends.length} functions agree with the exact orthant within ${CLOSE} standard errors.`;
}

/** The study. */
export const widthStudy: Study<WidthSettings, WidthRecord, WidthAnalysis> = {
  name: "width",
  full: WIDTH_SETTINGS,
  quick: { ...WIDTH_SETTINGS, widths: [10, 40, 160] },
  tasks: widthTasks,
  analyse,
};
