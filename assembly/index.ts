/** The exports of the full module: every kernel that TypeScript calls. */

export { chooseSigns, spreadAffine } from "./affineCube";
export { ascentSteps } from "./ascent";
export { classHash } from "./classHash";
export * from "./core";
export { denseBlockSigns, linearBlockSigns } from "./dense";
export { upperQuantile } from "./gaussianTail";
export { gaussNewtonTraceAt } from "./gaussNewtonTrace";
export {
  gaussNewtonAt,
  gradientAt,
  hessianAt,
  lossAt,
  partialGradientAt,
  wrongPredictions,
} from "./gradient";
export { hamiltonianEvaluate, hamiltonianMove } from "./hamiltonian";
export { affineKernel, layerKernel } from "./layerKernel";
export { fromFlat, toFlat, transposeMatrix } from "./layout";
export { lempelZivWords, lempelZivWordsReversed } from "./lempelZiv";
export { exponential } from "./logarithm";
export { lossBlock, lossCurvature } from "./losses";
export { matmul, packBytes, packRowsBytes } from "./matmul";
export {
  inverseMills,
  logNormalCdf,
  normalCdf,
  normalDensity,
  normalExcess,
  tailVariance,
} from "./normal";
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
export { orbitInvariant } from "./orbit";
export { orbitCanonical } from "./orbitCanonical";
export { orthantBlocks, orthantWorkBytes, weightSums } from "./orthant";
export { orthantCoefficients, orthantNext, orthantPivot } from "./orthantOrder";
export { orthantHazards } from "./orthantTilt";
export { panelFactor, panelNorms, panelProducts, panelSolve, panelUpdate } from "./panels";
export { backwardSolve, forwardSolve, scaledPlusIdentity, scaledRow, symmetricProduct } from "./panelVectors";
export { philox4x32 } from "./philox";
export { signLoss, signLossGradient, signMargins, wrongSigns } from "./signLoss";
export { probitDerivatives, siteMoments, sumOfLogs } from "./sites";
export { sparsePoint } from "./sparseInputs";
export { rowDot, sparseDense, sparseTile4, sparseTile16, sparseTile40, sumRow, sumSigns } from "./sparseRow";
export { tridiagonalRow, tridiagonalTile, tridiagonalVectors } from "./symmetricEigen";
export { tanhArray } from "./tanh";
export { optimiserBytes, trainSteps } from "./train";
export { addRows64, rowDots64 } from "./vector64";
