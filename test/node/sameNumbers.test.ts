/**
 * The same bits of a count, a training, its flatness, a splitting estimate, EP and an orthant: in Node with 0, 1, 2 and 5
 * workers, in Chromium and Firefox with 0, 1 and 2, with isolation headers and without, on a page that loads the built package
 * with an import map.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { PoolInfo } from "../../src/index.ts";
import { type Answer, CHROMIUM, FIREFOX, posted } from "./browsers/open.ts";

/** What the page posts. */
interface Posted {
  readonly runs: ReadonlyArray<readonly [workers: number, numbers: unknown]>;
  readonly isolated: boolean;
  readonly info: PoolInfo;
  readonly failure?: string;
}

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

function fileOf(pathname: string): string {
  if (pathname.startsWith("/dist/")) return pathname.slice(1);
  if (pathname === "/comlink.mjs") return "node_modules/comlink/dist/esm/comlink.mjs";
  return join("test/node/browsers", pathname);
}

let here: unknown;

beforeAll(async () => {
  const { numbers } = await import("./browsers/numbers.mjs");
  here = await numbers(0);
  for (const workers of [1, 2, 5]) expect(await numbers(workers)).toEqual(here);
}, 240_000);

describe.each([CHROMIUM, FIREFOX])("$name", (browser) => {
  // with CI=true one that is missing fails
  const missing = !existsSync(browser.path) && process.env.CI !== "true";
  it.skipIf(missing).each([false, true])(
    "has Node's numbers; isolated: %s",
    async (isolate) => {
      const site = (pathname: string): Answer | undefined => {
        const file = fileOf(pathname);
        if (!existsSync(file)) return undefined;
        return { body: readFileSync(file), ...(isolate ? { headers: ISOLATION } : {}) };
      };
      const { runs, failure, isolated, info } = await posted<Posted>(browser, site);
      expect(failure).toBeUndefined();
      expect(isolated).toBe(isolate);
      expect(info).toMatchObject({ workers: 1, simd: true, isolated });
      expect(runs.map(([workers]) => workers)).toEqual([0, 1, 2]);
      for (const [, numbers] of runs) expect(numbers).toEqual(here);
    },
    120_000,
  );
});
