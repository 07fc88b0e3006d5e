/**
 * Flags that describe a network and a count, shared by `count` and `study count`.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { Option } from "commander";
import { readNpy } from "../data/npy.ts";
import type { PointsOptions } from "../data/points.ts";
import { type Activation, defineNetwork, type NetworkOptions } from "../network/network.ts";
import type { CountOptions } from "../volume/count.ts";
import type { SpillStore } from "../volume/rows.ts";
import { spillToDisk } from "../volume/spillToDisk.ts";
import { parseBytes, parseInteger, parseLayers, parseNumber, parseWhole, UsageError } from "./arguments.ts";
import { type CommonOptions, checkingInput, type Session } from "./session.ts";

/** What commander makes of the flags. */
export interface CountFlags extends CommonOptions {
  readonly layers: number[];
  readonly samples?: number;
  readonly seed: bigint;
  readonly firstSample?: number;
  readonly outputDraws: number;
  readonly activation: string;
  readonly sigmaW2: number;
  readonly sigmaB2: number;
  readonly x?: string;
  readonly workers?: number;
  readonly memory: number;
  readonly spill?: string;
}

/** The flags, with their parsers and defaults. */
export function countFlags(defaults: { layers?: number[]; samples?: number }): Option[] {
  const flag = <T>(
    flags: string,
    description: string,
    parse: (name: string, text: string) => T,
    value?: T,
    shown?: string,
  ): Option => {
    const option = new Option(flags, description);
    const name = `--${option.name()}`;
    option.argParser((text) => parse(name, text));
    if (value !== undefined) option.default(value, shown);
    return option;
  };
  return [
    flag(
      "--layers <sizes>",
      "units of each layer, inputs first: 7,40,40,1",
      parseLayers,
      defaults.layers,
      defaults.layers?.join(","),
    ).makeOptionMandatory(defaults.layers === undefined),
    flag(
      "--samples <n>",
      "networks to draw; 1000000, 1_000_000 and 1e6 are the same",
      parseInteger,
      defaults.samples,
      defaults.samples?.toExponential().replace("+", ""),
    ).makeOptionMandatory(defaults.samples === undefined),
    flag("--seed <n>", "seed of the generator, 0 to 2^64 - 1", parseWhole, 0n, "0"),
    flag("--first-sample <n>", "index of the first sample: disjoint ranges of a seed are disjoint draws", parseInteger),
    flag("--output-draws <m>", "output layers drawn for each body (1: independent samples)", parseInteger, 1, "1"),
    new Option("--activation <name>", "relu or tanh").default("relu"),
    flag("--sigma-w2 <v>", "variance of the weights times fan-in", parseNumber, 2, "2"),
    flag("--sigma-b2 <v>", "variance of the biases", parseNumber, 1, "1"),
    new Option("--x <file.npy>", "points [points][features] in place of all Boolean inputs"),
    flag("--workers <n>", "threads; 0: none but the main one (default: all of the machine)", parseInteger),
    flag("--memory <bytes>", "memory for the table, such as 2G; past it rows go to disk", parseBytes, 2 ** 31, "2G"),
    new Option("--spill <dir>", "directory for what does not fit into memory (default: the system's temporary one)"),
    new Option("--quiet", "no progress on stderr"),
    new Option("--json", "print one JSON object and nothing else"),
  ];
}

/** The network of the flags, checked. */
export function networkOf(flags: CountFlags): NetworkOptions {
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

function spillOf(directory: string | undefined): SpillStore | undefined {
  if (directory !== undefined) return spillToDisk(directory);
  try {
    return spillToDisk();
  } catch {
    // no temporary directory: a count that fits into memory needs none
    return undefined;
  }
}

function pointsFrom(path: string, layers: readonly number[]): PointsOptions {
  const { shape, data } = checkingInput("--x", () => readNpy(readFileSync(path)));
  const features = shape.length === 2 ? shape[1] : shape.length === 1 && layers[0] === 1 ? 1 : undefined;
  if (features !== layers[0]) {
    throw new UsageError(
      `--x: expected an array of shape (points, ${layers[0]}) for --layers ${layers.join(",")}, got (${shape.join(", ")})`,
    );
  }
  return { data, points: shape[0] };
}
