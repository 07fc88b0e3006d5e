/**
 * `flatness` and `landscape` on the module's own surfaces.
 *
 * @module
 */
import type { NetworkOptions } from "../network/network.ts";
import type { Dataset } from "../training/surface.ts";
import {
  type FlatnessOptions,
  type FlatnessRecord,
  flatnessOn,
  type LandscapeOptions,
  landscapeOn,
} from "./flatness.ts";
import type { Landscape } from "./landscape.ts";
import { surfaceTasks } from "./tasks.ts";

/**
 * Measures how flat the loss is around a network's parameters. Measures run side by side, one a worker; each says whether it
 * is invariant under alpha-rescaling, and names its paper in `source`.
 *
 * @param network layers and activation, and the prior, which `local-volume` asks for.
 * @param parameters f32, the library's flat layout.
 * @param data points with targets.
 * @throws TypeError, RangeError naming the argument, before any work; the signal's reason; an Error if a worker died.
 * @example
 * const record = await flatness(network, parameters, data, { loss: "bce", measures: ["keskar", "fisher-rao"] });
 */
export function flatness<const M extends string>(
  network: NetworkOptions,
  parameters: Float32Array,
  data: Dataset,
  options: FlatnessOptions<M>,
): Promise<FlatnessRecord<M>> {
  return flatnessOn(surfaceTasks, network, parameters, data, options);
}

/**
 * The loss along a line or on a plane through the parameters, by default with filters normalised [Li et al. 2018].
 *
 * @throws TypeError, RangeError naming the argument, before any work; the signal's reason; an Error if a worker died.
 */
export function landscape(
  network: NetworkOptions,
  parameters: Float32Array,
  data: Dataset,
  options: LandscapeOptions,
): Promise<Landscape> {
  return landscapeOn(surfaceTasks, network, parameters, data, options);
}
