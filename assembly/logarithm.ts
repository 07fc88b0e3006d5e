/** Natural logarithm and exponential in f64 of the module's own, so that a reported entropy has the same bits on every engine. */

/** Natural logarithm, f64. */
export function naturalLog(x: f64): f64 {
  return NativeMath.log(x);
}

/** exp(x), f64. */
export function exponential(x: f64): f64 {
  return NativeMath.exp(x);
}

/** exp(x) - 1, f64. */
export function expMinusOne(x: f64): f64 {
  return NativeMath.expm1(x);
}

/** ln(1 + x), f64. */
export function logOnePlus(x: f64): f64 {
  return NativeMath.log1p(x);
}
