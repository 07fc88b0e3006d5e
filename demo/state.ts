/**
 * What the page shows, as the fragment of its address: a link that can be shared.
 *
 * A link may come from anyone. Every value is one of a list, a number that is put within its bounds, or hex digits of the
 * right length; whatever else a link says is left out.
 *
 * @module
 */

interface NumberRule {
  readonly kind: "number";
  readonly least: number;
  readonly most: number;
  readonly step: number;
  readonly standard: number;
}
interface ChoiceRule<T extends string> {
  readonly kind: "choice";
  readonly choices: readonly T[];
  readonly standard: T;
}
/** One of a list, or hex digits of a function of 7 bits. */
interface TargetRule {
  readonly kind: "target";
  readonly choices: readonly string[];
  readonly standard: string;
}
/** Hex digits of a function, or nothing. */
interface FunctionRule {
  readonly kind: "function";
  readonly standard: string;
}
type Rule = NumberRule | ChoiceRule<string> | TargetRule | FunctionRule;

const number = (least: number, most: number, step: number, standard: number): NumberRule => ({
  kind: "number",
  least,
  most,
  step,
  standard,
});
const choice = <T extends string>(choices: readonly T[], standard: T): ChoiceRule<T> => ({
  kind: "choice",
  choices,
  standard,
});

export const PARTS = ["prior", "train", "rescale", "study"] as const;
export const OPTIMIZERS = ["sgd", "momentum", "adam", "rmsprop", "adagrad", "entropy-sgd", "sam"] as const;
export const TARGETS = ["majority", "multiplexer", "first", "threshold", "parity"] as const;
export const STUDY_MEASURES = ["keskar-protocol", "spectral-norm", "trace", "fisher-rao", "relative-flatness"] as const;

const SEED = number(0, 2 ** 31 - 1, 1, 1);
const target = (standard: string): TargetRule => ({ kind: "target", choices: TARGETS, standard });

/** Names in the link, and what each may be. Those of a part begin with its first letter. */
export const RULES = {
  part: choice(PARTS, "prior"),
  pBits: number(3, 7, 1, 7),
  pDepth: number(1, 4, 1, 2),
  pWidth: number(4, 100, 1, 40),
  pW2: number(0.25, 8, 0.25, 2),
  pB2: number(0, 4, 0.25, 1),
  pSeed: SEED,
  pFunction: { kind: "function", standard: "" } as FunctionRule,
  tTarget: target("majority"),
  tAttack: number(0, 64, 1, 8),
  tOptimizer: choice(OPTIMIZERS, "sgd"),
  tRate: number(-3, 0, 0.1, -1.3),
  tSeed: SEED,
  rTarget: target("multiplexer"),
  rAlpha: number(-3, 3, 0.1, 1.5),
  rLayer: number(1, 2, 1, 1),
  rView: choice(["plain", "filter"], "plain"),
  rSeed: SEED,
  sTarget: target("majority"),
  sNetworks: number(10, 200, 10, 100),
  sOptimizer: choice(OPTIMIZERS, "sgd"),
  sMeasure: choice(STUDY_MEASURES, "keskar-protocol"),
  sSeed: SEED,
} as const;

type ValueOf<R> = R extends NumberRule ? number : R extends ChoiceRule<infer T> ? T : string;
/** Everything that the page can be set to. */
export type State = { -readonly [K in keyof typeof RULES]: ValueOf<(typeof RULES)[K]> };
export type StateKey = keyof State;
/** Settings that are numbers. */
export type NumberKey = { [K in StateKey]: State[K] extends number ? K : never }[StateKey];

/** The number that a logarithmic slider stands for, to four digits: engines differ in the last bits of powers. */
export function power(base: number, exponent: number): number {
  return Number((base ** exponent).toPrecision(4));
}

/** Longest fragment that is looked at. */
const LONGEST = 2000;

function read(rule: Rule, text: string): string | number | undefined {
  switch (rule.kind) {
    case "number": {
      if (!/^-?\d{1,12}(\.\d{1,6})?$/.test(text)) return undefined;
      const value = Math.min(rule.most, Math.max(rule.least, Number(text)));
      const steps = Math.round((value - rule.least) / rule.step);
      return Number((rule.least + steps * rule.step).toFixed(6));
    }
    case "choice":
      return rule.choices.includes(text) ? text : undefined;
    case "target":
      return rule.choices.includes(text) || /^[0-9a-f]{32}$/.test(text) ? text : undefined;
    case "function":
      return /^[0-9a-f]{2,32}$/.test(text) ? text : undefined;
  }
}

/** A value of the kind that a setting asks for, in words. */
function wanted(rule: Rule): string {
  switch (rule.kind) {
    case "number":
      return `a number from ${rule.least} to ${rule.most}`;
    case "choice":
      return `one of ${rule.choices.join(", ")}`;
    case "target":
      return `one of ${rule.choices.join(", ")}, or a function of 7 bits in 32 hex digits`;
    case "function":
      return "a function in hex digits, a quarter as many as it has inputs";
  }
}

/**
 * A setting from text that its writer is to be told about if it is wrong, unlike a link's.
 *
 * @param name of the setting, for the error.
 * @throws RangeError naming it.
 */
export function parseSetting(key: StateKey, text: string, name: string): string | number {
  const rule: Rule = RULES[key];
  const value = read(rule, text);
  const beyond = rule.kind === "number" && (Number(text) < rule.least || Number(text) > rule.most);
  if (value === undefined || beyond) throw new RangeError(`${name}: expected ${wanted(rule)}, got "${text}"`);
  return value;
}

/** The state that a fragment (with or without its #) asks for; what it does not say, or says wrongly, is as by default. */
export function parseState(fragment: string): State {
  const state: Record<string, string | number> = {};
  const given = new URLSearchParams(fragment.slice(0, LONGEST).replace(/^#/, ""));
  for (const [key, rule] of Object.entries(RULES) as Array<[string, Rule]>) {
    const text = given.get(key);
    state[key] = (text === null ? undefined : read(rule, text)) ?? rule.standard;
  }
  // hex digits are of the function's own number of inputs
  if (String(state.pFunction).length !== Math.ceil(2 ** Number(state.pBits) / 4)) state.pFunction = "";
  return state as unknown as State;
}

/** Everything as by default. */
export const standardState = (): State => parseState("");

/** The fragment of a state: only what is not as by default, without a #. */
export function formatState(state: State): string {
  const said = new URLSearchParams();
  for (const [key, rule] of Object.entries(RULES) as Array<[StateKey, Rule]>) {
    if (state[key] !== rule.standard) said.set(key, String(state[key]));
  }
  return said.toString();
}
