import { optimiserBytes, trainSteps } from "../train";

const optimiser: usize = memory.data(128, 16);

describe("training steps", () => {
  test("an epoch of no points does nothing", () => {
    expect<i32>(optimiserBytes()).toBe(120);
    expect<f64>(trainSteps(0, optimiser, 0, 0, 32, 0.1)).toBe(0);
  });
});
