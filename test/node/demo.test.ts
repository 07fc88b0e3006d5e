/**
 * The built page in real Chromium, from a plain static server: no special headers, below a sub-path. `node scripts/build.mjs`
 * has run before.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { allInputs, GENUINE, NETWORK, POINTS, taskOf, testSet, trainingSet } from "../../demo/boolean.ts";
import { rescale, train } from "../../src/flatness.ts";
import { countFunctions, evaluate, functionOf } from "../../src/index.ts";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
/** In CI a missing browser is a failure: there the launch throws. */
const here = existsSync(EXECUTABLE) || process.env.CI === "true";
const PATH = "/some/where/";
const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
/** The page's own figures are measured elsewhere (demo/README.md): here a busy machine must not fail it. */
const PATIENCE = 45_000;

/** Waits for what a busy machine shows late. */
const eventually = <T>(what: () => T | Promise<T>) => expect.poll(what, { timeout: PATIENCE, interval: 60 });

let folder: string;
let server: Server;
let browser: Browser;
let context: BrowserContext | undefined;
let origin: string;
let complaints: string[] = [];

function serve(root: string): Server {
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://x");
    const file = normalize(join(root, pathname.endsWith("/") ? `${pathname}index.html` : pathname).replace(PATH, "/"));
    if (!pathname.startsWith(PATH) || !file.startsWith(root) || !existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    response.end(readFileSync(file));
  });
}

/** Opens the page; errors on its console and requests to other hosts are kept. */
async function open(hash: string, options: BrowserContextOptions = {}): Promise<Page> {
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack ?? error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(blob|data):/.test(url)) complaints.push(`request: ${url}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
  });
  await page.goto(`${origin}${PATH}#${hash}`);
  return page;
}

const card = async (page: Page, name: string): Promise<string> =>
  (await page
    .locator(".cards div", { has: page.getByText(name, { exact: true }) })
    .locator("dd")
    .textContent()) ?? "";
const numberOf = (text: string): number =>
  Number(
    text
      .replaceAll(",", "")
      .replaceAll("−", "-")
      .replace(/[^\d.-].*$/, ""),
  );
const networks = async (page: Page): Promise<number> => numberOf(await card(page, "networks drawn"));
const grows = async (page: Page, above: number): Promise<number> => {
  await eventually(() => networks(page)).toBeGreaterThan(above);
  return networks(page);
};
const state = (page: Page): Promise<string | undefined> =>
  page.locator(".part").evaluate((part: HTMLElement) => part.dataset.state);
const becomes = (page: Page, wanted: string): Promise<void> =>
  eventually(() => state(page)).toBe(wanted) as unknown as Promise<void>;

/** What a button gives to download. */
async function download(page: Page, name: string): Promise<Buffer> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name }).click()]);
  return readFileSync(await file.path());
}

describe.skipIf(!here)("the page", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "flatvol-demo-"));
    execFileSync("node_modules/.bin/vite", ["build", "-c", "demo/vite.config.ts", "--outDir", folder], {
      stdio: "pipe",
    });
    server = serve(folder);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({
      executablePath: EXECUTABLE,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
    });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await context?.close();
    context = undefined;
    const found = complaints;
    complaints = [];
    expect(found).toEqual([]);
  });

  it("1 the prior: counts what the library counts; a click shows a function and weighs it by every method", async () => {
    const page = await open("pBits=3&pWidth=20&pSeed=5");
    await grows(page, 3000);
    await page.getByRole("button", { name: "Pause" }).click();
    await becomes(page, "paused");
    // the call that is under way ends
    let samples = -1;
    await expect
      .poll(
        async () => {
          const before = samples;
          samples = await networks(page);
          return samples === before;
        },
        { timeout: PATIENCE, interval: 700 },
      )
      .toBe(true);
    await page.getByText("Numbers as a table").nth(1).click();
    const rows = page.locator("figure").nth(1).locator("tbody tr");
    await eventually(() => rows.count()).toBeGreaterThan(20);
    const shown = await rows.evaluateAll((all) =>
      all
        .slice(0, 20)
        .map((row) => [row.children[0].textContent, Number(row.children[1].textContent?.replaceAll(",", ""))]),
    );
    const table = await countFunctions({ layers: [3, 20, 20, 1] }, { samples, seed: 5 });
    expect(shown).toEqual(table.top(20).map((f) => [f.function, f.count]));

    // the third row's button, then a dot of the picture
    await rows.nth(2).getByRole("button").click();
    const f = String(shown[2][0]);
    const truth = page.locator('dd[data-name="truth table"]');
    await eventually(() => truth.textContent()).toBe(f);
    await expect
      .poll(() => page.locator("svg.cube circle.one").count())
      .toBe(
        table.bits -
          [...f].reduce((zeros, d) => zeros + 4 - Number.parseInt(d, 16).toString(2).replaceAll("0", "").length, 0),
      );
    const method = (name: string) => page.locator(`tr[data-method="${name}"] td`).first();
    await eventually(() => method("splitting").textContent()).toMatch(/±/);
    const counted = table.orbit(f);
    const [value, error] = (await method("splitting").textContent())!.replace("−", "-").split(" ± ").map(Number);
    const spread = Math.hypot(error, counted.standardError / counted.probability / Math.LN10);
    // five standard errors of a fixed seed; that of six repetitions is itself uncertain
    expect(Math.abs(value - Math.log10(counted.probability))).toBeLessThan(5 * spread);
    expect(await method("orbit").textContent()).toMatch(/±/);
    expect(await method("ep").textContent()).toMatch(/^−\d/);
    expect(await method("orthant").textContent()).toMatch(/±/);
    expect(await method("laplace").textContent()).toMatch(/^−\d/);
    const canvas = page.locator("canvas.pickable");
    const box = (await canvas.boundingBox())!;
    let clicks = 0;
    await expect
      .poll(
        async () => {
          // all over the picture, by the golden ratio and its square
          clicks++;
          const at = {
            x: box.width * (0.1 + 0.8 * ((clicks * 0.618034) % 1)),
            y: box.height * (0.1 + 0.6 * ((clicks * 0.381966 * 3.3) % 1)),
          };
          await canvas.click({ position: at });
          return truth.textContent();
        },
        { timeout: PATIENCE, interval: 30 },
      )
      .not.toBe(f);
    table.close();
  });

  it("1 the prior: every setting may change while it runs, and the link follows; files hold the data", async () => {
    const page = await open("pBits=5");
    await grows(page, 2000);
    for (const [label, key] of [
      ["Input bits n", "ArrowLeft"],
      ["Hidden layers", "ArrowRight"],
      ["Width of each", "ArrowLeft"],
      ["Weight variance σ_w²", "ArrowRight"],
      ["Bias variance σ_b²", "ArrowLeft"],
    ]) {
      await page.getByLabel(label).focus();
      await page.keyboard.press(key);
    }
    await page.getByRole("button", { name: "Next seed" }).click();
    await eventually(() => page.url()).toContain("#pBits=4&pDepth=3&pWidth=39&pW2=2.25&pB2=0.75&pSeed=2");
    await grows(page, 1000);
    await page.getByRole("button", { name: "Start again" }).click();
    await grows(page, 1000);
    const lines = (await download(page, "Download the data of prior as CSV")).toString().trim().split("\r\n");
    expect(lines[0]).toBe("function,count,complexity,samples,probability");
    expect(lines.length).toBeGreaterThan(20);
    const parquet = await download(page, "Download the data of prior as Parquet");
    const rows = await parquetReadObjects({
      file: parquet.buffer.slice(parquet.byteOffset, parquet.byteOffset + parquet.length) as ArrayBuffer,
    });
    expect(rows[0].function).toMatch(/^[0-9a-f]{4}$/);
    const svg = (await download(page, "Download the picture zipf as SVG")).toString();
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" [\s\S]*rank of the function[\s\S]*<\/svg>\s*$/);
    const png = await download(page, "Download the picture zipf as PNG");
    expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  });

  it("2 train: looks until zero error and beyond, with the library's own result", async () => {
    const page = await open("part=train&tSeed=3");
    await page.getByLabel("Optimiser").selectOption("adam");
    await page.getByLabel("Attack set").focus();
    for (let k = 0; k < 4; k++) await page.keyboard.press("ArrowLeft");
    await becomes(page, "done");
    const task = await taskOf("majority", 3);
    const { convergedAt } = await train(NETWORK, trainingSet(task, 4), {
      loss: "bce",
      optimizer: "adam",
      learningRate: 0.005012,
      test: testSet(task),
      seed: 3,
      maxEpochs: 5000,
    });
    const note = page.locator(".cards small").first();
    expect(await note.textContent()).toBe(`zero error at epoch ${convergedAt}`);
    expect(await page.locator(".finding").textContent()).toContain("With an attack set of 4, Adam was at zero error");
    const rows = page.locator(".looks tbody tr");
    expect(await rows.count()).toBeGreaterThan(8);
    expect(await rows.first().textContent()).toContain("100.0 %");
    expect(await page.locator("svg.cube circle.ring").count()).toBe(GENUINE);
    expect(await page.locator("svg.cube circle.one, svg.cube circle.zero").count()).toBe(POINTS);
    expect(page.url()).toContain("tAttack=4&tOptimizer=adam&tRate=-2.3&tSeed=3");
    expect((await download(page, "Download the data of training as CSV")).toString()).toContain("eigenvalue3,log10P");
  });

  it("3 rescale: outputs and volume stay, most measures move; the slider and Play redraw it", async () => {
    const page = await open("part=rescale&rAlpha=1.5");
    const ratio = (name: string) => page.locator(`tr[data-measure="${name}"] td`).nth(1);
    await eventually(() => ratio("relative-flatness").textContent()).toBe("× 1.00");
    const task = await taskOf("multiplexer", 1);
    const { parameters } = await train(NETWORK, trainingSet(task, 0), {
      loss: "bce",
      optimizer: "sgd",
      learningRate: 0.05,
      maxEpochs: 5000,
      seed: 1,
    });
    const scaled = rescale(NETWORK, parameters, { layer: 1, alpha: 2.828 });
    const [before, after] = await Promise.all(
      [parameters, scaled].map((w) => evaluate(NETWORK, w, allInputs(), POINTS)),
    );
    const largest = (all: Float32Array): number => all.reduce((most, z) => Math.max(most, Math.abs(z)), 0);
    const change = largest(after.map((z, i) => z - before[i])) / largest(before);
    expect(change).toBeLessThan(1e-5);
    const said = (await card(page, "largest change of an output"))
      .replace(" × 10⁻", "e-")
      .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (d) => String("⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(d)));
    // shown to two digits
    expect(Number(said) / change).toBeGreaterThan(0.94);
    expect(Number(said) / change).toBeLessThan(1.06);
    expect(await functionOf(NETWORK, scaled)).toBe(await functionOf(NETWORK, parameters));
    for (const name of ["asam", "fisher-rao"]) expect(await ratio(name).textContent()).toBe("× 1.00");
    for (const name of ["spectral-norm", "trace", "sam", "keskar-protocol", "pac-bayes-sigma"]) {
      expect([name, await ratio(name).textContent()]).not.toEqual([name, "× 1.00"]);
    }
    const volume = await card(page, "log₁₀ P(f), infinitely wide");
    expect(volume).toMatch(/^−\d+\.\d+ ± 0\.\d+$/);
    await page.getByLabel("Rescaling α").focus();
    for (let k = 0; k < 5; k++) await page.keyboard.press("ArrowRight");
    await eventually(() => card(page, "α")).toBe("4.00");
    expect(await card(page, "log₁₀ P(f), infinitely wide")).toBe(volume);
    await page.getByRole("button", { name: "Play" }).click();
    await eventually(() => card(page, "α")).not.toBe("4.00");
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByLabel("Directions of the pictures").selectOption("filter");
    await page.getByLabel("Hidden layer").selectOption("2");
    await eventually(() => page.url()).toMatch(/rLayer=2&rView=filter/);
    await eventually(() => ratio("relative-flatness").textContent()).toBe("× 1.00");
  });

  it("4 the study: scatter plots fill, correlations have intervals, more networks may be asked for", async () => {
    const page = await open("part=study&sNetworks=10&sOptimizer=adam");
    await becomes(page, "done");
    const cell = (name: string) => page.locator(`tr[data-predictor="${name}"] td`).first();
    const first = await cell("volume").textContent();
    // ten networks are too few for an interval
    expect(first).toMatch(/^[01]\.\d\d$/);
    expect(await page.locator(".bars caption").textContent()).toMatch(/over 10 networks: too few for intervals$/);
    await page.getByRole("slider", { name: "Networks" }).focus();
    await page.keyboard.press("ArrowRight");
    await eventually(() => card(page, "networks trained")).toBe("20 of 20");
    await becomes(page, "done");
    expect(await cell("volume").textContent()).not.toBe(first);
    for (const name of ["keskar-protocol", "trace", "complexity"])
      expect(await cell(name).textContent()).toMatch(/\[.*\]/);
    await page.getByLabel("Measure in the right picture").selectOption("trace");
    await expect
      .poll(() => page.locator("canvas").nth(1).getAttribute("aria-label"))
      .toContain("Hessian trace: 20 networks");
    const csv = (await download(page, "Download the data of study as CSV")).toString().trim().split("\r\n");
    expect(csv).toHaveLength(21);
    // leaving a part and coming back changes nothing; the back button leads through the parts
    await page.getByRole("link", { name: "Rescale" }).click();
    await eventually(() => page.locator("h2").textContent()).toBe("Rescale");
    await page.goBack();
    await eventually(() => page.locator("h2").textContent()).toBe("Flatness against volume");
    expect(await card(page, "networks trained")).toBe("20 of 20");
  });

  it("links of any content open; a link pasted while it runs is followed", async () => {
    const page = await open(
      "part=__proto__&pBits=1e999&pWidth=-5&pFunction=%3Cimg src=x onerror=alert(1)%3E&pSeed=NaN&%E0%A4%A=1",
    );
    await grows(page, 500);
    expect(await page.getByLabel("Input bits n").inputValue()).toBe("7");
    await page.evaluate(() => {
      location.hash = `#pBits=3&pFunction=7f&x=${"a".repeat(100_000)}`;
    });
    await eventually(() => page.locator('dd[data-name="truth table"]').textContent()).toBe("7f");
    await page.evaluate(() => {
      location.hash = "#part=train&tTarget=<script>&tOptimizer=constructor&tRate=99&tAttack=64.7";
    });
    await eventually(() => page.locator("h2").textContent()).toBe("Train and look");
    expect(await page.getByLabel("Function to learn").inputValue()).toBe("majority");
    expect(await page.locator("output").first().textContent()).toBe("64 of 64 test inputs");
  });

  it("a phone in the dark: nothing is wider than the screen; every control and picture has a name", async () => {
    const page = await open("pBits=4", {
      viewport: { width: 390, height: 844 },
      colorScheme: "dark",
      hasTouch: true,
      isMobile: true,
    });
    for (const part of ["The prior, live", "Train and look", "Rescale", "Flatness against volume"]) {
      await page.getByRole("link", { name: part }).focus();
      await page.keyboard.press("Enter");
      await eventually(() => page.locator("h2").textContent()).toBe(part);
      await expect
        .poll(
          () =>
            page
              .locator("canvas")
              .first()
              .evaluate((c: HTMLCanvasElement) => c.width),
          { timeout: PATIENCE },
        )
        .toBeGreaterThan(300);
      const found = await page.evaluate(() => {
        const named = (e: Element): boolean =>
          Boolean(e.getAttribute("aria-label") || e.textContent?.trim() || (e as HTMLInputElement).labels?.length);
        const nameless = [...document.querySelectorAll("button, select, input, canvas, a, summary")].filter(
          (e) => !named(e),
        );
        const context = document.querySelector("canvas")?.getContext("2d");
        return {
          wide: document.documentElement.scrollWidth,
          nameless: nameless.map((e) => e.outerHTML),
          paper: getComputedStyle(document.body).backgroundColor,
          corner: [...(context?.getImageData(2, 2, 1, 1).data ?? [])].slice(0, 3),
        };
      });
      expect(found).toEqual({ wide: 390, nameless: [], paper: "rgb(16, 21, 27)", corner: [16, 21, 27] });
    }
  });

  it("320 pixels: no part is wider, nor a chosen function and its volumes; few fonts are asked for", async () => {
    const fonts = new Set<string>();
    for (const [part, last] of [
      ["prior", 'tr[data-method="orthant"]'],
      ["train", ".looks tbody tr"],
      ["rescale", ".bars tbody tr"],
      ["study", ".bars tbody tr"],
    ] as const) {
      const page = await open(`part=${part}`, { viewport: { width: 320, height: 640 } });
      await expect.poll(() => page.locator(last).first().textContent(), { timeout: PATIENCE }).toMatch(/\d/);
      const found = await page.evaluate(() => {
        const kinds = new Set<string>();
        for (const e of document.querySelectorAll("body *")) {
          const own = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent?.trim());
          if (!e.checkVisibility() || !(own || e instanceof HTMLInputElement) || e instanceof SVGElement) continue;
          const { fontStyle, fontWeight, fontSize, fontFamily } = getComputedStyle(e);
          kinds.add([fontStyle, fontWeight, fontSize, fontFamily].join(" "));
        }
        return { wide: document.documentElement.scrollWidth, fonts: [...kinds] };
      });
      expect([part, found.wide]).toEqual([part, 320]);
      for (const font of found.fonts) fonts.add(font);
      await context?.close();
    }
    // each is a call to another process in the midst of a layout: 14, 16 and 20 pixels, the last and the others also bold
    expect([...fonts].sort()).toHaveLength(5);
  });
});
