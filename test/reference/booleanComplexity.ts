/** Complexity of Boolean functions from the definitions; `s` is a truth table as a string of "0" and "1". */

/** Entropy of the outputs in bits. */
export function entropy(s: string): number {
  const p = [...s].filter((b) => b === "1").length / s.length;
  return p === 0 || p === 1 ? 0 : -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
}

/** For each input the number of neighbours at Hamming distance 1 with another output. */
function sensitivities(s: string): number[] {
  return Array.from(s, (output, i) => {
    let count = 0;
    for (let bit = 1; bit < s.length; bit *= 2) if (s[i ^ bit] !== output) count++;
    return count;
  });
}

/** Mean number of neighbours with another output. */
export function sensitivity(s: string): number {
  return sensitivities(s).reduce((a, b) => a + b, 0) / s.length;
}

/** Fraction of inputs with a neighbour with another output. */
export function criticalSampleRatio(s: string): number {
  return sensitivities(s).filter((count) => count > 0).length / s.length;
}
