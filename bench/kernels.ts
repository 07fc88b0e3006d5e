/**
 * What the benches measure beneath the public API; bundled by it, for Node 20 imports no TypeScript.
 *
 * @module
 */
export { Kernels } from "../src/engine/kernels.ts";
export { compileModule } from "../src/engine/module.ts";
export { createPool } from "../src/engine/pool.ts";
export { shuffledPoints } from "../src/flatness/minibatch.ts";
export { KESKAR_SHUFFLE_STREAM } from "../src/flatness/streams.ts";
export { defineNetwork } from "../src/network/network.ts";
export { LocalSurface } from "../src/training/localSurface.ts";
export { SHUFFLE_STREAM } from "../src/training/trainTask.ts";
export { cholesky } from "../src/volume/cholesky.ts";
export { expectationPropagation } from "../src/volume/expectationPropagation.ts";
export { nngpKernel } from "../src/volume/nngpKernel.ts";
export { allocateFactor, factorise, packSymmetric } from "../src/volume/panels.ts";
