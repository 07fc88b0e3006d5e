/** The module's exports: every kernel that TypeScript calls. */

export { chooseSigns, spreadAffine } from "./affineCube";
export { heapBase } from "./arena";
export { criticalSampleRatioBatch, entropyBatch, sensitivityBatch } from "./booleanComplexity";
export { classHash } from "./classHash";
export { denseBlock, denseBlockSigns, linearBlockSigns, packPoints } from "./dense";
export { gaussians, xoshiroWords } from "./gaussian";
export {
  gaussNewtonAt,
  gradientAt,
  hessianAt,
  lossAt,
  partialGradientAt,
  sparsePoint,
  wrongPredictions,
} from "./gradient";
export { lempelZivBatch, lempelZivWords, lempelZivWordsReversed } from "./lempelZiv";
export { expMinusOne, logOnePlus, naturalLog } from "./logarithm";
export { lossBlock, lossCurvature } from "./losses";
export { matmul, packBytes, packRowsBytes } from "./matmul";
export { mergeRows } from "./mergeRows";
export {
  adagradStep,
  adamStep,
  difference,
  langevinStep,
  momentumStep,
  offset,
  rmspropStep,
  sgdStep,
  sumOfSquares,
} from "./optimisers";
export { orbitInvariant, orbitSize, orbitSizeBatch } from "./orbit";
export { orbitCanonical } from "./orbitCanonical";
export { orbitMembers } from "./orbitMembers";
export { philox4x32, seedLanes } from "./philox";
export { drawHidden, drawOutput, evaluateKeys, firstLayer, sampleFunctions } from "./sampler";
export { sortRows } from "./sortRows";
export { rowDot, sparseDense, sparseTile4, sparseTile16, sparseTile40, sumRow, sumSigns } from "./sparseRow";
export { tridiagonalRow, tridiagonalTile, tridiagonalVectors } from "./symmetricEigen";
export { tableCompact, tableInsert, tableMove } from "./table";
export { tanhArray } from "./tanh";
export { optimiserBytes, trainSteps } from "./train";
export { addRows64, rowDots64 } from "./vector64";
