/**
 * `flatvol bench`: micro-benchmarks of the kernels, one thread.
 *
 * @module
 */
import { benchmarkKernels } from "../study/microBenchmark.ts";
import type { Session } from "./session.ts";
import { textTable } from "./textTable.ts";

export async function bench(session: Session): Promise<void> {
  const kernels = await benchmarkKernels();
  if (session.json) {
    session.printJson({ kernels });
    return;
  }
  const digits = (ns: number): string => ns.toFixed(ns < 100 ? 2 : 0);
  const rows = kernels.map((k) => [
    k.name,
    digits(k.nanosecondsPerUnit),
    k.spread.map(digits).join(" to "),
    Math.round(k.unitsPerSecond).toLocaleString("en"),
    k.unit,
  ]);
  const columns = [
    { title: "kernel", align: "left" },
    { title: "ns" },
    { title: "fastest to slowest" },
    { title: "a second" },
    { title: "unit", align: "left" },
  ] as const;
  for (const line of textTable(columns, rows)) session.print(line);
}
