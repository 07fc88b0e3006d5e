/**
 * This build's own WebAssembly module, compiled once for a thread.
 *
 * @module
 */
import { deflatedWasmBase64 } from "../generated/wasm.ts";
import { Kernels } from "./kernels.ts";

/** The bytes of the module that this build carries. */
export async function moduleBytes(): Promise<ArrayBuffer> {
  const text = atob(deflatedWasmBase64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Compiles the module; the result can be posted to workers. */
export function compileModule(): Promise<WebAssembly.Module> {
  compiled ??= moduleBytes().then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}

let shared: Promise<Kernels> | undefined;

/** The calling thread's own instance, made on first use. */
export function sharedKernels(): Promise<Kernels> {
  shared ??= compileModule().then((module) => Kernels.create(module));
  return shared;
}
