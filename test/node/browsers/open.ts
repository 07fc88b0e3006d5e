/** Opens a page in a real browser, as a person would: no driver. The page posts what it found to /result of its own server. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";

export interface Browser {
  readonly name: string;
  readonly path: string;
  flags(profile: string): string[];
}

export const CHROMIUM: Browser = {
  name: "Chromium",
  path: process.env.CHROMIUM ?? "/usr/bin/chromium",
  flags: (profile) => [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--user-data-dir=${profile}`,
  ],
};
export const FIREFOX: Browser = {
  name: "Firefox",
  path: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
  flags: (profile) => ["--headless", "--no-remote", "--profile", profile],
};

/** What a server answers to a path; undefined: it is not there. */
export interface Answer {
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}
export type Site = (pathname: string) => Answer | undefined;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
};

/** A server on a free port of this machine. */
export async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; origin: string }> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://localhost:${(server.address() as AddressInfo).port}` };
}

/** Answers a request from a site. */
export function answer(site: Site, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const found = site(pathname);
  if (!found) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "Content-Type": TYPES[extname(pathname)] ?? "text/html", ...found.headers });
  response.end(found.body);
}

/** Reads what a page posts. */
export function readPost(request: IncomingMessage, found: (result: unknown) => void): void {
  let text = "";
  request.on("data", (chunk) => {
    text += chunk;
  });
  request.on("end", () => found(JSON.parse(text)));
}

/** Opens a page and waits for its post. @throws if the browser ends before. */
export async function openUntil<T>(browser: Browser, url: string, result: Promise<T>): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), "flatvol-browser-"));
  // a group of its own: a browser has many processes
  const child = spawn(browser.path, [...browser.flags(profile), url], { stdio: "ignore", detached: true });
  const gone = new Promise<void>((resolve) => {
    child.on("exit", () => resolve());
    child.on("error", () => resolve());
  });
  const died = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${browser.name} ended with code ${code} before its page had posted`)));
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
    await gone;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Serves a site, opens its page, and returns what the page posts to /result. */
export async function posted<T>(browser: Browser, site: Site, page = "/page.html"): Promise<T> {
  let found: (result: T) => void;
  const result = new Promise<T>((resolve) => {
    found = resolve;
  });
  const { server, origin } = await serve((request, response) => {
    if (request.method === "POST") {
      readPost(request, (value) => found(value as T));
      response.end();
    } else answer(site, request, response);
  });
  try {
    return await openUntil(browser, origin + page, result);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
