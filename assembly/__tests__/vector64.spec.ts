import { addRows64, rowDots64 } from "../vector64";

const rows: usize = memory.data(160, 16);
const v: usize = memory.data(32, 16);
const out: usize = memory.data(48, 16);

// row j: (j + 1, ..., j + 1); v = (1, 2, 3, 4)
function fill(): void {
  for (let j: usize = 0; j < 5; j++) {
    for (let i: usize = 0; i < 4; i++) store<f64>(rows + 32 * j + 8 * i, <f64>j + 1);
  }
  for (let i: usize = 0; i < 4; i++) store<f64>(v + 8 * i, <f64>i + 1);
}

describe("rowDots64", () => {
  test("four rows at once, then one", () => {
    fill();
    rowDots64(rows, 5, 32, v, 32, out);
    expect<f64>(load<f64>(out)).toBe(10);
    expect<f64>(load<f64>(out, 24)).toBe(40);
    expect<f64>(load<f64>(out, 32)).toBe(50);
  });
});

describe("addRows64", () => {
  test("adds multiples of all rows", () => {
    fill();
    for (let j: usize = 0; j < 5; j++) store<f64>(out + 8 * j, 1);
    addRows64(v, rows, 5, 32, out, 32);
    expect<f64>(load<f64>(v)).toBe(16);
    expect<f64>(load<f64>(v, 24)).toBe(19);
  });
});
