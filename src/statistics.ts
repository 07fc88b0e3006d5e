/**
 * flatvol/statistics: correlations with intervals.
 *
 * An entry of its own, so that who only counts functions loads none of it.
 *
 * @module
 */
export type { Correlations } from "./statistics/correlateFew.ts";
export type { Correlation } from "./statistics/correlation.ts";
export { type CorrelationOptions, correlations } from "./statistics/correlations.ts";
export { wilsonInterval } from "./statistics/intervals.ts";
