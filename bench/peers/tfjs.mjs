// The sampler in TensorFlow.js on its Wasm backend (SIMD, one thread).
//
// The obvious form, one batched matMul a layer for many networks, falls back to the backend's unvectorised product
// (XNNPACK is used for one matrix at a time only) and is half as fast: 3,000 samples/s against 6,800. So each network
// has its own three products, and only the draws of the last bias and the reading back are batched.
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { ALL_ONE, ALL_ZERO, keyOfSigns, measure } from "./measure.mjs";

const require = createRequire(import.meta.url);
const log = console.log;
console.log = console.warn = () => {}; // tfjs greets and advises on import
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
wasm.setThreadsCount(1);
await tf.setBackend("wasm");
console.log = log;
if (tf.getBackend() !== "wasm" || !(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) {
  throw new Error("tfjs: the Wasm backend or its SIMD is missing here");
}

const FEATURES = 7;
const WIDTH = 40;
const INPUTS = 128;
const firstScale = Math.sqrt(2 / FEATURES);
const secondScale = Math.sqrt(2 / WIDTH);
/** The inputs with the first layer's scale folded in, and a column of ones for its bias. */
const scaledInputs = Array.from({ length: INPUTS }, (_, i) => [
  ...Array.from({ length: FEATURES }, (_, j) => firstScale * ((i >> (FEATURES - 1 - j)) & 1)),
  1,
]);

await measure({
  name: "tfjs-wasm",
  version: `@tensorflow/tfjs ${tf.version.tfjs}, node ${process.versions.node}`,
  batch: 16,
  open: (seed, batch) => {
    const inputs = tf.tensor2d(scaledInputs);
    let draws = seed * 1e9;
    const normal = (shape, scale) => tf.randomNormal(shape, 0, scale, "float32", draws++);
    const evaluate = () => {
      const hidden1 = tf.fused.matMul({ a: inputs, b: normal([FEATURES + 1, WIDTH], 1), activation: "relu" });
      const hidden2 = tf.fused.matMul({
        a: hidden1,
        b: normal([WIDTH, WIDTH], secondScale),
        bias: normal([WIDTH], 1),
        activation: "relu",
      });
      return tf.fused.matMul({ a: hidden2, b: normal([WIDTH, 1], secondScale) }).reshape([1, INPUTS]);
    };
    return async (counts) => {
      const outputs = tf.tidy(() => tf.concat(Array.from({ length: batch }, evaluate)).add(normal([batch, 1], 1)));
      const values = await outputs.data();
      outputs.dispose();
      for (let i = 0; i < batch; i++) {
        const key = keyOfSigns(values, INPUTS * i);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    };
  },
  allZero: ALL_ZERO,
  allOne: ALL_ONE,
});
