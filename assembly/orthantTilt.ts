/** Elementwise parts of the convex problem whose solution tilts the sampler of orthants (src/volume/orthantTilt.ts). */
import { hazard, logMillsRatio, logUpperTail } from "./gaussianTail";

/** Beyond it `h (h - t)` is taken from its expansion, before cancellation takes its digits. */
const FAR: f64 = 1e4;

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
    const y = hazard(x);
    store<f64>(h + i, y);
    store<f64>(slope + i, x > FAR ? 1 - 1 / (x * x) : y * (y - x));
    // above 0, ln Q = ln R - t^2 / 2 - ln(2 pi) / 2 with Mills' ratio R: large terms make one small square
    sum += x > 0 ? logMillsRatio(x) - 0.5 * (y - x) * (y - x) : x * y - 0.5 * y * y + logUpperTail(x);
  }
  return sum;
}
