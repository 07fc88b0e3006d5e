/** The example in README.md, as it stands, against the built package. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const readme = readFileSync("README.md", "utf8");

it("README's TypeScript example runs as it stands and prints what it says", () => {
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  // a package may import itself by name, through its own exports
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", example], {
    encoding: "utf8",
    timeout: 120_000,
  });
  expect([stderr, status]).toEqual(["", 0]);
  const lines = stdout.trim().split("\n");
  expect(lines).toHaveLength(6);
  expect(lines[3]).toMatch(/^P = 0\.0\d+, from an orbit of 2 functions$/);
  expect(lines[5]).toMatch(/^[0-9a-f]{64}$/);
});

it("every npm script that README and CONTRIBUTING name exists", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  const text = readme + readFileSync("CONTRIBUTING.md", "utf8");
  const named = [...text.matchAll(/npm run (?:-s )?([a-z:]+)/g)].map((m) => m[1]);
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect(scripts).toHaveProperty([name]);
});

/** The example that imports from an entry point. */
function exampleOf(entry: string): string {
  const all = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);
  return all.find((code) => code.includes(`"${entry}"`)) ?? "";
}

it("README's volume example runs and prints two methods' log10 P with errors", () => {
  const example = exampleOf("flatvol/volume");
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", example], {
    encoding: "utf8",
    timeout: 300_000,
  });
  expect([stderr, status]).toEqual(["", 0]);
  const [finite, error, infinite, small] = stdout.trim().split(" ").map(Number);
  // of width 40 and of infinite width: they differ, but not by much
  expect(Math.abs(finite + 14)).toBeLessThan(1.5);
  expect(error).toBeLessThan(2);
  expect(infinite).toBeCloseTo(-14.49, 2);
  expect(small).toBeLessThan(0.01);
}, 300_000);

it("README's flatness example runs and prints a converged training with finite measures", () => {
  const example = exampleOf("flatvol/flatness");
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", example], {
    encoding: "utf8",
    timeout: 120_000,
  });
  expect([stderr, status]).toEqual(["", 0]);
  const [converged, keskar, trace, error, invariant] = stdout.trim().split(" ");
  expect([converged, invariant]).toEqual(["true", "false"]);
  for (const number of [keskar, trace]) expect(Number(number)).toBeGreaterThan(0);
  expect(Number(error)).toBeGreaterThanOrEqual(0);
});
