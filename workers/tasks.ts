/** Every task that a worker can run: one line each. The core's are what the core build's workers know. */
import type { Task } from "../src/engine/task.ts";
import { measuredTraining, surfaceTasks } from "../src/flatness/tasks.ts";
import { correlationTask } from "../src/statistics/correlationTask.ts";
import { shardTask } from "../src/training/shardTask.ts";
import { trainManyTask } from "../src/training/trainManyTask.ts";
import { epHelperTask } from "../src/volume/epHelperTask.ts";
import { epTask } from "../src/volume/epTask.ts";
import { laplaceTask } from "../src/volume/laplaceTask.ts";
import { orthantPlanTask } from "../src/volume/orthantPlan.ts";
import { orthantTask } from "../src/volume/orthantTask.ts";
import { splittingTask } from "../src/volume/splittingTask.ts";
import { coreTasks } from "./coreTasks.ts";

export const tasks = [
  ...coreTasks,
  measuredTraining.task,
  surfaceTasks.measure,
  surfaceTasks.grid,
  shardTask,
  splittingTask,
  epTask,
  epHelperTask,
  laplaceTask,
  orthantPlanTask,
  orthantTask,
  trainManyTask,
  correlationTask,
] as unknown as ReadonlyArray<Task<never, unknown>>;
