/**
 * The build that counts, describes and evaluates.
 *
 * @module
 */
import { deflatedWasmBase64 } from "../generated/coreWasm.ts";
import { workerSource } from "../generated/coreWorkerSource.ts";
import { EngineBuild } from "./build.ts";

export const coreBuild = new EngineBuild(deflatedWasmBase64, workerSource);
