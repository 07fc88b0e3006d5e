/**
 * Files that may be gzipped.
 *
 * @module
 */
import { show } from "../engine/checks.ts";

/** Bytes that an expanded file may have: EMNIST's largest is 548 MB. */
const LARGEST = 2 ** 30;

/**
 * A file's bytes, expanded if they are gzipped. Nothing is believed of the sizes that the file claims, and a file that
 * would expand beyond a gigabyte is refused on the way.
 *
 * @param name of the file, for the message.
 * @throws RangeError naming the file: the stream is broken, or too much comes out of it.
 */
export async function expanded(
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
  largest = LARGEST,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b)) return bytes;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const { value, done } = await reader.read().catch(() => {
      throw new RangeError(`${show(name)}: expected a gzip file, got a broken or cut one`);
    });
    if (done) break;
    length += value.length;
    if (length > largest) {
      await reader.cancel().catch(() => {});
      throw new RangeError(`${show(name)}: expected at most ${largest} bytes once expanded, got more`);
    }
    parts.push(value);
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
