import { describe, expect, it } from "vitest";
import { sharedKernels } from "../src/engine/module.ts";
import { evenGrid, spectralDensity } from "../src/flatness/density.ts";
import { lanczos } from "../src/flatness/lanczos.ts";
import { spectrum } from "../src/flatness/spectrum.ts";
import { trace } from "../src/flatness/trace.ts";
import { gaussianMatrix, matrixOperator, streamOf } from "./operators.ts";

const kernels = await sharedKernels();

/** FNV-1a over the bytes of f64 numbers. */
function fingerprint(numbers: ArrayLike<number>): string {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(Float64Array.from(numbers).buffer)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

describe("the same bits in Node and in the browser: fingerprints that both must give", () => {
  const operator = matrixOperator(gaussianMatrix(97, 1));

  it("lanczos", async () => {
    const { values, vectors, residuals } = await lanczos(
      kernels,
      operator,
      { count: 3, which: "magnitude", basis: 20 },
      streamOf(1),
    );
    expect(fingerprint([...values, ...vectors, ...residuals])).toBe("6ae5ef03");
  });

  it("trace", async () => {
    const { value, standardError } = await trace(kernels, operator, { products: 30 }, streamOf(1));
    expect(fingerprint([value, standardError])).toBe("b7e42924");
  });

  it("density", async () => {
    const density = await spectralDensity(kernels, operator, { probes: 2, steps: 30 }, streamOf(1));
    const smooth = density.smooth(evenGrid(-20, 20, 50), 0.7);
    expect(fingerprint([...smooth.density, ...smooth.standardError])).toBe("1c18e4a6");
  });

  it("spectrum", async () => {
    expect(fingerprint((await spectrum(kernels, operator)).values)).toBe("98933cb2");
  });
});
