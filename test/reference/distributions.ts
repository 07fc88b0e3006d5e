/** Tail probabilities for statistical tests, in f64, from their textbook series and continued fractions. */

/** ln Gamma(x), x > 0 (Lanczos, g = 7, n = 9; relative error below 1e-13). */
export function logGamma(x: number): number {
  const c = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const t = x + 6.5;
  let sum = c[0];
  for (let i = 1; i < c.length; i++) sum += c[i] / (x - 1 + i);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Regularised upper incomplete gamma function Q(a, x). */
export function gammaQ(a: number, x: number): number {
  if (x <= 0) return 1;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let k = 1; Math.abs(term) > sum * 1e-16; k++) {
      term *= x / (a + k);
      sum += term;
    }
    return 1 - front * sum;
  }
  // Lentz's continued fraction
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 100_000; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return front * h;
}

/** P(chi-square with `degrees` degrees of freedom > x). */
export function chiSquareTail(x: number, degrees: number): number {
  return gammaQ(degrees / 2, x / 2);
}

/** P(Z > z), Z standard normal. */
export function normalTail(z: number): number {
  return z >= 0 ? gammaQ(0.5, (z * z) / 2) / 2 : 1 - normalTail(-z);
}

/** Two-sided p-value of k events when a Poisson number of mean `expected` was due. */
export function poissonPValue(k: number, expected: number): number {
  const atLeast = k === 0 ? 1 : 1 - gammaQ(k, expected);
  const atMost = gammaQ(k + 1, expected);
  return Math.min(1, 2 * Math.min(atLeast, atMost));
}

/** P(sup |F_n - F| sqrt(n) > d), n large [Kolmogorov 1933]. */
export function kolmogorovTail(d: number): number {
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += 2 * (k % 2 ? 1 : -1) * Math.exp(-2 * k * k * d * d);
  return Math.min(1, sum);
}
