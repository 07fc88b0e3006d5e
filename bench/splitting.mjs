/**
 * Volumes by splitting, one thread: the error of a repetition, its time, and the figure of merit error^2 x time, which no number
 * of repetitions changes. Of it follows the time to an error asked for.
 */
import { log, median } from "./measure.mjs";

const NETWORK = { layers: [7, 40, 40, 1] };
/** Functions of 7 bits, from frequent to the rarest there is. */
const FUNCTIONS = [
  ["one of middling complexity", "7f7f37173f3713113717110113110000"],
  ["one of high complexity", "06000440040000004814050800004903"],
  ["random bits", "a4afaa2ebdb5c3933cdd17b545ed66d2", { particles: 200, moves: 20, steps: 60, keep: 0.7 }],
  ["parity of all bits", "69969669966969969669699669969669", { particles: 200, moves: 20, steps: 60, keep: 0.7 }],
];
/** Decades: of log10 P. */
const ASKED = [0.15, 0.3, 1];

export async function benchSplitting({ rounds, quick }) {
  const { splittingVolume } = await import("../dist/volume.js");
  const repetitions = quick ? 6 : 4 * rounds;
  const rows = [];
  for (const [name, f, settings] of FUNCTIONS) {
    log(`splitting: ${name}, ${repetitions} repetitions`);
    const before = process.cpuUsage();
    const found = await splittingVolume(NETWORK, { function: f, repetitions, seed: 1, workers: 0, ...settings });
    // of the processor: what else runs on the machine does not count
    const seconds = process.cpuUsage(before).user / 1e6 / repetitions;
    const logs = found.repetitions.flatMap(({ logP }) => (logP === undefined ? [] : [logP / Math.LN10]));
    const mean = logs.reduce((a, b) => a + b, 0) / logs.length;
    const deviation = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (logs.length - 1));
    const gradients = median(found.repetitions.map((run) => run.gradients));
    const merit = deviation ** 2 * seconds;
    rows.push({
      name,
      function: f,
      settings: settings ?? {},
      log10P: found.log10P ?? null,
      standardError: found.standardError === undefined ? null : found.standardError / Math.LN10,
      stalled: repetitions - logs.length,
      repetitions,
      deviation,
      seconds,
      gradients,
      gradientsPerSecond: gradients / seconds,
      merit,
      secondsTo: ASKED.map((error) => merit / error ** 2),
    });
  }
  return { network: NETWORK, rows };
}

export function printSplitting({ network, rows }) {
  console.log(`\nSplitting, ${network.layers.join("-")}, one thread; decades of P`);
  console.table(
    Object.fromEntries(
      rows.map((row) => [
        row.name,
        {
          "log10 P": row.log10P === null ? "stalled" : `${row.log10P.toFixed(2)} +- ${row.standardError.toFixed(2)}`,
          "s a repetition": row.seconds.toFixed(2),
          "its error": row.deviation.toFixed(2),
          "error^2 x s": row.merit.toFixed(2),
          "gradients/s": Math.round(row.gradientsPerSecond),
          "s to 0.15": row.secondsTo[0].toFixed(0),
          "s to 0.3": row.secondsTo[1].toFixed(0),
          "s to 1": row.secondsTo[2].toFixed(0),
        },
      ]),
    ),
  );
}
