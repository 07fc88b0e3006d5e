/** What the benches measure beneath the public API. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { here } from "./measure.mjs";

/** flatvol's sources, bundled: Node 20 imports no TypeScript. */
export async function bundle() {
  const { rolldown } = await import("rolldown");
  const file = join(here, "..", "build", "bench-kernels.mjs");
  const bundled = await rolldown({
    input: join(here, "kernels.ts"),
    platform: "node",
    checks: { eval: false },
    external: [/^node:/],
  });
  await bundled.write({ file, format: "esm" });
  await bundled.close();
  return import(pathToFileURL(file).href);
}
