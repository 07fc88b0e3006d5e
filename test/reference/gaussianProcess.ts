/** Gaussian process classification in plain TypeScript, dense and slow, as Rasmussen & Williams [2006] print it. */

type Matrix = number[][];

/** Cholesky factor by the textbook's loops. @throws Error for a pivot that is not positive. */
export function choleskyOf(a: Matrix): Matrix {
  const n = a.length;
  const l = a.map((row) => row.map(() => 0));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i][j];
      for (let k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
      if (i === j && !(sum > 0)) throw new Error(`pivot ${i} is ${sum}`);
      l[i][j] = i === j ? Math.sqrt(sum) : sum / l[j][j];
    }
  }
  return l;
}

/** `L^-1 b`. */
export function forward(l: Matrix, b: readonly number[]): number[] {
  const x: number[] = [];
  b.forEach((value, i) => {
    let sum = value;
    for (let k = 0; k < i; k++) sum -= l[i][k] * x[k];
    x.push(sum / l[i][i]);
  });
  return x;
}

/** `L'^-1 b`. */
export function backward(l: Matrix, b: readonly number[]): number[] {
  const x = b.slice();
  for (let i = b.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < b.length; k++) x[i] -= l[k][i] * x[k];
    x[i] /= l[i][i];
  }
  return x;
}

const LOG_ROOT_TWO_PI = Math.log(2 * Math.PI) / 2;

/** ln Phi(z): the series of Phi near 0, Laplace's continued fraction of the tail beyond. */
export function logPhi(z: number): number {
  if (z < -2) {
    let fraction = 0;
    for (let k = 300; k > 0; k--) fraction = k / (-z + fraction);
    return -z * z * 0.5 - LOG_ROOT_TWO_PI - Math.log(-z + fraction);
  }
  if (z > 2) return Math.log1p(-Math.exp(logPhi(-z)));
  let term = z;
  let sum = z;
  for (let k = 1; k < 60; k++) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return Math.log(0.5 + sum * Math.exp(-z * z * 0.5 - LOG_ROOT_TWO_PI));
}

const mills = (z: number): number => Math.exp(-z * z * 0.5 - LOG_ROOT_TWO_PI - logPhi(z));
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i], 0);

/** What the methods here return. */
export interface Evidence {
  logZ: number;
  nu: number[];
  tau: number[];
}

/**
 * Algorithm 3.5: expectation propagation, one site after the other, rank-one updates of Sigma, and the likelihood
 * `Phi(y f / sqrt(noise))`; noise 0 is the step. log Z by equation 3.65.
 */
export function sequentialEp(k: Matrix, y: readonly number[], noise: number, sweeps = 400): Evidence {
  const n = y.length;
  const nu = new Array<number>(n).fill(0);
  const tau = new Array<number>(n).fill(0);
  let sigma = k.map((row) => row.slice());
  let mu = new Array<number>(n).fill(0);
  let last = Number.NaN;
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (let i = 0; i < n; i++) {
      const tauCavity = 1 / sigma[i][i] - tau[i];
      const nuCavity = mu[i] / sigma[i][i] - nu[i];
      const m = nuCavity / tauCavity;
      const v = 1 / tauCavity;
      const z = (y[i] * m) / Math.sqrt(v + noise);
      const h = mills(z);
      const mean = m + (y[i] * v * h) / Math.sqrt(v + noise);
      const variance = v - ((v * v * h) / (v + noise)) * (z + h);
      const change = 1 / variance - tauCavity - tau[i];
      tau[i] += change;
      nu[i] = mean / variance - nuCavity;
      const column = sigma.map((row) => row[i]);
      const factor = change / (1 + change * column[i]);
      sigma = sigma.map((row, r) => row.map((value, c) => value - factor * column[r] * column[c]));
      mu = sigma.map((row) => dot(row, nu));
    }
    // afresh, so that no rounding gathers
    const root = tau.map(Math.sqrt);
    const l = choleskyOf(k.map((row, r) => row.map((value, c) => root[r] * value * root[c] + (r === c ? 1 : 0))));
    const solved = k.map((row) =>
      forward(
        l,
        row.map((value, c) => value * root[c]),
      ),
    );
    sigma = k.map((row, r) => row.map((value, c) => value - dot(solved[r], solved[c])));
    mu = sigma.map((row) => dot(row, nu));
    let logZ = 0;
    for (let i = 0; i < n; i++) {
      const t = 1 / sigma[i][i] - tau[i];
      const m = (mu[i] / sigma[i][i] - nu[i]) / t;
      logZ += logPhi((y[i] * m) / Math.sqrt(1 / t + noise)) + 0.5 * Math.log1p(tau[i] / t) - Math.log(l[i][i]);
      logZ += 0.5 * nu[i] * mu[i] - (0.5 * nu[i] * nu[i]) / (t + tau[i]);
      logZ += ((0.5 * m * t) / (tau[i] + t)) * (tau[i] * m - 2 * nu[i]);
    }
    if (Math.abs(logZ - last) < 1e-13 * Math.max(1, Math.abs(logZ))) return { logZ, nu, tau };
    last = logZ;
  }
  throw new Error("the reference did not converge");
}

/** Algorithm 3.1: Laplace's method with the probit likelihood, plain Newton steps. */
export function laplaceOf(k: Matrix, y: readonly number[]): number {
  let f = y.map(() => 0);
  let a = f;
  for (let iteration = 0; iteration < 100; iteration++) {
    const slope = f.map((x, i) => y[i] * mills(y[i] * x));
    const w = f.map((x, i) => mills(y[i] * x) * (y[i] * x + mills(y[i] * x)));
    const root = w.map(Math.sqrt);
    const l = choleskyOf(k.map((row, r) => row.map((value, c) => root[r] * value * root[c] + (r === c ? 1 : 0))));
    const b = f.map((x, i) => w[i] * x + slope[i]);
    const kb = k.map((row, i) => root[i] * dot(row, b));
    const solved = backward(l, forward(l, kb));
    a = b.map((x, i) => x - root[i] * solved[i]);
    const next = k.map((row) => dot(row, a));
    const moved = Math.max(...next.map((x, i) => Math.abs(x - f[i])));
    f = next;
    if (moved < 1e-13) {
      const logDeterminant = l.reduce((sum, row, i) => sum + Math.log(row[i]), 0);
      return f.reduce((sum, x, i) => sum + logPhi(y[i] * x), 0) - dot(a, f) / 2 - logDeterminant;
    }
  }
  throw new Error("the reference did not converge");
}
