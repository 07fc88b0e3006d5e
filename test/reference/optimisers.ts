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
