/**
 * Student's t distribution, for intervals from few repetitions.
 *
 * @module
 */
import { checkInteger } from "../engine/checks.ts";

/** Of 1 to 10 degrees of freedom. */
const FEW = [
  12.706204736174694, 4.302652729749462, 3.182446305284263, 2.7764451051977934, 2.5705818356363146, 2.446911851144969,
  2.3646242515927853, 2.306004135204172, 2.262157162798205, 2.228138851986274,
];
/** The same of the normal distribution. */
const Z = 1.959963984540054;

/**
 * The 0.975 quantile, half the width of a 95 % interval in standard errors: to 1e-5.
 *
 * Beyond 10 degrees of freedom by its expansion about the normal one [Abramowitz & Stegun 1964, 26.7.5].
 *
 * @throws TypeError, RangeError naming `degrees`.
 */
export function student975(degrees: number): number {
  const v = checkInteger("degrees", degrees, 1, Number.MAX_SAFE_INTEGER);
  if (v <= FEW.length) return FEW[v - 1];
  const z2 = Z * Z;
  const first = (z2 + 1) / 4;
  const second = ((5 * z2 + 16) * z2 + 3) / 96;
  const third = (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
  const fourth = ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
  return Z * (1 + (first + (second + (third + fourth / v) / v) / v) / v);
}
