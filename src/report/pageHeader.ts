/**
 * The header of a Parquet page, as far as a merge must know it, from bytes that anyone may have written.
 *
 * Thrift's compact protocol (parquet.thrift, PageHeader and DataPageHeaderV2). Every step moves forward, and lengths are
 * compared with the bytes that there are: no input takes long or allocates.
 *
 * @module
 */

/** What a page holds. */
export interface PageHeader {
  /** 3: a data page of version 2. */
  readonly type: number;
  readonly uncompressedSize: number;
  readonly compressedSize: number;
  readonly values: number;
  /** 0: plain. */
  readonly encoding: number;
  /** Bytes of the levels before the values. */
  readonly levels: number;
  /** Bytes of the header. */
  readonly length: number;
}

const DEEPEST = 8;

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  byte(): number {
    if (this.at >= this.bytes.length) throw new RangeError("a page header that is cut off");
    return this.bytes[this.at++];
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new RangeError("a page header with a number beyond 2^49");
  }

  integer(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Fields of a struct; `take` reads one, and says whether it did. */
  struct(depth: number, take: (field: number, type: number) => boolean): void {
    if (depth > DEEPEST) throw new RangeError("a page header nested too deep");
    let field = 0;
    while (true) {
      const head = this.byte();
      const type = head & 15;
      if (type === 0) return;
      field = head >> 4 ? field + (head >> 4) : this.integer();
      if (!take(field, type)) this.skip(type, depth);
    }
  }

  skip(type: number, depth: number): void {
    if (type === 1 || type === 2) return;
    if (type === 3) this.at++;
    else if (type >= 4 && type <= 6) this.varint();
    else if (type === 7) this.at += 8;
    else if (type === 8) this.at += this.varint();
    else if (type === 12) this.struct(depth + 1, () => false);
    else throw new RangeError(`a page header with a field of type ${type}`);
    if (this.at > this.bytes.length) throw new RangeError("a page header that is cut off");
  }
}

/** Reads the header at the start of `bytes`. @throws RangeError if there is none. */
export function readPageHeader(bytes: Uint8Array): PageHeader {
  const reader = new Reader(bytes);
  const [type, uncompressedSize, compressedSize] = [0, 1, 2];
  const outer = [-1, -1, -1];
  let [values, encoding, levels] = [-1, -1, 0];
  reader.struct(0, (field, kind) => {
    if (kind === 5 && field >= 1 && field <= 3) {
      outer[field - 1] = reader.integer();
      return true;
    }
    if (field !== 8 || kind !== 12) return false;
    reader.struct(1, (inner, innerKind) => {
      if (innerKind !== 5) return false;
      const value = reader.integer();
      if (inner === 1) values = value;
      else if (inner === 4) encoding = value;
      else if (inner === 5 || inner === 6) levels += Math.abs(value);
      return true;
    });
    return true;
  });
  return {
    type: outer[type],
    uncompressedSize: outer[uncompressedSize],
    compressedSize: outer[compressedSize],
    values,
    encoding,
    levels,
    length: reader.at,
  };
}
