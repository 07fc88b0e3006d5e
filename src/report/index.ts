/**
 * Studies and their reports: "flatvol/report". Needs no browser, and runs in one.
 *
 * @module
 */
export {
  type CorrelationRecord,
  type CountRecords,
  type CountStudyOptions,
  countRecords,
  type OrbitPoint,
  type RunRecord,
  type TopFunction,
} from "../study/count.ts";
export { countReport } from "./count.ts";
export { type LandscapeRecords, landscapePicture, landscapeReport } from "./landscape.ts";
export { recordsToCsv, recordsToParquet } from "./recordTable.ts";
