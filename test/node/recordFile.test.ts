import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { recordsToParquet } from "../../src/report/recordTable.ts";
import { RecordFile } from "../../src/study/recordFile.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "flatvol-records-test-"));
  path = join(directory, "records.partial.jsonl");
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

const identity = { study: "s", seed: "1", settings: { n: 3 } };

function write(count: number): void {
  const file = new RecordFile(path, identity);
  for (let i = 0; i < count; i++) file.add(`k ${i}`, JSON.stringify({ i, text: 'ä "]\n' }));
  file.close();
}

const keysOf = (): string[] => {
  const file = new RecordFile(path, identity);
  file.close();
  return [...file.found.keys()];
};

describe("RecordFile", () => {
  it("gives back what it was given", () => {
    write(3);
    const file = new RecordFile(path, identity);
    expect([...file.found]).toEqual([0, 1, 2].map((i) => [`k ${i}`, { i, text: 'ä "]\n' }]));
    file.add("k 3", "null");
    file.close();
    expect(keysOf()).toHaveLength(4);
    file.remove();
    expect(fs.existsSync(path)).toBe(false);
  });

  it("survives a cut at any byte: whole records stay, and the file goes on from there", () => {
    write(3);
    const whole = fs.readFileSync(path);
    const ends = [...whole.entries()].flatMap(([at, byte]) => (byte === 10 ? [at + 1] : []));
    expect(ends).toHaveLength(4);
    for (let cut = 0; cut <= whole.length; cut += 7) {
      fs.writeFileSync(path, whole.subarray(0, cut));
      const sound = Math.max(0, ends.filter((end) => end <= cut).length - 1);
      const file = new RecordFile(path, identity);
      expect(file.found.size).toBe(sound);
      file.add("more", "1");
      file.close();
      expect(keysOf()).toHaveLength(sound + 1);
    }
  });

  it("refuses records of another study, settings, seed, and what are no records", () => {
    write(1);
    for (const other of [{ study: "t" }, { seed: "2" }, { settings: { n: 4 } }]) {
      expect(() => new RecordFile(path, { ...identity, ...other })).toThrow(
        /^"records\.partial\.jsonl": expected records of the same study, settings, seed and version/,
      );
    }
    // and leaves them alone
    expect(keysOf()).toEqual(["k 0"]);
    fs.writeFileSync(path, "something else\n");
    expect(() => new RecordFile(path, identity)).toThrow(/got something else$/);
    expect(fs.readFileSync(path, "utf8")).toBe("something else\n");
  });

  it("refuses a record that was changed", () => {
    write(3);
    const text = fs.readFileSync(path, "utf8");
    fs.writeFileSync(path, text.replace('"i":1', '"i":7'));
    expect(() => new RecordFile(path, identity)).toThrow(/expected record 2 as it was written, got a damaged one/);
    // the last one counts as cut short
    fs.writeFileSync(path, text.replace('"i":2', '"i":7'));
    expect(keysOf()).toEqual(["k 0", "k 1"]);
  });
});

describe("recordsToParquet", () => {
  it("flattens records; another reader finds them again", async () => {
    const records = [
      { key: "a", ok: true, measures: { trace: { value: 1.5 } }, list: [1, 2], nothing: null },
      { key: "b", ok: false, measures: {}, list: [], nothing: null },
    ];
    const file = join(directory, "r.parquet");
    fs.writeFileSync(file, recordsToParquet(records, { study: "s" }));
    const buffer = await asyncBufferFromFile(file);
    expect(await parquetReadObjects({ file: buffer })).toEqual([
      { key: "a", ok: true, "measures.trace.value": 1.5, list: "[1,2]" },
      { key: "b", ok: false, "measures.trace.value": null, list: "[]" },
    ]);
    const { key_value_metadata: metadata } = await parquetMetadataAsync(buffer);
    expect(metadata?.find(({ key }) => key === "flatvol")?.value).toBe('{"study":"s"}');
  });

  it("refuses a column of two kinds", () => {
    expect(() => recordsToParquet([{ a: 1 }, { a: "x" }], {})).toThrow(/one kind of values in a, got number, string/);
  });
});
