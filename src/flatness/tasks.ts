/** The tasks of `flatness` and `landscape` on the module's own surfaces. */
import { LocalSurface } from "../training/localSurface.ts";
import { isLarge, SplitSurface } from "../training/splitSurface.ts";
import { makeSurfaceTasks } from "./measureTask.ts";

export const surfaceTasks = makeSurfaceTasks((kernels, network, data, lossName, split) =>
  isLarge(network, data)
    ? new SplitSurface(kernels, network, data, lossName, split)
    : new LocalSurface(kernels, network, data, lossName),
);
