/** The rational tanh kernel (Eigen's 13/6 approximation), operation by operation in f32. */
const f = Math.fround;

const LIMIT = f(7.905311107635498);
const ODD = [
  4.89352455891786e-3, 6.37261928875436e-4, 1.48572235717979e-5, 5.12229709037114e-8, -8.60467152213735e-11,
  2.00018790482477e-13, -2.76076847742355e-16,
].map(f);
const EVEN = [4.89352518554385e-3, 2.268434632439e-3, 1.18534705686654e-4, 1.19825839466702e-6].map(f);

function horner(coefficients: readonly number[], x: number): number {
  let p = coefficients[coefficients.length - 1];
  for (let i = coefficients.length - 2; i >= 0; i--) p = f(f(p * x) + coefficients[i]);
  return p;
}

export function tanh(value: number): number {
  const v = f(value);
  const x = v > LIMIT ? LIMIT : Math.max(v, -LIMIT);
  const x2 = f(x * x);
  return f(f(horner(ODD, x2) * x) / horner(EVEN, x2));
}
