// The sampler as one would write it straight away in JavaScript: flat typed arrays, three loops, a Map.
import { measure } from "./measure.mjs";

const FEATURES = 7;
const WIDTH = 40;
const INPUTS = 128;

/** sfc32, a small counter-mixed generator of 32 bits; uniform in [0, 1). */
function uniformGenerator(seed) {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed | 0;
  let counter = 1;
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}

/** Box-Muller, both values used. */
function normalGenerator(seed) {
  const uniform = uniformGenerator(seed);
  let spare = 0;
  let hasSpare = false;
  return () => {
    if (hasSpare) {
      hasSpare = false;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    hasSpare = true;
    return radius * Math.cos(angle);
  };
}

const inputs = Array.from({ length: INPUTS }, (_, i) =>
  Float32Array.from({ length: FEATURES }, (_, j) => (i >> (6 - j)) & 1),
);
const hidden1 = new Float32Array(WIDTH);
const hidden2 = new Float32Array(WIDTH);
const output = new Float32Array(1);

function drawLayer(normal, fanIn, fanOut) {
  const weights = new Float32Array(fanOut * fanIn);
  const biases = new Float32Array(fanOut);
  const scale = Math.sqrt(2 / fanIn);
  for (let i = 0; i < weights.length; i++) weights[i] = scale * normal();
  for (let i = 0; i < fanOut; i++) biases[i] = normal();
  return { weights, biases, fanIn, fanOut };
}

function applyLayer({ weights, biases, fanIn, fanOut }, x, y, rectify) {
  for (let o = 0; o < fanOut; o++) {
    let sum = biases[o];
    for (let i = 0; i < fanIn; i++) sum += weights[o * fanIn + i] * x[i];
    y[o] = rectify && sum < 0 ? 0 : sum;
  }
}

function sampleFunction(normal) {
  const first = drawLayer(normal, FEATURES, WIDTH);
  const second = drawLayer(normal, WIDTH, WIDTH);
  const third = drawLayer(normal, WIDTH, 1);
  let hex = "";
  let nibble = 0;
  for (let i = 0; i < INPUTS; i++) {
    applyLayer(first, inputs[i], hidden1, true);
    applyLayer(second, hidden1, hidden2, true);
    applyLayer(third, hidden2, output, false);
    nibble = (nibble << 1) | (output[0] > 0 ? 1 : 0);
    if (i % 4 === 3) {
      hex += nibble.toString(16);
      nibble = 0;
    }
  }
  return hex;
}

await measure({
  name: "plain-js",
  version: `node ${process.versions.node}`,
  batch: 50,
  open: (seed) => {
    const normal = normalGenerator(seed);
    return (counts, samples) => {
      for (let i = 0; i < samples; i++) {
        const key = sampleFunction(normal);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    };
  },
  allZero: "0".repeat(32),
  allOne: "f".repeat(32),
});
