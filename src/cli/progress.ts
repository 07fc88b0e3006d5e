/**
 * One line on a terminal that tells how far the work is.
 *
 * @module
 */
import { formatWhole } from "../report/format.ts";

/** Milliseconds between two drawings: a terminal need not scroll by. */
const INTERVAL_MS = 100;

/** Seconds as `1 h 02 min`, `3 min 20 s`, `12 s`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number): string => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** A line on stderr, rewritten in place; nothing at all where stderr is no terminal. */
export class Progress {
  #last = Number.NEGATIVE_INFINITY;
  #shown = false;

  constructor(readonly enabled: boolean) {}

  /** Shows a stage: `sampling  34 %  340,000 of 1,000,000  71,200/s  9 s left`. */
  show(stage: string, done: number, total: number, perSecond?: number, secondsLeft?: number): void {
    if (!this.enabled) return;
    const now = performance.now();
    if (now - this.#last < INTERVAL_MS && done < total) return;
    this.#last = now;
    const share = total > 0 ? Math.floor((100 * done) / total) : 100;
    let line = `${stage} ${String(share).padStart(3)} %  ${formatWhole(done)} of ${formatWhole(total)}`;
    if (perSecond !== undefined && done > 0) line += `  ${formatWhole(perSecond)}/s`;
    if (secondsLeft !== undefined && done < total) line += `  ${formatSeconds(secondsLeft)} left`;
    const width = process.stderr.columns || 80;
    process.stderr.write(`\r${line.slice(0, width - 1)}\u001b[K`);
    this.#shown = true;
  }

  /** Removes the line. */
  clear(): void {
    if (!this.#shown) return;
    process.stderr.write("\r\u001b[K");
    this.#shown = false;
  }
}
