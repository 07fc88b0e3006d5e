/** The training kernels' layout of parameters, plainly: weights by input unit, rows padded to a multiple of 4. */
export function toKernelLayout(layers: readonly number[], flat: Float32Array): Float32Array {
  const out: number[] = [];
  let at = 0;
  for (let l = 1; l < layers.length; l++) {
    const [fanIn, fanOut] = [layers[l - 1], layers[l]];
    const padding = new Array<number>((4 - (fanOut % 4)) % 4).fill(0);
    for (let i = 0; i < fanIn; i++) {
      for (let o = 0; o < fanOut; o++) out.push(flat[at + o * fanIn + i]);
      out.push(...padding);
    }
    at += fanIn * fanOut;
    out.push(...flat.subarray(at, at + fanOut), ...padding);
    at += fanOut;
  }
  while (out.length % 8 !== 0) out.push(0);
  return Float32Array.from(out);
}
