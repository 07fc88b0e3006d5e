/**
 * What every verb needs of the process: output, progress, signals, exit codes.
 *
 * @module
 */
import { argumentMessage, inFlags, oneLine, UsageError } from "./arguments.ts";
import { Progress } from "./progress.ts";

/** Flags that every verb has. */
export interface CommonOptions {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** What a verb may use. */
export interface Session {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly json: boolean;
  /** Prints a line of the result. With `--json` only the one object may be printed. */
  print(text: string): void;
  /** Prints the one JSON object. */
  printJson(value: unknown): void;
}

/** JSON of typed arrays as lists; numbers that JSON has not (NaN, infinities) become null. */
function plain(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as Float32Array) : value;
}

class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor(readonly exitCode: number) {
    super("interrupted");
  }
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Runs a verb to its end and sets the exit code: 0 done, 1 failed, 2 bad usage or input, 128 + n after a signal.
 *
 * The first signal asks the work to stop, so that it tidies up; a second one ends the process.
 */
export async function runVerb(
  verb: string,
  options: CommonOptions,
  flags: ReadonlySet<string>,
  body: (session: Session) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const listeners = Object.entries(SIGNALS).map(([name, code]) => {
    const listener = (): void => {
      if (stop.signal.aborted) process.exit(code);
      stop.abort(new Interrupted(code));
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  const progress = new Progress(options.quiet !== true && process.stderr.isTTY === true);
  try {
    await body({
      signal: stop.signal,
      progress,
      json: options.json === true,
      print: (text) => void process.stdout.write(`${text}\n`),
      printJson: (value) => void process.stdout.write(`${JSON.stringify(value, plain)}\n`),
    });
  } catch (error) {
    progress.clear();
    process.exitCode = report(verb, error, flags);
  } finally {
    progress.clear();
    for (const [name, listener] of listeners) process.off(name, listener);
  }
}

/** Writes the one line that tells what went wrong. @returns the exit code. */
export function report(verb: string, error: unknown, flags: ReadonlySet<string> = new Set()): number {
  if (error instanceof Interrupted) return error.exitCode;
  const argument = argumentMessage(error, flags);
  const text = argument ?? oneLine(inFlags(error instanceof Error ? error.message : String(error)));
  process.stderr.write(`${verb}: ${text}\n`);
  if (argument === undefined && process.env.FLATVOL_DEBUG && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  return argument === undefined ? 1 : 2;
}

/** Runs checks of arguments: whatever they throw is bad input. */
export function checkingInput<T>(flag: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${flag}: ${text.replace(/^[A-Za-z]+: /, "")}`);
  }
}
