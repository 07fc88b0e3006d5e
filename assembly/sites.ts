/**
 * Expectation propagation's step at all points: cavities, moments of the tilted distributions, new sites [Rasmussen &
 * Williams 2006, equations 3.56 to 3.59], for the likelihood `Phi(y f / sqrt(noise))`, which noise = 0 makes a step.
 *
 * Every quantity is put so that no difference of like numbers is taken: with the cavity's mean m and variance v,
 * z = y m / sqrt(v + noise), h = phi(z) / Phi(z), q = h + z and w = 1 - h q,
 *
 *     precision = h q / (noise + v w),    shift = y sqrt(v + noise) (q - z w) / (noise + v w).
 *
 * And `log Z = sum_i (log Phi(z_i) - ½ log(1 - precision_i Sigma_ii) - ½ r_i m_i) - sum_i log L_ii`, r = K^-1 mu, which is
 * equation 3.65 with its terms gathered.
 */
import { inverseMills, logNormalCdf, normalExcess, tailVariance } from "./normal";

/**
 * @param count points. Arrays of `count` f64 each:
 * @param labels y, -1 or 1.
 * @param share `1 - precision_i Sigma_ii`, in (0, 1].
 * @param variance, mean, weight diagonal of Sigma; mu; `K^-1 mu`.
 * @param precision, shift new sites: out.
 * @param sums out, 2 f64: log Z without its determinant; the largest difference between the tilted distribution's moments and
 *   the approximation's, in units of the latter's standard deviation and variance.
 */
export function siteMoments(
  count: i32,
  noise: f64,
  labels: usize,
  share: usize,
  variance: usize,
  mean: usize,
  weight: usize,
  precision: usize,
  shift: usize,
  sums: usize,
): void {
  let logZ: f64 = 0;
  let change: f64 = 0;
  const end = labels + ((<usize>count) << 3);
  for (; labels < end; labels += 8) {
    const y = load<f64>(labels);
    const b = load<f64>(share);
    const sigma = load<f64>(variance);
    const mu = load<f64>(mean);
    const r = load<f64>(weight);
    const v = sigma / b;
    const m = mu - v * r;
    const scale = sqrt(v + noise);
    const z = (y * m) / scale;
    let h: f64;
    let q: f64;
    let w: f64;
    let tilt: f64;
    if (z > 0) {
      h = inverseMills(z);
      q = z + h;
      w = 1 - h * q;
      tilt = z * h * q + h;
    } else {
      q = normalExcess(-z);
      h = q - z;
      w = tailVariance(-z);
      tilt = q - z * w;
    }
    const width = noise + v * w;
    const s = (h * q) / width;
    const t = (y * scale * tilt) / width;
    store<f64>(precision, s);
    store<f64>(shift, t);
    logZ += logNormalCdf(z) - 0.5 * NativeMath.log(b) - 0.5 * r * m;
    if (sigma > 0) {
      const moved = abs((m + v * t) / (1 + v * s) - mu) / sqrt(sigma);
      const widened = abs(v / (1 + v * s) / sigma - 1);
      // a NaN is kept
      if (!(moved <= change)) change = moved;
      if (!(widened <= change)) change = widened;
    }
    share += 8;
    variance += 8;
    mean += 8;
    weight += 8;
    precision += 8;
    shift += 8;
  }
  store<f64>(sums, logZ, 0);
  store<f64>(sums, change, 8);
}

/**
 * Laplace's method: log likelihood `sum log Phi(y_i f_i)` and its first derivative and negative second one at each point
 * [equations 3.15, 3.16].
 *
 * @param labels, f `count` f64 each.
 * @param slope, curvature the same, out.
 * @returns the log likelihood.
 */
export function probitDerivatives(count: i32, labels: usize, f: usize, slope: usize, curvature: usize): f64 {
  let sum: f64 = 0;
  const end = labels + ((<usize>count) << 3);
  for (; labels < end; labels += 8, f += 8, slope += 8, curvature += 8) {
    const y = load<f64>(labels);
    const z = y * load<f64>(f);
    const h = inverseMills(z);
    const q = z > 0 ? z + h : normalExcess(-z);
    store<f64>(slope, y * h);
    store<f64>(curvature, h * q);
    sum += logNormalCdf(z);
  }
  return sum;
}

/** Sum of the logarithms of `count` f64. */
export function sumOfLogs(x: usize, count: i32): f64 {
  let sum: f64 = 0;
  for (const end = x + ((<usize>count) << 3); x < end; x += 8) sum += NativeMath.log(load<f64>(x));
  return sum;
}
