/** Covariances of infinitely wide layers in plain TypeScript, by their formulas. */

/** One entry after `depth` layers, from the two points' variances and covariance in the layer before. */
export function nngpEntry(
  activation: "relu" | "erf",
  depth: number,
  sigmaW2: number,
  sigmaB2: number,
  x: readonly number[],
  y: readonly number[],
): number {
  const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i], 0);
  let [xx, xy, yy] = [dot(x, x), dot(x, y), dot(y, y)].map((value) => sigmaB2 + (sigmaW2 * value) / x.length);
  const next = (a: number, b: number, c: number): number => {
    if (activation === "erf") {
      return sigmaB2 + ((2 * sigmaW2) / Math.PI) * Math.asin((2 * b) / Math.sqrt((1 + 2 * a) * (1 + 2 * c)));
    }
    const theta = Math.acos(Math.max(-1, Math.min(1, b / Math.sqrt(a * c))));
    return (
      sigmaB2 + (sigmaW2 / (2 * Math.PI)) * Math.sqrt(a * c) * (Math.sin(theta) + (Math.PI - theta) * Math.cos(theta))
    );
  };
  for (let l = 0; l < depth; l++) [xx, xy, yy] = [next(xx, xx, xx), next(xx, xy, yy), next(yy, yy, yy)];
  return xy;
}
