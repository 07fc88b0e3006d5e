/**
 * Tensors in the .safetensors format, read and written.
 *
 * @module
 * @see https://huggingface.co/docs/safetensors
 */
import { show } from "../engine/checks.ts";

/** A tensor of floats, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** Half precision, IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const word = new DataView(new ArrayBuffer(4));
function brain(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

const TYPES: Record<string, { bytes: number; read: (view: DataView, at: number) => number }> = {
  F32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  F64: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
  F16: { bytes: 2, read: (view, at) => half(view.getUint16(at, true)) },
  BF16: { bytes: 2, read: (view, at) => brain(view.getUint16(at, true)) },
};

interface Entry {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function entryOf(name: string, value: unknown): Entry {
  const at = `safetensors: ${show(name)}`;
  if (typeof value !== "object" || value === null)
    throw new RangeError(`${at}: expected an object, got ${show(value)}`);
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype !== "string") throw new RangeError(`${at}: expected a dtype, got ${show(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isIndex)) {
    throw new RangeError(`${at}: expected a shape of whole numbers, got ${show(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex) || offsets[0] > offsets[1]) {
    throw new RangeError(`${at}: expected two data_offsets, got ${show(offsets)}`);
  }
  return { name, type: dtype, shape, begin: offsets[0], end: offsets[1] };
}

/** Names at the top level of a JSON object's text: `JSON.parse` would keep the last of two equal ones silently. */
function topNames(text: string): string[] {
  const names: string[] = [];
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token.endsWith(":")) names.push(JSON.parse(token.slice(0, -1).trim()));
  }
  return names;
}

/**
 * Reads tensors of F32, F64, F16 or BF16 as f32. Sizes in the header are believed only as far as the bytes go.
 *
 * @param bytes the whole file.
 * @throws TypeError, RangeError if it is no such file, or a tensor has another type.
 */
export function readSafetensors(bytes: Uint8Array): Map<string, Tensor> {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`safetensors: expected a Uint8Array, got ${show(bytes)}`);
  if (bytes.length < 8) throw new RangeError(`safetensors: expected at least 8 bytes, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(bytes.length - 8)) {
    throw new RangeError(`safetensors: expected a header of at most ${bytes.length - 8} bytes, got ${length}`);
  }
  const start = 8 + Number(length);
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start));
    header = JSON.parse(text);
  } catch {
    throw new RangeError("safetensors: expected a header in JSON, got other bytes");
  }
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new RangeError("safetensors: expected a JSON object as header");
  }
  const names = topNames(text);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new RangeError(`safetensors: ${show(twice)} stands twice in the header`);
  const { __metadata__: metadata, ...rest } = header as Record<string, unknown>;
  if (metadata !== undefined) {
    const good = typeof metadata === "object" && metadata !== null && !Array.isArray(metadata);
    if (!good || !Object.values(metadata).every((value) => typeof value === "string")) {
      throw new RangeError("safetensors: expected strings in __metadata__");
    }
  }
  const entries = Object.entries(rest).map(([name, value]) => entryOf(name, value));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at) {
      throw new RangeError(`safetensors: ${show(name)}: expected data_offsets to begin at ${at}, got ${begin}`);
    }
    at = end;
  }
  if (at !== bytes.length - start) {
    throw new RangeError(`safetensors: expected ${at} bytes of data, got ${bytes.length - start}`);
  }
  const tensors = new Map<string, Tensor>();
  for (const { name, type, shape, begin, end } of entries) {
    const reader = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
    if (!reader) throw new RangeError(`safetensors: ${show(name)}: expected F32, F64, F16 or BF16, got ${show(type)}`);
    const count = shape.reduce((product, size) => product * size, 1);
    if (count * reader.bytes !== end - begin) {
      throw new RangeError(
        `safetensors: ${show(name)}: expected ${count * reader.bytes} bytes for shape (${shape.join(", ")}) of ${type}, got ${end - begin}`,
      );
    }
    const data = new Float32Array(count);
    for (let i = 0; i < count; i++) data[i] = reader.read(view, start + begin + i * reader.bytes);
    tensors.set(name, { shape, data });
  }
  return tensors;
}

/** Writes tensors as F32, in the order given, data aligned to 8 bytes. @throws RangeError if a shape does not fit its data. */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = {};
  let size = 0;
  for (const [name, { shape, data }] of tensors) {
    const count = shape.reduce((product, n) => product * n, 1);
    if (count !== data.length) {
      throw new RangeError(
        `tensors: ${show(name)}: expected ${count} numbers for (${shape.join(", ")}), got ${data.length}`,
      );
    }
    header[name] = { dtype: "F32", shape, data_offsets: [size, size + 4 * count] };
    size += 4 * count;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = (text.length + 7) & ~7;
  const bytes = new Uint8Array(8 + length + size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  bytes.fill(0x20, 8, 8 + length);
  bytes.set(text, 8);
  let at = 8 + length;
  for (const { data } of tensors.values()) {
    for (let i = 0; i < data.length; i++, at += 4) view.setFloat32(at, data[i], true);
  }
  return bytes;
}
