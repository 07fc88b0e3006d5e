/**
 * The package, from its tarball, unmodified in other people's builds: Vite's server and build, webpack, Rollup, esbuild, a script
 * tag of another origin, pages with a strict content security policy, rendering on a server. What is built runs in Chromium.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import * as vite from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import webpack from "webpack";
import { type Answer, answer, CHROMIUM, openUntil, posted, readPost, type Site, serve } from "./browsers/open.ts";
import { installTarball } from "./tarball.ts";

/** What the program posts. */
interface Result {
  readonly digest?: string;
  readonly logP?: number;
  readonly failure?: string;
}

/** A program that uses two entry points, with a worker of each build of the engine. */
const PROGRAM = `
import { countFunctions } from "flatvol";
import { logVolume } from "flatvol/volume";
const post = (result) => fetch("/result", { method: "POST", body: JSON.stringify(result) });
try {
  const table = await countFunctions({ layers: [3, 4, 1] }, { samples: 1000, workers: 1 });
  const digest = await table.digest();
  const question = { network: { layers: [3, 4, 1] }, labels: "17" };
  const { logP } = await logVolume(question, { method: "orthant", samples: 1024, workers: 1 });
  await post({ digest, logP });
} catch (error) {
  await post({ failure: String(error?.stack ?? error) });
}
`;
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>flatvol</title><script type="module" src="/main.js"></script>';

let consumer: string;
let expected: Result;
const at = (...path: string[]): string => join(consumer, ...path);

beforeAll(() => {
  consumer = installTarball();
  writeFileSync(at("main.js"), PROGRAM);
  writeFileSync(at("index.html"), PAGE);
  writeFileSync(
    at("node.mjs"),
    PROGRAM.replace(/const post = .*/, "const post = (x) => console.log(JSON.stringify(x));"),
  );
  expected = JSON.parse(execFileSync(process.execPath, ["node.mjs"], { cwd: consumer, encoding: "utf8" }));
  expect(expected.digest).toMatch(/^[0-9a-f]{64}$/);
}, 120_000);
afterAll(() => rmSync(consumer, { recursive: true, force: true }));

/** Files of a folder, the page at its root. */
function folder(...path: string[]): Site {
  return (pathname) => {
    const file = at(...path, pathname === "/" ? "index.html" : pathname);
    return existsSync(file) ? { body: readFileSync(file) } : undefined;
  };
}

/** What a page does whose program was built into a folder. */
function built(name: string): Promise<Result> {
  if (!existsSync(at(name, "index.html"))) writeFileSync(at(name, "index.html"), PAGE);
  return posted<Result>(CHROMIUM, folder(name), "/");
}

// with CI=true a missing Chromium fails
describe.skipIf(!existsSync(CHROMIUM.path) && process.env.CI !== "true")("embeds unmodified", () => {
  it("Vite: the server for development", async () => {
    let found: (result: Result) => void;
    const result = new Promise<Result>((resolve) => {
      found = resolve;
    });
    const server = await vite.createServer({
      root: consumer,
      configFile: false,
      logLevel: "error",
      cacheDir: at("vite-cache"),
      server: { port: 0, host: "127.0.0.1" },
      plugins: [
        {
          name: "post",
          configureServer: ({ middlewares }) => {
            middlewares.use("/result", (request, response) => {
              readPost(request, (value) => found(value as Result));
              response.end();
            });
          },
        },
      ],
    });
    try {
      await server.listen();
      const [url] = server.resolvedUrls?.local ?? [];
      expect(await openUntil(CHROMIUM, url, result)).toEqual(expected);
    } finally {
      await server.close();
    }
  }, 120_000);

  it("Vite: the build", async () => {
    await vite.build({
      root: consumer,
      configFile: false,
      logLevel: "error",
      build: { outDir: "vite", target: "esnext", emptyOutDir: true },
    });
    expect(await built("vite")).toEqual(expected);
  }, 120_000);

  it("webpack 5", async () => {
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      webpack(
        {
          context: consumer,
          mode: "production",
          entry: "./main.js",
          output: { path: at("webpack"), filename: "main.js" },
          performance: false,
        },
        (error, done) => (error ? reject(error) : resolve(done)),
      );
    });
    expect(stats?.toJson({ errors: true, warnings: true })).toMatchObject({ errors: [], warnings: [] });
    expect(await built("webpack")).toEqual(expected);
  }, 120_000);

  it("Rollup", async () => {
    const warnings: string[] = [];
    const bundle = await rollup({
      input: at("main.js"),
      plugins: [nodeResolve({ browser: true })],
      onwarn: ({ message }) => warnings.push(message),
    });
    await bundle.write({ dir: at("rollup"), format: "es" });
    await bundle.close();
    expect(warnings).toEqual([]);
    expect(await built("rollup")).toEqual(expected);
  }, 120_000);

  it("esbuild", async () => {
    const { warnings } = await esbuild.build({
      absWorkingDir: consumer,
      entryPoints: ["main.js"],
      outfile: at("esbuild", "main.js"),
      bundle: true,
      format: "esm",
      target: "es2022",
      logLevel: "silent",
    });
    expect(warnings).toEqual([]);
    expect(await built("esbuild")).toEqual(expected);
  }, 120_000);

  it("a script tag with the one-file build of another origin", async () => {
    const file = at("node_modules", "flatvol", "dist", "browser.js");
    const site: Site = () => ({ body: readFileSync(file), headers: { "Access-Control-Allow-Origin": "*" } });
    const { server, origin } = await serve((request, response) => answer(site, request, response));
    try {
      const program = PROGRAM.replace('"flatvol"', JSON.stringify(`${origin}/browser.js`))
        .replace(/import \{ logVolume.*/, "")
        .replace(/const question[\s\S]*?const \{ logP \}.*/, "")
        .replace("{ digest, logP }", "{ digest }");
      const page = `<!doctype html><title>flatvol</title><script type="module">${program}</script>`;
      const other: Site = (pathname): Answer | undefined => (pathname === "/" ? { body: page } : undefined);
      expect(await posted<Result>(CHROMIUM, other, "/")).toEqual({ digest: expected.digest });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }, 120_000);

  describe("a page with a strict content security policy", () => {
    const script = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
    /** The program with a pool, under a policy. */
    async function under(policy: string, pool: string): Promise<Result> {
      mkdirSync(at("csp"), { recursive: true });
      writeFileSync(
        at("csp.js"),
        PROGRAM.replace("import { countFunctions }", "import { countFunctions, createPool }")
          .replaceAll("workers: 1", "pool")
          .replace("try {", `const pool = createPool(${pool});\ntry {`),
      );
      await esbuild.build({
        absWorkingDir: consumer,
        entryPoints: ["csp.js"],
        outfile: at("csp", "main.js"),
        bundle: true,
        format: "esm",
      });
      writeFileSync(at("csp", "worker.js"), readFileSync(at("node_modules", "flatvol", "dist", "worker.js")));
      const files = folder("csp");
      const headers = { "Content-Security-Policy": policy };
      const site: Site = (pathname) => {
        const found = pathname === "/" ? { body: PAGE } : files(pathname);
        return found && { ...found, headers };
      };
      return posted<Result>(CHROMIUM, site, "/");
    }

    it("workers of its own origin: the worker option with flatvol/worker", async () => {
      const pool = '{ workers: 1, worker: () => new Worker("/worker.js") }';
      expect(await under(`${script}; worker-src 'self'`, pool)).toEqual(expected);
    }, 120_000);

    it("no workers at all: workers: 0", async () => {
      expect(await under(`${script}; worker-src 'none'`, "{ workers: 0 }")).toEqual(expected);
    }, 120_000);

    it("without either it says what is wrong, and does not hang", async () => {
      const { failure } = await under(`${script}; worker-src 'self'`, "{ workers: 1 }");
      expect(failure).toMatch(
        /^Error: worker died: worker failed to load; where a content security policy forbids blob workers, give `worker`/,
      );
    }, 120_000);
  });
});

it("is imported and rendered on a server without a worker: nothing keeps the process, nothing is started", () => {
  writeFileSync(
    at("server.mjs"),
    `import * as core from "flatvol";
     import * as volume from "flatvol/volume";
     import * as flat from "flatvol/flatness";
     import { countReport } from "flatvol/report";
     const html = \`<p>\${typeof core.countFunctions} \${typeof volume.logVolume} \${typeof flat.train} \${typeof countReport}</p>\`;
     console.log(JSON.stringify({ html, resources: process.getActiveResourcesInfo() }));`,
  );
  const text = execFileSync(process.execPath, ["server.mjs"], { cwd: consumer, encoding: "utf8", timeout: 20_000 });
  const { html, resources } = JSON.parse(text);
  expect(html).toBe("<p>function function function function</p>");
  expect(resources.filter((name: string) => /worker|port/i.test(name))).toEqual([]);
});
