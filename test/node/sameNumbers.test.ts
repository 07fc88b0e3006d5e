/**
 * The same bits of a count, a training, its flatness, a splitting estimate, EP and an orthant: in Node with 0, 1, 2 and 5
 * workers, in Chromium and Firefox with 0, 1 and 2, with isolation headers and without. A browser is started as a person
 * would, on a page of a plain server that loads the built package with an import map; the page posts what it computed.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { PoolInfo } from "../../src/index.ts";

/** What a page posts. */
interface Posted {
  readonly runs: ReadonlyArray<readonly [workers: number, numbers: unknown]>;
  readonly isolated: boolean;
  readonly info: PoolInfo;
  readonly failure?: string;
}

const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const BROWSERS = [
  {
    name: "Chromium",
    path: process.env.CHROMIUM ?? "/usr/bin/chromium",
    flags: (profile: string) => [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--user-data-dir=${profile}`,
    ],
  },
  {
    name: "Firefox",
    path: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    flags: (profile: string) => ["--headless", "--no-remote", "--profile", profile],
  },
];

let here: unknown;

beforeAll(async () => {
  const { numbers } = await import("./browsers/numbers.mjs");
  here = await numbers(0);
  for (const workers of [1, 2, 5]) expect(await numbers(workers)).toEqual(here);
}, 120_000);

/** Serves the page until it has posted. */
async function posted(browser: (typeof BROWSERS)[number], isolated: boolean): Promise<Posted> {
  const profile = mkdtempSync(join(tmpdir(), "flatvol-browser-"));
  let answer: (result: Posted) => void;
  const result = new Promise<Posted>((resolve) => {
    answer = resolve;
  });
  const server: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (request.method === "POST") {
      let text = "";
      request.on("data", (chunk) => {
        text += chunk;
      });
      request.on("end", () => {
        response.end();
        answer(JSON.parse(text));
      });
      return;
    }
    const file = pathname.startsWith("/dist/")
      ? pathname.slice(1)
      : pathname === "/comlink.mjs"
        ? "node_modules/comlink/dist/esm/comlink.mjs"
        : join("test/node/browsers", pathname);
    if (pathname.includes("..") || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "text/plain", ...(isolated ? ISOLATION : {}) });
    response.end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}/page.html`;
  // a group of its own: a browser has many processes
  const child = spawn(browser.path, [...browser.flags(profile), url], { stdio: "ignore", detached: true });
  const died = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${browser.name} ended with code ${code} before the page had posted`)));
  });
  try {
    return await Promise.race([result, died]);
  } finally {
    died.catch(() => {});
    try {
      process.kill(-(child.pid as number), "SIGKILL");
    } catch {
      // it is gone already
    }
    await new Promise((resolve) =>
      child.exitCode === null && child.signalCode === null ? child.on("exit", resolve) : resolve(0),
    );
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

describe.each(BROWSERS)("$name", (browser) => {
  // with CI=true one that is missing fails
  const missing = !existsSync(browser.path) && process.env.CI !== "true";
  it.skipIf(missing).each([false, true])(
    "has Node's numbers; isolated: %s",
    async (isolated) => {
      const { runs, failure, isolated: wasIsolated, info } = await posted(browser, isolated);
      expect(failure).toBeUndefined();
      expect(wasIsolated).toBe(isolated);
      expect(info).toMatchObject({ workers: 1, simd: true, isolated });
      expect(runs.map(([workers]) => workers)).toEqual([0, 1, 2]);
      for (const [, numbers] of runs) expect(numbers).toEqual(here);
    },
    120_000,
  );
});
