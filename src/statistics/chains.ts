/**
 * Diagnostics of Markov chains.
 *
 * @module
 */

function meanOf(x: ArrayLike<number>, first: number, end: number): number {
  let sum = 0;
  for (let i = first; i < end; i++) sum += x[i];
  return sum / (end - first);
}

/**
 * Split R-hat: each chain is cut in two, and the variance between the halves' means is compared with that within
 * [Gelman et al., Bayesian Data Analysis, 3rd edition, section 11.4]. Near 1 where the chains agree.
 *
 * @param chains of equal length, at least 4 draws each.
 * @returns NaN if nothing varies.
 */
export function splitRHat(chains: readonly ArrayLike<number>[]): number {
  const half = Math.floor(chains[0].length / 2);
  const means: number[] = [];
  let within = 0;
  for (const chain of chains) {
    for (const first of [0, chain.length - half]) {
      const mean = meanOf(chain, first, first + half);
      let squares = 0;
      for (let i = first; i < first + half; i++) squares += (chain[i] - mean) ** 2;
      means.push(mean);
      within += squares / (half - 1);
    }
  }
  within /= means.length;
  const centre = meanOf(means, 0, means.length);
  let between = 0;
  for (const mean of means) between += (mean - centre) ** 2;
  between *= half / (means.length - 1);
  return Math.sqrt((half - 1) / half + between / (half * within));
}

/** Mean of the chains' means, and its standard error from how they differ (NaN for one chain). */
export function meanOverChains(chains: readonly ArrayLike<number>[]): { mean: number; standardError: number } {
  const means = chains.map((chain) => meanOf(chain, 0, chain.length));
  const mean = meanOf(means, 0, means.length);
  let squares = 0;
  for (const m of means) squares += (m - mean) ** 2;
  const variance = squares / (means.length - 1);
  return { mean, standardError: means.length > 1 ? Math.sqrt(variance / means.length) : Number.NaN };
}
