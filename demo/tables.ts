/** Writers of tables, loaded when the first file is asked for. */
export { recordsToCsv, recordsToParquet } from "flatvol/report";
