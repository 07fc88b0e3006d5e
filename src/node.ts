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
export { mergeTableFiles, type ReadTableOptions, readTable } from "./report/mergeFiles.ts";
export type { ShardOf } from "./report/tableMetadata.ts";
export { checkWritable, type WriteTableOptions, writeTable } from "./report/tableWriter.ts";
export { type DirectoryTrainingCheckpoint, trainingCheckpointTo } from "./training/checkpointTo.ts";
export { type CheckpointOptions, checkpointTo, type DirectoryCheckpoint } from "./volume/checkpointTo.ts";
export type { DescribeOptions } from "./volume/describeTable.ts";
export { type ShardRange, shardRange } from "./volume/shard.ts";
export { spillToDisk } from "./volume/spillToDisk.ts";
