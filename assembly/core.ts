/** The exports of the core module: what counting, describing and evaluating call. */

export { heapBase } from "./arena";
export { criticalSampleRatioBatch, entropyBatch, sensitivityBatch } from "./booleanComplexity";
export { denseBlock, packPoints } from "./dense";
export { gaussians, xoshiroWords } from "./gaussian";
export { lempelZivBatch } from "./lempelZiv";
export { expMinusOne, logOnePlus, naturalLog } from "./logarithm";
export { mergeRows } from "./mergeRows";
export { orbitSize, orbitSizeBatch } from "./orbit";
export { orbitMembers } from "./orbitMembers";
export { seedLanes } from "./philox";
export { drawHidden, drawOutput, evaluateKeys, firstLayer, sampleFunctions } from "./sampler";
export { sortRows } from "./sortRows";
export { tableCompact, tableInsert, tableMove } from "./table";
