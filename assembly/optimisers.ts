/**
 * Update rules of the optimisers: one step each, elementwise on parameters `w` and a gradient `g` of 4 * vectors f32,
 * 16-byte aligned, that do not overlap. State vectors (`m`, `v`) have the same shape and start as zeros.
 * The order of operations is PyTorch's (torch.optim), weight decay `lambda` is added to the gradient: g + lambda w.
 */

/** w -= rate (g + lambda w) [Robbins & Monro 1951]. */
export function sgdStep(w: usize, g: usize, vectors: i32, rate: f32, lambda: f32): void {
  const r = f32x4.splat(rate);
  const l = f32x4.splat(lambda);
  const end = w + ((<usize>vectors) << 4);
  for (; w < end; w += 16, g += 16) {
    const x = v128.load(w);
    v128.store(w, f32x4.sub(x, f32x4.mul(r, f32x4.add(v128.load(g), f32x4.mul(l, x)))));
  }
}

/**
 * m = mu m + g + lambda w; w -= rate m, or with `nesterov` rate (g + lambda w + mu m)
 * [Polyak 1964; Sutskever et al. 2013].
 */
export function momentumStep(
  w: usize,
  g: usize,
  m: usize,
  vectors: i32,
  rate: f32,
  lambda: f32,
  mu: f32,
  nesterov: i32,
): void {
  const r = f32x4.splat(rate);
  const l = f32x4.splat(lambda);
  const u = f32x4.splat(mu);
  const end = w + ((<usize>vectors) << 4);
  for (; w < end; w += 16, g += 16, m += 16) {
    const x = v128.load(w);
    const d = f32x4.add(v128.load(g), f32x4.mul(l, x));
    const b = f32x4.add(f32x4.mul(u, v128.load(m)), d);
    v128.store(m, b);
    const step = nesterov ? f32x4.add(d, f32x4.mul(u, b)) : b;
    v128.store(w, f32x4.sub(x, f32x4.mul(r, step)));
  }
}

/**
 * m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= rate (m / c1) / (sqrt(v / c2) + epsilon)
 * [Kingma & Ba 2015, algorithm 1].
 *
 * @param scale rate / c1, with c1 = 1 - beta1^t for step t = 1, 2, ...
 * @param root 1 / sqrt(c2), with c2 = 1 - beta2^t.
 */
export function adamStep(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  vectors: i32,
  lambda: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  scale: f32,
  root: f32,
): void {
  const l = f32x4.splat(lambda);
  const b1 = f32x4.splat(beta1);
  const b2 = f32x4.splat(beta2);
  const e = f32x4.splat(epsilon);
  const s = f32x4.splat(scale);
  const q = f32x4.splat(root);
  const one = f32x4.splat(1);
  const c1 = f32x4.sub(one, b1);
  const c2 = f32x4.sub(one, b2);
  const end = w + ((<usize>vectors) << 4);
  for (; w < end; w += 16, g += 16, m += 16, v += 16) {
    const x = v128.load(w);
    const d = f32x4.add(v128.load(g), f32x4.mul(l, x));
    const first = f32x4.add(f32x4.mul(b1, v128.load(m)), f32x4.mul(c1, d));
    const second = f32x4.add(f32x4.mul(b2, v128.load(v)), f32x4.mul(c2, f32x4.mul(d, d)));
    v128.store(m, first);
    v128.store(v, second);
    const below = f32x4.add(f32x4.mul(f32x4.sqrt(second), q), e);
    v128.store(w, f32x4.sub(x, f32x4.div(f32x4.mul(s, first), below)));
  }
}

/** v += g^2; w -= rate g / (sqrt(v) + epsilon) [Duchi, Hazan & Singer 2011]. */
export function adagradStep(w: usize, g: usize, v: usize, vectors: i32, rate: f32, lambda: f32, epsilon: f32): void {
  const r = f32x4.splat(rate);
  const l = f32x4.splat(lambda);
  const e = f32x4.splat(epsilon);
  const end = w + ((<usize>vectors) << 4);
  for (; w < end; w += 16, g += 16, v += 16) {
    const x = v128.load(w);
    const d = f32x4.add(v128.load(g), f32x4.mul(l, x));
    const sum = f32x4.add(v128.load(v), f32x4.mul(d, d));
    v128.store(v, sum);
    v128.store(w, f32x4.sub(x, f32x4.div(f32x4.mul(r, d), f32x4.add(f32x4.sqrt(sum), e))));
  }
}

/** v = alpha v + (1 - alpha) g^2; w -= rate g / (sqrt(v) + epsilon) [Tieleman & Hinton 2012]. */
export function rmspropStep(
  w: usize,
  g: usize,
  v: usize,
  vectors: i32,
  rate: f32,
  lambda: f32,
  alpha: f32,
  epsilon: f32,
): void {
  const r = f32x4.splat(rate);
  const l = f32x4.splat(lambda);
  const e = f32x4.splat(epsilon);
  const a = f32x4.splat(alpha);
  const b = f32x4.splat(1 - alpha);
  const end = w + ((<usize>vectors) << 4);
  for (; w < end; w += 16, g += 16, v += 16) {
    const x = v128.load(w);
    const d = f32x4.add(v128.load(g), f32x4.mul(l, x));
    const mean = f32x4.add(f32x4.mul(a, v128.load(v)), f32x4.mul(b, f32x4.mul(d, d)));
    v128.store(v, mean);
    v128.store(w, f32x4.sub(x, f32x4.div(f32x4.mul(r, d), f32x4.add(f32x4.sqrt(mean), e))));
  }
}

/**
 * One step of Entropy-SGD's inner Langevin loop [Chaudhari et al. 2017, algorithm 1]:
 * x' -= rate (g + lambda x' - gamma (x - x')) - noise; mu = (1 - alpha) mu + alpha x'.
 *
 * @param y the inner x'. @param x the outer parameters. @param mean mu.
 * @param noise 4 * vectors Gaussians, already times sqrt(rate) epsilon.
 */
export function langevinStep(
  y: usize,
  g: usize,
  x: usize,
  mean: usize,
  noise: usize,
  vectors: i32,
  rate: f32,
  lambda: f32,
  gamma: f32,
  alpha: f32,
): void {
  const r = f32x4.splat(rate);
  const l = f32x4.splat(lambda);
  const c = f32x4.splat(gamma);
  const a = f32x4.splat(alpha);
  const b = f32x4.splat(1 - alpha);
  const end = y + ((<usize>vectors) << 4);
  for (; y < end; y += 16, g += 16, x += 16, mean += 16, noise += 16) {
    const inner = v128.load(y);
    const pull = f32x4.mul(c, f32x4.sub(v128.load(x), inner));
    const d = f32x4.sub(f32x4.add(v128.load(g), f32x4.mul(l, inner)), pull);
    const next = f32x4.add(f32x4.sub(inner, f32x4.mul(r, d)), v128.load(noise));
    v128.store(y, next);
    v128.store(mean, f32x4.add(f32x4.mul(b, v128.load(mean)), f32x4.mul(a, next)));
  }
}

/** out = a - b: the direction (x - mu) of Entropy-SGD's outer step. */
export function difference(a: usize, b: usize, out: usize, vectors: i32): void {
  const end = a + ((<usize>vectors) << 4);
  for (; a < end; a += 16, b += 16, out += 16) v128.store(out, f32x4.sub(v128.load(a), v128.load(b)));
}

/** out = x + c d: where SAM takes its second gradient [Foret et al. 2021, equation 2]. `out` may be `x`. */
export function offset(x: usize, d: usize, c: f32, out: usize, vectors: i32): void {
  const s = f32x4.splat(c);
  const end = x + ((<usize>vectors) << 4);
  for (; x < end; x += 16, d += 16, out += 16) {
    v128.store(out, f32x4.add(v128.load(x), f32x4.mul(s, v128.load(d))));
  }
}

/** Sum of squares, f64, in one fixed order. */
export function sumOfSquares(x: usize, vectors: i32): f64 {
  let a = f64x2.splat(0);
  let b = a;
  const end = x + ((<usize>vectors) << 4);
  for (; x < end; x += 16) {
    const v = v128.load(x);
    const low = f64x2.promote_low_f32x4(v);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3));
    a = f64x2.add(a, f64x2.mul(low, low));
    b = f64x2.add(b, f64x2.mul(high, high));
  }
  const sum = f64x2.add(a, b);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}
