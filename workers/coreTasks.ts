/** The tasks of the core: counting and describing. */
import type { Task } from "../src/engine/task.ts";
import { countChunk } from "../src/volume/countChunk.ts";
import { describeRows } from "../src/volume/describeRows.ts";

export const coreTasks = [countChunk, describeRows] as unknown as ReadonlyArray<Task<never, unknown>>;
