// Gradient in TensorFlow.js on its Wasm backend (SIMD, one thread); it has no second derivatives of these operations.
//
// Its own derivative of matMul asks for products with a transposed factor, which fall back to the backend's unvectorised
// product: 20 ms for 500 points of 784-40-40-1 where 6 ms suffice if the transposes are written out. `--transposes` does so.
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { check, readCase, serve, transposed } from "./serve.mjs";

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

const { sizes, points, loss, inputs, targets, parameters, direction } = readCase();
const outputs = sizes[sizes.length - 1];
const x = tf.tensor2d(inputs, [points, sizes[0]]);
const t = loss === "bce" ? tf.tensor2d(targets, [points, 1]) : tf.oneHot(tf.tensor1d(targets, "int32"), outputs);
// weights as [in, out]: the product that the backend has vectorised
const flat = (vector) => vector.flatMap(({ weights, biases, shape }) => [transposed(weights, shape), biases]);
const w = flat(parameters).map((values, i) => {
  const [out, fanIn] = parameters[i >> 1].shape;
  return i % 2 ? tf.tensor1d(values) : tf.tensor2d(values, [fanIn, out]);
});
const transposing = tf.customGrad((a, b, save) => {
  save([a, b]);
  return {
    value: tf.matMul(a, b),
    gradFunc: (d, [a, b]) => [tf.matMul(d, tf.transpose(b)), tf.matMul(tf.transpose(a), d)],
  };
});
const matMul = process.argv.includes("--transposes") ? transposing : tf.matMul;
const lossOf = (...w) => {
  let a = x;
  for (let k = 0; k < w.length; k += 2) {
    a = matMul(a, w[k]).add(w[k + 1]);
    if (k + 2 < w.length) a = a.relu();
  }
  return loss === "bce" ? tf.losses.sigmoidCrossEntropy(t, a) : tf.losses.softmaxCrossEntropy(t, a);
};
const valueAndGrads = tf.valueAndGrads(lossOf);
const gradient = () => {
  const { value, grads } = valueAndGrads(w);
  const parts = [value, ...grads].map((part) => part.dataSync());
  tf.dispose([value, grads]);
  return parts;
};

await serve(
  () => {
    const [[value], ...grads] = gradient();
    const version = `@tensorflow/tfjs ${tf.version.tfjs}, node ${process.versions.node}`;
    return check(version, value, grads, undefined, flat(direction));
  },
  { gradient },
);
