/**
 * The build that has everything. Not for what the core reaches, which uses `coreBuild`.
 *
 * @module
 */
import { deflatedWasmBase64 } from "../generated/wasm.ts";
import { workerSource } from "../generated/workerSource.ts";
import { EngineBuild } from "./build.ts";
import { coreBuild } from "./core.ts";
import type { Kernels } from "./kernels.ts";

export const fullBuild = new EngineBuild(deflatedWasmBase64, workerSource, [coreBuild]);

/** Compiles the module; the result can be posted to workers. */
export function compileModule(): Promise<WebAssembly.Module> {
  return fullBuild.compile();
}

/** The calling thread's own instance, made on first use. */
export function sharedKernels(): Promise<Kernels> {
  return fullBuild.kernels();
}
