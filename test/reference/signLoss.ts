/** sum ln(1 + exp(-beta y z / rms z)) in plain f64. */
export function signLoss(outputs: ArrayLike<number>, targets: ArrayLike<number>, beta: number): number {
  const z = Array.from(outputs);
  const rms = Math.sqrt(z.reduce((sum, x) => sum + x * x, 0) / z.length);
  return z.reduce((sum, x, i) => {
    const t = (beta * (targets[i] > 0.5 ? x : -x)) / rms;
    return sum + Math.max(-t, 0) + Math.log1p(Math.exp(-Math.abs(t)));
  }, 0);
}
