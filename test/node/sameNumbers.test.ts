/**
 * The same bits of a count, a training, its flatness, a splitting estimate, EP and an orthant: in Node with 0, 1, 2 and 5
 * workers, in Bun and Deno from the tarball, in Chromium and Firefox with 0, 1 and 2, with isolation headers and without, on a
 * page that loads the built package with an import map.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PoolInfo } from "../../src/index.ts";
import { type Answer, CHROMIUM, FIREFOX, posted } from "./browsers/open.ts";
import { installTarball } from "./tarball.ts";

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

describe("other runtimes", () => {
  let consumer: string | undefined;
  beforeAll(() => {
    consumer = installTarball();
    copyFileSync("test/node/browsers/numbers.mjs", join(consumer, "numbers.mjs"));
    writeFileSync(
      join(consumer, "main.mjs"),
      `import { numbers } from "./numbers.mjs";
       const runs = [];
       for (const workers of [0, 1, 2]) runs.push(await numbers(workers));
       console.log(JSON.stringify(runs));`,
    );
  }, 60_000);
  afterAll(() => consumer && rmSync(consumer, { recursive: true, force: true }));

  describe.each([
    ["bun", []],
    // without a single permission
    ["deno", ["run", "--no-prompt"]],
  ] as Array<[string, string[]]>)("%s", (name, flags) => {
    // with CI=true one that is missing fails
    const missing = spawnSync(name, ["--version"]).error !== undefined && process.env.CI !== "true";
    it.skipIf(missing)(
      "has Node's numbers, and ends by itself",
      () => {
        const text = execFileSync(name, [...flags, "main.mjs"], { cwd: consumer, encoding: "utf8", timeout: 110_000 });
        // JSON keeps every bit of a number
        expect(JSON.parse(text)).toEqual(Array(3).fill(JSON.parse(JSON.stringify(here))));
      },
      120_000,
    );
  });
});
