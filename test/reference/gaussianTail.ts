/** The Gaussian tail in plain TypeScript: Laplace's continued fraction far out, a Taylor series near 0. */

/** Mills' ratio (1 - Phi(x)) / phi(x), x >= 0. */
export function millsRatio(x: number): number {
  if (x < 1) {
    // Phi(x) - 1/2 = phi(x) sum x^(2k+1) / (2k+1)!!
    let term = x;
    let sum = x;
    for (let k = 1; term > 1e-18 * sum; k++) {
      term *= (x * x) / (2 * k + 1);
      sum += term;
    }
    return Math.sqrt(Math.PI / 2) * Math.exp((x * x) / 2) - sum;
  }
  let fraction = x;
  for (let k = Math.ceil(300 / (x * x)) + 10; k >= 1; k--) fraction = x + k / fraction;
  return 1 / fraction;
}

/** ln(1 - Phi(x)). */
export function logUpperTail(x: number): number {
  const tail = (y: number): number => (Math.exp((-y * y) / 2) / Math.sqrt(2 * Math.PI)) * millsRatio(y);
  if (x < 0) return Math.log1p(-tail(-x));
  return Math.log(millsRatio(x)) - (x * x) / 2 - Math.log(2 * Math.PI) / 2;
}

/** 1 - Phi(x). */
export function upperTail(x: number): number {
  return Math.exp(logUpperTail(x));
}

/** z with ln(1 - Phi(z)) = logTail, by bisection. */
export function upperQuantile(logTail: number): number {
  let low = -40;
  let high = Math.sqrt(-2 * logTail) + 1;
  for (let i = 0; i < 70; i++) {
    const middle = (low + high) / 2;
    if (logUpperTail(middle) > logTail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
