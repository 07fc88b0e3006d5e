/**
 * The prior's scale of each parameter.
 *
 * @module
 */
import type { Network } from "./network.ts";
import { layerOffsets } from "./parameters.ts";

/** Standard deviation of each parameter under the prior, in the library's flat layout. */
export function priorDeviations(network: Network): Float64Array {
  const out = new Float64Array(network.parameterCount);
  layerOffsets(network)
    .slice(0, -1)
    .forEach((at, l) => {
      const fanIn = network.layers[l];
      const weights = fanIn * network.layers[l + 1];
      out.fill(Math.sqrt(network.sigmaW2 / fanIn), at, at + weights);
      out.fill(Math.sqrt(network.sigmaB2), at + weights, at + weights + network.layers[l + 1]);
    });
  return out;
}
