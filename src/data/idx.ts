/**
 * Arrays of bytes in the IDX format of MNIST, Fashion-MNIST, KMNIST and EMNIST.
 *
 * @module
 * @see LeCun, Cortes & Burges, The MNIST database: "the IDX file format", whose numbers are big-endian.
 */
import { show } from "../engine/checks.ts";
import { countOf } from "./shape.ts";

/** An array of unsigned bytes, row-major. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
const TYPES: Record<number, string> = {
  9: "signed bytes",
  11: "shorts",
  12: "integers",
  13: "floats",
  14: "doubles",
};

/**
 * Reads an array of unsigned bytes. Sizes in the header are believed only as far as the bytes go.
 *
 * @param name of the file, for messages.
 * @param bytes the whole file, not gzipped.
 * @param dimensions how many it must have: 3 for pictures, 1 for labels.
 * @returns the data as a view on `bytes`.
 * @throws TypeError, RangeError naming the file.
 * @example
 * const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 4);
 * readIdx("labels", labels, 1).data; // [7, 4]
 */
export function readIdx(name: string, bytes: Uint8Array, dimensions: number): IdxArray {
  const file = show(name);
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${file}: expected a Uint8Array, got ${show(bytes)}`);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) {
    throw new RangeError(`${file}: expected an IDX file (two zero bytes first), got other bytes`);
  }
  if (bytes[2] !== UNSIGNED_BYTE) {
    throw new RangeError(`${file}: expected an IDX file of unsigned bytes, got ${TYPES[bytes[2]] ?? "other bytes"}`);
  }
  if (bytes[3] !== dimensions) {
    const what = dimensions === 3 ? "pictures" : "labels";
    throw new RangeError(`${file}: expected ${dimensions} dimensions, an IDX file of ${what}, got ${bytes[3]}`);
  }
  const start = 4 + 4 * dimensions;
  if (bytes.length < start) throw new RangeError(`${file}: the file ends within its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i, false));
  const count = countOf(file, shape);
  if (count !== bytes.length - start) {
    throw new RangeError(
      `${file}: expected ${count} bytes for shape (${shape.join(", ")}), got ${bytes.length - start}`,
    );
  }
  return { shape, data: bytes.subarray(start) };
}
