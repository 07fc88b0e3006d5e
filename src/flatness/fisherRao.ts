/**
 * Fisher-Rao norm `<w, I(w) w>` [Liang et al. 2019].
 *
 * `I(w) = E_x E_y [grad log p(y | x) grad log p(y | x)']`, x over the data's points, y drawn from the model's own distribution:
 * Bernoulli (bce), categorical (ce), or Gaussian of unit variance (mse). For these the Fisher information is the Gauss-Newton
 * matrix, `E_x [J' (d2 loss / d output2) J]`, so one exact product gives the number; nothing is sampled.
 *
 * Beside it the empirical form, `E_(x,y) <w, grad loss>^2` with the data's own labels.
 *
 * Invariant, both: if `L(S w) = L(w)` for an invertible linear S, then `J(S w) S = J(w)`, so `<S w, I(S w) S w> = <w, I(w) w>`.
 * That covers rescalings of whole layers and of single units of a ReLU network of any depth, with its biases (which take part
 * in w, and are divided with their layer's weights). The relation `<w, I w> = (L + 1)^2 E <d loss / d output, output>^2`, L
 * hidden layers, holds for ReLU networks without biases alone.
 *
 * @module
 */
import { choiceOption, type Measure, optionValues } from "./measure.ts";

export const fisherRaoOptions = {
  /** Whether the empirical form, a gradient for each point, is computed too. */
  fisherRaoEmpirical: choiceOption("yes", ["yes", "no"]),
};

export const fisherRao: Measure = {
  name: "fisher-rao",
  invariant: true,
  source: "Liang et al. 2019, arXiv 1711.01530",
  options: fisherRaoOptions,
  async run({ surface, w, pause, options }) {
    const { fisherRaoEmpirical } = optionValues(fisherRaoOptions, options);
    const out = new Float32Array(w.length);
    const dot = (): number => {
      let sum = 0;
      for (let i = 0; i < w.length; i++) sum += w[i] * out[i];
      return sum;
    };
    await surface.gaussNewtonProduct(w, w, out);
    const value = dot();
    if (fisherRaoEmpirical === "no") return { value };
    let squares = 0;
    for (let first = 0; first < surface.data.points; first++) {
      await surface.gradient(w, out, { first, count: 1 });
      squares += dot() ** 2;
      await pause();
    }
    return { value, empirical: squares / surface.data.points };
  },
};
