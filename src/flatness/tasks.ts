/** The tasks of `flatness` and `landscape` on the module's own surfaces, and of `train` with the measures. */
import { LocalSurface } from "../training/localSurface.ts";
import { isLarge, SplitSurface } from "../training/splitSurface.ts";
import type { Training } from "../training/train.ts";
import { makeTrainTask } from "../training/trainTask.ts";
import { measures } from "./index.ts";
import { checkMeasureOptions, checkSelection } from "./measure.ts";
import { makeSurfaceTasks, type SurfaceFactory } from "./measureTask.ts";

const surfaceOf: SurfaceFactory = (kernels, network, data, lossName, split) =>
  isLarge(network, data)
    ? new SplitSurface(kernels, network, data, lossName, split)
    : new LocalSurface(kernels, network, data, lossName);

export const surfaceTasks = makeSurfaceTasks(surfaceOf);

/** Training that can take every measure on its way. */
export const measuredTraining: Training = {
  task: makeTrainTask({
    surfaceOf: (kernels, network, data, lossName, pause) =>
      surfaceOf(kernels, network, data, lossName, { helpers: [], pause }),
    async take(name, context) {
      const { surface, w, options } = context;
      const subject = { network: surface.network, w, points: surface.data.points };
      const [measure] = checkSelection(measures, [name], options, subject, surface.lossName);
      return { invariant: measure.invariant, ...(await measure.run(context)) };
    },
  }),
  checkMeasures(names, options, subject, lossName) {
    checkMeasureOptions(measures, options, "measureOptions");
    checkSelection(measures, names, options, subject, lossName);
  },
};
