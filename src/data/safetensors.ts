/**
 * Tensors in the .safetensors format, read and written.
 *
 * @module
 * @see https://huggingface.co/docs/safetensors
 */
import { show } from "../engine/checks.ts";
import { countOf } from "./shape.ts";

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
  readonly count: number;
  readonly begin: number;
  readonly end: number;
}

/** The entry of the header that is no tensor. */
const METADATA = "__metadata__";

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function entryOf(name: string, value: unknown): Entry {
  const at = `safetensors: ${show(name)}`;
  if (typeof value !== "object" || value === null)
    throw new RangeError(`${at}: expected an object, got ${show(value)}`);
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (typeof dtype !== "string") throw new RangeError(`${at}: expected a dtype, got ${show(dtype)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex) || offsets[0] > offsets[1]) {
    throw new RangeError(`${at}: expected two data_offsets, got ${show(offsets)}`);
  }
  return {
    name,
    type: dtype,
    shape: shape as number[],
    count: countOf(at, shape),
    begin: offsets[0],
    end: offsets[1],
  };
}

function checkMetadata(value: unknown): void {
  const good = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!good || !Object.values(value).every((text) => typeof text === "string")) {
    throw new RangeError("safetensors: expected strings in __metadata__");
  }
}

/**
 * The first name that stands twice at the top level of a JSON object's text: `JSON.parse` would keep the last one silently.
 *
 * @param text JSON that parses: every string in it ends, every bracket closes.
 */
function repeatedName(text: string): string | undefined {
  const names = new Set<string>();
  let depth = 0;
  let last = "";
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') {
      const start = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
      if (depth === 1) last = text.slice(start, at + 1);
    } else if (letter === ":" && depth === 1) {
      const name: string = JSON.parse(last);
      if (names.has(name)) return name;
      names.add(name);
    } else if (letter === "{" || letter === "[") depth++;
    else if (letter === "}" || letter === "]") depth--;
  }
  return undefined;
}

/**
 * Reads tensors of F32, F64, F16 or BF16 as f32. Sizes in the header are believed only as far as the bytes go.
 *
 * @param bytes the whole file.
 * @throws TypeError, RangeError if it is no such file, or a tensor has another type.
 * @example
 * const bytes = writeSafetensors(new Map([["0.bias", { shape: [2], data: Float32Array.of(1, 2) }]]));
 * readSafetensors(bytes).get("0.bias").data; // [1, 2]
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
  const twice = repeatedName(text);
  if (twice !== undefined) throw new RangeError(`safetensors: ${show(twice)} stands twice in the header`);
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) checkMetadata(value);
    else entries.push(entryOf(name, value));
  }
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
  for (const { name, type, shape, count, begin, end } of entries) {
    const reader = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
    if (!reader) throw new RangeError(`safetensors: ${show(name)}: expected F32, F64, F16 or BF16, got ${show(type)}`);
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

/**
 * Writes tensors as F32, in the order given, data aligned to 8 bytes.
 *
 * @throws RangeError if a shape does not fit its data, or for the name `__metadata__`, which the format keeps for itself.
 * @example
 * const parameters = Float32Array.of(1, 2, 3);
 * const bytes = writeSafetensors(tensorsFromWeights({ layers: [2, 1], parameters }));
 */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>): Uint8Array<ArrayBuffer> {
  const header: Array<[string, unknown]> = [];
  let size = 0;
  for (const [name, { shape, data }] of tensors) {
    if (name === METADATA) throw new RangeError(`tensors: expected another name than ${METADATA}`);
    const count = countOf(`tensors: ${show(name)}`, shape);
    if (count !== data.length) {
      throw new RangeError(
        `tensors: ${show(name)}: expected ${count} numbers for (${shape.join(", ")}), got ${data.length}`,
      );
    }
    header.push([name, { dtype: "F32", shape, data_offsets: [size, size + 4 * count] }]);
    size += 4 * count;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
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
