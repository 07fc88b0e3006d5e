/**
 * Flags that several verbs share.
 *
 * @module
 */
import { Option } from "commander";
import { parseInteger, parseLayers, parseNumber, parseWhole } from "./arguments.ts";

/** A flag with a parser that names it. @param shown the default as help shows it. */
export function flag<T>(
  flags: string,
  description: string,
  parse: (name: string, text: string) => T,
  value?: T,
  shown?: string,
): Option {
  const option = new Option(flags, description);
  const name = `--${option.name()}`;
  option.argParser((text) => parse(name, text));
  if (value !== undefined) option.default(value, shown);
  return option;
}

export function layersFlag(value?: number[]): Option {
  return flag(
    "--layers <sizes>",
    "units of each layer, inputs first: 7,40,40,1",
    parseLayers,
    value,
    value?.join(","),
  ).makeOptionMandatory(value === undefined);
}

export function activationFlag(): Option {
  return new Option("--activation <name>", "relu or tanh").default("relu");
}

export function priorFlags(): Option[] {
  return [
    flag("--sigma-w2 <v>", "variance of the weights times fan-in", parseNumber, 2, "2"),
    flag("--sigma-b2 <v>", "variance of the biases", parseNumber, 1, "1"),
  ];
}

export function seedFlag(): Option {
  return flag("--seed <n>", "seed of the generator, 0 to 2^64 - 1", parseWhole, 0n, "0");
}

export function workersFlag(): Option {
  return flag("--workers <n>", "threads; 0: none but the main one (default: all of the machine)", parseInteger);
}

export function outputFlags(): Option[] {
  return [
    new Option("--quiet", "no progress on stderr"),
    new Option("--json", "print one JSON object and nothing else"),
  ];
}

/** A network's weights. */
export function weightsFlag(): Option {
  return new Option(
    "--weights <file.safetensors>",
    "a dense network, with PyTorch's names and shapes",
  ).makeOptionMandatory();
}

/** Points and their targets. */
export function dataFlags(): Option[] {
  return [
    new Option("--x <file.npy>", "points [points][features]").makeOptionMandatory(),
    new Option(
      "--y <file.npy>",
      "targets [points]: 0 or 1 for bce, class indices for ce; [points][outputs] for mse",
    ).makeOptionMandatory(),
    new Option("--loss <name>", "bce, ce or mse (default: bce for one output, ce for several)"),
  ];
}

/** What the verbs over a network's loss share. */
export interface LossFlags {
  readonly weights: string;
  readonly activation: string;
  readonly x: string;
  readonly y: string;
  readonly loss?: string;
  readonly seed: bigint;
  readonly workers?: number;
}
