/** A whole study on pictures, from the command line: some forty seconds of one core. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

/** The built command: `node scripts/build.mjs` has run before. */
const CLI = "dist/cli.js";

let scratch: string;
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), "flatvol-pictures-test-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

function run(args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, "study", ...args], { encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

const read = (directory: string) => JSON.parse(fs.readFileSync(join(directory, "records.json"), "utf8"));

/** IDX files of pictures of 4 x 4 pixels, whose label says in which half they are brighter. */
function writeDigits(directory: string, count: number): void {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const labels = Uint8Array.from({ length: count }, () => Math.floor(10 * next()));
  const pixels = Uint8Array.from({ length: 16 * count }, (_, i) =>
    Math.floor(next() * (i % 16 < 8 === labels[i >> 4] >= 5 ? 255 : 128)),
  );
  const head = (...sizes: number[]): number[] => [
    ...[0, 0, 8, sizes.length],
    ...sizes.flatMap((size) => [size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255]),
  ];
  fs.mkdirSync(directory);
  const put = (name: string, ...parts: Array<ArrayLike<number>>): void =>
    fs.writeFileSync(join(directory, name), Buffer.concat(parts.map((part) => Uint8Array.from(part))));
  put("train-images-idx3-ubyte", head(count, 4, 4), pixels);
  put("train-labels-idx1-ubyte", head(count), labels);
}

it("reads pictures from files of the user's, finds volumes of functions on them, and writes its report", () => {
  const data = join(scratch, "idx");
  writeDigits(data, 1600);
  const out = join(scratch, "mnist");
  const { code, out: text, err } = run(["mnist", "--quick", "--json", "--data", data, "--out", out]);
  expect([code, err]).toEqual([0, ""]);
  const { records, correlations, finding } = JSON.parse(text);
  // what the pictures are, five networks and three of the audit
  expect(records).toBe(9);
  expect(correlations.map(({ x }: { x: string }) => x)).toEqual(expect.arrayContaining(["ep", "ep-probit", "ones"]));
  expect(finding).toMatch(/digits ≥ 5/);
  const [pictures, ...networks] = read(out).records;
  expect(pictures.kind).toBe("data");
  // flipped labels of pictures of 16 pixels are not always learned: such networks are kept, without a volume
  expect(networks).toHaveLength(8);
  expect(networks.filter(({ converged }: { converged: boolean }) => converged).length).toBeGreaterThan(2);
  for (const { volumes, converged } of networks) {
    if (!converged) expect(volumes).toEqual({});
    for (const method of converged ? ["ep", "ep-probit"] : []) {
      expect(volumes[method].log10P).toBeLessThan(pictures.volumeOfS[method].log10P);
    }
  }
  expect(fs.readFileSync(join(out, "report.html"), "utf8")).toContain("What tells how well a network reads digits?");
});
