/**
 * Argument checks at the facade. `TypeError` for a wrong kind, `RangeError` for a wrong value; the text says which
 * argument, what was expected and what was met.
 *
 * @module
 */

/** How a value is shown in a message. */
export function show(value: unknown): string {
  // one line, whatever a file holds
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean")
    return `${value}`;
  if (Array.isArray(value)) {
    if (value.length > 8) return `an array of length ${value.length}`;
    return `[${value.map((inner) => (Array.isArray(inner) ? `an array of length ${inner.length}` : show(inner)))}]`;
  }
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  return typeof value === "object"
    ? `an object ${(value as object).constructor?.name ?? ""}`.trim()
    : `a ${typeof value}`;
}

/** An integer in [minimum, maximum]. */
export function checkInteger(name: string, value: unknown, minimum: number, maximum: number): number {
  if (typeof value !== "number") throw new TypeError(`${name}: expected an integer, got ${show(value)}`);
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw new RangeError(`${name}: expected an integer from ${minimum} to ${maximum}, got ${show(value)}`);
  }
  return value;
}

/** A finite number in [minimum, maximum]. */
export function checkNumber(name: string, value: unknown, minimum: number, maximum: number): number {
  if (typeof value !== "number") throw new TypeError(`${name}: expected a number, got ${show(value)}`);
  if (!(value >= minimum && value <= maximum)) {
    throw new RangeError(`${name}: expected a number from ${minimum} to ${maximum}, got ${show(value)}`);
  }
  return value;
}

/** One of the listed strings. */
export function checkChoice<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  if (typeof value !== "string")
    throw new TypeError(`${name}: expected one of ${choices.join(", ")}, got ${show(value)}`);
  if (!choices.includes(value as T)) {
    throw new RangeError(`${name}: expected one of ${choices.join(", ")}, got ${show(value)}`);
  }
  return value as T;
}

/** An object whose keys are all known: a misspelt option is an error, not a default. */
export function checkOptions(name: string, value: unknown, keys: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name}: expected an object, got ${show(value)}`);
  }
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw new TypeError(`${name}.${key}: no such option; known: ${keys.join(", ")}`);
  }
}

const SEED_LIMIT = 2n ** 64n;

/** A seed: a safe integer or a bigint in [0, 2^64). @returns its low and high 32 bits. */
export function checkSeed(name: string, value: unknown): { value: bigint; low: number; high: number } {
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new TypeError(`${name}: expected an integer or a bigint, got ${show(value)}`);
  }
  if (typeof value === "number" && (!Number.isSafeInteger(value) || value < 0)) {
    throw new RangeError(
      `${name}: expected an integer from 0 to 2^53 - 1 (or a bigint below 2^64), got ${show(value)}`,
    );
  }
  const seed = BigInt(value);
  if (seed < 0n || seed >= SEED_LIMIT) {
    throw new RangeError(`${name}: expected an integer from 0 to 2^64 - 1, got ${show(value)}`);
  }
  return { value: seed, low: Number(seed & 0xffffffffn), high: Number(seed >> 32n) };
}
