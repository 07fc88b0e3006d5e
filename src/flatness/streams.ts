/**
 * Streams of random numbers of the flatness measures: one number for each use of the generator.
 *
 * @module
 */
export const KESKAR_SHUFFLE_STREAM = 0x200;
export const KESKAR_START_STREAM = 0x201;
export const SAM_START_STREAM = 0x202;
export const ASAM_START_STREAM = 0x203;
export const PAC_BAYES_STREAM = 0x204;
export const RELATIVE_FLATNESS_STREAM = 0x205;
export const LOCAL_VOLUME_STREAM = 0x206;
export const PRECONDITIONER_STREAM = 0x207;
export const LLC_NOISE_STREAM = 0x208;
export const LLC_SHUFFLE_STREAM = 0x209;
export const LANDSCAPE_STREAM = 0x20a;
export const DAMPING_STREAM = 0x20b;
export const LLC_STEP_STREAM = 0x20c;
