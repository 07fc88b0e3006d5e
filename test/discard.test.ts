/** Memory given back at once. */
import { expect, it } from "vitest";
import { discard } from "../src/engine/discard.ts";
import { createPool } from "../src/index.ts";
import { expectationPropagation, nngpKernel } from "../src/volume.ts";

it("an array that is discarded is empty", () => {
  const array = new Float64Array(1000).fill(1);
  discard(array);
  expect([array.length, array.buffer.byteLength]).toEqual([0, 0]);
});

it("expectation propagation uses up its own copy, never the caller's kernel", async () => {
  const { kernel } = await nngpKernel({ depth: 2 }, { bits: 4 });
  const before = kernel.slice();
  const pool = createPool({ workers: 0 });
  const first = await expectationPropagation(kernel, "0137", { pool });
  const second = await expectationPropagation(kernel, "0137", { pool });
  pool.close();
  expect(kernel).toEqual(before);
  expect(second.logP).toBe(first.logP);
});
