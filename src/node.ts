/**
 * What needs files: "flatvol/node". Node only.
 *
 * @module
 */
export { type NpyArray, readNpy, writeNpy } from "./data/npy.ts";
export { checkWritable, type WriteTableOptions, writeTable } from "./report/tableWriter.ts";
export type { DescribeOptions } from "./volume/describeTable.ts";
export { spillToDisk } from "./volume/spillToDisk.ts";
