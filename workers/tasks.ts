/** Every task that a worker can run: one line each. */
import { measuredTraining, surfaceTasks } from "../src/flatness/tasks.ts";
import { shardTask } from "../src/training/shardTask.ts";
import { countChunk } from "../src/volume/countChunk.ts";
import { describeRows } from "../src/volume/describeRows.ts";

export const tasks = [
  countChunk,
  describeRows,
  measuredTraining.task,
  surfaceTasks.measure,
  surfaceTasks.grid,
  shardTask,
];
