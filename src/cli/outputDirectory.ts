/**
 * The directory that a study writes into.
 *
 * @module
 */
import fs from "node:fs";
import { dirname, resolve } from "node:path";
import { UsageError } from "./arguments.ts";

/**
 * Makes a directory and those above it. One by one: `mkdirSync` with `recursive` never returns where a file system takes
 * no directories (/proc).
 *
 * @param flag that asks for it.
 * @returns those that had to be made, outermost first.
 */
export function makeDirectory(path: string, flag = "--out"): string[] {
  const missing: string[] = [];
  for (let at = resolve(path); !fs.existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  const made: string[] = [];
  try {
    for (const directory of missing) {
      fs.mkdirSync(directory);
      made.push(directory);
    }
    if (!fs.statSync(path).isDirectory()) throw Object.assign(new Error(), { code: "it is no directory" });
  } catch (error) {
    removeIfEmpty(made);
    throw new UsageError(
      `${flag}: cannot make the directory "${path}" (${(error as NodeJS.ErrnoException).code ?? error})`,
    );
  }
  return made;
}

/** Removes the directories that were made, unless something is in them. */
export function removeIfEmpty(made: readonly string[]): void {
  try {
    for (const directory of [...made].reverse()) fs.rmdirSync(directory);
  } catch {
    // not empty: it stays
  }
}
