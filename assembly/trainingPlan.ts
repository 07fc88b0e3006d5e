/**
 * Byte offsets in a training plan: a network on a data set, as 32-bit words. src/training/plan.ts writes it.
 */

// u32 words
export const LAYERS: usize = 0;
export const ACTIVATION: usize = 4;
export const LOSS: usize = 8;
export const OUTPUTS: usize = 12;
/** f32 [points][features], or 0 if the points are sparse */
export const INPUTS: usize = 16;
export const FEATURES: usize = 20;
export const TARGETS: usize = 24;
/** sparse points: u32 [points + 1], addresses of the first record of each point, and one past the last */
export const STARTS: usize = 28;
/** gathered rows of a block: 256 * features f32 */
export const GATHERED: usize = 32;
export const PROBABILITIES: usize = 36;
export const PACK_A: usize = 40;
export const PACK_B: usize = 44;
export const W: usize = 48;
export const G: usize = 52;
/** direction and product of Hessian products */
export const V: usize = 56;
export const HV: usize = 60;
/** bytes of a vector of parameters */
export const BYTES: usize = 64;
export const HEADER: usize = 80;

// a layer, u32
export const FAN_IN: usize = 0;
export const FAN_OUT: usize = 4;
export const N4: usize = 8;
/** bytes from the start of a vector to this layer's weights, and its biases */
export const WEIGHTS: usize = 12;
export const BIASES: usize = 16;
/** activations, dL/dz, and what the R-operator makes of them */
export const A: usize = 20;
export const D: usize = 24;
export const RA: usize = 28;
export const RD: usize = 32;
export const LAYER: usize = 48;

/** A word of a plan or a layer. */
export function field(at: usize, offset: usize): usize {
  return <usize>load<u32>(at + offset);
}

/** Address of a layer of the plan. */
export function layerOf(plan: usize, l: i32): usize {
  return plan + HEADER + <usize>l * LAYER;
}
