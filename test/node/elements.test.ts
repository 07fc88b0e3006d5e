/**
 * `<flatvol-prior>` and `<flatvol-rescale>` in other people's pages, in real Chromium: one script tag, from another origin and
 * under a strict content security policy. `node scripts/build.mjs` has run before.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answer, CHROMIUM, type Site, serve } from "./browsers/open.ts";

const PATIENCE = 45_000;
const eventually = <T>(what: () => T | Promise<T>) => expect.poll(what, { timeout: PATIENCE, interval: 60 });
const ELEMENTS = readFileSync("dist/elements.js");
const WORKER = readFileSync("dist/worker.js");

let browser: Browser;
const ends: Array<() => unknown> = [];
beforeAll(async () => {
  if (!existsSync(CHROMIUM.path) && process.env.CI !== "true") return;
  browser = await chromium.launch({ executablePath: CHROMIUM.path, args: ["--no-sandbox", "--disable-gpu"] });
});
afterAll(async () => {
  for (const end of ends) await end();
  await browser?.close();
});

async function host(site: Site): Promise<string> {
  const { server, origin } = await serve((request, response) => answer(site, request, response));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return origin;
}

/** A page whose body is given; what it complains of is kept. */
async function open(body: string, headers: Record<string, string> = {}): Promise<{ page: Page; complaints: string[] }> {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>An article</title><link rel="icon" href="data:,">${body}</html>`;
  const origin = await host((pathname) => {
    if (pathname === "/") return { body: html, headers };
    if (pathname === "/elements.js") return { body: ELEMENTS };
    return pathname === "/worker.js" ? { body: WORKER, headers } : undefined;
  });
  const context = await browser.newContext({ viewport: { width: 900, height: 800 } });
  ends.push(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(`${origin}/`);
  return { page, complaints };
}

/** Networks that the first element has counted. */
const counted = async (page: Page): Promise<number> =>
  Number((await page.locator("flatvol-prior .cards dd").first().textContent())?.replaceAll(",", "").replace("–", "0"));
const SCRIPT = '<script type="module" src="/elements.js"></script>';

// with CI=true a missing Chromium fails
describe.skipIf(!existsSync(CHROMIUM.path) && process.env.CI !== "true")("the custom elements", () => {
  it("from another origin: both figures work, share the workers, and end with the last of them", async () => {
    const other = await host(() => ({ body: ELEMENTS, headers: { "Access-Control-Allow-Origin": "*" } }));
    const { page, complaints } = await open(
      `<flatvol-prior bits="3" width="8"></flatvol-prior><flatvol-rescale alpha="4"></flatvol-rescale>
       <script type="module" src="${other}/elements.js"></script>`,
    );
    await eventually(() => counted(page)).toBeGreaterThan(20_000);
    // 256 functions at the most
    expect(Number(await page.locator("flatvol-prior .cards dd").nth(2).textContent())).toBeLessThanOrEqual(256);
    await page.locator("flatvol-rescale").scrollIntoViewIfNeeded();
    const trace = page.locator('flatvol-rescale tr[data-measure="trace"]');
    await eventually(() => trace.locator(".tag").textContent()).toBe("moves");
    await eventually(() =>
      page.locator('flatvol-rescale tr[data-measure="fisher-rao"] td').nth(1).textContent(),
    ).toMatch(/^× (1\.00|0\.99\d|1\.000?)/);
    expect(await page.locator("flatvol-rescale .cards dd").first().textContent()).toBe("4.00");
    // the page's own style does not reach in, nor theirs out
    expect(await page.evaluate(() => getComputedStyle(document.body).fontFamily)).not.toContain("system-ui");
    const pool = page.workers().length;
    expect(pool).toBeGreaterThan(0);
    await page.evaluate(() => document.querySelector("flatvol-prior")?.remove());
    await page.waitForTimeout(300);
    expect(page.workers().length).toBeGreaterThan(0);
    await page.evaluate(() => document.querySelector("flatvol-rescale")?.remove());
    await eventually(() => page.workers().length).toBe(0);
    expect(complaints).toEqual([]);
  }, 120_000);

  it("shows what is asked for, follows attributes, keeps what its reader set, and tells of it", async () => {
    const { page, complaints } = await open(
      `<flatvol-prior bits="3" show="numbers settings"></flatvol-prior>${SCRIPT}
       <script>
         document.addEventListener("flatvol-change", (event) => { window.told = event.detail; });
       </script>`,
    );
    await eventually(() => counted(page)).toBeGreaterThan(0);
    const prior = page.locator("flatvol-prior");
    expect(await prior.locator("figure").first().isVisible()).toBe(false);
    expect(await prior.locator("h2").isVisible()).toBe(false);
    expect(await prior.locator("fieldset").isVisible()).toBe(true);
    const widths = prior.getByLabel("Width of each");
    await widths.fill("12");
    expect(await page.evaluate(() => (window as never as { told: unknown }).told)).toMatchObject({
      bits: "3",
      width: "12",
      "sigma-w2": "2",
    });
    await page.evaluate(() => {
      const element = document.querySelector("flatvol-prior") as HTMLElement;
      element.setAttribute("bits", "4");
      element.setAttribute("show", "settings zipf");
    });
    await eventually(() => prior.getByLabel("Input bits n").inputValue()).toBe("4");
    expect(await widths.inputValue()).toBe("12");
    expect(await prior.locator("figure").first().isVisible()).toBe(true);
    expect(await prior.locator("figure").nth(1).isVisible()).toBe(false);
    // moved, it goes on; out of the window it rests
    await page.evaluate(() => {
      const space = document.createElement("div");
      space.style.height = "5000px";
      document.body.prepend(space);
      document.body.append(document.querySelector("flatvol-prior") as HTMLElement);
      scrollTo(0, 0);
    });
    await eventually(() => prior.locator("section.part").getAttribute("data-state")).toBe("paused");
    await prior.scrollIntoViewIfNeeded();
    await eventually(() => prior.locator("section.part").getAttribute("data-state")).toBe("running");
    expect(complaints).toEqual([]);
  }, 120_000);

  it.each([
    ['<flatvol-prior bits="99">', 'flatvol-prior: bits: expected a number from 3 to 7, got "99"'],
    ['<flatvol-prior function="ff">', "flatvol-prior: function: expected 32 hex digits for 7 bits, got 2"],
    ['<flatvol-prior show="zipf cloud">', "flatvol-prior: show: expected names among title, settings, numbers, zipf,"],
    ['<flatvol-rescale alpha="60">', 'flatvol-rescale: alpha: expected a number from 0.125 to 8, got "60"'],
    ['<flatvol-rescale target="<b>">', "flatvol-rescale: target: expected one of majority, "],
    ['<flatvol-rescale workers="many">', 'flatvol-rescale: workers: expected a number from 0 to 999, got "many"'],
  ])(
    "says in its place what is wrong: %s",
    async (tag, message) => {
      const { page } = await open(`${tag}</${tag.slice(1).split(" ")[0]}>${SCRIPT}`);
      const problem = page.getByRole("alert").filter({ hasText: "expected" });
      await eventually(() => problem.textContent()).toContain(message);
      expect(page.workers()).toEqual([]);
      // set right, it works
      const [attribute] = message.split(": ").slice(1);
      await page.evaluate((name) => document.body.firstElementChild?.removeAttribute(name), attribute);
      await eventually(() => page.locator("section.part").getAttribute("data-state")).toBe("running");
    },
    120_000,
  );

  it("under a strict content security policy, with a worker of the page's own origin, or with none", async () => {
    const policy =
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; img-src data:; style-src 'none'";
    for (const how of ['worker="/worker.js"', 'workers="0"']) {
      const { page, complaints } = await open(
        `<flatvol-prior bits="4" ${how}></flatvol-prior><flatvol-rescale ${how}></flatvol-rescale>${SCRIPT}`,
        { "Content-Security-Policy": policy },
      );
      await eventually(() => counted(page)).toBeGreaterThan(10_000);
      const splitting = page.locator('flatvol-prior tr[data-method="splitting"] td').first();
      await eventually(() => splitting.textContent()).toMatch(/^−\d/);
      await page.locator("flatvol-rescale").scrollIntoViewIfNeeded();
      await eventually(() => page.locator('flatvol-rescale tr[data-measure="trace"] .tag').count()).toBe(1);
      // the styles are there
      expect(await page.evaluate(() => document.querySelector("flatvol-prior")?.shadowRoot?.styleSheets.length)).toBe(
        0,
      );
      expect(
        await page
          .locator("flatvol-prior .cards")
          .evaluate((cards) => [getComputedStyle(cards).display, getComputedStyle(cards).marginTop]),
      ).toEqual(["grid", "12.8px"]);
      expect(complaints).toEqual([]);
      await page.close();
    }
  }, 180_000);

  it("takes the colours of the page's scheme, also when it changes", async () => {
    const { page } = await open(`<flatvol-prior bits="3"></flatvol-prior>${SCRIPT}`);
    await eventually(() => counted(page)).toBeGreaterThan(0);
    const ink = (): Promise<string> =>
      page
        .locator("flatvol-prior canvas")
        .first()
        .evaluate((canvas) => getComputedStyle(canvas).color);
    expect(await ink()).toBe("rgb(26, 32, 39)");
    const axis = (): Promise<number[]> =>
      page
        .locator("flatvol-prior canvas")
        .first()
        .evaluate((canvas) => {
          const { width, height } = canvas as HTMLCanvasElement;
          const context = (canvas as HTMLCanvasElement).getContext("2d") as CanvasRenderingContext2D;
          const { data } = context.getImageData(0, 0, width, height);
          // the mean lightness of what is painted
          let [sum, weight] = [0, 0];
          for (let i = 0; i < data.length; i += 4) {
            sum += (data[i] + data[i + 1] + data[i + 2]) * data[i + 3];
            weight += 3 * data[i + 3];
          }
          return [sum / weight, weight];
        });
    await page.locator("flatvol-prior button.main").click();
    const [light] = await axis();
    await page.evaluate(() => {
      document.documentElement.style.colorScheme = "dark";
    });
    await eventually(ink).toBe("rgb(230, 235, 240)");
    // painted anew although nothing runs
    await eventually(async () => Math.abs((await axis())[0] - light)).toBeGreaterThan(20);
  }, 120_000);
});

it("is imported on a server without harm", () => {
  const text = execFileSync(
    process.execPath,
    ["-e", 'import("./dist/elements.js").then((x) => console.log(Object.keys(x)))'],
    {
      encoding: "utf8",
    },
  );
  expect(text.trim()).toBe("[]");
});
