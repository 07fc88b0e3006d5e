import { orthantBlocks, orthantWorkBytes } from "../orthant";

const plan: usize = memory.data(64, 16);
const rows: usize = memory.data(128, 16);
const constants: usize = memory.data(256, 16);
const lattice: usize = memory.data(64, 16);
const work: usize = memory.data(4096, 16);
const out: usize = memory.data(128, 16);

describe("orthantBlocks", () => {
  test("two free variables and two that are right: ln 1/4 for every sample", () => {
    expect<usize>(orthantWorkBytes(4)).toBeLessThan(4096);
    memory.fill(rows, 0, 128);
    memory.fill(constants, 0, 256);
    store<f64>(constants, -1, 128);
    store<f64>(constants, -1, 192);
    store<u32>(plan, <u32>rows, 0);
    store<u32>(plan, 0, 4);
    store<i32>(plan, 4, 8);
    store<i32>(plan, 2, 12);
    store<u32>(plan, <u32>constants, 16);
    store<u32>(plan, <u32>lattice, 20);
    store<u32>(plan, <u32>lattice + 32, 24);
    store<u32>(plan, <u32>work, 28);
    store<f64>(plan, 0, 32);
    orthantBlocks(plan, 0, 1, out);
    for (let i: usize = 0; i < 128; i += 8) expect<f64>(load<f64>(out + i)).toBeCloseTo(-1.3862943611198906, 13);
  });
});
