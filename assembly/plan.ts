/**
 * Byte offsets in a plan: 32-bit words that describe a job of the sampler. The caller lays it out once; all memory is
 * its own.
 */

/** 1: all Boolean inputs, ReLU and at least one hidden layer (assembly/booleanKeys.ts). 0: the blocks at PLAN_INPUTS. */
export const PLAN_BOOLEAN: usize = 0;
/** number of input features */
export const PLAN_FEATURES: usize = 4;
/** number of blocks of eight points */
export const PLAN_BLOCKS: usize = 8;
/** number of hidden layers */
export const PLAN_DEPTH: usize = 12;
/** RELU or TANH */
export const PLAN_ACTIVATION: usize = 16;
/** output layers for a body */
export const PLAN_DRAWS: usize = 20;
/** hidden parameters, f32: for each layer rows `[fanIn][fanOut4]` and biases `[fanOut4]`; if Boolean the first layer is
 *  `[n + 1][fanOut4]`, biases first. Padding has scale 0. */
export const PLAN_HIDDEN: usize = 24;
/** groups of eight in it */
export const PLAN_HIDDEN_GROUPS: usize = 28;
/** their standard deviations */
export const PLAN_HIDDEN_SCALES: usize = 32;
/** output parameters: `[fanIn4 + 1][drawsStride]`, biases last, rows past fanIn of scale 0 */
export const PLAN_OUTPUT: usize = 36;
export const PLAN_OUTPUT_GROUPS: usize = 40;
export const PLAN_OUTPUT_SCALES: usize = 44;
/** address of the output biases */
export const PLAN_OUTPUT_BIAS: usize = 48;
/** draws rounded up to a multiple of 4 (1 for one draw) */
export const PLAN_DRAWS_STRIDE: usize = 52;
/** blocks of the inputs (`packPoints`), stride in bytes, ends; unused if Boolean */
export const PLAN_INPUTS: usize = 56;
export const PLAN_INPUTS_STRIDE: usize = 60;
export const PLAN_INPUTS_ENDS: usize = 64;
/** two scratch blocks, or rows */
export const PLAN_SCRATCH0: usize = 68;
export const PLAN_SCRATCH1: usize = 72;
/** generator state, 64 bytes */
export const PLAN_STATE: usize = 76;
/** keys of the draws of one body, `draws` (rounded up) times `words` u32 */
export const PLAN_KEYS: usize = 80;
/** u32 words of a key */
export const PLAN_WORDS: usize = 84;
/** mask of the last byte of a key: bits of absent points are 0 */
export const PLAN_LAST_MASK: usize = 88;
/** u32 scratch for slots and u64 scratch for class hashes, one for each draw */
export const PLAN_SLOTS: usize = 92;
export const PLAN_HASHES: usize = 96;
/** how functions are negated in their symmetry class, see `classHash` */
export const PLAN_NEGATION: usize = 100;
/** number of points */
export const PLAN_POINTS: usize = 104;
/** number of input bits whose permutations belong to a symmetry class; 0: none do */
export const PLAN_CLASS_BITS: usize = 108;
/** scratch, one key */
export const PLAN_CLASS_SCRATCH: usize = 112;

// The rest is used if Boolean.
/** first layer: signs u32 `[fanOut4]`, u64 masks of the units turned around */
export const PLAN_SIGNS: usize = 116;
export const PLAN_TURNED: usize = 120;
/** 1: units of the first layer may be turned around */
export const PLAN_TURN: usize = 124;
/** first layer: rows `[blocks]` and `[8]` of `spreadAffine`, bytes from one to the next (units padded to 16) */
export const PLAN_BASE: usize = 128;
export const PLAN_LOW: usize = 132;
export const PLAN_ROW_BYTES: usize = 136;
/** second layer, if units are turned around: minus the sum of their affine functions `[n + 1][fanOut4]` (and as much again
 *  of scratch), signs u32 `[fanOut4]` that turn it back, its parts, bytes from one row of them to the next */
export const PLAN_FOLDED: usize = 140;
export const PLAN_NEXT_SIGNS: usize = 144;
export const PLAN_NEXT_BASE: usize = 148;
export const PLAN_NEXT_LOW: usize = 152;
export const PLAN_NEXT_ROW_BYTES: usize = 156;
/** u64 masks of eight points, bytes from one to the next */
export const PLAN_MASKS: usize = 160;
export const PLAN_MASK_BYTES: usize = 164;
/** partial sums of eight points, bytes from one to the next */
export const PLAN_SUMS: usize = 168;
export const PLAN_SUM_BYTES: usize = 172;
/** with several draws eight u16 for each 16 of them: their signs */
export const PLAN_BITS: usize = 176;
/** zeros, as many as the widest layer (or draws) */
export const PLAN_ZEROS: usize = 180;
/** bytes from one point's row to the next in the scratch rows */
export const PLAN_SCRATCH_BYTES: usize = 184;

/** for each hidden layer (and one more) 16 bytes: fanOut4, address of its biases, address of the next layer's rows, their stride */
export const PLAN_LAYERS: usize = 192;
