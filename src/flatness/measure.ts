/**
 * What a flatness measure is: a name, what it is invariant under, its options, and how it is computed on a loss surface.
 *
 * @module
 */
import { checkChoice, checkInteger, checkNumber, show } from "../engine/checks.ts";
import type { Kernels } from "../engine/kernels.ts";
import type { Network } from "../network/network.ts";
import type { LossSurface } from "../training/surface.ts";

/** A number option; without a default the measure chooses, as its description says. */
export interface NumberRule<D extends number | undefined = number | undefined> {
  readonly kind: "number" | "integer";
  readonly default: D;
  readonly minimum: number;
  readonly maximum: number;
}

/** One of a few strings. */
export interface ChoiceRule<T extends string = string> {
  readonly kind: "choice";
  readonly default: T;
  readonly choices: readonly T[];
}

/** Option names, which are unique over all measures, with what each may be. */
export type OptionRules = Readonly<Record<string, NumberRule | ChoiceRule>>;

/** The values of a family's options, defaults filled in. */
export type OptionValues<R extends OptionRules> = {
  readonly [K in keyof R]: R[K] extends ChoiceRule<infer T>
    ? T
    : R[K] extends NumberRule<infer D>
      ? undefined extends D
        ? number | undefined
        : number
      : never;
};

/** A number in [minimum, maximum]. */
export function numberOption<D extends number | undefined>(
  value: D,
  minimum: number,
  maximum: number,
): NumberRule<D extends number ? number : undefined> {
  return { kind: "number", default: value as never, minimum, maximum };
}

/** An integer in [minimum, maximum]. */
export function integerOption<D extends number | undefined>(
  value: D,
  minimum: number,
  maximum: number,
): NumberRule<D extends number ? number : undefined> {
  return { kind: "integer", default: value as never, minimum, maximum };
}

/** One of `choices`. */
export function choiceOption<T extends string>(value: NoInfer<T>, choices: readonly T[]): ChoiceRule<T> {
  return { kind: "choice", default: value, choices };
}

/** Options as given: any of the names that the measures' rules list. */
export type MeasureOptions = Readonly<Record<string, unknown>>;

/**
 * Checks a family's options and fills in its defaults.
 *
 * @param options those of any family; the others' are left alone.
 * @throws TypeError, RangeError naming the option.
 */
export function optionValues<R extends OptionRules>(rules: R, options: MeasureOptions): OptionValues<R> {
  const values: Record<string, unknown> = {};
  for (const [name, rule] of Object.entries(rules)) {
    const given = options[name];
    if (given === undefined) values[name] = rule.default;
    else if (rule.kind === "choice") values[name] = checkChoice(name, given, rule.choices);
    else if (rule.kind === "integer") values[name] = checkInteger(name, given, rule.minimum, rule.maximum);
    else values[name] = checkNumber(name, given, rule.minimum, rule.maximum);
  }
  return values as OptionValues<R>;
}

/** What a running measure has. */
export interface MeasureContext {
  readonly surface: LossSurface;
  /** Where flatness is measured. */
  readonly w: Float32Array;
  readonly kernels: Kernels;
  readonly seed: bigint;
  /** To be awaited every few milliseconds. */
  readonly pause: () => Promise<void> | void;
  readonly options: MeasureOptions;
}

/** The subject of a context. */
export function subjectOf({ surface, w }: MeasureContext): MeasureSubject {
  return { network: surface.network, w, points: surface.data.points };
}

/** Plain data. A Monte Carlo number has its standard error or, where that is not defined, its spread beside it. */
export interface MeasureResult {
  readonly value: number;
  readonly standardError?: number;
  readonly [detail: string]: unknown;
}

/** What a measure may refuse before it runs. */
export interface MeasureSubject {
  readonly network: Network;
  readonly w: Float32Array;
  readonly points: number;
}

/** One measure. A result may say `invariant` itself where that depends on an option. */
export interface Measure {
  readonly name: string;
  /**
   * Whether the value stays as it is under alpha-rescaling of a ReLU network: `W_l, b_l` divided by alpha and `W_(l+1)`
   * multiplied by it, for a hidden layer l [Dinh et al. 2017].
   */
  readonly invariant: boolean;
  /** The paper. */
  readonly source: string;
  /** Its options, if it has any. */
  readonly options?: OptionRules;
  /** Losses that it is defined for. Default: all. */
  readonly losses?: readonly LossSurface["lossName"][];
  /**
   * Checks what the options' own rules cannot: that they fit the network and the data.
   *
   * @throws RangeError naming the argument.
   */
  check?(subject: MeasureSubject, options: MeasureOptions): void;
  run(context: MeasureContext): Promise<MeasureResult>;
}

/**
 * Checks the given options against the rules of all measures.
 *
 * @param argument what holds them, for the message.
 * @throws TypeError for an unknown name; TypeError, RangeError for a value.
 */
export function checkMeasureOptions(measures: readonly Measure[], options: MeasureOptions, argument = "options"): void {
  const known = new Set<string>();
  for (const { options: rules = {} } of measures) {
    optionValues(rules, options);
    for (const name of Object.keys(rules)) known.add(name);
  }
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new TypeError(`${argument}.${name}: no such option; known: ${[...known].join(", ")}`);
  }
}

/**
 * The measures of the given names, in that order.
 *
 * @throws TypeError, RangeError naming the argument.
 */
export function selectMeasures(measures: readonly Measure[], names: unknown): Measure[] {
  if (!Array.isArray(names)) throw new TypeError(`measures: expected an array of names, got ${show(names)}`);
  const known = measures.map(({ name }) => name);
  return names.map((given, i) => {
    const name = checkChoice(`measures[${i}]`, given, known);
    return measures.find((measure) => measure.name === name)!;
  });
}

/**
 * The measures of the given names, each once, that can take the loss, the subject and the options.
 *
 * @throws TypeError, RangeError naming the argument.
 */
export function checkSelection(
  measures: readonly Measure[],
  names: unknown,
  options: MeasureOptions,
  subject: MeasureSubject,
  lossName: LossSurface["lossName"],
): Measure[] {
  const selected = selectMeasures(measures, names);
  selected.forEach((measure, i) => {
    const { name, losses, check } = measure;
    if (selected.indexOf(measure) !== i) {
      throw new RangeError(`measures[${i}]: expected each name once, got "${name}"`);
    }
    if (losses && !losses.includes(lossName)) {
      throw new RangeError(`measures[${i}]: "${name}" needs the loss ${losses.join(" or ")}, got ${lossName}`);
    }
    check?.(subject, options);
  });
  return selected;
}
