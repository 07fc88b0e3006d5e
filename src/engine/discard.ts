/**
 * Memory that is given back at once.
 *
 * @module
 */

/**
 * Empties an array and frees its memory now; the collector would come by for it some calls later. What is handed over with a
 * message that nobody can receive is freed with that message.
 */
export function discard(array: Float64Array<ArrayBuffer>): void {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(null, [array.buffer]);
  port1.close();
  port2.close();
}
