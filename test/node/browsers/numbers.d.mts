/** Plain data, equal wherever it is computed. */
export function numbers(workers: number): Promise<unknown>;
