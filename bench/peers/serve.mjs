// What the JavaScript peers of the training bench share: the case they read and the commands they answer (see README.md).
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** Reads the case named on the command line, as bench/training.mjs writes it. */
export function readCase() {
  if (process.argv.length < 3) {
    console.error("usage: node PEER CASE [OPTIONS], then commands on stdin: check | gradient MS | product MS");
    process.exit(2);
  }
  const bytes = readFileSync(process.argv[2]);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const [count, loss, points] = new Uint32Array(buffer, 0, 3);
  const sizes = [...new Uint32Array(buffer, 12, count)];
  let at = 4 * (3 + count);
  const take = (length) => {
    const part = new Float32Array(buffer, at, length);
    at += 4 * length;
    return part;
  };
  const vector = () =>
    sizes.slice(1).map((out, l) => ({ weights: take(out * sizes[l]), biases: take(out), shape: [out, sizes[l]] }));
  return {
    sizes,
    points,
    /** "bce" or "ce" */
    loss: ["bce", "ce"][loss],
    inputs: take(points * sizes[0]),
    targets: take(points),
    parameters: vector(),
    direction: vector(),
  };
}

/** `[out, in]` as `[in, out]`. */
export function transposed(matrix, [rows, columns]) {
  const out = new Float32Array(matrix.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = matrix[r * columns + c];
  return out;
}

/** The products that a check is made of, from flat arrays in the order of `direction`. */
export function check(version, loss, gradient, product, direction) {
  const dot = (x, y) => x.reduce((sum, part, i) => part.reduce((s, value, k) => s + value * y[i][k], sum), 0);
  return {
    version,
    loss,
    gradient: Math.sqrt(dot(gradient, gradient)),
    slope: dot(gradient, direction),
    ...(product && { product: Math.sqrt(dot(product, product)), curvature: dot(product, direction) }),
  };
}

/**
 * Answers commands until stdin ends.
 *
 * @param check gives the object that `check` answers.
 * @param calls.gradient one gradient, every output computed when it resolves; `calls.product` (if the peer has it) one Hv.
 */
export async function serve(check, calls) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, milliseconds] = line.split(" ");
    if (command === "check") {
      console.log(JSON.stringify(await check()));
      continue;
    }
    const call = calls[command];
    if (!call) {
      console.error(`no command ${command}`);
      process.exit(2);
    }
    let count = 0;
    let elapsed = 0;
    const start = performance.now();
    do {
      await call();
      count++;
      elapsed = performance.now() - start;
    } while (elapsed < Number(milliseconds));
    console.log(JSON.stringify({ milliseconds: elapsed / count, calls: count }));
  }
}
