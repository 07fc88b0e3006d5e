/**
 * `flatvol complexity`.
 *
 * @module
 */
import { complexity } from "../complexity/index.ts";
import { formatNumber } from "../report/format.ts";
import type { Session } from "./session.ts";
import { textTable } from "./textTable.ts";

/** @param bits input bits of all functions; undefined: by their lengths. */
export async function printComplexity(
  functions: readonly string[],
  bits: number | undefined,
  session: Session,
): Promise<void> {
  const measures = await complexity(functions, { bits });
  if (session.json) {
    session.printJson(measures);
    return;
  }
  const lines = textTable(
    [
      { title: "function", align: "left" },
      { title: "Lempel-Ziv" },
      { title: "entropy" },
      { title: "sensitivity" },
      { title: "critical sample ratio" },
    ],
    measures.map((m) => [
      m.function,
      formatNumber(m.lempelZiv),
      formatNumber(m.entropy),
      formatNumber(m.sensitivity),
      formatNumber(m.criticalSampleRatio),
    ]),
  );
  for (const line of lines) session.print(line);
}
