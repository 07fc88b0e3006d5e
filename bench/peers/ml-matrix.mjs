// Cholesky of a symmetric matrix in ml-matrix: `node ml-matrix.mjs FILE N`, commands on stdin as in serve.mjs.
import { readFileSync } from "node:fs";
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { serve } from "./serve.mjs";

const [file, size] = process.argv.slice(2);
const n = Number(size);
const bytes = readFileSync(file);
const values = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 8 * n * n));
const matrix = Matrix.from1DArray(n, n, values);
// its package.json is not exported
const { version } = JSON.parse(readFileSync(new URL("node_modules/ml-matrix/package.json", import.meta.url), "utf8"));
const logDeterminant = () => {
  const { lowerTriangularMatrix: lower } = new CholeskyDecomposition(matrix);
  let sum = 0;
  for (let i = 0; i < n; i++) sum += 2 * Math.log(lower.get(i, i));
  return sum;
};
await serve(() => ({ version, logDeterminant: logDeterminant() }), {
  cholesky: () => void new CholeskyDecomposition(matrix),
});
