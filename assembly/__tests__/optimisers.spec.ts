import { adagradStep, adamStep, momentumStep, rmspropStep, sgdStep, sumOfSquares } from "../optimisers";

const w: usize = memory.data(32, 16);
const g: usize = memory.data(32, 16);
const m: usize = memory.data(32, 16);
const v: usize = memory.data(32, 16);

function reset(): void {
  for (let i: usize = 0; i < 32; i += 4) {
    store<f32>(w + i, 1);
    store<f32>(g + i, 2);
    store<f32>(m + i, 0);
    store<f32>(v + i, 0);
  }
}

describe("optimisers, one step from w = 1 with g = 2", () => {
  test("sgd, no further than asked", () => {
    reset();
    sgdStep(w, g, 1, 0.25, 0.5);
    expect<f32>(load<f32>(w, 12)).toBe(1 - 0.25 * 2.5);
    expect<f32>(load<f32>(w, 16)).toBe(1);
  });

  test("momentum and Nesterov", () => {
    reset();
    momentumStep(w, g, m, 1, 0.25, 0, 0.5, 0);
    expect<f32>(load<f32>(w)).toBe(0.5);
    momentumStep(w, g, m, 1, 0.25, 0, 0.5, 1);
    expect<f32>(load<f32>(m)).toBe(3);
    expect<f32>(load<f32>(w)).toBe(0.5 - 0.25 * (2 + 1.5));
  });

  test("Adagrad, RMSprop and Adam divide by the root", () => {
    reset();
    adagradStep(w, g, v, 1, 0.25, 0, 0);
    expect<f32>(load<f32>(w)).toBe(0.75);
    reset();
    rmspropStep(w, g, v, 1, 0.25, 0, 0.75, 0);
    expect<f32>(load<f32>(w)).toBe(0.5);
    reset();
    adamStep(w, g, m, v, 1, 0, 0.5, 0.75, 0, 0.5, 2);
    expect<f32>(load<f32>(w)).toBe(1 - (0.5 * 1) / (1 * 2));
  });

  test("sum of squares in f64", () => {
    reset();
    expect<f64>(sumOfSquares(g, 2)).toBe(32);
  });
});
