/** The update rules in plain TypeScript, f64. Sources in assembly/optimisers.ts. */

/** State of an optimiser: its vectors, zeros at first, and the number of steps taken. */
export interface State {
  first: number[];
  second: number[];
  steps: number;
}

export type Rule = (w: number[], g: readonly number[], state: State) => void;

/** Adds weight decay, then calls the rule for each entry. */
function each(lambda: number, rule: (w: number, d: number, i: number, state: State) => number): Rule {
  return (w, g, state) => {
    state.steps++;
    for (let i = 0; i < w.length; i++) w[i] = rule(w[i], g[i] + lambda * w[i], i, state);
  };
}

export const sgd = (rate: number, lambda: number): Rule => each(lambda, (w, d) => w - rate * d);

export const momentum = (rate: number, lambda: number, mu: number, nesterov: boolean): Rule =>
  each(lambda, (w, d, i, s) => {
    s.first[i] = mu * s.first[i] + d;
    return w - rate * (nesterov ? d + mu * s.first[i] : s.first[i]);
  });

export const adam = (rate: number, lambda: number, beta1: number, beta2: number, epsilon: number): Rule =>
  each(lambda, (w, d, i, s) => {
    s.first[i] = beta1 * s.first[i] + (1 - beta1) * d;
    s.second[i] = beta2 * s.second[i] + (1 - beta2) * d * d;
    const m = s.first[i] / (1 - beta1 ** s.steps);
    const v = s.second[i] / (1 - beta2 ** s.steps);
    return w - (rate * m) / (Math.sqrt(v) + epsilon);
  });

export const adagrad = (rate: number, lambda: number, epsilon: number): Rule =>
  each(lambda, (w, d, i, s) => {
    s.second[i] += d * d;
    return w - (rate * d) / (Math.sqrt(s.second[i]) + epsilon);
  });

export const rmsprop = (rate: number, lambda: number, alpha: number, epsilon: number): Rule =>
  each(lambda, (w, d, i, s) => {
    s.second[i] = alpha * s.second[i] + (1 - alpha) * d * d;
    return w - (rate * d) / (Math.sqrt(s.second[i]) + epsilon);
  });

/** The gradient of the next minibatch at w; undefined at the epoch's end. `stay` gives the same minibatch again. */
export type Gradients = (w: readonly number[], stay?: boolean) => Promise<number[] | undefined>;

/** What an optimiser does with an epoch's minibatches. */
export type Epoch = (w: number[], gradients: Gradients, state: State, rate: number) => Promise<void>;

/** A rule's step on each minibatch. */
export function stepwise(ruleOf: (rate: number) => Rule): Epoch {
  return async (w, gradients, state, rate) => {
    for (let g = await gradients(w); g; g = await gradients(w)) ruleOf(rate)(w, g, state);
  };
}

/** The gradient at w + rho g / |g|, the base's step at w [Foret et al. 2021, algorithm 1]. */
export function sam(rho: number, base: (rate: number) => Rule): Epoch {
  return async (w, gradients, state, rate) => {
    for (let g = await gradients(w); g; g = await gradients(w)) {
      const norm = Math.sqrt(g.reduce((sum, x) => sum + x * x, 0));
      const there = w.map((x, i) => x + (rho * g![i]) / norm);
      base(rate)(w, (await gradients(there, true))!, state);
    }
  };
}

/**
 * Entropy-SGD without noise [Chaudhari et al. 2017, algorithm 1]: x' takes L steps along `g + lambda x' - gamma (x - x')`,
 * mu is its running mean, and the base steps along x - mu; gamma grows from one outer step to the next.
 */
export function entropySgd(
  options: { steps: number; rate: number; lambda: number; averaging: number; scope: number; growth: number },
  base: (rate: number) => Rule,
): Epoch {
  return async (w, gradients, state, rate) => {
    for (;;) {
      const gamma = options.scope * (1 + options.growth) ** state.steps;
      const inner = [...w];
      let mean = [...w];
      let taken = 0;
      for (; taken < options.steps; taken++) {
        const g = await gradients(inner);
        if (!g) break;
        for (let i = 0; i < w.length; i++) {
          inner[i] -= options.rate * (g[i] + options.lambda * inner[i] - gamma * (w[i] - inner[i]));
        }
        mean = mean.map((x, i) => (1 - options.averaging) * x + options.averaging * inner[i]);
      }
      if (taken === 0) return;
      base(rate)(
        w,
        w.map((x, i) => x - mean[i]),
        state,
      );
    }
  };
}
