/**
 * Files read and written whole. Node only.
 *
 * @module
 */
import fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { show } from "../engine/checks.ts";

/**
 * Says early what would fail late: whether the file can be written.
 *
 * @throws RangeError naming `path`: no such directory, no permission.
 */
export function checkWritableFile(path: string): void {
  try {
    const stats = fs.statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory()) throw new RangeError(`path: expected a file, got the directory ${show(path)}`);
    if (stats) fs.accessSync(path, fs.constants.W_OK);
    // only trying tells: a directory may be missing, read-only, or of a kind that takes no files
    const probe = temporaryName(path);
    fs.closeSync(fs.openSync(probe, "wx"));
    fs.rmSync(probe);
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new RangeError(`path: cannot write ${show(path)} (${reason(error)})`, { cause: error });
  }
}

/** Why a file could not be had, in words. */
export function reason(error: unknown, missing = "directory"): string {
  const { code } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ENOENT: `no such ${missing}`,
    EISDIR: "it is a directory",
    ENOTDIR: "its parent is no directory",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EROFS: "read-only file system",
    ENOSPC: "no space left on the disk",
    EDQUOT: "no space left in the quota",
  };
  return words[code ?? ""] ?? code ?? String(error);
}

let serial = 0;

/** A name in the same directory, so that a rename puts it in place at once. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${serial++}.tmp`);
}

/** Writes a whole file at once, or not at all. */
export function writeFileWhole(path: string, data: string | Uint8Array): void {
  const temporary = temporaryName(path);
  try {
    fs.writeFileSync(temporary, data);
    fs.renameSync(temporary, path);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw new Error(`cannot write ${show(path)} (${reason(error)})`, { cause: error });
  }
}

/**
 * A whole file.
 *
 * @throws RangeError naming the file: it is missing, or may not be read.
 */
export function readFileWhole(path: string): Uint8Array {
  try {
    return fs.readFileSync(path);
  } catch (error) {
    throw new RangeError(`cannot read ${show(path)} (${reason(error, "file")})`, { cause: error });
  }
}
