/**
 * Flags that describe a network and a count, shared by `count` and `study count`.
 *
 * @module
 */
import { Option } from "commander";
import type { PointsOptions } from "../data/points.ts";
import { type Activation, defineNetwork, type Network } from "../network/network.ts";
import type { CountOptions } from "../volume/count.ts";
import type { SpillStore } from "../volume/rows.ts";
import { spillToDisk } from "../volume/spillToDisk.ts";
import { parseBytes, parseInteger } from "./arguments.ts";
import { readPoints } from "./files.ts";
import { activationFlag, flag, layersFlag, outputFlags, priorFlags, seedFlag, workersFlag } from "./flags.ts";
import type { CommonOptions, Session } from "./session.ts";

/** A network's flags. */
export interface NetworkFlags {
  readonly layers: number[];
  readonly activation: string;
  readonly sigmaW2: number;
  readonly sigmaB2: number;
}

/** What commander makes of a count's flags. */
export interface CountFlags extends NetworkFlags, CommonOptions {
  readonly samples?: number;
  readonly seed: bigint;
  readonly firstSample?: number;
  readonly outputDraws: number;
  readonly x?: string;
  readonly workers?: number;
  readonly memory: number;
  readonly spill?: string;
}

/** The flags, with their parsers and defaults. */
export function countFlags(defaults: { layers?: number[]; samples?: number }): Option[] {
  return [...sampleFlags(defaults), workersFlag(), ...memoryFlags(), ...outputFlags()];
}

/** What is counted. */
export function sampleFlags(defaults: { layers?: number[]; samples?: number }): Option[] {
  return [
    layersFlag(defaults.layers),
    flag(
      "--samples <n>",
      "networks to draw; 1000000, 1_000_000 and 1e6 are the same",
      parseInteger,
      defaults.samples,
      defaults.samples?.toExponential().replace("+", ""),
    ).makeOptionMandatory(defaults.samples === undefined),
    seedFlag(),
    flag("--first-sample <n>", "index of the first sample: disjoint ranges of a seed are disjoint draws", parseInteger),
    flag("--output-draws <m>", "output layers drawn for each body (1: independent samples)", parseInteger, 1, "1"),
    activationFlag(),
    ...priorFlags(),
    new Option("--x <file.npy>", "points [points][features] in place of all Boolean inputs"),
  ];
}

/** How much of a table stays in memory, and where the rest goes. */
export function memoryFlags(): Option[] {
  return [
    flag("--memory <bytes>", "memory for the table, such as 2G; past it rows go to disk", parseBytes, 2 ** 31, "2G"),
    new Option("--spill <dir>", "directory for what does not fit into memory (default: the system's temporary one)"),
  ];
}

/** How a table is shown. */
export function tableFlags(more = ""): Option[] {
  return [
    new Option("--top <k>", "most frequent functions to print")
      .argParser((text) => parseInteger("--top", text))
      .default(20),
    new Option("--orbits", "add the estimates from whole orbits under the prior's symmetries"),
    new Option("--out <file>", `write the whole table, .parquet or .csv${more}`),
  ];
}

/** The network of the flags, checked. */
export function networkOf(flags: NetworkFlags): Network {
  const { layers, sigmaW2, sigmaB2 } = flags;
  return defineNetwork({ layers, activation: flags.activation as Activation, sigmaW2, sigmaB2 });
}

/** The options of a count but for `samples`. Reads the file of `--x`. */
export function countOptionsOf(flags: CountFlags, session: Session): Omit<CountOptions, "samples"> {
  return {
    seed: flags.seed,
    firstSample: flags.firstSample,
    outputDraws: flags.outputDraws,
    inputs: flags.x === undefined ? undefined : pointsFrom(flags.x, flags.layers),
    workers: flags.workers,
    memoryLimit: flags.memory,
    spill: spillOf(flags.spill),
    signal: session.signal,
    onProgress: ({ stage, samples, total, samplesPerSecond, secondsLeft }) => {
      if (stage === "sampling") session.progress.show("sampling", samples, total, samplesPerSecond, secondsLeft);
    },
  };
}

/** The spill store of `--spill`, or of the temporary directory if there is one. */
export function spillOf(directory: string | undefined): SpillStore | undefined {
  if (directory !== undefined) return spillToDisk(directory);
  try {
    return spillToDisk();
  } catch {
    // no temporary directory: a count that fits into memory needs none
    return undefined;
  }
}

/** The points of `--x`. */
export function pointsFrom(path: string, layers: readonly number[]): PointsOptions {
  const { shape, data } = readPoints("--x", path, layers);
  return { data, points: shape[0] };
}
