/**
 * `flatvol train`.
 *
 * @module
 */
import { writeFileWhole } from "../data/files.ts";
import { writeSafetensors } from "../data/safetensors.ts";
import { train } from "../flatness/api.ts";
import type { AllMeasureOptions } from "../flatness/flatness.ts";
import { tensorsFromWeights } from "../network/weights.ts";
import { formatNumber, formatWhole } from "../report/format.ts";
import { trainingCheckpointTo } from "../training/checkpointTo.ts";
import { OPTIMIZER_OPTIONS, type OptimizerOptions } from "../training/optimiser.ts";
import type { TrainResult } from "../training/trainTask.ts";
import { UsageError } from "./arguments.ts";
import { type CheckpointFlags, checkpointOf } from "./checkpointFlags.ts";
import { seedOf } from "./count.ts";
import { checkOut, lossOf, readData, readWeights } from "./files.ts";
import { measureNames, measureOptionsOf } from "./measureFlags.ts";
import { type NetworkFlags, networkOf } from "./networkOptions.ts";
import type { CommonOptions, Session } from "./session.ts";
import { factLines } from "./textTable.ts";

/** Flags of the verb. */
export interface TrainVerbFlags
  extends NetworkFlags,
    Omit<OptimizerOptions, "learningRate">,
    CheckpointFlags,
    CommonOptions {
  readonly x: string;
  readonly y: string;
  readonly xTest?: string;
  readonly yTest?: string;
  readonly loss?: string;
  readonly lr?: number;
  readonly batch?: number;
  readonly maxEpochs?: number;
  readonly extraEpochs?: number;
  readonly genuine?: number;
  readonly targetLoss?: number;
  readonly historyEvery?: number;
  readonly measures?: string;
  readonly measureEvery?: number;
  readonly init?: string;
  readonly seed: bigint;
  readonly out: string;
}

export async function trainVerb(flags: TrainVerbFlags, session: Session): Promise<void> {
  const network = networkOf(flags);
  const { layers } = network;
  checkOut("--out", flags.out, [".safetensors"]);
  const loss = lossOf(flags.loss, layers);
  const data = readData({ x: "--x", y: "--y" }, flags, layers, loss);
  const { xTest, yTest } = flags;
  if ((xTest === undefined) !== (yTest === undefined)) {
    throw new UsageError(
      `${xTest === undefined ? "--x-test" : "--y-test"}: expected beside the other one of the test set`,
    );
  }
  const test =
    xTest !== undefined && yTest !== undefined
      ? readData({ x: "--x-test", y: "--y-test" }, { x: xTest, y: yTest }, layers, loss)
      : undefined;
  const init = flags.init === undefined ? undefined : readWeights("--init", flags.init);
  if (init && init.layers.join() !== layers.join()) {
    throw new UsageError(`--init: expected layers ${layers.join(",")}, got ${init.layers.join(",")}`);
  }
  const optimizer: Record<string, unknown> = { learningRate: flags.lr };
  for (const name of OPTIMIZER_OPTIONS) if (name !== "learningRate") optimizer[name] = flags[name];
  const started = performance.now();
  const kept = checkpointOf(flags, trainingCheckpointTo);
  let result: TrainResult;
  try {
    result = await train(network, data, {
      ...(optimizer as OptimizerOptions),
      loss,
      batch: flags.batch,
      maxEpochs: flags.maxEpochs,
      extraEpochs: flags.extraEpochs,
      genuine: flags.genuine,
      targetLoss: flags.targetLoss,
      historyEvery: flags.historyEvery,
      ...(flags.measures === undefined
        ? {}
        : {
            measures: measureNames(flags.measures),
            measureEvery: flags.measureEvery,
            measureOptions: measureOptionsOf(flags) as AllMeasureOptions,
          }),
      parameters: init?.parameters,
      test,
      seed: flags.seed,
      signal: session.signal,
      ...(kept ? { checkpoint: kept.store } : {}),
    });
    // before the checkpoint goes
    const { parameters } = result;
    writeFileWhole(flags.out, writeSafetensors(tensorsFromWeights({ layers, parameters, names: init?.names })));
  } catch (error) {
    kept?.end(false);
    throw error;
  }
  kept?.end(true);
  const seconds = (performance.now() - started) / 1000;
  const { converged, epochs, convergedAt, trainError, trainLoss, testAccuracy, history } = result;
  if (session.json) {
    session.printJson({
      converged,
      epochs,
      ...(kept?.store.resumedEpochs ? { resumedEpochs: kept.store.resumedEpochs } : {}),
      convergedAt,
      trainError,
      trainLoss,
      testAccuracy,
      layers,
      points: data.points,
      loss,
      seed: seedOf(flags.seed),
      seconds,
      ...(history.length > 0 ? { history } : {}),
      out: flags.out,
    });
    return;
  }
  const lines = factLines([
    ["converged", converged ? `yes, at epoch ${formatWhole(convergedAt ?? 0)}` : "no"],
    [
      "epochs",
      `${formatWhole(epochs)} in ${formatNumber(seconds, 3)} s${kept?.store.resumedEpochs ? `, ${formatWhole(kept.store.resumedEpochs)} of them from the checkpoint` : ""}`,
    ],
    ["training loss", formatNumber(trainLoss)],
    ["training error", formatNumber(trainError)],
    ...(testAccuracy === undefined ? [] : [["test accuracy", formatNumber(testAccuracy)] as const]),
    ["weights", flags.out],
  ]);
  for (const line of lines) session.print(line);
}
