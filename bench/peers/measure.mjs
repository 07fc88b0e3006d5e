// What every JavaScript peer shares: the command line, the warm-up, the clock and the one line of JSON.
import { parseArgs } from "node:util";

/**
 * Warms a sampler up, times it and prints the result.
 *
 * @param {object} peer
 * @param {string} peer.name
 * @param {string} peer.version
 * @param {number} peer.batch samples a call; `--batch` overrides it; the number of samples is rounded up to it
 * @param {(seed: number, batch: number) => (counts: Map<unknown, number>, samples: number) => void | Promise<void>} peer.open
 *   gives a function that draws `samples` networks and adds their functions to `counts`
 * @param {unknown} peer.allZero key of the function that is 0 everywhere
 * @param {unknown} peer.allOne
 */
export async function measure({ name, version, batch: defaultBatch, open, allZero, allOne }) {
  const { values } = parseArgs({
    options: { samples: { type: "string" }, seed: { type: "string" }, batch: { type: "string" } },
  });
  const batch = Number(values.batch ?? defaultBatch);
  const batches = Math.ceil(Number(values.samples ?? 4000) / batch);
  const seed = Number(values.seed ?? 1);
  if (!(batch >= 1 && batches >= 1 && Number.isSafeInteger(seed))) {
    console.error("--samples and --batch expect positive numbers, --seed an integer");
    process.exit(2);
  }

  const sample = open(seed, batch);
  const warmUpEnds = performance.now() + 1000;
  for (let i = 0; i < 3 || performance.now() < warmUpEnds; i++) await sample(new Map(), batch);

  const counts = new Map();
  const start = performance.now();
  for (let i = 0; i < batches; i++) await sample(counts, batch);
  const seconds = (performance.now() - start) / 1000;

  const samples = batches * batch;
  console.log(
    JSON.stringify({
      name,
      version,
      samples,
      seconds,
      samplesPerSecond: samples / seconds,
      pAllZero: (counts.get(allZero) ?? 0) / samples,
      pAllOne: (counts.get(allOne) ?? 0) / samples,
      distinct: counts.size,
    }),
  );
}

/** Key of 128 outputs that start at `offset`: four 32-bit words as one string of four UTF-16 pairs, cheap to build and to hash. */
export function keyOfSigns(outputs, offset) {
  const units = new Array(8);
  for (let u = 0; u < 8; u++) {
    let bits = 0;
    for (let i = 0; i < 16; i++) bits = (bits << 1) | (outputs[offset + 16 * u + i] > 0 ? 1 : 0);
    units[u] = bits;
  }
  return String.fromCharCode(...units);
}

export const ALL_ZERO = "\0".repeat(8);
export const ALL_ONE = "\uffff".repeat(8);
