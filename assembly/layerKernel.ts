/**
 * The covariance of an infinitely wide network's layer from that of the layer before, in the panels of `panels.ts`.
 *
 * The correlation of two equal points comes out as 1 to the bit, since sqrt(a a) = a; so equal points keep equal entries, and
 * rounding cannot make a correlation leave [-1, 1] without being put back.
 */
import { panelAddress } from "./panels";

const PI: f64 = 3.141592653589793;

/** `(sin theta + (pi - theta) cos theta) / pi` at cos theta = c; 1 at c = 1 [Cho & Saul 2009, equation 6]. */
function arcCosine(c: f64): f64 {
  return (sqrt((1 - c) * (1 + c)) + (PI - NativeMath.acos(c)) * c) / PI;
}

/**
 * Panels `from, ..., to - 1` of the next layer's covariance, in place.
 *
 * @param activation 0: ReLU, `b + w/2 sqrt(Kxx Kyy) J(cos theta)`, J above. 1: erf, `b + w 2/pi asin(2 Kxy /
 *   sqrt((1 + 2 Kxx)(1 + 2 Kyy)))` [Williams 1997, equation 11].
 * @param diagonal the present layer's variances, 4 f64 a panel.
 */
export function layerKernel(
  a: usize,
  diagonal: usize,
  from: i32,
  to: i32,
  activation: i32,
  weightVariance: f64,
  biasVariance: f64,
): void {
  for (let i = from; i < to; i++) {
    let at = panelAddress(a, i);
    const rows = diagonal + ((<usize>i) << 5);
    const end = rows + 32;
    for (let column = diagonal; column < end; column += 8) {
      const x = load<f64>(column);
      for (let r: usize = 0; r < 32; r += 8, at += 8) {
        const y = load<f64>(rows + r);
        let value: f64;
        if (activation == 0) {
          const scale = sqrt(x * y);
          // a point whose variance is 0 stays at 0
          const c = scale > 0 ? max<f64>(-1, min<f64>(1, load<f64>(at) / scale)) : 0;
          value = 0.5 * weightVariance * scale * arcCosine(c);
        } else {
          const c = (2 * load<f64>(at)) / sqrt((1 + 2 * x) * (1 + 2 * y));
          value = weightVariance * (2 / PI) * NativeMath.asin(max<f64>(-1, min<f64>(1, c)));
        }
        store<f64>(at, value + biasVariance);
      }
    }
  }
}

/** Entries of panels `from, ..., to - 1` times `weightVariance`, plus `biasVariance`: the first layer, of a Gram matrix. */
export function affineKernel(a: usize, from: i32, to: i32, weightVariance: f64, biasVariance: f64): void {
  const w = f64x2.splat(weightVariance);
  const b = f64x2.splat(biasVariance);
  const end = panelAddress(a, to);
  for (let at = panelAddress(a, from); at < end; at += 16) {
    v128.store(at, f64x2.add(b, f64x2.mul(w, v128.load(at))));
  }
}
