// Gradient and Hessian-vector product (`jvp` of `grad`) in jax-js on its Wasm backend, jitted. In Node it runs on one thread.
// jax-js is lazy: reading every output back is what waits for the work.
import { readFileSync } from "node:fs";
import { defaultDevice, grad, init, jit, jvp, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { check, readCase, serve, transposed } from "./serve.mjs";

await init("wasm");
defaultDevice("wasm");

const { sizes, points, loss, inputs, targets, parameters, direction } = readCase();
const { version } = JSON.parse(
  readFileSync(new URL("./node_modules/@jax-js/jax/package.json", import.meta.url), "utf8"),
);
const outputs = sizes[sizes.length - 1];
const x = np.array(inputs).reshape([points, sizes[0]]);
const oneHot = Float32Array.from({ length: points * outputs }, (_, i) =>
  Number(targets[Math.floor(i / outputs)] === i % outputs),
);
const t = loss === "bce" ? np.array(targets).reshape([points, 1]) : np.array(oneHot).reshape([points, outputs]);
const flat = (vector) => vector.flatMap(({ weights, biases, shape }) => [transposed(weights, shape), biases]);
const arrays = (vector) =>
  flat(vector).map((values, i) => {
    const [out, fanIn] = vector[i >> 1].shape;
    return i % 2 ? np.array(values) : np.array(values).reshape([fanIn, out]);
  });
const w = arrays(parameters);
const v = arrays(direction);
const lossOf = (w, x, t) => {
  let a = x;
  for (let k = 0; k < w.length; k += 2) {
    a = np.matmul(a, w[k]).add(w[k + 1]);
    if (k + 2 < w.length) a = nn.relu(a);
  }
  // softplus(z) - t z; log(1 + e^-|z|) + max(z, 0) stays finite
  const each = loss === "bce" ? nn.softplus(a.ref).sub(t.mul(a)) : nn.logSoftmax(a).mul(t).mul(-outputs);
  return np.mean(each);
};
const gradientOf = jit(valueAndGrad(lossOf));
const productOf = jit((w, v, x, t) => jvp((w) => grad(lossOf)(w, x, t), [w], [v])[1]);
const refs = (list) => list.map((a) => a.ref);
const gradient = async () => {
  const [value, parts] = gradientOf(refs(w), x.ref, t.ref);
  return Promise.all([value, ...parts].map((part) => part.data()));
};
const product = async () => Promise.all(productOf(refs(w), refs(v), x.ref, t.ref).map((part) => part.data()));

await serve(
  async () => {
    const [[value], ...parts] = await gradient();
    const text = `@jax-js/jax ${version}, node ${process.versions.node}`;
    return check(text, value, parts, await product(), flat(direction));
  },
  { gradient, product },
);
