/**
 * From numbers to places on an axis.
 *
 * @module
 */
import { superscript } from "../format.ts";

/** An axis: what it shows, from where to where. */
export interface Axis {
  readonly label: string;
  readonly domain: readonly [number, number];
  readonly log?: boolean;
  /** Places and their texts, in place of the usual ones. */
  readonly ticks?: ReadonlyArray<readonly [number, string]>;
}

/** Where a number is, from 0 (the domain's start) to 1. Outside of a logarithm's reach: NaN. */
export function placeOn({ domain: [from, to], log }: Axis, value: number): number {
  if (!log) return (value - from) / (to - from);
  return value > 0 ? Math.log(value / from) / Math.log(to / from) : Number.NaN;
}

/** Ticks and their texts, about `most` of them. */
export function ticksOf(axis: Axis, most: number): ReadonlyArray<readonly [number, string]> {
  if (axis.ticks) return axis.ticks;
  return axis.log ? logTicks(axis.domain, most) : linearTicks(axis.domain, most);
}

function linearTicks([from, to]: readonly [number, number], most: number): Array<[number, string]> {
  const raw = (to - from) / Math.max(1, most);
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= raw * 0.999) ?? 10 * unit;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: Array<[number, string]> = [];
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to + 1e-9 * step; k++) {
    ticks.push([k * step, (k * step).toFixed(decimals).replace("-", "−")]);
  }
  return ticks;
}

function logTicks([from, to]: readonly [number, number], most: number): Array<[number, string]> {
  const low = Math.ceil(Math.log10(from) - 1e-9);
  const high = Math.floor(Math.log10(to) + 1e-9);
  // less than two decades: 1, 2, 5
  if (high - low < 1) {
    const ticks: Array<[number, string]> = [];
    for (let e = low - 1; e <= high; e++) {
      for (const m of [1, 2, 5]) {
        const value = Number(`${m}e${e}`);
        if (value >= from * 0.999 && value <= to * 1.001) ticks.push([value, String(value)]);
      }
    }
    return ticks;
  }
  const step = Math.max(1, Math.ceil((high - low) / most));
  const ticks: Array<[number, string]> = [];
  for (let e = Math.ceil(low / step) * step; e <= high; e += step) {
    ticks.push([Number(`1e${e}`), e >= 0 && e <= 3 ? String(10 ** e) : e === -1 ? "0.1" : `10${superscript(e)}`]);
  }
  return ticks;
}

/** The range of some numbers, a little wider; of positive ones on a logarithmic axis. */
export function domainOf(
  values: Iterable<number>,
  options: { log?: boolean; padding?: number } = {},
): [number, number] {
  const { log = false, padding = 0.06 } = options;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value) || (log && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return log ? [0.1, 10] : [0, 1];
  if (log) {
    const ratio = Math.max(high / low, 2) ** padding;
    return [low / ratio, high * ratio];
  }
  const room = padding * (high - low || Math.abs(high) || 1);
  return [low - room, high + room];
}
