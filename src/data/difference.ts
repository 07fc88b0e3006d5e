/**
 * Where two descriptions of one kind differ.
 *
 * @module
 */

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Longest value that is told. */
const MOST = 60;

function told(value: unknown): string {
  const text = JSON.stringify(value) ?? "none";
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}

/** "its seed is 1, not 2": the first entry, nested ones too, that differs; undefined if none does. Plain data. */
export function differenceBetween(expected: unknown, found: unknown): string | undefined {
  const [ours, theirs] = [isObject(expected) ? expected : {}, isObject(found) ? found : {}];
  for (const key of Object.keys({ ...ours, ...theirs })) {
    if (JSON.stringify(ours[key]) === JSON.stringify(theirs[key])) continue;
    const nested = isObject(ours[key]) && isObject(theirs[key]) ? differenceBetween(ours[key], theirs[key]) : undefined;
    return nested ?? `its ${key} is ${told(theirs[key])}, not ${told(ours[key])}`;
  }
  return undefined;
}

/** The same of their texts in JSON. */
export function differenceOfTexts(expected: string, found: unknown): string | undefined {
  if (expected === found) return undefined;
  const parse = (text: unknown): unknown => {
    try {
      return JSON.parse(String(text));
    } catch {
      return undefined;
    }
  };
  return differenceBetween(parse(expected), parse(found)) ?? "it is of something else";
}
