/**
 * The page's figures, in Chromium: `node demo/measure.mjs [seconds of the long run]`, after `npm run demo:build`. Linux.
 * Tasks are given by the wall clock and by their CPU time: on a machine that does other work the first counts waiting too.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { loadavg, tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright";

const ROOT = "build/demo";
const PARTS = ["prior", "train", "rescale", "study"];
const PART_SECONDS = 12;
const longRun = Number(process.argv[2] ?? 300);
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://x");
  const file = normalize(join(ROOT, pathname.endsWith("/") ? `${pathname}index.html` : pathname));
  if (!file.startsWith(ROOT) || !existsSync(file)) return response.writeHead(404).end();
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  const text = gzipSync(readFileSync(file));
  response
    .writeHead(200, { "content-type": type, "content-encoding": "gzip", "content-length": text.length })
    .end(text);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}/`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const load = () => loadavg()[0].toFixed(1);

async function open(part, first = false) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  let bytes = 0;
  page.on("response", async (response) => {
    if (response.url().startsWith(origin)) bytes += Number(response.headers()["content-length"] ?? 0);
  });
  await page.addInitScript(() => {
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ type: "longtask", buffered: true });
  });
  // a timer, and only where it is wanted: a frame asked for again and again is work for every thread of the browser
  if (first) {
    await page.addInitScript(() => {
      const look = () => {
        const text = document.querySelector(".cards dd")?.textContent ?? "";
        if (/^[1-9]/.test(text)) globalThis.first = performance.now();
        else setTimeout(look, 5);
      };
      look();
    });
  }
  await page.goto(`${origin}#part=${part}`);
  return { page, bytes: () => bytes };
}

/** The longest task of the page's thread by CPU time, milliseconds. */
function longestOf(file) {
  const events = JSON.parse(readFileSync(file, "utf8")).traceEvents;
  // of the page's own process: Chromium has pages of its own
  const own = new Set(events.filter((e) => e.args?.data?.url?.startsWith(origin)).map(({ pid }) => pid));
  const threads = new Set(
    events
      .filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain" && own.has(e.pid))
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = events.filter((e) => e.ph === "X" && /RunTask$/.test(e.name) && threads.has(`${e.pid} ${e.tid}`));
  return Math.max(0, ...tasks.map(({ tdur = 0 }) => tdur)) / 1000;
}

const files = ["", "assets"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(ROOT, folder, entry.name)),
);
const sizes = files.map((file) => gzipSync(readFileSync(file)).length);
console.log(`all files, gzip: ${(sizes.reduce((a, b) => a + b, 0) / 1000).toFixed(0)} kB`);

const firsts = [];
for (let run = 0; run < 5; run++) {
  const { page, bytes } = await open("prior", true);
  await page.waitForFunction(() => globalThis.first > 0);
  firsts.push([await page.evaluate(() => globalThis.first), bytes()]);
  await page.context().close();
}
firsts.sort((a, b) => a[0] - b[0]);
const kB = (firsts[2][1] / 1000).toFixed(0);
console.log(
  `first point: ${firsts.map(([ms]) => ms.toFixed(0)).join(", ")} ms (median of 5 ${firsts[2][0].toFixed(0)}), ${kB} kB loaded until then; load average ${load()}`,
);

const folder = mkdtempSync(join(tmpdir(), "flatvol-trace-"));
for (const part of PARTS) {
  const { page, bytes } = await open(part);
  await sleep(PART_SECONDS * 1000);
  const wall = await page.evaluate(() => globalThis.longest);
  await page.context().close();
  const again = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  const trace = join(folder, `${part}.json`);
  await browser.startTracing(again, { path: trace, categories: ["toplevel", "devtools.timeline"] });
  await again.goto(`${origin}#part=${part}`);
  await sleep(PART_SECONDS * 1000);
  await browser.stopTracing();
  await again.context().close();
  const over = wall > 0 ? `${wall.toFixed(0)} ms` : "none over 50 ms";
  console.log(
    `${part}: ${(bytes() / 1000).toFixed(0)} kB; longest task ${over} by the clock, ${longestOf(trace).toFixed(0)} ms of CPU, in ${PART_SECONDS} s; load average ${load()}`,
  );
}
rmSync(folder, { recursive: true, force: true });

if (longRun > 0) {
  const { page } = await open("prior");
  const session = await page.context().newCDPSession(page);
  const processes = await (await browser.newBrowserCDPSession()).send("SystemInfo.getProcessInfo");
  const renderers = processes.processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
  const resident = () =>
    Math.max(
      ...renderers.map((id) => {
        const file = `/proc/${id}/statm`;
        return existsSync(file) ? (Number(readFileSync(file, "utf8").split(" ")[1]) * 4096) / 1e6 : 0;
      }),
    );
  const began = performance.now();
  for (let k = 0; k <= 10; k++) {
    await sleep(Math.max(0, began + (k * longRun * 1000) / 10 - performance.now()));
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const drawn = await page.evaluate(() => document.querySelector(".cards dd")?.textContent);
    console.log(
      `${((performance.now() - began) / 1000).toFixed(0)} s: ${drawn} networks; heap of the page's thread ${(usedSize / 1e6).toFixed(1)} MB, process ${resident().toFixed(0)} MB`,
    );
  }
}
await browser.close();
server.close();
