/** Lempel-Ziv complexity from the definitions, on strings of "0" and "1". */

/**
 * Words of the LZ76 exhaustive history: the next word is the shortest prefix of the rest that does not occur in what
 * precedes its own last symbol; the last word may be one that does occur.
 */
export function lempelZivHistory(s: string): string[] {
  const words: string[] = [];
  for (let start = 0; start < s.length; ) {
    let end = start + 1;
    while (end < s.length && s.slice(0, end - 1).includes(s.slice(start, end))) end++;
    words.push(s.slice(start, end));
    start = end;
  }
  return words;
}

/** The scan of Kaspar & Schuster (1987), for m >= 2 symbols: `l` symbols are parsed, `i` is the candidate, `k` the length tried. */
export function kasparSchuster(s: string): number {
  let words = 1;
  let l = 1;
  while (l < s.length) {
    let longest = 1;
    for (let i = 0; i < l; i++) {
      let k = 1;
      while (s[i + k - 1] === s[l + k - 1]) {
        k++;
        if (l + k > s.length) return words + 1;
      }
      longest = Math.max(longest, k);
    }
    words++;
    l += longest;
  }
  return words;
}

/** K of Dingle, Camargo & Louis (2018). */
export function lempelZivComplexity(s: string): number {
  const log = Math.log2(s.length);
  if (!s.includes("1") || !s.includes("0")) return log;
  return (log * (kasparSchuster(s) + kasparSchuster([...s].reverse().join("")))) / 2;
}
