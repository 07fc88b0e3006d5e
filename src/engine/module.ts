/**
 * This build's own WebAssembly module, compiled once for a thread.
 *
 * @module
 */
import { wasmBase64 } from "../generated/wasm.ts";
import { Kernels } from "./kernels.ts";

/** Decodes the bytes of the module that this build carries. */
export function moduleBytes(): Uint8Array<ArrayBuffer> {
  const text = atob(wasmBase64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** Compiles the module; the result can be posted to workers. */
export function compileModule(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compile(moduleBytes());
  return compiled;
}

let shared: Promise<Kernels> | undefined;

/** The calling thread's own instance, made on first use. */
export function sharedKernels(): Promise<Kernels> {
  shared ??= compileModule().then((module) => Kernels.create(module));
  return shared;
}
