/**
 * What a count is of: two counts of one identity, over disjoint samples, can be added.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { type Points, pointsOfKind } from "../data/points.ts";
import { checkChoice, checkInteger, checkOptions, checkSeed, show } from "../engine/checks.ts";
import { coreBuild } from "../engine/core.ts";
import { version } from "../generated/version.ts";
import { defineNetwork, type Network, type NetworkOptions } from "../network/network.ts";
import { MAXIMUM_DRAWS, singleOutput } from "../network/parameters.ts";
import type { SymmetryClass } from "../network/plan.ts";
import { symmetryOf } from "./symmetry.ts";

/** Plain data, as it stands in files and messages. */
export interface CountIdentity {
  /** Of the package, and SHA-256 of its WebAssembly module: others may differ in the last bits of a sign. */
  readonly version: string;
  readonly wasm: string;
  readonly layers: readonly number[];
  readonly activation: Network["activation"];
  readonly sigmaW2: number;
  readonly sigmaB2: number;
  /** All Boolean inputs; or given points, SHA-256 of their values as little-endian f32, and the mode of negation. */
  readonly inputs:
    | { readonly kind: "boolean" }
    | { readonly kind: "points"; readonly points: number; readonly sha256: string; readonly negation: 0 | 1 | 2 };
  readonly outputDraws: number;
  /** Decimal digits. */
  readonly seed: string;
}

export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

let engine: Promise<string> | undefined;

/** SHA-256 of the WebAssembly module that counts, hex. */
export function engineDigest(): Promise<string> {
  engine ??= coreBuild.bytes().then((bytes) => hex(sha256(new Uint8Array(bytes))));
  return engine;
}

/** SHA-256 of the points' values, little-endian f32, -0 as 0. */
export function pointsDigest(points: Points): string {
  if (points.digest !== undefined) return points.digest;
  const values = points.values();
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    view.setFloat32(4 * i, value + 0, true);
  });
  return hex(sha256(new Uint8Array(view.buffer)));
}

/** The identity of a count of this version. */
export async function identityOf(
  network: Network,
  points: Points,
  outputDraws: number,
  seed: bigint,
  symmetry: SymmetryClass,
): Promise<CountIdentity> {
  const { layers, activation, sigmaW2, sigmaB2 } = network;
  return {
    version,
    wasm: await engineDigest(),
    layers,
    activation,
    sigmaW2,
    sigmaB2,
    inputs:
      points.kind === "boolean"
        ? { kind: "boolean" }
        : { kind: "points", points: points.count, sha256: pointsDigest(points), negation: symmetry.negation },
    outputDraws,
    seed: String(seed),
  };
}

const DIGEST = /^[0-9a-f]{64}$/;

/** A text of hex digits as SHA-256 has. */
export function checkDigest(name: string, value: unknown): string {
  if (typeof value !== "string" || !DIGEST.test(value)) {
    throw new RangeError(`${name}: expected 64 hex digits, got ${show(value)}`);
  }
  return value;
}

/** Decimal digits of a seed. */
export function checkSeedText(name: string, value: unknown): bigint {
  if (typeof value !== "string" || !/^\d{1,20}$/.test(value)) {
    throw new RangeError(`${name}: expected decimal digits, got ${show(value)}`);
  }
  return checkSeed(name, BigInt(value)).value;
}

const KEYS = [
  "version",
  "wasm",
  "layers",
  "activation",
  "sigmaW2",
  "sigmaB2",
  "inputs",
  "outputDraws",
  "seed",
] as const satisfies ReadonlyArray<keyof CountIdentity>;

/**
 * An identity from a file or a message, whoever wrote it.
 *
 * @throws TypeError, RangeError naming what is wrong.
 */
export function checkIdentity(value: unknown): CountIdentity {
  checkOptions("identity", value, KEYS);
  const { version: made, wasm, inputs, outputDraws, seed, ...rest } = value as CountIdentity;
  if (typeof made !== "string" || !/^[\w.+-]{1,64}$/.test(made)) {
    throw new RangeError(`version: expected one of flatvol, got ${show(made)}`);
  }
  for (const key of ["sigmaW2", "sigmaB2", "activation"] as const) {
    if (rest[key] === undefined) throw new TypeError(`${key}: expected a value, got undefined`);
  }
  const { layers, activation, sigmaW2, sigmaB2 } = singleOutput(defineNetwork(rest as NetworkOptions));
  checkOptions("inputs", inputs, ["kind", "points", "sha256", "negation"]);
  const kind = checkChoice("inputs.kind", inputs.kind, ["boolean", "points"]);
  return {
    version: made,
    wasm: checkDigest("wasm", wasm),
    layers,
    activation,
    sigmaW2,
    sigmaB2,
    inputs:
      inputs.kind === "points"
        ? {
            kind: "points",
            points: checkInteger("inputs.points", inputs.points, 1, 1024),
            sha256: checkDigest("inputs.sha256", inputs.sha256),
            negation: checkInteger("inputs.negation", inputs.negation, 0, 2) as 0 | 1 | 2,
          }
        : { kind: kind as "boolean" },
    outputDraws: checkInteger("outputDraws", outputDraws, 1, MAXIMUM_DRAWS),
    seed: String(checkSeedText("seed", seed)),
  };
}

/** The network, the points (without their values, if they were given) and the symmetry of an identity. */
export function describedBy(identity: CountIdentity): {
  readonly network: Network;
  readonly points: Points;
  readonly symmetry: SymmetryClass;
} {
  const { layers, activation, sigmaW2, sigmaB2, inputs } = identity;
  const network = defineNetwork({ layers, activation, sigmaW2, sigmaB2 });
  const points = pointsOfKind(inputs, layers[0]);
  const symmetry = inputs.kind === "boolean" ? symmetryOf(network, points) : { bits: 0, negation: inputs.negation };
  return { network, points, symmetry };
}

/** What of an identity is called what, for a reader. */
const NAMES: ReadonlyArray<readonly [name: string, keys: ReadonlyArray<keyof CountIdentity>]> = [
  ["network", ["layers", "activation"]],
  ["prior", ["sigmaW2", "sigmaB2"]],
  ["inputs", ["inputs"]],
  ["outputDraws", ["outputDraws"]],
  ["seed", ["seed"]],
  ["version of flatvol", ["version"]],
  ["WebAssembly module", ["wasm"]],
];

/** How a second identity differs from a first: `another seed (2 in place of 1)`; undefined if it does not. */
export function differenceOf(first: CountIdentity, second: CountIdentity): string | undefined {
  const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
  for (const [name, keys] of NAMES) {
    const of = (identity: CountIdentity): string => keys.map((key) => text(identity[key])).join(" ");
    if (of(first) !== of(second)) return `another ${name} (${of(second)} in place of ${of(first)})`;
  }
  return undefined;
}
