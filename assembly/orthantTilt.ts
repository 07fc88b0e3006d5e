/** Elementwise parts of the convex problem whose solution tilts the sampler of orthants (src/volume/orthantTilt.ts). */
import { inverseMills, LOG_ROOT_TWO_PI, logNormalCdf, normalExcess, tailVariance } from "./normal";

/**
 * Of n bounds t: `h = phi / Q`, and the slope of h, `h (h - t)`, between 0 and 1.
 *
 * @returns `sum t h - h^2 / 2 + ln Q(t)`.
 */
export function orthantHazards(t: usize, n: i32, h: usize, slope: usize): f64 {
  let sum: f64 = 0;
  const end = (<usize>n) << 3;
  for (let i: usize = 0; i < end; i += 8) {
    const x = load<f64>(t + i);
    if (x > 0) {
      // ln Q = -ln h - t^2 / 2 - ln(2 pi) / 2: large terms make one small square
      const excess = normalExcess(x);
      const y = x + excess;
      store<f64>(h + i, y);
      store<f64>(slope + i, 1 - tailVariance(x));
      sum -= NativeMath.log(y) + LOG_ROOT_TWO_PI + 0.5 * excess * excess;
    } else {
      const y = inverseMills(-x);
      store<f64>(h + i, y);
      store<f64>(slope + i, y * (y - x));
      sum += x * y - 0.5 * y * y + logNormalCdf(-x);
    }
  }
  return sum;
}
