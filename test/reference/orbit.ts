/** The orbit of a Boolean function by brute force; functions are truth tables, strings of "0" and "1". */

/** All orders of 0..n-1. */
export function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((p) => Array.from({ length: n }, (_, at) => p.toSpliced(at, 0, n - 1)));
}

/** `g(x_0, ..., x_{n-1}) = f(x_{order[0]}, ..., x_{order[n-1]})`, x_0 the highest bit of the input's number. */
export function permuteInputs(f: string, order: readonly number[]): string {
  const n = order.length;
  return Array.from(f, (_, i) => {
    let from = 0;
    for (const j of order) from = 2 * from + ((i >> (n - 1 - j)) & 1);
    return f[from];
  }).join("");
}

/** Negation of the output: mode 0 none, 1 everywhere, 2 everywhere but at input 0. */
export function negate(f: string, mode: number): string {
  return Array.from(f, (bit, i) => (mode === 0 || (mode === 2 && i === 0) ? bit : bit === "0" ? "1" : "0")).join("");
}

/** All members of the orbit, ascending. */
export function orbitMembers(f: string, mode: number): string[] {
  const orders = permutations(Math.log2(f.length));
  const members = new Set<string>();
  for (const g of [f, negate(f, mode)]) for (const order of orders) members.add(permuteInputs(g, order));
  return [...members].sort();
}
