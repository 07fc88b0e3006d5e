import { panelFactor, panelNorms, panelProducts, panelSolve, panelUpdate } from "../panels";
import { backwardSolve, forwardSolve, scaledPlusIdentity, scaledRow, symmetricProduct } from "../panelVectors";

const lower: usize = memory.data(384, 16);
const work: usize = memory.data(384, 16);
const inverses: usize = memory.data(256, 16);
const x: usize = memory.data(64, 16);
const y: usize = memory.data(64, 16);

/** 1 + min(i, j), 8 rows: its factor is of ones. */
function fill(): void {
  for (let i: usize = 0; i < 8; i++) {
    const panel = i >> 2;
    for (let j: usize = 0; j < 4 * (panel + 1); j++) {
      store<f64>(lower + 128 * panel + 32 * j + 8 * (i & 3), <f64>(1 + min(i, j)));
    }
  }
}

function factor(): void {
  fill();
  panelFactor(lower, inverses, 0, 0);
  panelFactor(lower, inverses, 1, 0);
}

describe("panels", () => {
  test("a factor of ones", () => {
    fill();
    expect<i32>(panelFactor(lower, inverses, 0, 0)).toBe(-1);
    expect<i32>(panelFactor(lower, inverses, 1, 0)).toBe(-1);
    // rows 3, 4 and 7
    expect<f64>(load<f64>(lower + 32 * 3 + 24)).toBe(1);
    expect<f64>(load<f64>(lower + 128)).toBe(1);
    expect<f64>(load<f64>(lower + 128 + 32 * 7 + 24)).toBe(1);
    // above the diagonal
    expect<f64>(load<f64>(lower + 32 * 3)).toBe(0);
  });

  test("a failing pivot", () => {
    fill();
    store<f64>(lower + 128 + 32 * 5 + 8, 1);
    panelFactor(lower, inverses, 0, 0);
    expect<i32>(panelFactor(lower, inverses, 1, 0)).toBe(5);
  });

  test("products are subtracted before or while solving", () => {
    factor();
    // the first row of the identity: X L' = e gives the first column of L^-1, (1, -1, 0, ...)
    memory.fill(work, 0, 384);
    store<f64>(work, 1);
    panelSolve(work, 0, lower, inverses, 0, 1);
    panelUpdate(work, 0, 4, lower, 1, 2);
    panelSolve(work, 4, lower, inverses, 1, 2);
    expect<f64>(load<f64>(work)).toBe(1);
    expect<f64>(load<f64>(work + 32)).toBe(-1);
    expect<f64>(load<f64>(work + 160)).toBe(0);
    panelNorms(work, 0, 8, y);
    expect<f64>(load<f64>(y)).toBe(2);
  });

  test("Gram products", () => {
    for (let i: usize = 0; i < 12; i++) store<f64>(x + 8 * (i % 8), <f64>(i % 8));
    memory.fill(work, 0, 128);
    // two columns: rows (0, 4), (1, 5), (2, 6), (3, 7)
    panelProducts(work, x, x, 64, 2, 0, 1);
    expect<f64>(load<f64>(work + 8)).toBe(20);
    expect<f64>(load<f64>(work + 32 * 3 + 24)).toBe(58);
  });
});

describe("panels and vectors", () => {
  test("solves undo the product", () => {
    for (let i: usize = 0; i < 8; i++) store<f64>(x + 8 * i, <f64>i);
    fill();
    symmetricProduct(lower, 2, x, y);
    factor();
    forwardSolve(lower, inverses, 2, y);
    backwardSolve(lower, inverses, 2, y);
    for (let i: usize = 0; i < 8; i++) expect<f64>(load<f64>(y + 8 * i)).toBeCloseTo(<f64>i, 10);
  });

  test("I + R A R, and a row of A R", () => {
    fill();
    for (let i: usize = 0; i < 8; i++) store<f64>(x + 8 * i, 2);
    scaledPlusIdentity(lower, x, work, 0, 2);
    expect<f64>(load<f64>(work)).toBe(5);
    expect<f64>(load<f64>(work + 128 + 32 * 7 + 24)).toBe(33);
    expect<f64>(load<f64>(work + 128)).toBe(4);
    scaledRow(lower, 2, x, 3, 1, work);
    expect<f64>(load<f64>(work + 8)).toBe(2);
    expect<f64>(load<f64>(work + 32 * 7 + 8)).toBe(8);
  });
});
