/** What reaches users: the built package, `node scripts/build.mjs` has run before. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, inflateSync } from "node:zlib";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installTarball } from "./tarball.ts";

const TSC = "node_modules/typescript/bin/tsc";
const manifest = JSON.parse(readFileSync("package.json", "utf8"));

/** Everything that a module of dist imports, statically or not, followed through relative paths. */
function reached(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const source = readFileSync(join("dist", file), "utf8");
    for (const [, , from] of source.matchAll(/^(?! *\*).*(\bfrom|\bimport|\bimport\()\s*["']([^"']+)["']/gm)) {
      if (from.startsWith(".")) visit(join(file, "..", from));
      else packages.add(from);
    }
  };
  visit(entry);
  return { files, packages };
}

/** JavaScript of everything that an entry reaches, and the exports of each Wasm module in it. */
function carried(entry: string): { script: string; modules: string[][] } {
  const script = [...reached(entry).files].map((file) => readFileSync(join("dist", file), "utf8")).join("\n");
  const modules = [...script.matchAll(/["'`]([A-Za-z0-9+/]{1000,}={0,2})["'`]/g)].map(([, text]) => {
    const module = new WebAssembly.Module(inflateSync(Buffer.from(text, "base64")));
    return WebAssembly.Module.exports(module).map(({ name }) => name);
  });
  return { script, modules };
}

describe("package", () => {
  it("passes publint", async () => {
    const { messages } = await publint({ pkgDir: ".", strict: true });
    expect(messages.map((m) => formatMessage(m, manifest))).toEqual([]);
  });

  it("the core reaches Comlink and nothing else; the other entry points share its modules", () => {
    expect([...reached("index.js").packages]).toEqual(["comlink"]);
    expect([...reached("browser.js").packages]).toEqual([]);
    const node = reached("node.js");
    expect([...node.packages]).toContain("hyparquet-writer");
    expect([...reached("report.js").packages]).toContain("@observablehq/plot");
  });

  it("the core carries no kernel and no code of training and flatness; flatvol/flatness carries both builds", () => {
    const ofTraining = ["hessianAt", "trainSteps", "tridiagonalRow"];
    for (const entry of ["index.js", "browser.js"]) {
      const { script, modules } = carried(entry);
      expect(modules).toHaveLength(1);
      expect(modules[0]).toContain("sampleFunctions");
      for (const name of ofTraining) {
        expect([entry, name, modules[0].includes(name), script.includes(name)]).toEqual([entry, name, false, false]);
      }
    }
    const { script, modules } = carried("flatness.js");
    expect(modules).toHaveLength(2);
    for (const name of ofTraining) {
      expect([name, modules.filter((names) => names.includes(name)).length]).toEqual([name, 1]);
      expect(script).toContain(name);
    }
  });

  it("carries the licences of what it bundles", () => {
    const notice = readFileSync("dist/THIRD_PARTY_LICENSES.txt", "utf8");
    expect(notice).toContain("Paul Miller");
    expect(notice).toContain("Apache License");
  });

  it("the core is below 60 kB gzipped, JavaScript and Wasm", () => {
    const bytes = gzipSync(readFileSync("dist/browser.js"), { level: 9 }).length;
    expect(bytes).toBeLessThan(60_000);
    const said = /core \(JS and Wasm\) is (\d+) kB gzipped/.exec(readFileSync("README.md", "utf8"));
    expect(Math.abs(Number(said?.[1]) - bytes / 1000)).toBeLessThan(1);
  });
});

describe("installed from its tarball", () => {
  let consumer: string;
  const node = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: consumer, encoding: "utf8" });

  beforeAll(() => {
    consumer = installTarball();
  }, 120_000);
  afterAll(() => rmSync(consumer, { recursive: true, force: true }));

  const digest = `const t = await countFunctions({ layers: [3, 4, 1] }, { samples: 1000, workers: 1 });
    process.stdout.write(await t.digest());`;

  it("import, require and the one-file build give one digest; the process exits by itself", () => {
    writeFileSync(join(consumer, "esm.mjs"), `import { countFunctions } from "flatvol";${digest}`);
    writeFileSync(join(consumer, "one.mjs"), `import { countFunctions } from "flatvol/browser";${digest}`);
    writeFileSync(
      join(consumer, "cjs.cjs"),
      `const { countFunctions } = require("flatvol");(async () => {${digest}})();`,
    );
    const esm = node("esm.mjs");
    expect(esm).toMatch(/^[0-9a-f]{64}$/);
    expect(node("one.mjs")).toBe(esm);
    expect(node("--no-warnings", "cjs.cjs")).toBe(esm);
  });

  it("its types are found and strict", () => {
    writeFileSync(
      join(consumer, "use.ts"),
      `import { countFunctions, type FunctionTable } from "flatvol";
       import { spillToDisk, writeTable } from "flatvol/node";
       const table: FunctionTable = await countFunctions({ layers: [3, 4, 1] }, { samples: 10, spill: spillToDisk("x") });
       await writeTable(table, "t.csv");
       // @ts-expect-error layers is a list
       await countFunctions({ layers: 3 }, { samples: 10 });
       export const p: number = table.probability("00").probability;`,
    );
    for (const [module, moduleResolution] of [
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ]) {
      const lib = ["es2023", "dom", "dom.iterable"];
      const compilerOptions = {
        strict: true,
        noEmit: true,
        target: "es2023",
        lib,
        types: [],
        module,
        moduleResolution,
      };
      writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
      const tsc = spawnSync(process.execPath, [TSC, "-p", consumer], { encoding: "utf8" });
      expect(tsc.stdout).toBe("");
      expect(tsc.status).toBe(0);
    }
  });

  it("has the command", () => {
    const cli = join("node_modules", "flatvol", manifest.bin.flatvol);
    expect(node(cli, "--version").trim()).toBe(manifest.version);
    expect(readFileSync(join(consumer, cli), "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
