/**
 * Arrays in NumPy's .npy format: versions 1 to 3 read, version 1 written.
 *
 * @module
 */
import { checkInteger, checkOptions, show } from "../engine/checks.ts";
import { countOf } from "./shape.ts";

/** An array, row-major (C order). */
export interface NpyArray {
  readonly shape: readonly number[];
  /** NumPy's name of the stored type, such as `<f4`. */
  readonly dtype: string;
  /** `float32` as it is; every other type as doubles (64-bit integers are rounded to them). */
  readonly data: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
}

type Reader = (view: DataView, at: number, little: boolean) => number;

const READERS: Record<string, { bytes: number; read: Reader }> = {
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  u8: { bytes: 8, read: (view, at, little) => Number(view.getBigUint64(at, little)) },
  b1: { bytes: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * Reads an array of floats, integers or bools. Sizes in the header are believed only as far as the bytes go.
 *
 * @param bytes the whole file.
 * @throws TypeError, RangeError if it is no such file.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @example
 * const bytes = writeNpy({ shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) });
 * readNpy(bytes).shape; // [2, 2]
 */
export function readNpy(bytes: Uint8Array): NpyArray {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`npy: expected a Uint8Array, got ${show(bytes)}`);
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new RangeError("npy: expected a .npy file, got other bytes");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (version < 1 || version > 3) throw new RangeError(`npy: expected format version 1 to 3, got ${version}`);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw new RangeError("npy: the file ends within its header");
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (start + length > bytes.length) throw new RangeError("npy: the file ends within its header");
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, start + length));

  const descr = /['"]descr['"]\s*:\s*['"]([^'"]*)['"]/.exec(header)?.[1];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(header)?.[1];
  const sizes = /['"]shape['"]\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (descr === undefined || order === undefined || sizes === undefined) {
    throw new RangeError("npy: expected an array of one plain type (a header with descr, fortran_order and shape)");
  }
  const reader = /^[<>|=][a-z]\d+$/.test(descr) ? READERS[descr.slice(1)] : undefined;
  if (!reader) throw new RangeError(`npy: expected float32, float64, integers or bool, got type ${show(descr)}`);
  const shape = sizes
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map(Number);
  const count = countOf("npy", shape);
  if (order === "True" && shape.length > 1) {
    throw new RangeError("npy: expected C order, got Fortran order; save numpy.ascontiguousarray(x)");
  }
  const at = start + length;
  if (count * reader.bytes !== bytes.length - at) {
    throw new RangeError(
      `npy: expected ${count * reader.bytes} bytes for shape (${shape.join(", ")}) of ${descr}, got ${bytes.length - at}`,
    );
  }
  const little = descr[0] !== ">";
  const data = reader === READERS.f4 ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) data[i] = reader.read(view, at + i * reader.bytes, little);
  return { shape, dtype: descr, data };
}

/**
 * Writes an array as `<f4` or `<f8`, C order.
 *
 * @returns the whole file; its data begin at a multiple of 64 bytes.
 * @throws TypeError, RangeError naming the argument.
 * @example
 * const bytes = writeNpy({ shape: [3], data: Float32Array.of(1, 2, 3) });
 * bytes.length % 64; // 12, the data: the header fills whole blocks of 64
 */
export function writeNpy(array: Pick<NpyArray, "shape" | "data">): Uint8Array<ArrayBuffer> {
  checkOptions("array", array, ["shape", "data", "dtype"]);
  const { shape, data } = array;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) {
    throw new TypeError(`data: expected a Float32Array or a Float64Array, got ${show(data)}`);
  }
  if (!Array.isArray(shape)) throw new TypeError(`shape: expected an array of integers, got ${show(shape)}`);
  shape.forEach((size, i) => {
    checkInteger(`shape[${i}]`, size, 0, Number.MAX_SAFE_INTEGER);
  });
  const count = countOf("array", shape);
  if (count !== data.length) {
    throw new RangeError(`data: expected ${count} numbers for shape (${shape.join(", ")}), got ${data.length}`);
  }
  const size = data.BYTES_PER_ELEMENT;
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '<f${size}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const start = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + size * count);
  const view = new DataView(bytes.buffer);
  bytes.set([...MAGIC, 1, 0]);
  view.setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(`${text.padEnd(start - 11)}\n`), 10);
  for (let i = 0, at = start; i < count; i++, at += size) {
    if (size === 4) view.setFloat32(at, data[i], true);
    else view.setFloat64(at, data[i], true);
  }
  return bytes;
}
