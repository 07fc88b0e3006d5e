/** Every public function and class has an example in its docstring, and every example runs, against the built package. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, describe, expect, it } from "vitest";

/** Entry points with types, and their sources. */
const ENTRIES: ReadonlyArray<readonly [name: string, source: string]> = Object.entries(
  JSON.parse(readFileSync("package.json", "utf8")).exports as Record<string, { types?: string }>,
).flatMap(([path, { types }]) => {
  // the one-file build has the same symbols as the core, and the custom elements have none
  if (types === undefined || path === "./browser" || path === "./elements") return [];
  return [[path.replace(/^\./, "flatvol"), types.replace("./dist/types/", "").replace(/\.d\.ts$/, ".ts")] as const];
});

interface Symbol {
  readonly entry: string;
  readonly name: string;
  readonly examples: readonly string[];
}

function publicSymbols(): { callable: Symbol[]; values: Map<string, string[]> } {
  const program = ts.createProgram(
    ENTRIES.map(([, source]) => source),
    {
      allowImportingTsExtensions: true,
      noEmit: true,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
    },
  );
  const checker = program.getTypeChecker();
  const values = new Map<string, string[]>();
  const callable = ENTRIES.flatMap(([entry, source]) => {
    const file = checker.getSymbolAtLocation(program.getSourceFile(source) as ts.SourceFile) as ts.Symbol;
    return checker.getExportsOfModule(file).flatMap((exported): Symbol[] => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      if (!(symbol.flags & ts.SymbolFlags.Value)) return [];
      values.set(entry, [...(values.get(entry) ?? []), exported.name]);
      if (!(symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class))) return [];
      const examples = symbol
        .getJsDocTags(checker)
        .filter(({ name }) => name === "example")
        .map(({ text }) => ts.displayPartsToString(text));
      return [{ entry, name: exported.name, examples }];
    });
  });
  return { callable, values };
}

const { callable, values } = publicSymbols();
const folder = mkdtempSync(join(tmpdir(), "flatvol-examples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "node_modules"));
symlinkSync(process.cwd(), join(folder, "node_modules", "flatvol"));
mkdirSync(join(folder, "state"));
// CIFAR-10's format, one picture
mkdirSync(join(folder, "cifar-10-batches-bin"));
for (const k of [1, 2, 3, 4, 5]) {
  writeFileSync(join(folder, "cifar-10-batches-bin", `data_batch_${k}.bin`), new Uint8Array(3073));
}

/** Imports for the names that an example uses: of its own entry first. */
function importsFor(example: string, entry: string): string {
  const order = [entry, ...[...values.keys()].filter((other) => other !== entry)];
  const taken = new Set<string>();
  return order
    .map((from) => {
      const names = (values.get(from) ?? []).filter(
        (name) => !taken.has(name) && new RegExp(`\\b${name}\\b\\s*\\(`).test(example),
      );
      for (const name of names) taken.add(name);
      return names.length > 0 ? `import { ${names.join(", ")} } from "${from}";\n` : "";
    })
    .join("");
}

describe("examples", () => {
  it("are there for every public function and class", () => {
    expect(callable.length).toBeGreaterThan(35);
    expect(
      callable.filter(({ examples }) => examples.length === 0).map(({ entry, name }) => `${entry}: ${name}`),
    ).toEqual([]);
  });

  it.each(callable.map(({ entry, name, examples }) => [entry, name, examples] as const))(
    "%s: %s",
    async (entry, name, examples) => {
      for (const [i, example] of examples.entries()) {
        const file = `${name}-${i}.mjs`;
        const imports = importsFor(example, entry);
        expect(imports).toContain("import {");
        writeFileSync(join(folder, file), imports + example);
        const { stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder, timeout: 120_000 });
        expect(stderr).toBe("");
      }
    },
    120_000,
  );
});
