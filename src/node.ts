/**
 * What needs files: "flatvol/node". Node only.
 *
 * @module
 */
export { readCifarBatch } from "./data/cifar.ts";
export { type IdxArray, readIdx } from "./data/idx.ts";
export { loadCifar, loadDigits } from "./data/imageFiles.ts";
export { type Images, pointsOfImages } from "./data/images.ts";
export { type NpyArray, readNpy, writeNpy } from "./data/npy.ts";
export { checkWritable, type WriteTableOptions, writeTable } from "./report/tableWriter.ts";
export type { DescribeOptions } from "./volume/describeTable.ts";
export { spillToDisk } from "./volume/spillToDisk.ts";
