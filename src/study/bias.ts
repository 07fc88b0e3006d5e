/**
 * The bias study: which functions do random networks compute, for several priors, depths and widths? [Valle-Perez, Camargo &
 * Louis 2019, figure 1]
 *
 * @module
 */
import { countFunctions } from "../volume/count.ts";
import { type CorrelationRecord, type CountRecords, countRecords } from "./count.ts";
import type { StudyTask } from "./run.ts";
import type { Study } from "./study.ts";

/** One prior. */
export interface BiasNetwork {
  readonly layers: readonly number[];
  readonly sigmaW2: number;
  readonly sigmaB2: number;
}

/** What the study depends on, beside its seed. */
export interface BiasSettings {
  readonly samples: number;
  /** Output layers drawn for each body. */
  readonly outputDraws: number;
  readonly networks: readonly BiasNetwork[];
}

/** What was counted of one prior. */
export interface BiasRecord extends BiasNetwork {
  readonly name: string;
  readonly inputs: number;
  readonly samples: number;
  readonly distinct: number;
  /** Of the distribution over functions, nats [Chao & Shen]; null if every function was seen once. */
  readonly entropy: number | null;
  /** Probability of the two constant functions. */
  readonly constants: number;
  /** Of every function seen: at most 1. */
  readonly totalProbability: number;
  /** A curve of at most some dozen ranks. */
  readonly rankFrequency: ReadonlyArray<{
    readonly rank: number;
    readonly probability: number;
    readonly low: number;
    readonly high: number;
  }>;
  readonly byComplexity: CountRecords["byComplexity"];
  /** Of log10 P with the Lempel-Ziv complexity. */
  readonly correlation: CorrelationRecord;
  readonly digest: string;
}

export interface BiasAnalysis {
  readonly finding: string;
}

const network = (layers: readonly number[], sigmaW2: number, sigmaB2: number): BiasNetwork => ({
  layers,
  sigmaW2,
  sigmaB2,
});
const STANDARD = [7, 40, 40, 1];

export const BIAS_SETTINGS: BiasSettings = {
  samples: 1_600_000,
  outputDraws: 16,
  networks: [
    network(STANDARD, 2, 1),
    network(STANDARD, 1, 1),
    network(STANDARD, 8, 1),
    network(STANDARD, 2, 0),
    network(STANDARD, 2, 0.1),
    network([7, 40, 1], 2, 1),
    network([7, 40, 40, 40, 40, 1], 2, 1),
    network([7, 10, 10, 1], 2, 1),
    network([7, 160, 160, 1], 2, 1),
  ],
};

/** Points of a rank's curve a decade. */
const RANKS_A_DECADE = 8;

export function biasName({ layers, sigmaW2, sigmaB2 }: BiasNetwork): string {
  return `${layers.join("-")}, σw² ${sigmaW2}, σb² ${sigmaB2}`;
}

function thinned(steps: CountRecords["rankFrequency"]): BiasRecord["rankFrequency"] {
  const last = steps[steps.length - 1].lastRank;
  const ranks = new Set<number>();
  for (let k = 0; ; k++) {
    // the host's powers differ in their last bits from engine to engine: fixed ranks of a decade
    const rank = DECADE[k % RANKS_A_DECADE] * Number(`1e${Math.floor(k / RANKS_A_DECADE)}`);
    if (rank >= last) break;
    ranks.add(Math.floor(rank));
  }
  ranks.add(last);
  let at = 0;
  return [...ranks].map((rank) => {
    while (steps[at].lastRank < rank) at++;
    const { probability, ci95 } = steps[at];
    return { rank, probability, low: ci95[0], high: ci95[1] };
  });
}

/** Ranks of a decade, about evenly apart in their logarithm. */
const DECADE = [1, 1.3, 1.8, 2.4, 3.2, 4.2, 5.6, 7.5];

async function biasTasks(settings: BiasSettings, seed: bigint): Promise<Array<StudyTask<BiasRecord>>> {
  const { samples, outputDraws } = settings;
  return settings.networks.map((prior) => ({
    key: biasName(prior),
    stage: "priors",
    async run({ pool, signal }): Promise<BiasRecord> {
      const table = await countFunctions(prior, { samples, outputDraws, seed, pool, signal });
      try {
        const found = await countRecords(table, { pool, signal, top: 2 });
        const [correlation] = found.correlations;
        const points = found.inputs.points;
        const constants = ["0", "f"].map((digit) => table.probability(digit.repeat(points / 4)).probability);
        return {
          ...prior,
          name: biasName(prior),
          inputs: points,
          samples,
          distinct: found.distinct,
          entropy: found.entropy.chaoShen,
          constants: constants[0] + constants[1],
          totalProbability: found.byComplexity.reduce((sum, level) => sum + level.samples, 0) / samples,
          rankFrequency: thinned(found.rankFrequency),
          byComplexity: found.byComplexity,
          correlation,
          digest: found.digest,
        };
      } finally {
        table.close();
      }
    },
  }));
}

async function analyse(records: readonly BiasRecord[]): Promise<BiasAnalysis> {
  const values = records.flatMap(({ correlation }) => correlation.spearman.value ?? []);
  const falling = records.filter(({ correlation }) => (correlation.spearman.ci95?.[1] ?? 1) < 0).length;
  const say = (x: number): string => x.toFixed(2).replace("-", "−");
  return {
    finding: `For ${falling} of ${records.length} priors simple functions are the frequent ones: Spearman's correlation of log P(f) with the Lempel-Ziv complexity lies between ${say(Math.min(...values))} and ${say(Math.max(...values))}.`,
  };
}

/** The study. */
export const biasStudy: Study<BiasSettings, BiasRecord, BiasAnalysis> = {
  name: "bias",
  full: BIAS_SETTINGS,
  quick: { ...BIAS_SETTINGS, samples: 160_000, networks: BIAS_SETTINGS.networks.slice(0, 6) },
  tasks: biasTasks,
  analyse,
};
