// The sampler in jax-js on its Wasm backend, a batch of networks at a time, jitted. In Node it runs on one thread
// (its pool needs the browser's `Worker`). jax-js is lazy: reading the outputs back is what waits for the work.
//
// Tried and slower: `vmap` of one network (1,150 samples/s against 6,200), `random.normal` (it draws two uniforms for
// every value; 4,600), inputs before outputs in the products. `einsum` with a string needs Node 22.
import { readFileSync } from "node:fs";
import { defaultDevice, init, jit, numpy as np, random } from "@jax-js/jax";
import { ALL_ONE, ALL_ZERO, keyOfSigns, measure } from "./measure.mjs";

await init("wasm");
defaultDevice("wasm");

const FEATURES = 7;
const WIDTH = 40;
const INPUTS = 128;
const PARAMETERS = (FEATURES + 1) * WIDTH + WIDTH * WIDTH + 2 * WIDTH + 1;
const firstScale = Math.sqrt(2 / FEATURES);
const secondScale = Math.sqrt(2 / WIDTH);
/** Inputs as columns, with the first layer's scale folded in and a row of ones for its bias: [features + 1, inputs]. */
const columns = Float32Array.from({ length: (FEATURES + 1) * INPUTS }, (_, index) => {
  const feature = Math.floor(index / INPUTS);
  return feature === FEATURES ? 1 : firstScale * (((index % INPUTS) >> (FEATURES - 1 - feature)) & 1);
});
const { version } = JSON.parse(
  readFileSync(new URL("./node_modules/@jax-js/jax/package.json", import.meta.url), "utf8"),
);

await measure({
  name: "jax-js-wasm",
  version: `@jax-js/jax ${version}, node ${process.versions.node}`,
  batch: 512,
  open: (seed, batch) => {
    const pairs = Math.ceil((batch * PARAMETERS) / 2);
    const uniforms = jit((key) => {
      const [first, second] = random.split(key, 2);
      return [random.uniform(first, [pairs]), random.uniform(second, [pairs])];
    });
    const boxMuller = jit((u, v) => {
      const radius = np.sqrt(np.log1p(np.negative(u)).mul(-2));
      const angle = v.mul(2 * Math.PI);
      return [radius.ref.mul(np.cos(angle.ref)), radius.mul(np.sin(angle))];
    });
    const layers = jit((x, y) => {
      const normals = np.concatenate([x, y]);
      let start = 0;
      const take = (shape, scale) => {
        const end = start + shape.reduce((product, size) => product * size, 1);
        const part = normals.ref.slice([start, end]).reshape(shape).mul(scale);
        start = end;
        return part;
      };
      const parts = [
        take([batch * WIDTH, FEATURES + 1], 1),
        take([batch, WIDTH, WIDTH], secondScale),
        take([batch, WIDTH, 1], 1),
        take([batch, 1, WIDTH], secondScale),
        take([batch, 1], 1),
      ];
      normals.dispose();
      return parts;
    });
    const evaluate = jit((x, first, second, secondBias, third, thirdBias) => {
      const hidden1 = np.maximum(np.matmul(first, x), 0).reshape([batch, WIDTH, INPUTS]);
      const hidden2 = np.maximum(np.matmul(second, hidden1).add(secondBias), 0);
      return np.matmul(third, hidden2).reshape([batch, INPUTS]).add(thirdBias);
    });

    const inputs = np.array(columns).reshape([FEATURES + 1, INPUTS]);
    let draw = (seed * 1_000_003) >>> 0;
    return async (counts) => {
      const key = random.key(np.array(new Uint32Array([draw++]), { dtype: np.uint32 }).reshape([]));
      const values = await evaluate(inputs.ref, ...layers(...boxMuller(...uniforms(key)))).data();
      for (let i = 0; i < batch; i++) {
        const key = keyOfSigns(values, INPUTS * i);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    };
  },
  allZero: ALL_ZERO,
  allOne: ALL_ONE,
});
