/** First address that the module's own data does not use: where the caller's memory begins. */
export function heapBase(): usize {
  return __heap_base;
}
