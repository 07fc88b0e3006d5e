/**
 * Steps of the lattice that samples of a Gaussian orthant follow.
 *
 * @module
 */

/** The first `count` primes. */
function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) {
    let prime = true;
    for (const p of found) {
      if (p * p > n) break;
      if (n % p === 0) {
        prime = false;
        break;
      }
    }
    if (prime) found.push(n);
  }
  return found;
}

/**
 * Richtmyer's lattice [1951]: dimension k moves by the fractional part of the root of the k-th prime, in units of 2^-64.
 * Square roots are rounded the same way on every machine.
 */
export function richtmyerSteps(dimensions: number): BigUint64Array<ArrayBuffer> {
  return BigUint64Array.from(primes(dimensions), (p) => {
    const root = Math.sqrt(p);
    return BigInt((root - Math.floor(root)) * 2 ** 52) << 12n;
  });
}
