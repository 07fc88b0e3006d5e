/** The tasks of `flatness` and `landscape` on the module's own surfaces. */
import { LocalSurface } from "../training/localSurface.ts";
import { makeSurfaceTasks } from "./measureTask.ts";

export const surfaceTasks = makeSurfaceTasks(
  (kernels, network, data, lossName) => new LocalSurface(kernels, network, data, lossName),
);
